"""Real news that nobody labelled, for the small network to learn on.

In: `*.jsonl.gz` files with `title` and `text`. Out: texts with their actors masked. None of them is stored.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from models.artifact import load
from models.dataset import read_measured
from models.labels import LABELS
from models.reading import ENCODED, Reading, read
from models.results import Text

#: Characters of a text's body, at least and at most.
_SHORTEST, _LONGEST = 40, 900
#: Share of the texts that the linear model scores above these log-odds (a probability of .15) for some label.
_LIKELY_SHARE, _LIKELY = 0.7, -1.73
#: Words in a row that a text may not share with a measured item.
_RUN = 6


def encoder_text(reading: Reading) -> str:
    """An item as the encoder reads it: its actors masked, other names kept."""
    return reading.plain_window(reading.told)


def unlabelled_texts(files: Sequence[Path], measured: Sequence[Path], most: int, seed: int) -> list[str]:
    """At most `most` texts that name two states, each once, none of which shares a run of words with a measured item.

    Args:
        files: `*.jsonl.gz`, read in this order.
        measured: labelled files whose items must not be among the texts.
        most: number of texts.
        seed: of the draw.
    """
    taken = {run for path in measured for item in read_measured(path) for run in _runs(f"{item.title} {item.text}")}
    found: dict[str, tuple[str, str]] = {}
    for title, body in _rows(files):
        if not _SHORTEST <= len(body) <= _LONGEST:
            continue
        reading = read(Text(title, body, language=ENCODED[0]))
        if len(reading.actors) > 1 and not taken.intersection(_runs(f"{title} {body}")):
            found.setdefault(body[:80].lower(), (encoder_text(reading), reading.masked))
    texts = list(found.values())
    random.Random(seed).shuffle(texts)
    return _mixed(texts, most)


def _mixed(texts: Sequence[tuple[str, str]], most: int) -> list[str]:
    """At most `most` of the texts, `_LIKELY_SHARE` of them such as the linear model finds likely to carry a signal, if there are enough.

    Args:
        texts: (as the encoder reads it, as the linear model does), shuffled.
    """
    _, scores = load().linear.score([masked for _, masked in texts])
    likely = [bool((row > _LIKELY).any()) for row in scores[:, : len(LABELS)]]
    first = [text for (text, _), flag in zip(texts, likely, strict=True) if flag]
    second = [text for (text, _), flag in zip(texts, likely, strict=True) if not flag]
    wanted = first[: max(int(most * _LIKELY_SHARE), most - len(second))]
    return [*wanted, *second[: most - len(wanted)]]


def _rows(paths: Sequence[Path]) -> Iterator[tuple[str, str]]:
    for path in paths:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                yield row.get("title") or "", row.get("text") or ""


def _runs(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[start : start + _RUN]) for start in range(len(words) - _RUN + 1)}
