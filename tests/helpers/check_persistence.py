"""Scores persistence on an archive of real articles: `python -m tests.helpers.check_persistence ARCHIVE.jsonl[.gz] [MODEL]`.

Each (pair, signal) with at least one count a week over some half-year is a series of ISO weeks, counted by a plain loop; so is each
(source, signal) over all its partners, since an archive of a few thousand items a year is thin for single pairs. Nothing is fitted
here: the table is the shipped one.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.predict import Predictor
from streams.clock import weeks_between
from streams.records import Article
from streams.trends.breaks import find_share_breaks
from streams.trends.survival import shipped_table
from tests.helpers.fit_survival import cases_of, fit, score
from tests.helpers.plain_loop import Truth, recount

LEAST_IN_HALF_A_YEAR = 26
Series = tuple[str, str, NDArray[np.float64], NDArray[np.float64]]


def read_archive(path: Path) -> Iterator[Article]:
    """The articles of a JSONL archive, those with a date."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        for line in lines:
            raw = json.loads(line)
            if raw.get("published"):
                day = f"{raw['published'][:10]}T12:00:00Z"
                yield Article(id=raw["id"], title=raw.get("title") or "", text=raw.get("text") or "", published=day)


def series_of(truth: Truth) -> list[Series]:
    """(pair, label, counts, exposure) of the series with enough counts, stories as the unit."""
    weeks = weeks_between(min(cell[1] for cell in truth.stories), max(cell[1] for cell in truth.stories))
    place = {week: number for number, week in enumerate(weeks)}
    cells: dict[tuple[str, str], list[set[str]]] = {}
    for (pair, week, domain, label), stories in truth.stories.items():
        for key in (pair, f"{pair.split('-')[0]}-*") if domain == "all" else ():
            cells.setdefault((key, label), [set() for _ in weeks])[place[week]] |= stories
    values = {key: np.array([float(len(stories)) for stories in row]) for key, row in cells.items()}
    found = []
    for (pair, label), counts in sorted(values.items()):
        most = np.convolve(counts, np.ones(26), "valid").max() if len(counts) >= 26 else 0
        if label and most >= LEAST_IN_HALF_A_YEAR:
            exposure = values[pair, ""]
            begin = int(np.flatnonzero(exposure)[0])
            found.append((pair, label, counts[begin:], exposure[begin:]))
    return found


def main() -> None:
    """Prints how many series there are, their breaks, and the score."""
    predictor = Predictor.load(Path(sys.argv[2]) if len(sys.argv) > 2 else None)
    series = series_of(recount(read_archive(Path(sys.argv[1])), predictor))
    counts, exposure = [one[2] for one in series], [one[3] for one in series]
    years = sum(len(one) for one in counts) / 52
    breaks = find_share_breaks(counts, exposure)
    sys.stdout.write(f"{len(series)} series, {years:.0f} series-years, {sum(map(len, breaks))} breaks\n\n")
    for (pair, label, values, _), found in zip(series, breaks, strict=True):
        where = ", ".join(f"row {one.alarm} {one.direction} x{one.size:.2f} p={one.probability:.2f}" for one in found)
        sys.stdout.write(f"{pair} {label} mean {values.mean():.2f} rows {len(values)}: {where or 'none'}\n")
    cases = cases_of(counts, exposure)
    sys.stdout.write(score(cases, shipped_table()) + "\n")
    own = fit(cases)
    sys.stdout.write(f"\nfitted on these very series instead, for comparison:\n{score(cases, own).splitlines()[2]}\n")


if __name__ == "__main__":
    main()
