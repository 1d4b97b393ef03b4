"""Claims about the status: each rule on the series that it is meant for, the interval, and how likely a status lasts."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from streams.trends.breaks import Break, find_share_breaks
from streams.trends.status import STATUSES, Standing, plain_standing, share_interval, standing, still_holds
from streams.trends.survival import LONGEST_AGE, age_of_status, persistence, shipped_table, situation
from tests.helpers.fit_survival import cases_of, fit, mixture
from tests.helpers.simulate import DISPERSED, simulate

Doubles = NDArray[np.float64]


def stand(counts: Doubles, exposure: Doubles) -> Standing:
    return standing(counts, exposure, find_share_breaks([counts], [exposure])[0])


def poisson(seed: int, mean: Doubles | float, weeks: int = 80) -> tuple[Doubles, Doubles]:
    """Counts of the given mean a week, out of 500."""
    return np.random.default_rng(seed).poisson(mean, size=weeks).astype(float), np.full(weeks, 500.0)


def a_standing(status: str = "stable", **changes: object) -> Standing:
    values = {
        "status": status, "share": 0.02, "low": 0.01, "high": 0.03, "rate": 10.0, "lean": 0.1, "kept": float("nan"), "since_alarm": -1,
        "silent": 0,
    }  # fmt: skip
    return Standing(**{**values, **changes})  # type: ignore[arg-type]


def test_less_than_one_a_week_is_too_sparse() -> None:
    assert stand(*poisson(1, 0.4)).status == "too-sparse"


def test_four_silent_weeks_are_too_sparse_and_three_are_not() -> None:
    counts, exposure = poisson(2, 10.0)
    exposure[-4:], counts[-4:] = 0, 0
    assert stand(counts, exposure).status == "too-sparse"
    assert stand(counts[:-1], exposure[:-1]).status == "stable"


def test_a_series_without_any_exposure_is_too_sparse_and_says_nothing_of_the_share() -> None:
    now = stand(np.zeros(20), np.zeros(20))
    assert (now.status, now.share, now.low, now.high) == ("too-sparse", 0.0, 0.0, 1.0)


def test_the_first_eleven_weeks_are_emerging() -> None:
    counts, exposure = poisson(3, 10.0)
    assert stand(counts[:11], exposure[:11]).status == "emerging"
    assert stand(counts[:12], exposure[:12]).status == "stable"


def test_level_series_are_stable_with_their_share_in_the_interval_but_for_chance() -> None:
    found = [stand(*poisson(seed, 10.0)) for seed in range(100, 130)]
    assert sum(now.status == "stable" for now in found) >= 26
    assert sum(now.low < 0.02 < now.high for now in found) >= 24


@pytest.mark.parametrize(("factor", "status"), [(2.0, "strengthening"), (0.5, "weakening")])
def test_a_share_that_creeps_has_a_direction(factor: float, status: str) -> None:
    counts, exposure = poisson(5, 20 * factor ** np.linspace(0, 1, 104), weeks=104)
    assert stand(counts, exposure).status == status


def test_twice_the_news_is_neither_strengthening_nor_broken() -> None:
    exposure = np.where(np.arange(80) < 40, 500.0, 1000.0)
    counts = np.random.default_rng(6).poisson(exposure * 0.02).astype(float)
    assert stand(counts, exposure).status == "stable"


def test_a_fresh_break_is_broken_for_eight_weeks_and_then_stable_at_its_new_level() -> None:
    counts, exposure = poisson(7, np.where(np.arange(100) < 60, 10.0, 30.0), weeks=100)
    (one,) = find_share_breaks([counts], [exposure])[0]
    assert {standing(counts[:end], exposure[:end], [one]).status for end in range(one.alarm + 1, one.alarm + 10)} == {"broken"}
    now = standing(counts, exposure, [one])
    assert now.status == "stable"
    assert now.low > 0.04  # the share is that of the new level alone


def test_a_break_whose_shift_is_gone_is_not_broken_any_more() -> None:
    counts, exposure = poisson(8, np.where((np.arange(72) < 60) | (np.arange(72) > 65), 10.0, 40.0), weeks=72)
    first = find_share_breaks([counts[:64]], [exposure[:64]])[0][0]
    assert standing(counts[:64], exposure[:64], [first]).status == "broken"
    assert standing(counts[:71], exposure[:71], [first]).status != "broken"


def test_a_break_that_was_alarmed_later_is_not_seen() -> None:
    counts, exposure = poisson(9, 10.0)
    future = Break(70, 75, "up", 0.5, 2.0, 1.5, 3.0, 4, 0)
    assert repr(standing(counts[:74], exposure[:74], [future])) == repr(standing(counts[:74], exposure[:74], []))


def test_the_interval_covers_the_share_nine_times_in_ten_even_with_more_scatter_than_poisson() -> None:
    generator = np.random.default_rng(10)
    for noise_dispersion in (0.0, 0.1):
        hits = 0
        for _ in range(400):
            mean = np.full(13, 10.0)
            if noise_dispersion:
                mean = mean * generator.gamma(1 / noise_dispersion, noise_dispersion, size=13)
            _, low, high = share_interval(generator.poisson(mean).astype(float), np.full(13, 500.0))
            hits += low <= 0.02 <= high
        assert 0.84 <= hits / 400 <= 0.97


def test_no_count_at_all_still_has_an_upper_end() -> None:
    share, low, high = share_interval(np.zeros(13), np.full(13, 100.0))
    assert share == 0
    assert low == 0
    assert 0 < high < 0.01


@pytest.mark.parametrize(
    ("values", "status"),
    [
        (np.ones(5), "emerging"),
        (np.random.default_rng(11).normal(size=60), "stable"),
        (np.linspace(0, 10, 60) + np.random.default_rng(12).normal(size=60), "strengthening"),
        (-np.linspace(0, 10, 60) + np.random.default_rng(13).normal(size=60), "weakening"),
    ],
)
def test_a_plain_series_has_the_same_words_without_sparseness(values: Doubles, status: str) -> None:
    assert plain_standing(values, []) == status


def test_a_plain_series_is_broken_after_its_break() -> None:
    one = Break(50, 52, "up", 0.9, 5.0, 4.0, 6.0, 3, 0)
    assert plain_standing(np.zeros(58), [one]) == "broken"
    assert plain_standing(np.zeros(70), [one]) == "stable"


def test_a_break_holds_while_half_of_its_shift_is_there() -> None:
    broken, stable = a_standing("broken", kept=0.9, since_alarm=1), a_standing("stable")
    assert still_holds(broken, stable, 0.6)
    assert not still_holds(broken, broken, 0.4)


def test_emerging_holds_by_becoming_stable_and_the_others_by_staying_the_same() -> None:
    assert still_holds(a_standing("emerging"), a_standing("stable"), 0.0)
    assert not still_holds(a_standing("emerging"), a_standing("too-sparse"), 0.0)
    assert not still_holds(a_standing("stable"), a_standing("weakening"), 0.0)


def test_every_status_has_a_probability_in_the_shipped_table_and_no_cell_is_certain() -> None:
    table = shipped_table()
    assert set(table.statuses) == set(STATUSES)
    for four, eight in [*table.cells.values(), *table.statuses.values()]:
        assert 0 < four < 1
        assert 0 < eight < 1


def test_a_shift_that_is_half_gone_is_less_likely_to_last_than_one_that_is_all_there() -> None:
    faded = persistence(a_standing("broken", kept=0.55, since_alarm=3), 3)
    whole = persistence(a_standing("broken", kept=1.0, since_alarm=3), 3)
    assert faded.four_weeks < whole.four_weeks - 0.05
    assert faded.eight_weeks < whole.eight_weeks


def test_a_steady_series_far_from_sparse_is_likelier_to_stay_stable_than_one_that_leans() -> None:
    assert persistence(a_standing(lean=0.1), 12).four_weeks > persistence(a_standing(lean=1.9), 12).four_weeks + 0.1


def test_a_situation_that_the_table_never_met_gets_its_status_s_probability() -> None:
    table = shipped_table()
    bare = type(table)(cells={}, statuses=table.statuses)
    assert persistence(a_standing(), 5, bare).four_weeks == table.statuses["stable"][0]


def test_the_age_of_a_status_is_counted_back_and_bounded() -> None:
    counts, exposure = poisson(14, 10.0)
    assert age_of_status(counts, exposure, [], standing(counts, exposure, [])) == LONGEST_AGE
    young, out_of = counts[:14], exposure[:14]
    now = standing(young, out_of, [])
    assert age_of_status(young, out_of, [], now) == 3  # stable since the twelfth week
    assert situation(now, 3).startswith("stable|0|")


def test_persistence_beats_a_constant_and_as_last_week_on_series_that_it_was_not_fitted_on() -> None:
    series = mixture(77, 60)
    cases = cases_of([one.counts.astype(float) for one in series], [one.exposure.astype(float) for one in series])
    said = np.array([persistence(case.now, case.age).four_weeks for case in cases])
    held = np.array([case.holds[0] for case in cases], float)
    last = np.array([case.as_last_week for case in cases], float)
    brier = float(((said - held) ** 2).mean())
    assert brier <= 0.15
    assert brier < ((held.mean() - held) ** 2).mean()
    assert brier < ((last - held) ** 2).mean()
    assert abs(said.mean() - held.mean()) < 0.05


def test_the_fit_draws_rare_situations_towards_their_status() -> None:
    one = simulate(np.random.default_rng(15), rate=10, noise=DISPERSED)
    table = fit(cases_of([one.counts.astype(float)], [one.exposure.astype(float)]))
    assert table.cells
    assert all(0 <= value <= 1 for pair in table.cells.values() for value in pair)
