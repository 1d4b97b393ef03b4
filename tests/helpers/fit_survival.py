"""Fits `streams/trends/survival.json` on simulated series, and scores persistence on others: `python -m tests.helpers.fit_survival`.

The mixture is of quiet and noisy series with changes that last, that pass and that creep; half of all shifts pass. The score is
Brier's (1950) at 4 and 8 weeks, beside the best constant for those very rows (in hindsight) and "as last week" (1 if the
status was the same a week ago, else 0), with a table of reliability.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams.trends.breaks import Break, find_share_breaks
from streams.trends.status import Standing, kept_shift, standing, still_holds
from streams.trends.survival import HORIZONS, LONGEST_AGE, Survival, persistence, situation
from tests.helpers.simulate import CALM, DISPERSED, ECHOING, Kind, Simulated, simulate

FIRST_ROW = 8
PSEUDO = 20.0
TABLE = Path(__file__).parents[2] / "streams" / "trends" / "survival.json"
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """One row of one series: how it stood, for how long, whether it stood the same the week before, and what became of it."""

    now: Standing
    age: int
    as_last_week: bool
    holds: tuple[bool, ...]


def mixture(seed: int, amount: int) -> list[Simulated]:
    """`amount` series of all kinds."""
    generator = np.random.default_rng(seed)
    kinds: list[Kind] = ["null", "step", "passing", "drift", "spikes"]
    return [
        simulate(
            generator, rate=float(generator.choice([0.5, 1, 2, 5, 10, 30])), factor=float(generator.choice([0.33, 0.5, 2, 3])),
            kind=kinds[int(generator.choice(5, p=[0.4, 0.2, 0.2, 0.15, 0.05]))], noise=(CALM, DISPERSED, ECHOING)[number % 3],
        )
        for number in range(amount)
    ]  # fmt: skip


def cases_of(counts: Sequence[Doubles], exposure: Sequence[Doubles]) -> list[Case]:
    """Every row of the series from the eighth on of which the next 8 weeks are known."""
    cases = []
    for values, out_of, breaks in zip(counts, exposure, find_share_breaks(counts, exposure), strict=True):
        cases += list(_cases(values, out_of, breaks))
    return cases


def _cases(counts: Doubles, exposure: Doubles, breaks: Sequence[Break]) -> Iterable[Case]:
    standings = [standing(counts[:end], exposure[:end], breaks) for end in range(1, len(counts) + 1)]
    age = 0
    for row, now in enumerate(standings[: len(counts) - max(HORIZONS)]):
        same = row > 0 and standings[row - 1].status == now.status
        age = min(age + 1, LONGEST_AGE) if same else 1
        if row < FIRST_ROW:
            continue
        last = max((one for one in breaks if one.alarm <= row), key=lambda one: one.alarm, default=None)
        ends = [row + horizon + 1 for horizon in HORIZONS]
        kept = [kept_shift(counts[:end], exposure[:end], last) if last else 0.0 for end in ends]
        holds = tuple(still_holds(now, standings[end - 1], value) for end, value in zip(ends, kept, strict=True))
        yield Case(now, age, same, holds)


def fit(cases: Sequence[Case]) -> Survival:
    """Shares that held, by situation, drawn towards the status's own by 20 imagined rows."""
    totals: dict[str, NDArray[np.float64]] = defaultdict(lambda: np.zeros(len(HORIZONS) + 1))
    for case in cases:
        found = np.array([1.0, *case.holds])
        totals[case.now.status] += found
        totals[situation(case.now, case.age)] += found
    statuses = {name: total[1:] / total[0] for name, total in totals.items() if "|" not in name}
    cells = {
        name: (total[1:] + PSEUDO * statuses[name.split("|")[0]]) / (total[0] + PSEUDO)
        for name, total in totals.items() if "|" in name
    }  # fmt: skip
    return Survival(
        *(
            {name: value.clip(0.005, 0.995).round(3).tolist() for name, value in sorted(part.items())}
            for part in (cells, statuses)
        )
    )


def score(cases: Sequence[Case], table: Survival) -> str:
    """A report in Markdown: Brier scores, by status too, and reliability at 4 weeks."""
    said = np.array([[p.four_weeks, p.eight_weeks] for p in (persistence(c.now, c.age, table) for c in cases)])
    held = np.array([case.holds for case in cases], float)
    last = np.array([case.as_last_week for case in cases], float)[:, None]
    names = np.array([case.now.status for case in cases])
    brier, naive = (((part - held) ** 2) for part in (said, last))
    lines = [
        "| rows | n | held | Brier 4 w | constant | as last week | Brier 8 w |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    parts = {"all": names != "", "all but too-sparse": names != "too-sparse"} | {
        name: names == name for name in sorted(set(names))
    }
    for name, part in parts.items():
        share = held[part, 0].mean()
        figures = (share, brier[part, 0].mean(), share * (1 - share), naive[part, 0].mean(), brier[part, 1].mean())
        lines.append(f"| {name} | {part.sum()} | " + " | ".join(f"{value:.3f}" for value in figures) + " |")
    lines += ["", "| said (4 weeks) | n | held |", "| --- | --- | --- |"]
    for low in np.arange(0, 1, 0.1):
        part = (said[:, 0] >= low) & (said[:, 0] < low + 0.1 + 1e-9 * (low > 0.85))
        if part.sum() >= 20:
            lines.append(f"| {low:.1f}-{low + 0.1:.1f} | {part.sum()} | {held[part, 0].mean():.3f} |")
    return "\n".join(lines)


def main() -> None:
    """Fits, writes the table, and prints the score on series that it was not fitted on."""
    series = mixture(11, 900)
    cases = cases_of([one.counts.astype(float) for one in series], [one.exposure.astype(float) for one in series])
    table = fit(cases)
    TABLE.write_bytes(msgspec.json.format(msgspec.json.encode(table), indent=1) + b"\n")
    series = mixture(12, 300)
    others = cases_of([one.counts.astype(float) for one in series], [one.exposure.astype(float) for one in series])
    sys.stdout.write(score(others, table) + "\n")


if __name__ == "__main__":
    main()
