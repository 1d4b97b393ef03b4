"""What is reported when many series are watched at once: `python -m tests.helpers.reporting_figures [SERIES]`.

Series of all rates and kinds of noise, side by side for four years; of each a share (none, a tenth, a quarter) jumps once. Every week
those that are broken are offered to `select_breaks`, as the board does. Counted are episodes: a break that was active, or reported, in
any week; it is true if the level did jump at most 20 weeks before the alarm.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from streams.selection import select_breaks
from streams.standing.judging import TELLING_WEEKS
from streams.trends.breaks import Break, ShareWatch
from streams.trends.status import BROKEN_WEEKS, standing
from tests.helpers.simulate import CALM, DISPERSED, ECHOING, Simulated, simulate

Doubles = NDArray[np.float64]
Episode = tuple[int, int]  # series, row of the alarm


@dataclass
class Seen:
    """Episodes, each with the row in which it was first active, and first reported."""

    active: dict[Episode, int] = field(default_factory=dict)
    reported: dict[Episode, int] = field(default_factory=dict)


def watch(series: Sequence[Simulated], false_share: float = 0.2) -> Seen:
    """Steps all series side by side and notes what was active and what was reported."""
    counts = np.array([one.counts for one in series], float)
    exposure = np.array([one.exposure for one in series], float)
    detector, seen = ShareWatch(len(series)), Seen()
    breaks: list[list[Break]] = [[] for _ in series]
    history: list[Doubles] = []
    for row in range(counts.shape[1]):
        for number, one in detector.update(counts[:, row], exposure[:, row]):
            breaks[number].append(one)
        history.append(detector.probability.copy())
        found = [(number, each[-1]) for number, each in enumerate(breaks) if each and row - each[-1].alarm <= BROKEN_WEEKS]
        active = [
            (number, one)
            for number, one in found
            if standing(counts[number, : row + 1], exposure[number, : row + 1], breaks[number]).status == "broken"
        ]
        known = [float(history[min(row, max(one.alarm, one.start + TELLING_WEEKS))][number]) for number, one in active]
        for number, one in active:
            seen.active.setdefault((number, one.alarm), row)
        for chosen in select_breaks(known, false_share):
            number, one = active[chosen]
            seen.reported.setdefault((number, one.alarm), row)
    return seen


def is_true(series: Sequence[Simulated], episode: Episode) -> bool:
    """Whether the level did jump shortly before the alarm."""
    number, alarm = episode
    change = series[number].change
    return change >= 0 and -2 <= alarm - change <= 20


def mixture(seed: int, amount: int, broken: float) -> list[Simulated]:
    """Series of all rates and noises; so many of them jump."""
    generator = np.random.default_rng(seed)
    return [
        simulate(
            generator, rate=float(generator.choice([2, 5, 10, 50])), kind="step" if generator.random() < broken else "null",
            factor=float(generator.choice([0.33, 0.5, 2, 3])), noise=(CALM, DISPERSED, ECHOING)[number % 3],
        )
        for number in range(amount)
    ]  # fmt: skip


def main() -> None:
    """Prints a table in Markdown."""
    amount = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    sys.stdout.write(
        "| series that jump | of | active: true | false | reported: true | false | share false | weeks later, median |\n"
    )
    sys.stdout.write("| --- | --- | --- | --- | --- | --- | --- | --- |\n")
    for broken in (0.0, 0.1, 0.25):
        series = mixture(77, amount, broken)
        seen = watch(series)
        true_active = sum(is_true(series, one) for one in seen.active)
        true_reported = [one for one in seen.reported if is_true(series, one)]
        false_reported = len(seen.reported) - len(true_reported)
        later = [seen.reported[one] - one[1] for one in true_reported]
        changes = sum(one.change >= 0 for one in series)
        share = false_reported / max(1, len(seen.reported))
        cells = (
            f"{broken:.0%}", changes, true_active, len(seen.active) - true_active, len(true_reported), false_reported, f"{share:.0%}",
            f"{np.median(later):.0f}" if later else "-",
        )  # fmt: skip
        sys.stdout.write("| " + " | ".join(map(str, cells)) + " |\n")


if __name__ == "__main__":
    main()
