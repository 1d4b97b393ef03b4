"""Trains the encoder: large pretrained networks learn the corpus, and teach a small one on real news that nobody labelled.

    corpus (English, without the frozen items) -> teacher
    unlabelled news that names two states -> the teacher's answers -> student
    twice; the mean of both students' weights -> `encoder.onnx`, `pieces.txt`, `encoder.json`

The student sees no item of the corpus, so that its scores of them can be calibrated on; and it learns on the register of real news. No
sentence of the unlabelled news is written anywhere. It needs the packages of requirements/train.lock and the two pretrained
models as folders (`models.distill.pretrained`); `make teach` does all of it.
The same inputs and seed give the same figures, though not the same bytes on every machine.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import click
import numpy as np
from numpy.typing import NDArray

from models.artifact import TRAINED
from models.dataset import Item, corpus_digest, read_corpus, split_frozen
from models.distill.news import encoder_text, unlabelled_texts
from models.distill.plan import Plan
from models.distill.pretrained import sha256_of
from models.encoder import DESCRIPTION_FILE, ENCODER_FILE, FORMAT, PIECES_FILE, SHIPPED
from models.errors import ModelError
from models.labels import DOMAINS, LABELS
from models.reading import ENCODED, read
from models.results import Text
from models.train import target_flags

#: Teachers, each with its student. The students begin alike, so that the mean of their weights is a network again: steadier than each, and
#: no slower than one (Wortsman et al. 2022).
RUNS = 2
TEACHING = Plan(epochs=3, rate=5e-5, layer_decay=0.85, frozen_layers=4, dropout=0.1)
LEARNING = Plan(epochs=4, rate=1.5e-4)
_WEIGHTS = "model.safetensors"

Floats = NDArray[np.float64]


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


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is learned from.

    Attributes:
        items: of the corpus, at most; None means all.
        texts: of the news, at most.
        epochs: of any training, at most.
    """

    items: int | None = None
    texts: int = 26_000
    epochs: int = 10

    def of(self, plan: Plan, seed: int) -> Plan:
        """The plan with that seed, and no more epochs than these."""
        return replace(plan, epochs=min(plan.epochs, self.epochs), seed=seed)


WHOLE = Effort()
#: A few minutes, to see that every step connects: what comes out knows nothing.
TRIAL = Effort(items=64, texts=64, epochs=1)


class Workshop(Protocol):
    """What networks are trained with; the module `models.distill.workshop` is one."""

    def pretrained(self, folder: Path, plan: Plan) -> Any:
        """The network that a pretrained model begins as."""

    def train_network(self, network: Any, texts: Sequence[str], targets: Floats, plan: Plan, say: Callable[[str], None]) -> None:
        """Teaches it the `(n_texts, n_targets)` targets of the texts."""

    def probabilities(self, network: Any, texts: Sequence[str]) -> Floats:
        """`(n_texts, n_targets)`: its answers."""

    def averaged(self, networks: Sequence[Any]) -> Any:
        """The network whose weights are the mean of those of `networks`."""

    def export(self, network: Any, texts: Sequence[str], folder: Path) -> None:
        """Writes it, with the pieces that `texts` use, as the files that `models.encoder` reads."""


def train_encoder(
    sources: Sources, out_dir: Path, *, seed: int = 0, effort: Effort = WHOLE, say: Callable[[str], None] = print,
    workshop: Workshop | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Trains the encoder, writes its three files into `out_dir`, and gives the description back. About two hours on two cores.

    Raises:
        ModelError: if a source is missing, or the packages of requirements/train.lock are.
    """
    shop = workshop or _workshop()
    _check(sources)
    known = [item for item in split_frozen(read_corpus(sources.corpus))[0] if item.language in ENCODED][: effort.items]
    texts = [encoder_text(read(Text(item.title, item.text, language=item.language))) for item in known]
    news = unlabelled_texts(sources.unlabelled, sources.measured, effort.texts, seed)
    students = []
    for run in range(seed, seed + RUNS):
        say(f"run {run}: the teacher learns {len(texts)} items, and answers {len(news)} texts")
        answers = _taught(shop, sources, known, texts, news, effort.of(TEACHING, run), say)
        say(f"run {run}: a student learns the answers")
        student = shop.pretrained(sources.base, effort.of(LEARNING, seed))
        shop.train_network(student, news, answers, effort.of(LEARNING, run), say)
        students.append(student)
    shop.export(shop.averaged(students), [*news, *texts], out_dir)
    made = {"items": len(known), "texts": len(news), "corpus_sha256": corpus_digest(sources.corpus)}
    runs = [made | {"seed": run, "epochs": effort.of(LEARNING, run).epochs} for run in range(seed, seed + RUNS)]
    return _describe(sources, out_dir, runs)


def _taught(
    shop: Workshop, sources: Sources, known: Sequence[Item], texts: Sequence[str], news: Sequence[str], plan: Plan,
    say: Callable[[str], None],
) -> Floats:  # fmt: skip
    """The answers of a teacher that learned the items; it is let go of then, for it takes half a gigabyte."""
    teacher = shop.pretrained(sources.teacher, plan)
    shop.train_network(teacher, texts, target_flags(known).astype(float), plan, say)
    return shop.probabilities(teacher, news)


def _workshop() -> Workshop:
    try:
        from models.distill import workshop
    except ImportError as error:
        raise ModelError(
            f"Training the encoder needs a package that is not installed: {error.name}.", where="models.train_encoder",
            expected="the packages of requirements/train.lock", todo="make teach",
        ) from error  # fmt: skip
    return workshop


def _check(sources: Sources) -> None:
    needed = [folder / name for folder in (sources.base, sources.teacher) for name in (_WEIGHTS, "config.json", "tokenizer.json")]
    for path in (*needed, *sources.unlabelled, *sources.measured):
        if not path.is_file():
            raise ModelError(
                "A source of the encoder is missing.", where=str(path), expected="a file", todo="name another folder"
            )


def _describe(sources: Sources, folder: Path, runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Writes `encoder.json`: what the encoder in `folder` is, and what it was made of, by hash."""
    description = {
        "format": FORMAT,
        "targets": [*map(str, LABELS), *map(str, DOMAINS)],
        "files": {name: sha256_of(folder / name) for name in (ENCODER_FILE, PIECES_FILE)},
        "base_sha256": sha256_of(sources.base / _WEIGHTS),
        "teacher_sha256": sha256_of(sources.teacher / _WEIGHTS),
        "unlabelled_sha256": {path.name: sha256_of(path) for path in sources.unlabelled},
        "runs": list(runs),
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
@click.option("--trial", is_flag=True, help="A few minutes with a few texts: shows that every step works. Needs --out.")
def main(
    pretrained: Path, corpus: Path, unlabelled: tuple[Path, ...], measured: tuple[Path, ...], out: Path, seed: int, trial: bool
) -> None:
    """Trains the encoder from the two pretrained models in PRETRAINED/base and PRETRAINED/teacher."""
    if trial and out == SHIPPED:
        raise click.UsageError("a trial must not replace the encoder that ships: name another directory with --out")
    sources = Sources(corpus, pretrained / "base", pretrained / "teacher", unlabelled, measured)
    effort = TRIAL if trial else WHOLE
    click.echo(json.dumps(train_encoder(sources, out, seed=seed, effort=effort, say=click.echo), indent=2, sort_keys=True))


if __name__ == "__main__":
    main()
