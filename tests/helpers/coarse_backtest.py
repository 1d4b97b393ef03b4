"""Breaks of a thin archive in rows longer than a week: `python -m tests.helpers.coarse_backtest ARCHIVE.jsonl[.gz] [WEEKS_A_ROW]`.

An archive of a few thousand items a year has less than one count a week for nearly every pair, and nothing can be told from that. In
quarters (13 weeks, the default) some pairs have enough for the same detector; so has a state over all its partners. Rows are not what the
settings were chosen for, and a year is four rows: read the result as a picture of what is in the archive, not of what the stream says.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from streams.backtest.history import History
from streams.classify.model import load_predictor
from streams.clock import week_name
from streams.settings import Settings
from streams.trends.breaks import find_share_breaks
from streams.trends.stories import story_ids

#: A series takes part when some 13 rows running have so many counts.
LEAST_COUNTS, LEAST_ROWS = 13, 13
Rows = dict[tuple[str, str], list[set[str]]]


def rows_of(history: History, weeks_a_row: int) -> tuple[int, Rows]:
    """(number of the first week, stories by series and row); the label of the exposure is empty."""
    weeks = history.weeks()
    first, amount = weeks[0], (weeks[-1] - weeks[0]) // weeks_a_row + 1
    found: Rows = {}
    for week in weeks:
        row = (week - first) // weeks_a_row
        for pair, facts in history.facts(week).items():
            ids = story_ids(facts)
            for fact in facts:
                for key in (pair, f"{fact.source}-*"):
                    for label in ("", *fact.labels):
                        found.setdefault((key, label), [set() for _ in range(amount)])[row].add(ids[fact.article_id])
    return first, found


def main() -> None:
    """Prints how many series there are, and their breaks, in Markdown."""
    weeks_a_row = int(sys.argv[2]) if len(sys.argv) > 2 else 13
    with tempfile.TemporaryDirectory() as folder:
        history = History(Path(folder) / "facts.sqlite", lambda _: True)
        history.fill([Path(sys.argv[1])], load_predictor(Settings()), Settings(), lambda _lines, _bytes: None)
        first, rows = rows_of(history, weeks_a_row)
        history.close()
    sizes = {key: np.array([len(stories) for stories in row], float) for key, row in rows.items()}
    enough = [
        key
        for key, counts in sorted(sizes.items())
        if key[1] and len(counts) >= LEAST_ROWS and np.convolve(counts, np.ones(LEAST_ROWS), "valid").max() >= LEAST_COUNTS
    ]
    sys.stdout.write(f"{len(enough)} series\n\n| series | signal | since | said in | size | 90 % interval | p |\n")
    sys.stdout.write("| --- | --- | --- | --- | --- | --- | --- |\n")
    breaks = find_share_breaks([sizes[key] for key in enough], [sizes[key[0], ""] for key in enough])
    for (pair, label), found in zip(enough, breaks, strict=True):
        for one in found:
            start, said = (week_name(first + row * weeks_a_row) for row in (one.start, one.alarm + 1))
            interval = f"{one.size_low:.2f} to {one.size_high:.2f}"
            sys.stdout.write(f"| {pair} | {label} | {start} | {said} | x{one.size:.2f} | {interval} | {one.probability:.2f} |\n")


if __name__ == "__main__":
    main()
