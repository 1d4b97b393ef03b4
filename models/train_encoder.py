"""Trains the encoder: a large pretrained model learns the corpus, and teaches a small one on real news that nobody labelled.

    corpus (English, without the frozen items) -> teacher
    unlabelled news that names two states -> the teacher's probabilities -> student
    twice; the mean of both students -> `encoder.onnx`, `pieces.txt`, `encoder.json`

The student sees no item of the corpus, so that its scores of them can be calibrated on; and it learns on the register of real news. No
sentence of the unlabelled news is written anywhere. It needs the packages of requirements/train.lock and the two pretrained
models as folders (`models.distill.pretrained`); `make teach` does all of it.
The same inputs and seed give the same figures, though not the same bytes on every machine.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click

from models.artifact import TRAINED, load
from models.dataset import corpus_digest, read_corpus, read_measured, split_frozen
from models.distill.pretrained import sha256_of
from models.encoder import DESCRIPTION_FILE, ENCODER_FILE, FORMAT, PIECES_FILE, SHIPPED
from models.errors import ModelError
from models.labels import DOMAINS, LABELS
from models.reading import ENCODED, Reading, read
from models.results import Text
from models.scoring import coefficients

#: Teachers, each with its student. The students begin alike, so that the mean of their weights is a network again: steadier than each, and
#: no slower than one (Wortsman et al. 2022).
RUNS = 2
#: Unlabelled texts that the student learns from, at most, and characters of each.
MAX_TEXTS = 26_000
_SHORTEST, _LONGEST = 40, 900
#: Share of the texts that the linear model scores above these log-odds (a probability of .15) for some label.
_LIKELY_SHARE, _LIKELY = 0.7, -1.73
#: Words in a row that an unlabelled text may not share with a measured item.
_RUN = 6
_WEIGHTS = "model.safetensors"


@dataclass(frozen=True, slots=True)
class Sources:
    """What the encoder is made of.

    Attributes:
        corpus: folder of labelled items.
        base: folder of the small pretrained model that the student begins as.
        teacher: folder of the large one.
        unlabelled: `*.jsonl.gz` files with `title` and `text`.
        measured: labelled files whose items must not be among the unlabelled texts.
    """

    corpus: Path
    base: Path
    teacher: Path
    unlabelled: tuple[Path, ...]
    measured: tuple[Path, ...] = field(default=())


def train_encoder(sources: Sources, out_dir: Path, seed: int = 0, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Trains the encoder, writes its three files into `out_dir`, and gives the description back. About two hours on two cores.

    Raises:
        ModelError: if a source is missing, or the packages of requirements/train.lock are.
    """
    try:
        from models.distill.export import export
        from models.distill.network import Plan, averaged, probabilities, train_network
    except ImportError as error:
        raise ModelError(
            f"Training the encoder needs a package that is not installed: {error.name}.", where="models.train_encoder",
            expected="the packages of requirements/train.lock", todo="make teach",
        ) from error  # fmt: skip
    _check(sources)
    known = [item for item in split_frozen(read_corpus(sources.corpus))[0] if item.language in ENCODED]
    texts = [encoder_text(read(Text(item.title, item.text, language=item.language))) for item in known]
    unlabelled = unlabelled_texts(sources, seed)
    students = []
    for run in range(seed, seed + RUNS):
        teaching = Plan(epochs=3, rate=5e-5, layer_decay=0.85, frozen_layers=4, dropout=0.1, seed=run)
        learning = Plan(epochs=3, rate=1.5e-4, seed=run)
        say(f"run {run}: teacher, {len(texts)} items")
        teacher = train_network(sources.teacher, texts, _flags(known), teaching, say)
        say(f"run {run}: student, {len(unlabelled)} texts")
        students.append(train_network(sources.base, unlabelled, probabilities(teacher, unlabelled), learning, say))
    export(averaged(students), [*unlabelled, *texts], out_dir)
    plans = {"teacher": asdict(teaching), "student": asdict(learning)}
    return _describe(sources, out_dir, {"items": len(known), "texts": len(unlabelled), "plans": plans})


def encoder_text(reading: Reading) -> str:
    """A whole item as the encoder reads it: its actors masked, other names kept."""
    return reading.plain_window(range(len(reading.passages)))


