"""The figures of docs/copies.md: `python -m tests.helpers.copy_figures [ARCHIVE.jsonl[.gz]...]`.

Recall: of copies made of an article in each way. Precision: of what is said to be a copy where copies and stories that are merely alike
are in equal number. Archives are real news: articles for further copies. At the end, what a sketch and a comparison cost.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from streams.classify.sketch import sketch_of
from streams.records import Sketch, story_fingerprint
from streams.trends.stories import is_copy
from tests.helpers.copies import CHANGES, Item, headed_pairs, long_items, reworked_pairs, routine_pairs, short_items

SEED = 20170802
AMOUNT = 1_000


@dataclass(frozen=True)
class Figures:
    """Share of the copies that are found, by what was done to the article; share of alike pairs that are taken for copies, by kind."""

    recall: dict[str, float]
    merged: dict[str, float]

    @property
    def precision(self) -> float:
        """Of what is said to be a copy, with as many alike pairs as copies."""
        found = sum(self.recall.values()) / len(self.recall)
        wrong = sum(self.merged.values()) / len(self.merged)
        return found / (found + wrong)


def are_one_story(one: Item, other: Item) -> bool:
    """Whether the stream takes two articles of a day for one story."""
    if story_fingerprint(one.title, one.text) == story_fingerprint(other.title, other.text):
        return True
    sketches = sketch_of(one.title, one.text), sketch_of(other.title, other.text)
    return None not in sketches and is_copy(*(sketch for sketch in sketches if sketch is not None))


def figures_of(items: Sequence[Item], *, seed: int = SEED) -> Figures:
    """The figures with copies of these articles."""
    rng = random.Random(seed)
    others = short_items(rng, AMOUNT)
    recall = {name: _share([(item, change(item, rng, others)) for item in items]) for name, change in CHANGES.items()}
    alike = {
        "an event told anew or reworked into another": reworked_pairs(),
        "a routine item with other figures": routine_pairs(rng, AMOUNT),
        "another story under the same heading": headed_pairs(rng, AMOUNT),
    }
    return Figures(recall, {name: _share(pairs) for name, pairs in alike.items()})


def read_archive(path: Path, amount: int, *, seed: int = SEED) -> list[Item]:
    """So many articles of an archive, drawn by chance."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    items = [Item(row.get("title") or "", row["text"], "") for row in rows if (row.get("text") or "").strip()]
    return random.Random(seed).sample(items, min(amount, len(items)))


def _share(pairs: Sequence[tuple[Item, Item]]) -> float:
    return sum(are_one_story(one, other) for one, other in pairs) / len(pairs)


def _costs(items: Sequence[Item]) -> tuple[float, float]:
    """Microseconds for a sketch and for a comparison of two."""
    sketches: list[Sketch | None] = []
    best = [float("inf"), float("inf")]
    for _ in range(5):
        started = time.perf_counter()
        sketches = [sketch_of(item.title, item.text) for item in items]
        best[0] = min(best[0], time.perf_counter() - started)
        known = [sketch for sketch in sketches if sketch is not None]
        started = time.perf_counter()
        for one, other in zip(known, reversed(known), strict=True):
            is_copy(one, other)
        best[1] = min(best[1], time.perf_counter() - started)
    return best[0] / len(items) * 1e6, best[1] / len(items) * 1e6


def main(paths: Sequence[str]) -> None:
    """Prints the tables in Markdown."""
    rng = random.Random(SEED)
    sets = {"short": short_items(rng, AMOUNT), "long": long_items(rng, AMOUNT)}
    sets |= {Path(path).name: read_archive(Path(path), 4 * AMOUNT) for path in paths}
    results = {name: figures_of(items) for name, items in sets.items()}
    print(f"| | {' | '.join(f'{name} ({len(sets[name])})' for name in results)} |\n| --- |{' --- |' * len(results)}")
    for change in CHANGES:
        print(f"| {change} | " + " | ".join(f"{found.recall[change]:.4f}" for found in results.values()) + " |")
    print("| **precision** | " + " | ".join(f"{found.precision:.4f}" for found in results.values()) + " |\n")
    for kind, share in results["short"].merged.items():
        print(f"- taken for copies, {kind}: {share:.4f}")
    for name in ("short", "long"):
        sketch, comparison = _costs(sets[name])
        print(f"- {name}: {sketch:.0f} us a sketch, {comparison:.0f} us a comparison")


if __name__ == "__main__":
    main(sys.argv[1:])
