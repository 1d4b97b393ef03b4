"""How a trend stands: six words by stated rules, the share with its interval, and whether a status still holds later. Pure; numpy.

What comes in: the rows of one series up to a row, and the breaks found in them. What goes out: a `Standing` for the last row.
A late revision recomputes it. Nothing here looks ahead, and nothing here raises an alarm.

The rules, in the order in which they are tried. Weeks without exposure are silent: they count as time, not as evidence.

1. `too-sparse`: fewer than 1 count a week over the last 26 weeks with exposure, or no exposure for 4 weeks (a dead feed).
2. `emerging`: fewer than 12 weeks with exposure.
3. `broken`: a break was alarmed at most 8 weeks ago, and the last 4 weeks keep at least half of its shift (of the logarithm).
4. `strengthening`, `weakening`: the share of the recent half of the last 52 weeks (since the last break, if that is nearer) is
   above or below that of the earlier half by at least 15 %, and the probability that it is above or below at all is 97.5 %.
5. `stable`: otherwise.

The interval and rule 4 allow for scatter beyond Poisson's and for weeks that echo the one before: a quasi-likelihood (McCullagh
and Nelder, Generalized linear models, 1989, ch. 9) with the variance of an autoregressive mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv

from streams.trends.breaks import Break

Doubles = NDArray[np.float64]
Status = Literal["too-sparse", "emerging", "stable", "strengthening", "weakening", "broken"]
STATUSES: tuple[Status, ...] = ("too-sparse", "emerging", "stable", "strengthening", "weakening", "broken")

SPARSE_COUNTS_A_WEEK = 1.0
SILENT_WEEKS = 4
EMERGING_WEEKS = 12
BROKEN_WEEKS = 8
KEPT_SHIFT = 0.5
HALF_YEAR = 26
LEAST_CHANGE = 1.15
SURE = 1.96
INTERVAL = (0.05, 0.95)
LEVEL_WEEKS = 13


@dataclass(frozen=True)
class Standing:
    """How one series stands in one row.

    Attributes:
        share, low, high: of the last 13 weeks with exposure (since the last break, if that is nearer), with a 90 % interval.
        rate: counts a week over the last 26 weeks with exposure.
        lean: how many standard errors the recent half lies above (below: negative) the earlier one; 0 if there are too few rows.
        kept: how much of the last break's shift the last 4 weeks keep (1: all); NaN without a break in the last 8 weeks.
        since_alarm: rows since the last alarm; -1 without one.
        silent: rows since the last row with exposure.
    """

    status: Status
    share: float
    low: float
    high: float
    rate: float
    lean: float
    kept: float
    since_alarm: int
    silent: int


def standing(counts: Doubles, exposure: Doubles, breaks: Sequence[Break]) -> Standing:
    """How the series stands in its last row. `breaks` may hold later ones: those that were not alarmed by then are passed over."""
    row = len(counts) - 1
    seen = np.flatnonzero((exposure > 0) & np.isfinite(counts))
    last = max((one for one in breaks if one.alarm <= row), key=lambda one: one.alarm, default=None)
    since = last.start if last else 0
    silent = row - int(seen[-1]) if len(seen) else row + 1
    recent = seen[-HALF_YEAR:]
    rate = float(counts[recent].mean()) if len(recent) else 0.0
    now = seen[seen >= since][-LEVEL_WEEKS:]
    share, low, high = share_interval(counts[now], exposure[now])
    lean, ratio = _lean(counts, exposure, seen[seen >= since][-2 * HALF_YEAR :])
    since_alarm = row - last.alarm if last else -1
    kept = kept_shift(counts, exposure, last) if last and since_alarm <= BROKEN_WEEKS else float("nan")
    status = _status(rate, len(seen), silent, kept, lean, ratio)
    return Standing(status, share, low, high, rate, lean, kept, since_alarm, silent)


def _status(rate: float, weeks: int, silent: int, kept: float, lean: float, ratio: float) -> Status:
    if rate < SPARSE_COUNTS_A_WEEK or silent >= SILENT_WEEKS:
        return "too-sparse"
    if weeks < EMERGING_WEEKS:
        return "emerging"
    if kept >= KEPT_SHIFT:
        return "broken"
    if lean > SURE and ratio >= LEAST_CHANGE:
        return "strengthening"
    if lean < -SURE and ratio <= 1 / LEAST_CHANGE:
        return "weakening"
    return "stable"


def share_interval(counts: Doubles, exposure: Doubles) -> tuple[float, float, float]:
    """(share, low, high) of these rows: the 90 % interval of a gamma posterior whose evidence is cut by scatter and echo.

    (0, 0, 1) without any exposure.
    """
    total, out_of = float(counts.sum()), float(exposure.sum())
    if out_of <= 0:
        return 0.0, 0.0, 1.0
    share = total / out_of
    less = max(1.0, _variance_inflation(counts, exposure, [np.arange(len(counts))]))
    shape = (total + 0.5) / less
    low, high = (float(gammaincinv(shape, quantile)) * less / out_of for quantile in INTERVAL)
    return share, min(low, share), min(max(high, share), max(1.0, share))


def kept_shift(counts: Doubles, exposure: Doubles, one: Break) -> float:
    """How much of the break's shift (of the log-share) the last 4 rows of these keep; NaN where they have no exposure."""
    before = slice(max(0, one.start - HALF_YEAR), one.start)
    old = (np.nansum(counts[before]) + 0.5) / (np.nansum(exposure[before]) + 1e-9)
    new_exposure = float(np.nansum(exposure[-4:]))
    if new_exposure <= 0 or not np.isfinite(old) or abs(np.log(one.size)) < 1e-6:
        return float("nan")
    new = (float(np.nansum(counts[-4:])) + 0.5) / new_exposure
    return float(np.log(new / old) / np.log(one.size))