def unlabelled_texts(sources: Sources, seed: int) -> list[str]:
    """At most `MAX_TEXTS` texts that name two states, each once, none of which shares a run of words with a measured item."""
    taken = {run for path in sources.measured for item in read_measured(path) for run in _runs(f"{item.title} {item.text}")}
    found: dict[str, tuple[str, str]] = {}
    for title, body in _rows(sources.unlabelled):
        if not _SHORTEST <= len(body) <= _LONGEST:
            continue
        reading = read(Text(title, body, language=ENCODED[0]))
        if len(reading.actors) > 1 and not taken.intersection(_runs(f"{title} {body}")):
            found.setdefault(body[:80].lower(), (encoder_text(reading), reading.masked))
    texts = list(found.values())
    random.Random(seed).shuffle(texts)
    return _mixed(texts)


def _mixed(texts: Sequence[tuple[str, str]]) -> list[str]:
    """At most `MAX_TEXTS` of the texts, `_LIKELY_SHARE` of them such as the linear model finds likely to carry a signal.

    Args:
        texts: (as the encoder reads it, as the linear model does), shuffled.
    """
    pipeline = load().pipeline
    weights, intercepts = coefficients(pipeline)
    scores = pipeline.named_steps["features"].transform([masked for _, masked in texts]) @ weights + intercepts
    likely = (scores[:, : len(LABELS)] > _LIKELY).any(axis=1)
    first = [text for (text, _), flag in zip(texts, likely, strict=True) if flag]
    second = [text for (text, _), flag in zip(texts, likely, strict=True) if not flag]
    wanted = min(len(first), int(MAX_TEXTS * _LIKELY_SHARE))
    return [*first[:wanted], *second[: MAX_TEXTS - wanted]]


def _rows(paths: Sequence[Path]) -> Iterator[tuple[str, str]]:
    for path in paths:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                yield row.get("title") or "", row.get("text") or ""


def _runs(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[start : start + _RUN]) for start in range(len(words) - _RUN + 1)}


def _flags(items: Sequence[Any]) -> Any:
    from models.train import target_flags

    return target_flags(items).astype(float)


def _check(sources: Sources) -> None:
    needed = [folder / name for folder in (sources.base, sources.teacher) for name in (_WEIGHTS, "config.json", "tokenizer.json")]
    for path in (*needed, *sources.unlabelled, *sources.measured):
        if not path.is_file():
            raise ModelError(
                "A source of the encoder is missing.", where=str(path), expected="a file", todo="name another folder"
            )


def _describe(sources: Sources, folder: Path, made: dict[str, Any]) -> dict[str, Any]:
    """Writes `encoder.json`: what the encoder is, what it was made of, by hash."""
    description = {
        "format": FORMAT,
        "targets": [*map(str, LABELS), *map(str, DOMAINS)],
        "files": {name: sha256_of(folder / name) for name in (ENCODER_FILE, PIECES_FILE)},
        "corpus_sha256": corpus_digest(sources.corpus),
        "base_sha256": sha256_of(sources.base / _WEIGHTS),
        "teacher_sha256": sha256_of(sources.teacher / _WEIGHTS),
        "unlabelled_sha256": {path.name: sha256_of(path) for path in sources.unlabelled},
        **made,
    }
    (folder / DESCRIPTION_FILE).write_text(json.dumps(description, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return description


@click.command()
@click.argument("pretrained", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--corpus", type=click.Path(path_type=Path), default=TRAINED.with_name("corpus"), help="Directory of the corpus.")
@click.option("--unlabelled", type=click.Path(path_type=Path), multiple=True, required=True, help="*.jsonl.gz of news.")
@click.option("--measured", type=click.Path(path_type=Path), multiple=True, help="Labelled items to keep out.")
@click.option("--out", type=click.Path(path_type=Path), default=SHIPPED, help="Directory to write the encoder to.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of everything random.")
def main(pretrained: Path, corpus: Path, unlabelled: tuple[Path, ...], measured: tuple[Path, ...], out: Path, seed: int) -> None:
    """Trains the encoder from the two pretrained models in PRETRAINED/base and PRETRAINED/teacher."""
    sources = Sources(corpus, pretrained / "base", pretrained / "teacher", unlabelled, measured)
    click.echo(json.dumps(train_encoder(sources, out, seed, click.echo), indent=2, sort_keys=True))


if __name__ == "__main__":
    main()
