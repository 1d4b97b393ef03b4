"""Floors for the detector on simulated series: few false alarms, early true ones, one setting for quiet and noisy series."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest

from streams.trends.breaks import Break, find_share_breaks
from tests.helpers.simulate import CALM, DISPERSED, ECHOING, Kind, Noise, Simulated, many

QUIET, NOISY = (CALM, DISPERSED), (ECHOING,)
Found = list[tuple[Simulated, list[Break]]]


@cache
def run(seed: int, rate: float, kind: Kind, factor: float, noises: tuple[Noise, ...]) -> Found:
    series: Sequence[Simulated] = many(seed, 40, rate=rate, kind=kind, factor=factor, noises=noises)
    found = find_share_breaks([one.counts.astype(float) for one in series], [one.exposure.astype(float) for one in series])
    return list(zip(series, found, strict=True))


def delays(found: Found) -> list[float]:
    """Weeks until the alarm, 1 if it came with the first week of the new regime; infinite where none came in 26 weeks."""
    waits = []
    for series, breaks in found:
        after = [one.alarm - series.change + 1 for one in breaks if series.change <= one.alarm < series.change + 26]
        waits.append(float(min(after, default=np.inf)))
    return waits


@pytest.mark.parametrize(("noises", "most"), [(QUIET, 0.5), (NOISY, 0.9)])
def test_false_alarms_per_ten_years_stay_low(noises: tuple[Noise, ...], most: float) -> None:
    found = [one for rate in (0.5, 2, 10, 50) for kind in ("null", "spikes") for one in run(1, rate, kind, 1.0, noises)]
    assert sum(len(breaks) for _, breaks in found) / (len(found) * 4) * 10 <= most


def test_a_drift_over_two_years_is_seldom_called_a_break() -> None:
    found = [one for rate in (2, 10, 50) for one in run(2, rate, "drift", 2.0, QUIET)]
    assert sum(len(breaks) for _, breaks in found) / (len(found) * 4) * 10 <= 1.2


@pytest.mark.parametrize(
    ("rate", "factor", "noises", "weeks", "least"),
    [
        (10, 2.0, QUIET, 4, 0.5),
        (10, 3.0, QUIET, 2, 0.6),
        (10, 0.5, QUIET, 6, 0.5),
        (2, 3.0, QUIET, 5, 0.5),
        (10, 3.0, NOISY, 4, 0.5),
        (10, 2.0, NOISY, 12, 0.4),
    ],
)
def test_a_lasting_change_is_said_in_time(
    rate: float, factor: float, noises: tuple[Noise, ...], weeks: int, least: float
) -> None:
    waits = delays(run(3, rate, "step", factor, noises))
    assert sum(wait <= weeks for wait in waits) / len(waits) >= least


def test_the_start_is_found_within_two_weeks_mostly() -> None:
    found = run(3, 10, "step", 3.0, QUIET)
    off = [abs(one.start - series.change) for series, breaks in found for one in breaks if one.alarm >= series.change]
    assert np.median(off) <= 1
    assert np.mean(np.array(off) <= 2) >= 0.8
