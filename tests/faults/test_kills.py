"""Whatever is killed, every article is accounted for and every count is what a plain loop says."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from models.predict import Predictor
from streams.watchlist import load_watchlist
from tests.helpers.archives import as_articles, news, write_archive
from tests.helpers.plain_loop import Truth, counts_of, recount
from tests.helpers.stack import Stack, running_stack, wait_for

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(400)]

ARTICLES = 4_000


def shown_pairs(stack: Stack, truth: Truth) -> set[str]:
    """The pairs that must stand on the board: watched, or with enough stories that carry a signal."""
    watchlist = load_watchlist(stack.settings.watchlist)
    discovered = {pair for pair, stories in truth.labelled_stories().items() if stories >= watchlist.discover_min_stories}
    return set(watchlist.keys) | discovered


def assert_exact(stack: Stack, truth: Truth, *, duplicates: int = 0, dead_letters: int = 0) -> None:
    """Every count equals the plain loop's, and every article is accounted for, to the unit."""
    assert counts_of(stack.trends().values()) == truth.counts(shown_pairs(stack, truth))
    assert stack.progress() == {"classified": truth.distinct, "duplicates": duplicates, "dead_letters": dead_letters}


@pytest.fixture(scope="module")
def truth() -> Truth:
    return recount(as_articles(list(news(ARTICLES))), Predictor.load())


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return write_archive(tmp_path / "news.jsonl", list(news(ARTICLES)))


def accounted(stack: Stack) -> int:
    return sum(stack.progress().values())


def wait_for_share(stack: Stack, share: float) -> None:
    wait_for(f"more than {share:.0%} of the work to be done", lambda: accounted(stack) > ARTICLES * share)


def keep_alive(stack: Stack) -> bool:
    """What a supervisor does: a worker that a dead broker has ended is started again."""
    if stack.processes["worker-1"].poll() is not None:
        stack.start_worker()
    return True


def test_sigkill_of_the_worker_in_the_middle_changes_no_count(tmp_path: Path, archive: Path, truth: Truth) -> None:
    with running_stack(tmp_path) as stack:
        stack.run("ingest", "archive", str(archive))
        for share in (0.15, 0.5, 0.8):
            stack.start_worker()
            wait_for_share(stack, share)
            assert stack.end("worker-1", signal.SIGKILL) == -signal.SIGKILL
        assert accounted(stack) < ARTICLES, "the kills came too late to prove anything"
        stack.start_worker()
        stack.wait_until_processed(ARTICLES)
        assert_exact(stack, truth)


def test_sigterm_of_the_worker_ends_it_in_order_and_changes_no_count(tmp_path: Path, archive: Path, truth: Truth) -> None:
    with running_stack(tmp_path) as stack:
        stack.run("ingest", "archive", str(archive))
        for share in (0.1, 0.4):
            stack.start_worker()
            wait_for_share(stack, share)
            assert stack.end("worker-1", signal.SIGTERM) == 0
        stack.start_worker()
        stack.wait_until_processed(ARTICLES)
        assert_exact(stack, truth)


def test_sigkill_of_the_broker_in_the_middle_changes_no_count(tmp_path: Path, archive: Path, truth: Truth) -> None:
    with running_stack(tmp_path) as stack:
        stack.run("ingest", "archive", str(archive))
        stack.start_worker()
        wait_for_share(stack, 0.3)
        stack.kill_kafka()
        stack.start_kafka()
        wait_for("every article", lambda: keep_alive(stack) and accounted(stack) >= ARTICLES, seconds=240)
        stack.wait_until_processed(ARTICLES)
        assert_exact(stack, truth)


def test_an_archive_played_twice_changes_no_count(tmp_path: Path, archive: Path, truth: Truth) -> None:
    with running_stack(tmp_path) as stack:
        stack.start_worker()
        stack.run("ingest", "archive", str(archive))
        stack.run("ingest", "archive", str(archive))
        stack.wait_until_processed(2 * ARTICLES)
        assert_exact(stack, truth, duplicates=ARTICLES)


def test_a_lost_disk_is_rebuilt_from_kafka_to_the_same_counts(tmp_path: Path, archive: Path, truth: Truth) -> None:
    with running_stack(tmp_path) as stack:
        stack.run("ingest", "archive", str(archive))
        stack.start_worker()
        wait_for_share(stack, 0.5)
        stack.end("worker-1", signal.SIGKILL)
        # Another worker with an empty folder takes over; edits that come later must still find the old facts.
        stack.start_worker("worker-2")
        stack.wait_until_processed(ARTICLES)
        assert_exact(stack, truth)


def test_two_workers_that_join_and_die_change_no_count(tmp_path: Path, archive: Path, truth: Truth) -> None:
    with running_stack(tmp_path) as stack:
        stack.run("ingest", "archive", str(archive))
        stack.start_worker("worker-1")
        wait_for_share(stack, 0)
        stack.start_worker("worker-2")
        wait_for_share(stack, 0.5)
        stack.end("worker-1", signal.SIGKILL)
        stack.wait_until_processed(ARTICLES)
        assert_exact(stack, truth)
