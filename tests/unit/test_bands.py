"""The credible band of a chart: the interval of the standing, week by week, and one that holds what it promises."""

from __future__ import annotations

import numpy as np
import pytest

from streams.trends.bands import rolling_band
from streams.trends.status import share_interval

WEEKS = 13


def series(seed: int, *, weeks: int = 160, silent: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    """Counts and exposures with swells, scatter and weeks without news."""
    chance = np.random.default_rng(seed)
    exposure = chance.poisson(chance.gamma(2, 6, weeks)) * (chance.random(weeks) >= silent)
    return chance.binomial(exposure, chance.uniform(0.05, 0.5, weeks)).astype(float), exposure.astype(float)


@pytest.mark.parametrize("seed", range(6))
def test_the_band_of_each_week_is_the_interval_that_a_standing_would_give_for_the_same_weeks(seed: int) -> None:
    counts, exposure = series(seed, silent=(0.0, 0.2, 0.8)[seed % 3])
    band = rolling_band(counts, exposure, WEEKS)
    for at in range(len(counts) - WEEKS + 1):
        seen = np.flatnonzero(exposure[at : at + WEEKS] > 0) + at
        if not len(seen):
            assert np.isnan([band.share[at], band.low[at], band.high[at]]).all()
            continue
        expected = share_interval(counts[seen], exposure[seen])
        assert (band.share[at], band.low[at], band.high[at]) == pytest.approx(expected, rel=1e-9)


def test_nine_of_ten_bands_hold_the_share_that_the_stories_were_drawn_with() -> None:
    chance = np.random.default_rng(5)
    held = []
    for true in (0.05, 0.2, 0.5):
        for _ in range(400):
            exposure = chance.poisson(12, WEEKS).astype(float)
            band = rolling_band(chance.poisson(exposure * true).astype(float), exposure, WEEKS)
            held.append(bool(band.low[0] <= true <= band.high[0]))
    # Wider than promised is no harm: the inflation is never below 1.
    assert 0.88 <= np.mean(held) <= 0.98


def test_more_news_narrows_the_band_and_no_news_of_the_signal_still_leaves_room_above_zero() -> None:
    few, many = (rolling_band(np.zeros(WEEKS), np.full(WEEKS, about), WEEKS) for about in (1.0, 20.0))
    assert few.share[0] == few.low[0] == 0.0
    assert 0.0 < many.high[0] < few.high[0] < 0.5
