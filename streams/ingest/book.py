"""All feeds of the list with what is known of each: what the loop plans by, and what is told to others (metrics, topic `feeds`)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Literal

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from streams import metrics
from streams.clock import format_utc
from streams.ingest.feed_record import FeedRecord
from streams.ingest.feeds import Feed
from streams.ingest.health import cadence_of, silent_at
from streams.records import FeedStatus

FeedState = Literal["waiting", "good", "failing", "gone", "off"]


class FeedBook(Collector):
    """Feeds and records, by URL. Written by the loop; a scrape reads it from another thread."""

    def __init__(self, records: dict[str, FeedRecord]) -> None:
        self._records = records
        self._feeds: dict[str, Feed] = {}
        self._silent_at: dict[str, datetime | None] = {}
        self.overdue_seconds = 0.0

    @property
    def feeds(self) -> dict[str, Feed]:
        """URL -> feed, of those that are read."""
        return self._feeds

    def set_feeds(self, feeds: Iterable[Feed]) -> None:
        """The feeds that are read from now on."""
        self._feeds = {feed.url: feed for feed in feeds}
        self._silent_at = {feed.url: _silent_at(feed, self.record(feed.url)) for feed in self._feeds.values()}

    def left(self) -> list[str]:
        """URLs of which something is known but which are no longer read."""
        return [url for url in self._records if url not in self._feeds]

    def record(self, url: str) -> FeedRecord:
        """What is known of a feed; the defaults for one that was never asked."""
        return self._records.get(url) or FeedRecord()

    def put(self, url: str, record: FeedRecord) -> None:
        """Replaces what is known of a feed."""
        self._records[url] = record
        feed = self._feeds.get(url)
        if feed is not None:
            self._silent_at[url] = _silent_at(feed, record)

    def status(self, feed: Feed) -> FeedStatus:
        """How a feed is; off, if it left the list while it was in work."""
        return status_of(feed, self.record(feed.url), self._silent_at.get(feed.url), off=feed.url not in self._feeds)

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """How many feeds are in each state, and, for the first 2,000, how each is."""
        feeds = list(self._feeds.values())
        states: Counter[str] = Counter(state_of(self.record(feed.url)) for feed in feeds)
        by_state = _gauge(metrics.FEEDS)
        for state in metrics.FEED_STATES:
            by_state.add_metric([state], states[state])
        overdue = _gauge(metrics.FEED_OVERDUE_SECONDS)
        overdue.add_metric([], self.overdue_seconds)
        yield from (by_state, overdue)
        brought = CounterMetricFamily(metrics.FEED_NEW.name, metrics.FEED_NEW.help, labels=metrics.FEED_NEW.labels)
        gauges = [_gauge(family) for family in metrics.EACH_FEED_FAMILIES]
        for feed in feeds[: metrics.MOST_FEED_SERIES]:
            record = self.record(feed.url)
            values = (
                _seconds(record.last_success), _seconds(record.newest), _seconds(self._silent_at.get(feed.url), never=math.inf),
                record.failures, record.interval_seconds, math.nan if record.lag_seconds is None else record.lag_seconds,
            )  # fmt: skip
            for gauge, value in zip(gauges, values, strict=True):
                gauge.add_metric([feed.name or feed.outlet], value)
            brought.add_metric([feed.name or feed.outlet], record.counts.new)
        yield brought
        yield from gauges


def state_of(record: FeedRecord) -> FeedState:
    """One word for how a feed is, off not among them."""
    if record.gone_since is not None:
        return "gone"
    if record.failures:
        return "failing"
    return "waiting" if record.last_success is None else "good"


def status_of(feed: Feed, record: FeedRecord, silent: datetime | None, *, off: bool = False) -> FeedStatus:
    """The record for the topic `feeds`."""
    counts = record.counts
    return FeedStatus(
        url=feed.url, name=feed.name, outlet=feed.outlet, group=feed.group, state="off" if off else state_of(record),
        asked=_text(record.asked), last_success=_text(record.last_success), next_due="" if off else _text(record.next_due),
        interval_seconds=record.interval_seconds, newest=_text(record.newest), silent_at="" if off else _text(silent),
        lag_seconds=record.lag_seconds, failures=record.failures, error_kind=record.error_kind, error=record.error, moved_to=record.moved_to,
        read=counts.read, new=counts.new, revisions=counts.revisions, duplicates=counts.duplicates, rejected=counts.rejected,
    )  # fmt: skip


def _silent_at(feed: Feed, record: FeedRecord) -> datetime | None:
    last = record.newest or record.last_success
    if last is None or record.asked is None:
        return None
    return silent_at(last, cadence_of(record.hours, record.asked), feed.silent_after_hours)


def _text(moment: datetime | None) -> str:
    return format_utc(moment) if moment is not None else ""


def _seconds(moment: datetime | None, *, never: float = 0.0) -> float:
    return moment.timestamp() if moment is not None else never


def _gauge(family: metrics.Family) -> GaugeMetricFamily:
    return GaugeMetricFamily(family.name, family.help, labels=family.labels)
