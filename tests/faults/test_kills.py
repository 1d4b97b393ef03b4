"""The fault suite in short: whatever is killed, every article is accounted for and every count is what a plain loop says.

The input holds late, edited, copied and poisoned articles. `make faults SEEDS=20` is the long form (docs/faults.md).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.runs import Run, run
from tests.faults.truth import RememberingPredictor

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(400)]

RECORDS = 1_500
SEED = 7


@pytest.fixture(scope="module")
def predictor() -> RememberingPredictor:
    return RememberingPredictor()


def assert_exact(done: Run) -> None:
    """Nothing differs, and something happened."""
    assert done.findings.differing == 0, str(done.findings)
    assert done.faults > 0, "nothing was done to it: the run proves nothing"


def test_sigkill_of_the_worker_in_the_middle_changes_no_count(tmp_path: Path, predictor: RememberingPredictor) -> None:
    assert_exact(run("SIGKILL of the worker", SEED, tmp_path, predictor, articles=RECORDS, rounds=1))


def test_sigterm_of_the_worker_ends_it_in_order_and_changes_no_count(tmp_path: Path, predictor: RememberingPredictor) -> None:
    assert_exact(run("SIGTERM of the worker", SEED, tmp_path, predictor, articles=RECORDS, rounds=1))


def test_sigkill_of_the_broker_in_the_middle_changes_no_count(tmp_path: Path, predictor: RememberingPredictor) -> None:
    assert_exact(run("SIGKILL of the broker", SEED, tmp_path, predictor, articles=RECORDS, rounds=1))


def test_an_archive_played_twice_changes_no_count(tmp_path: Path, predictor: RememberingPredictor) -> None:
    assert_exact(run("archive played twice", SEED, tmp_path, predictor, articles=RECORDS, rounds=1))


def test_a_lost_disk_is_rebuilt_from_kafka_to_the_same_counts(tmp_path: Path, predictor: RememberingPredictor) -> None:
    assert_exact(run("lost disk", SEED, tmp_path, predictor, articles=RECORDS, rounds=1))


def test_two_workers_that_join_and_die_change_no_count(tmp_path: Path, predictor: RememberingPredictor) -> None:
    assert_exact(run("workers join, leave and die", SEED, tmp_path, predictor, articles=RECORDS, rounds=2))


def test_a_worker_that_stood_still_and_wakes_behind_its_successor_changes_no_count(
    tmp_path: Path, predictor: RememberingPredictor
) -> None:
    assert_exact(run("worker stopped", SEED, tmp_path, predictor, articles=RECORDS, rounds=1))


def test_a_full_disk_ends_the_worker_with_a_reason_and_with_room_the_counts_are_exact(
    tmp_path: Path, predictor: RememberingPredictor
) -> None:
    assert_exact(run("full disk", SEED, tmp_path, predictor, articles=RECORDS, rounds=1))
