"""What a break looks like in the rows themselves: where it began, how large it is, which rows speak for it. Pure; numpy.

The filters say that there is a break; this says it in numbers that a reader can check by hand from the rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
NINETY_PERCENT = 1.645
LONGEST_DELAY = 19


@dataclass(frozen=True)
class Shift:
    """`size` (ratio or difference) with a 90 % interval, and the rows since the start on the new side and on the old one."""

    upwards: bool
    size: float
    low: float
    high: float
    rows_for: int
    rows_against: int

    def numbers(self) -> tuple[float, float, float, int, int]:
        """As `Break` takes them."""
        return round(self.size, 6), round(self.low, 6), round(self.high, 6), self.rows_for, self.rows_against


def find_start(counts: Doubles, exposure: Doubles) -> int:
    """Index of the first row of the new level: the cut that makes two Poisson rates most likely, with events cut down.

    The last row is the alarm's. At least two rows after the cut and, where there are as many, four before it.
    """
    counts, exposure = _cleaned(counts, exposure)
    last = len(counts) - 1
    cuts = np.arange(max(min(4, last - 1), last - LONGEST_DELAY), last)
    if len(cuts) == 0:
        return last
    before_count, before_exposure = np.cumsum(counts)[cuts - 1], np.cumsum(exposure)[cuts - 1]
    after_count, after_exposure = counts.sum() - before_count, exposure.sum() - before_exposure
    gain = _log_fit(before_count, before_exposure) + _log_fit(after_count, after_exposure)
    return int(cuts[np.argmax(gain)])


def describe_steps(counts: Doubles, exposure: Doubles, start: int) -> Shift:
    """The ratio of the share after `start` to the one before, with an interval that knows how much these rows scatter."""
    counts, exposure = _cleaned(counts, exposure, limit=np.inf)
    known = exposure > 0
    old, new = known.copy(), known.copy()
    old[start:], new[:start] = False, False
    before, after = ((counts[part].sum() + 0.5) / max(exposure[part].sum(), 1.0) for part in (old, new))
    scatter = max(1.0, _scatter(counts, exposure, old, before), _scatter(counts, exposure, new, after))
    error = np.sqrt(scatter * (1 / (counts[old].sum() + 0.5) + 1 / (counts[new].sum() + 0.5)))
    log_ratio = float(np.log(after / before))
    with_middle = counts[new] - exposure[new] * np.sqrt(before * after)
    towards = int((with_middle * np.sign(log_ratio) > 0).sum())
    low, high = (float(np.exp(log_ratio + sign * NINETY_PERCENT * error)) for sign in (-1, 1))
    return Shift(log_ratio >= 0, float(np.exp(log_ratio)), low, high, towards, int(new.sum()) - towards)


def describe_values(values: Doubles, age: int, *, wandering: bool) -> Shift:
    """The difference of the mean of the last `age` rows to the rows before; of the row-by-row change, if the series wanders.

    `values` are finite, and at least four more than `age`.
    """
    rows = np.diff(values) if wandering else values
    old, new = rows[:-age][-20:], rows[-age:]
    difference = float(new.mean() - old.mean())
    spread = float(np.sqrt((old.var() if len(old) > 1 else 0.0) * (1 / len(new) + 1 / len(old))))
    towards = int(((new - old.mean() - difference / 2) * np.sign(difference) > 0).sum())
    reach = NINETY_PERCENT * spread
    return Shift(difference >= 0, difference, difference - reach, difference + reach, towards, len(new) - towards)


def _cleaned(counts: Doubles, exposure: Doubles, *, limit: float = 3.0) -> tuple[Doubles, Doubles]:
    """Rows without exposure as zeros, and counts cut down to `limit` times what the median share would give (plus three)."""
    known = np.isfinite(counts) & np.isfinite(exposure) & (exposure > 0)
    counts, exposure = np.where(known, counts, 0.0), np.where(known, exposure, 0.0)
    if not known.any() or not np.isfinite(limit):
        return counts, exposure
    usual = counts[known].sum() / exposure[known].sum()
    return np.minimum(counts, limit * usual * exposure + 3), exposure


def _log_fit(count: Doubles, exposure: Doubles) -> Doubles:
    return np.asarray(count * np.log((count + 0.5) / np.maximum(exposure, 1.0)))


def _scatter(counts: Doubles, exposure: Doubles, part: NDArray[np.bool_], share: float) -> float:
    """Variance of these rows relative to a Poisson's; 1 where there are too few to say."""
    if part.sum() < 4:
        return 1.0
    mean = exposure[part] * share
    return float(((counts[part] - mean) ** 2 / np.maximum(mean, 0.5)).sum() / (part.sum() - 1))
