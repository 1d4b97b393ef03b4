"""The figures of the detector on series that no setting was chosen on: `python -m tests.helpers.break_figures [SERIES] [SEED]`.

For quiet series (Poisson and dispersed, taking turns) and for echoing ones: false alarms per ten series-years by rate, and for each
change how many weeks pass until the alarm. The answer of a detector that alarms at random is not zero either: read both tables.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np

from streams.trends.breaks import Break, find_share_breaks
from tests.helpers.simulate import CALM, DISPERSED, ECHOING, Kind, Noise, Simulated, many

RATES = (0.5, 2.0, 10.0, 50.0)
CHANGES = ((2.0, 3.0), (10.0, 0.5), (10.0, 2.0), (10.0, 3.0), (50.0, 0.5), (50.0, 2.0))


def run(
    seed: int, amount: int, rate: float, kind: Kind, factor: float, noises: Sequence[Noise]
) -> list[tuple[Simulated, list[Break]]]:
    """Series of one kind and their breaks."""
    series = many(seed, amount, rate=rate, kind=kind, factor=factor, noises=noises)
    found = find_share_breaks([one.counts.astype(float) for one in series], [one.exposure.astype(float) for one in series])
    return list(zip(series, found, strict=True))


def false_alarms(amount: int, seed: int, noises: Sequence[Noise]) -> str:
    """False alarms per ten series-years: one row a rate, one column a kind."""
    lines = ["| counts a week | no change | two events | drift x2 | drift x0.5 |", "| --- | --- | --- | --- | --- |"]
    for rate in RATES:
        cells = []
        for number, (kind, factor) in enumerate((("null", 1.0), ("spikes", 1.0), ("drift", 2.0), ("drift", 0.5))):
            found = run(seed + number, amount, rate, kind, factor, noises)  # type: ignore[arg-type]
            cells.append(f"{10 * sum(len(breaks) for _, breaks in found) / (4 * len(found)):.2f}")
        lines.append(f"| {rate:g} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def delays(amount: int, seed: int, noises: Sequence[Noise]) -> str:
    """Weeks until the alarm (1: with the first week of the new level): one row a change."""
    lines = [
        "| change | median weeks | within 2 | within 4 | within 8 | start off by at most 1 |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for rate, factor in CHANGES:
        waits, off = [], []
        for series, breaks in run(seed + 7, amount, rate, "step", factor, noises):
            after = [one for one in breaks if series.change <= one.alarm < series.change + 26]
            waits.append(after[0].alarm - series.change + 1 if after else 999)
            off += [abs(one.start - series.change) for one in after[:1]]
        shares = (np.mean(np.array(waits) <= weeks) for weeks in (2, 4, 8))
        median = np.median(waits)
        cells = [
            f"x{factor:g} at {rate:g}",
            f"{median:.0f}" if median < 900 else "over 26",
            *(f"{share:.0%}" for share in shares),
        ]
        lines.append("| " + " | ".join([*cells, f"{np.mean(np.array(off) <= 1):.0%}" if off else ""]) + " |")
    return "\n".join(lines)


def main() -> None:
    """Prints the tables."""
    amount, seed = (int(sys.argv[place]) if len(sys.argv) > place else default for place, default in ((1, 120), (2, 5000)))
    for name, noises in (("Quiet series", (CALM, DISPERSED)), ("Echoing series, events of two weeks", (ECHOING,))):
        sys.stdout.write(f"\n**{name}**\n\n{false_alarms(amount, seed, noises)}\n\n{delays(amount, seed, noises)}\n")


if __name__ == "__main__":
    main()
