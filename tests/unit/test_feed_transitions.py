"""What one fetch changes in what is remembered of a feed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from streams.ingest.answers import Fetched, Validators
from streams.ingest.feed_record import EntryCounts, FeedRecord
from streams.ingest.feeds import Feed
from streams.ingest.schedule import Rhythm
from streams.ingest.transitions import Arrived, after_failure, after_quiet, after_success

NOW = datetime(2017, 8, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
FEED = Feed("https://courier.invalid/rss", "Courier")
NOTHING = Arrived()
AGENCY = tuple(NOW - HOUR * number for number in range(20))


def good(
    record: FeedRecord, arrived: Arrived = NOTHING, *, moved_to: str = "", now: datetime = NOW, feed: Feed = FEED
) -> FeedRecord:
    return after_success(
        record, feed, Fetched(feed.url, b"", validators=Validators("v"), moved_to=moved_to), arrived, now, Random(7)
    )


def bad(record: FeedRecord, kind: str = "timeout", *, wait: float = 0.0, now: datetime = NOW) -> FeedRecord:
    return after_failure(record, FEED, error="down", kind=kind, retry_after_seconds=wait, now=now, random=Random(7))


def test_a_good_fetch_ends_failures_and_keeps_what_is_needed_to_ask_again() -> None:
    record = good(bad(bad(FeedRecord())), Arrived(EntryCounts(20, 20, 0, 0, 0), AGENCY, ttl_seconds=0.0))
    assert (record.failures, record.error, record.error_kind, record.validators) == (0, "", "", Validators("v"))
    assert (record.newest, record.last_new, record.last_success) == (NOW, NOW, NOW)
    assert record.rhythm == Rhythm(20, NOW - 19 * HOUR)
    assert record.interval_seconds == 19 * 3_600 / 20 / 2
    assert len(record.hours) == 20


def test_after_a_304_the_rhythm_stands_and_the_silence_since_counts() -> None:
    first = good(FeedRecord(), Arrived(moments=AGENCY, ttl_seconds=600.0))
    later = good(first, now=NOW + timedelta(days=2))
    assert (later.rhythm, later.newest, later.ttl_seconds) == (first.rhythm, first.newest, 600.0)
    assert later.interval_seconds > 2 * first.interval_seconds


def test_what_lies_ahead_is_neither_the_newest_nor_part_of_the_rhythm() -> None:
    record = good(FeedRecord(), Arrived(moments=(*AGENCY, NOW + timedelta(days=300))))
    assert record.newest == NOW
    assert record.rhythm.items == 20


def test_the_lag_is_learnt_from_what_comes_new_and_not_from_the_first_document_or_from_old_things() -> None:
    first = good(FeedRecord(), Arrived(lags=(50.0,)))
    assert first.lag_seconds is None
    second = good(first, Arrived(lags=(100.0, 200.0, 300.0, 9e9, -5.0)))
    assert second.lag_seconds == 200.0
    assert good(second, Arrived(lags=(700.0,))).lag_seconds == pytest.approx(300.0)
    assert good(second).lag_seconds == 200.0


def test_a_permanent_move_from_https_to_http_is_never_stored() -> None:
    record = FeedRecord()
    for _ in range(9):
        record = good(record, moved_to="http://courier.invalid/rss")
    assert (record.moved_to, record.moving_times) == ("", 0)


def test_a_move_that_changes_its_mind_begins_to_count_again() -> None:
    record = FeedRecord()
    for target in ("a", "a", "b", "b"):
        record = good(record, moved_to=f"https://{target}.invalid/")
        assert record.moved_to == ""
    assert good(record, moved_to="https://b.invalid/").moved_to == "https://b.invalid/"


def test_a_move_back_to_where_it_was_ends_the_move() -> None:
    record = FeedRecord(moved_to="https://new.invalid/")
    for _ in range(3):
        record = good(record, moved_to=FEED.url)
    assert record.moved_to == ""


@pytest.mark.parametrize(("kind", "times"), [("client-error", 1), ("not-a-feed", 1), ("timeout", 3), ("server-error", 3)])
def test_a_new_address_that_fails_is_given_up_sooner_when_the_answer_settles_it(kind: str, times: int) -> None:
    record = FeedRecord(moved_to="https://new.invalid/", validators=Validators("v"))
    for _ in range(times):
        assert record.moved_to
        record = bad(record, kind)
    assert (record.moved_to, record.validators) == ("", Validators())


def test_gone_at_a_new_address_does_not_make_the_feed_gone() -> None:
    record = bad(FeedRecord(moved_to="https://new.invalid/"), "gone")
    assert record.gone_since is None
    assert bad(record, "gone").gone_since == NOW


def test_a_failure_is_told_in_one_bounded_line() -> None:
    record = after_failure(FeedRecord(), FEED, error="x" * 9_000, kind="fault", retry_after_seconds=0, now=NOW, random=Random(7))
    assert len(record.error) == 500


def test_a_turn_that_came_to_nothing_counts_as_no_failure_and_comes_after_the_quiet() -> None:
    record = after_quiet(FeedRecord(failures=2, error="down"), FEED, 3_600.0, NOW, Random(7))
    assert (record.failures, record.error) == (2, "down")
    assert record.next_due is not None
    assert HOUR < record.next_due - NOW <= 2 * HOUR
