"""Properties of the detector: nothing looks ahead, and the answer does not depend on how the series was fed to it."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from streams.trends.breaks import Break, PlainWatch, ShareWatch, find_plain_breaks, find_share_breaks
from streams.trends.status import standing
from tests.helpers.simulate import CALM, DISPERSED, ECHOING, Simulated, simulate

Doubles = NDArray[np.float64]
seeds = st.integers(0, 10_000)


def a_series(seed: int, weeks: int = 90) -> tuple[Doubles, Doubles]:
    """A series of any kind, with some silent weeks in it."""
    generator = np.random.default_rng(seed)
    one: Simulated = simulate(
        generator, rate=float(generator.choice([2, 10, 50])), weeks=weeks, kind="step", factor=float(generator.choice([0.3, 3])),
        noise=(CALM, DISPERSED, ECHOING)[seed % 3],
    )  # fmt: skip
    counts, exposure = one.counts.astype(float), one.exposure.astype(float)
    silent = generator.integers(0, weeks, size=seed % 4)
    counts[silent], exposure[silent] = 0, 0
    return counts, exposure


def one_by_one(counts: Doubles, exposure: Doubles) -> list[Break]:
    watch = ShareWatch()
    found = []
    for count, out_of in zip(counts, exposure, strict=True):
        found += [one for _, one in watch.update(np.array([count]), np.array([out_of]))]
    return found


@settings(max_examples=15, deadline=None)
@given(seed=seeds, cut=st.integers(1, 89))
def test_what_was_said_before_a_row_does_not_change_with_the_rows_after_it(seed: int, cut: int) -> None:
    counts, exposure = a_series(seed)
    whole = find_share_breaks([counts], [exposure])[0]
    assert find_share_breaks([counts[:cut]], [exposure[:cut]])[0] == [one for one in whole if one.alarm < cut]


@settings(max_examples=10, deadline=None)
@given(seed=seeds)
def test_many_at_once_and_one_by_one_give_the_very_same_breaks(seed: int) -> None:
    series = [a_series(seed + number, weeks=60 + 10 * number) for number in range(4)]
    together = find_share_breaks([one[0] for one in series], [one[1] for one in series])
    assert together == [one_by_one(*one) for one in series]


@settings(max_examples=10, deadline=None)
@given(seed=seeds, row=st.integers(30, 80))
def test_a_revised_week_gives_the_answer_of_a_series_that_was_right_from_the_start(seed: int, row: int) -> None:
    counts, exposure = a_series(seed)
    late = counts.copy()
    late[row] = 0
    find_share_breaks([late], [exposure])
    revised = late.copy()
    revised[row] = counts[row]
    assert find_share_breaks([revised], [exposure]) == find_share_breaks([counts], [exposure])


@settings(max_examples=15, deadline=None)
@given(seed=seeds, cut=st.integers(1, 99), scale=st.sampled_from([1e-9, 1.0, 1e9]))
def test_a_plain_series_is_online_too_and_batches_do_not_matter(seed: int, cut: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    values = (rng.normal(size=100) + 5 * (np.arange(100) > 50)) * scale
    values[rng.integers(0, 100, size=seed % 3)] = np.nan
    other = np.cumsum(rng.normal(size=70))
    whole = find_plain_breaks([values, other])[0]
    assert find_plain_breaks([values[:cut]])[0] == [one for one in whole if one.alarm < cut]
    watch = PlainWatch()
    assert [one for value in values for _, one in watch.update(np.array([value]))] == whole


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 100_000), st.integers(0, 200_000)), max_size=60),
)
def test_any_counts_whatever_leave_finite_probabilities_and_ordered_intervals(rows: list[tuple[int, int]]) -> None:
    counts = np.array([float(count) for count, _ in rows])
    exposure = np.array([float(out_of) for _, out_of in rows])
    watch = ShareWatch()
    for count, out_of in zip(counts, exposure, strict=True):
        watch.update(np.array([count]), np.array([out_of]))
        assert np.isfinite(watch.filter.weights).all()
        assert 0 <= watch.probability[0] <= 1 + 1e-5
    if len(counts):
        now = standing(counts, exposure, find_share_breaks([counts], [exposure])[0])
        assert now.low <= now.share
        assert now.low <= now.high
