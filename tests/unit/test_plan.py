"""The plan past one machine: more load needs no less of anything, and what it promises its own simulation keeps."""

from __future__ import annotations

import itertools
import math

import pytest

from deploy.cluster.plan import HOUR_SECONDS, MEASURED, Assumptions, plan, relabelling, simulate_day, table

LOADS = (10_000, 1_000_000, 100_000_000, 10_000_000_000)


def test_more_articles_need_no_less_of_anything() -> None:
    plans = [plan(load, MEASURED) for load in LOADS]
    for less, more in itertools.pairwise(plans):
        for part in ("workers", "partitions", "brokers", "disk_bytes"):
            assert getattr(less, part) <= getattr(more, part)


@pytest.mark.parametrize("load", LOADS)
def test_with_one_worker_away_nobody_waits_for_more_than_an_hour(load: int) -> None:
    found = plan(load, MEASURED)
    assert simulate_day(load, found.workers - 1, MEASURED.worker_cpu_seconds, Assumptions()) <= HOUR_SECONDS
    assert found.partitions >= found.workers
    assert found.brokers >= 3


def test_a_group_that_is_slower_than_the_days_mean_never_catches_up() -> None:
    one_a_second = 86_400
    assert simulate_day(one_a_second, 1, cost=0.5, assumed=Assumptions(peak=1.0)) == 0
    assert simulate_day(one_a_second, 1, cost=1.0, assumed=Assumptions(peak=1.0)) == math.inf


def test_a_peak_beyond_the_capacity_makes_articles_wait_and_is_caught_up() -> None:
    waited = simulate_day(86_400, 1, cost=0.35, assumed=Assumptions(peak=3.0))
    assert 0 < waited < math.inf


def test_twice_the_workers_label_history_again_in_half_the_time() -> None:
    assert relabelling(10**9, 8, MEASURED) == pytest.approx(relabelling(10**9, 16, MEASURED) * 2)


def test_longer_texts_take_more_disk_and_network_and_no_more_workers() -> None:
    longer = plan(1_000_000, MEASURED.for_texts_of(3_000))
    assert longer.disk_bytes > 2 * plan(1_000_000, MEASURED).disk_bytes
    assert longer.workers == plan(1_000_000, MEASURED).workers


def test_the_table_has_a_row_for_each_load() -> None:
    assert len(table(LOADS, MEASURED).splitlines()) == 2 + len(LOADS)