def _lean(counts: Doubles, exposure: Doubles, rows: NDArray[np.intp]) -> tuple[float, float]:
    """(standard errors, ratio) of the recent half of the rows against the earlier one; (0, 1) under 12 rows."""
    if len(rows) < EMERGING_WEEKS:
        return 0.0, 1.0
    half = len(rows) // 2
    earlier, recent = rows[len(rows) - 2 * half : len(rows) - half], rows[len(rows) - half :]
    shares = [(counts[part].sum() + 0.5) / exposure[part].sum() for part in (earlier, recent)]
    inflation = max(1.0, _variance_inflation(counts, exposure, [earlier, recent]))
    error = np.sqrt(inflation * sum(1 / (counts[part].sum() + 0.5) for part in (earlier, recent)))
    ratio = float(shares[1] / shares[0])
    return float(np.log(ratio) / error), ratio


def _variance_inflation(counts: Doubles, exposure: Doubles, parts: Sequence[NDArray[np.intp]]) -> float:
    """By how much the variance of the mean exceeds a Poisson's: scatter about each part's share, times (1 + echo) / (1 - echo)."""
    residuals = []
    for part in parts:
        mean = np.maximum(exposure[part] * counts[part].sum() / exposure[part].sum(), 0.25)
        residuals.append((counts[part] - mean) / np.sqrt(mean))
    rows = sum(len(part) for part in residuals)
    if rows < 6:
        return 2.0
    square = sum(float((part**2).sum()) for part in residuals)
    scatter = square / (rows - len(parts))
    follows = sum(float((part[1:] * part[:-1]).sum()) for part in residuals) / max(square, 1e-9)
    echo = float(np.clip((follows + 1 / rows) * rows / (rows + 6), 0.0, 0.7))
    return scatter * (1 + echo) / (1 - echo)


def plain_standing(values: Doubles, breaks: Sequence[Break]) -> Status:
    """The status of a plain series in its last row: the same words; never `too-sparse`; the halves are compared by their means."""
    row = len(values) - 1
    rows = np.flatnonzero(np.isfinite(values))
    if len(rows) < EMERGING_WEEKS:
        return "emerging"
    last = max((one for one in breaks if one.alarm <= row), key=lambda one: one.alarm, default=None)
    if last and row - last.alarm <= BROKEN_WEEKS:
        return "broken"
    rows = rows[rows >= (last.start if last else 0)][-2 * HALF_YEAR :]
    if len(rows) < EMERGING_WEEKS:
        return "stable"
    half = len(rows) // 2
    earlier, recent = values[rows[:half]], values[rows[-half:]]
    echo = float(np.clip(_lag_one(earlier, recent), 0.0, 0.9))
    error = np.sqrt((earlier.var(ddof=1) + recent.var(ddof=1)) / half * (1 + echo) / (1 - echo))
    lean = float((recent.mean() - earlier.mean()) / max(error, 1e-12))
    return "strengthening" if lean > SURE else "weakening" if lean < -SURE else "stable"


def _lag_one(*parts: Doubles) -> float:
    centred = [part - part.mean() for part in parts]
    square = sum(float((part**2).sum()) for part in centred)
    return sum(float((part[1:] * part[:-1]).sum()) for part in centred) / max(square, 1e-12)


def still_holds(now: Standing, later: Standing, kept: float) -> bool:
    """Whether the status of one row still holds in a later one.

    `broken` holds while the level keeps at least half of the shift (`kept`, seen from the later row): a break that lasts becomes
    `stable` in the end. `emerging` holds if it became `stable`. All others hold if the word is the same.
    """
    if now.status == "broken":
        return kept >= KEPT_SHIFT
    if now.status == "emerging":
        return later.status in ("emerging", "stable")
    return now.status == later.status
