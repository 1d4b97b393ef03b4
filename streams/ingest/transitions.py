"""What one fetch changes in what is remembered of a feed. Pure: a record and an outcome in, the next record out."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

import msgspec

from streams.ingest import schedule
from streams.ingest.answers import Fetched, Validators
from streams.ingest.feed_record import EntryCounts, FeedRecord
from streams.ingest.feeds import Feed
from streams.ingest.health import add_hours

#: Good fetches in a row that have to see the same permanent redirect before the new address is asked directly.
MOVES_BEFORE_STORED = 3
#: Failures in a row at a new address, or an answer that settles it, send the next request to the old one again.
_FAILURES_AT_NEW_ADDRESS = 3
_SETTLED = frozenset({"gone", "client-error", "not-a-feed", "redirect", "forbidden-address"})
#: What is older than this when it comes was not published just now: it says nothing about how far the feed lags.
_LONGEST_LAG_SECONDS = 3 * 86_400.0
_LAG_SMOOTHING = 0.2


@dataclass(frozen=True, slots=True)
class Arrived:
    """What a document brought; the defaults for a 304.

    Attributes:
        moments: when its entries were published, or came where they have no date.
        lags: seconds from publication to arrival, for entries that are new.
        ttl_seconds: what it asks for; None: there was no document.
    """

    counts: EntryCounts = field(default_factory=EntryCounts)
    moments: tuple[datetime, ...] = ()
    lags: tuple[float, ...] = ()
    ttl_seconds: float | None = None


def after_success(
    record: FeedRecord, feed: Feed, fetched: Fetched, arrived: Arrived, now: datetime, random: Random
) -> FeedRecord:
    """After a good fetch whose articles the broker has."""
    past = [moment for moment in arrived.moments if moment <= now]
    rhythm = schedule.rhythm_of(past, now) if past else record.rhythm
    ttl = record.ttl_seconds if arrived.ttl_seconds is None else arrived.ttl_seconds
    interval = feed.interval_seconds or schedule.rhythmic_interval(rhythm, now)
    # What a person has set stands above what the feed and its server ask for.
    at_least = 0.0 if feed.interval_seconds else max(ttl, fetched.max_age_seconds)
    newest = max(past, default=None)
    return msgspec.structs.replace(
        _moved(record, feed, fetched), validators=fetched.validators, asked=now, last_success=now, failures=0, error="", error_kind="",
        gone_since=None, interval_seconds=interval, ttl_seconds=ttl, rhythm=rhythm,
        next_due=now + timedelta(seconds=schedule.delay_after_success(interval, at_least, random)),
        last_new=now if arrived.counts.new else record.last_new, newest=_later(record.newest, newest),
        lag_seconds=_lag(record, arrived.lags), hours=add_hours(record.hours, past, now), counts=record.counts.plus(arrived.counts),
    )  # fmt: skip


def after_failure(
    record: FeedRecord, feed: Feed, *, error: str, kind: str, retry_after_seconds: float, now: datetime, random: Random
) -> FeedRecord:  # fmt: skip
    """After a fetch that gave nothing. It is tried again, later and later, for ever; one that is gone once a week."""
    failures = record.failures + 1
    gone = kind == "gone" and not record.moved_to
    interval = feed.interval_seconds or record.interval_seconds
    delay = (
        max(schedule.delay_when_gone(random), retry_after_seconds)
        if gone
        else schedule.delay_after_failure(interval, failures, retry_after_seconds, random)
    )
    leaves = bool(record.moved_to) and (kind in _SETTLED or failures >= _FAILURES_AT_NEW_ADDRESS)
    return msgspec.structs.replace(
        record, asked=now, failures=failures, error=error[:500], error_kind=kind, next_due=now + timedelta(seconds=delay),
        gone_since=(record.gone_since or now) if gone else None, moving_to="", moving_times=0,
        moved_to="" if leaves else record.moved_to, validators=Validators() if leaves else record.validators,
    )  # fmt: skip


def after_quiet(record: FeedRecord, feed: Feed, quiet_seconds: float, now: datetime, random: Random) -> FeedRecord:
    """After a turn that came to nothing since the host wants to be left alone: no request was made, nothing failed."""
    interval = feed.interval_seconds or record.interval_seconds
    delay = schedule.delay_after_quiet(quiet_seconds, interval, random)
    return msgspec.structs.replace(record, next_due=now + timedelta(seconds=delay))


def _moved(record: FeedRecord, feed: Feed, fetched: Fetched) -> FeedRecord:
    target = fetched.moved_to
    asked = record.moved_to or feed.url
    if not target or (asked.startswith("https:") and not target.startswith("https:")):
        # A way back from https to http may be anybody's: it is followed, never stored.
        return msgspec.structs.replace(record, moving_to="", moving_times=0)
    times = record.moving_times + 1 if target == record.moving_to else 1
    if times < MOVES_BEFORE_STORED:
        return msgspec.structs.replace(record, moving_to=target, moving_times=times)
    return msgspec.structs.replace(record, moved_to="" if target == feed.url else target, moving_to="", moving_times=0)


def _lag(record: FeedRecord, lags: Iterable[float]) -> float | None:
    # Of the first document nobody knows how long its entries had been there.
    fresh = [lag for lag in lags if 0 <= lag <= _LONGEST_LAG_SECONDS] if record.last_success is not None else []
    if not fresh:
        return record.lag_seconds
    found = statistics.median(fresh)
    return found if record.lag_seconds is None else record.lag_seconds + _LAG_SMOOTHING * (found - record.lag_seconds)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((moment for moment in (one, other) if moment is not None), default=None)
