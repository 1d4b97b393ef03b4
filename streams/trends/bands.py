"""The rolling share of a signal with its credible band, for every week of a series at once. Pure; numpy.

What comes in: weekly counts and exposures. What goes out: for each week the share of the stories of the last weeks, and where the
true share of that time lies with 90 % probability. It is the interval that a standing gives for its last weeks
(`streams.trends.status.share_interval`), worked out for a whole chart in a few milliseconds.

The stories with the signal are taken for Poisson with the rate share x exposure. With Jeffreys' prior for a rate (H. Jeffreys, Theory of
probability, 1961, ch. 3) the posterior of the share is Gamma(stories + 1/2, exposure). News scatters more than Poisson and echoes the
week before: so the evidence is divided by the inflation of the variance that the weeks themselves show.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.special import gammaincinv

from streams.trends.status import INTERVAL

Doubles = NDArray[np.float64]
#: Of fewer weeks with exposure the scatter can't be told; a variance twice a Poisson's is assumed.
LEAST_WEEKS, ASSUMED_INFLATION = 6, 2.0


@dataclass(frozen=True, slots=True)
class Band:
    """One value for each window, oldest first; NaN where it has no exposure.

    Attributes:
        share: stories with the signal / stories about the pair, 0 to 1.
        low, high: the 5 % and the 95 % point of the posterior of that share; they enclose `share`.
    """

    share: Doubles
    low: Doubles
    high: Doubles


def rolling_band(counts: Doubles, exposure: Doubles, weeks: int) -> Band:
    """The band over each run of `weeks` weeks: of `n` rows, `n - weeks + 1` values. Weeks without exposure are passed over."""
    told, about = sliding_window_view(counts, weeks), sliding_window_view(exposure, weeks)
    seen = about > 0
    stories, out_of = np.where(seen, told, 0.0).sum(axis=1), about.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(out_of > 0, stories / out_of, np.nan)
    less = np.maximum(1.0, _inflation(told, about, seen, np.nan_to_num(share)))
    shape = (stories + 0.5) / less
    low, high = (gammaincinv(shape, quantile) * less / np.where(out_of > 0, out_of, np.nan) for quantile in INTERVAL)
    return Band(share, np.minimum(low, share), np.minimum(np.maximum(high, share), np.maximum(1.0, share)))


def _inflation(told: Doubles, about: Doubles, seen: NDArray[np.bool_], share: Doubles) -> Doubles:
    """By how much the variance of each window's mean exceeds a Poisson's: scatter about its share x (1 + echo) / (1 - echo)."""
    mean = np.maximum(about * share[:, None], 0.25)
    residuals = np.where(seen, (told - mean) / np.sqrt(mean), 0.0)
    rows = seen.sum(axis=1)
    square = (residuals**2).sum(axis=1)
    follows, last = np.zeros(len(rows)), np.zeros(len(rows))
    for residual, is_seen in zip(residuals.T, seen.T, strict=True):
        # A silent week lies between two that follow each other all the same.
        follows += residual * last
        last = np.where(is_seen, residual, last)
    rate = follows / np.maximum(square, 1e-9)
    known = np.maximum(rows, LEAST_WEEKS)
    echo = np.clip((rate + 1 / known) * known / (known + 6), 0.0, 0.7)
    return np.asarray(np.where(rows < LEAST_WEEKS, ASSUMED_INFLATION, square / (known - 1) * (1 + echo) / (1 - echo)))
