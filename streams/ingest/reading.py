"""One feed, once: asked, parsed, compared, sent, and remembered when the broker has acknowledged it. In that order, always."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Protocol, TypeVar

from streams.clock import Clock, parse_utc
from streams.errors import FeedError, KafkaError, StateError
from streams.ingest import transitions
from streams.ingest.answers import Fetched, FetchError, Validators
from streams.ingest.book import FeedBook
from streams.ingest.entries import FeedChanges, find_changes
from streams.ingest.feed_record import EntryCounts, FeedRecord
from streams.ingest.feeds import Feed
from streams.ingest.fetch import Turn
from streams.ingest.fulltext import FullTexts
from streams.ingest.gates import ClosedError, HostGates, HostQuietError, Passage
from streams.ingest.health import error_kind
from streams.ingest.parsed import ParsedFeed
from streams.ingest.publish import ArticlePublisher
from streams.ingest.room import Room
from streams.ingest.schedule import BUSY_SECONDS
from streams.ingest.state import FeedState, Seen
from streams.ingest.urls import host_of
from streams.log import get_logger
from streams.metrics import FeedMetrics
from streams.records import Article
from streams.settings import Settings

log = get_logger("feeds")
_Result = TypeVar("_Result")


class GetsDocuments(Protocol):
    """What is used of `Fetcher`."""

    async def get(self, url: str, validators: Validators = ..., *, allow_private: bool = ..., turn: Turn = ...) -> Fetched: ...


class ParsesDocuments(Protocol):
    """What is used of `ParserPool`."""

    async def parse(self, data: bytes, url: str, content_type: str = "") -> ParsedFeed: ...


class InThread(Protocol):
    """Runs a call that blocks for a short time where it does not hold up the loop."""

    def __call__(self, call: Callable[[], _Result]) -> Awaitable[_Result]: ...


@dataclass(slots=True)
class FeedsReport:
    """What was done since the start; `new` and `revisions` are articles that Kafka has acknowledged.

    `left_alone` are turns that came to nothing because the host wanted to be left alone.
    """

    fresh: int = 0
    not_modified: int = 0
    failed: int = 0
    left_alone: int = 0
    new: int = 0
    revisions: int = 0
    unchanged: int = 0
    dead_letters: int = 0
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class FeedReader:
    """What reading a feed takes, tied together."""

    settings: Settings
    publisher: ArticlePublisher
    state: FeedState
    book: FeedBook
    fetcher: GetsDocuments
    parsers: ParsesDocuments
    gates: HostGates
    room: Room
    stop: asyncio.Event
    in_thread: InThread
    metrics: FeedMetrics
    clock: Clock
    random: Random
    report: FeedsReport = field(default_factory=FeedsReport)
    full_texts: FullTexts | None = None

    async def read(self, feed: Feed) -> datetime | None:
        """One fetch with all that follows; when the feed is due again, or None if a stop came first.

        Raises:
            KafkaError: if the broker does not take what was sent.
            StateError: if the state can't be written.
        """
        record = self.book.record(feed.url)
        try:
            async with Passage(self.gates, self.room, self.stop, even_if_quiet=not feed.honour_retry_after) as passage:
                fetched = await self.fetcher.get(
                    record.moved_to or feed.url, record.validators, allow_private=feed.allow_private, turn=passage.turn
                )
                took = asyncio.get_running_loop().time() - passage.began
                due, articles = await self._take_in(feed, record, fetched, took)
                del fetched
                await self._read_pages(feed, articles, passage.turn)
                return due
        except (KafkaError, StateError):
            raise
        except ClosedError:
            return None
        except HostQuietError as error:
            return await self._leave_alone(feed, record, error)
        except FeedError as error:
            return await self._fail(feed, record, error, error.what)
        except Exception as error:
            # A fault of ours that one document brings out must not stop the other feeds; it is told in full.
            log.exception("feed_broke_its_reader", feed=feed.url)
            return await self._fail(feed, record, error, f"{type(error).__name__}: {error}")

    async def _take_in(
        self, feed: Feed, record: FeedRecord, fetched: Fetched, took: float
    ) -> tuple[datetime | None, list[Article]]:
        """When the feed is due again, and the articles that were sent."""
        received = asyncio.get_running_loop().time()
        changes, arrived = FeedChanges(), transitions.Arrived()
        if fetched.body is not None:
            changes, arrived = await self._compare(feed, fetched)
        await self.in_thread(partial(self._publish, changes))
        now = self.clock()
        after = transitions.after_success(record, feed, fetched, arrived, now, self.random)
        await self.in_thread(partial(self.state.save, feed.url, after, changes.seen, now=now))
        self.metrics.fetch_seconds.observe(took)
        if changes.articles:
            self.metrics.delivery_seconds.observe(asyncio.get_running_loop().time() - received)
        self._count(feed, fetched, changes, arrived.counts)
        return await self._tell(feed, after), changes.articles

    async def _read_pages(self, feed: Feed, articles: list[Article], turn: Turn) -> None:
        """Sends those articles once more, with the texts of their pages, of which there is more to read there than in the feed."""
        if not feed.full_text or self.full_texts is None:
            return
        private_host = host_of(feed.url) if feed.allow_private else ""
        try:
            async for article in self.full_texts.longer(articles, turn=turn, private_host=private_host):
                await self.in_thread(partial(self._publish, FeedChanges(articles=[article])))
        except (KafkaError, StateError, ClosedError):
            raise
        except Exception:
            # The feed was read, and what it brought is remembered: a page can't make that a failure.
            log.exception("page_broke_its_reader", feed=feed.url)

    async def _compare(self, feed: Feed, fetched: Fetched) -> tuple[FeedChanges, transitions.Arrived]:
        parsed = await self.parsers.parse(fetched.body or b"", fetched.url, fetched.content_type)
        if parsed.error is not None:
            raise FeedError(parsed.error, where=feed.url)
        known = await self.in_thread(partial(self.state.seen, feed.url))
        now = self.clock()
        changes = await self.in_thread(partial(find_changes, parsed, feed, known, now=now, settings=self.settings))
        read = len(parsed.entries) + parsed.left_out
        sent = changes.new + changes.revisions + changes.unchanged
        counts = EntryCounts(read, changes.new, changes.revisions, changes.unchanged, read - sent)
        lags = [
            (now - parse_utc(article.published)).total_seconds()
            for article in changes.articles
            if article.id not in known and article.date_origin == "published"
        ]
        return changes, transitions.Arrived(counts, _moments(parsed, changes.seen), tuple(lags), parsed.ttl_seconds)

    def _publish(self, changes: FeedChanges) -> None:
        for article in changes.articles:
            self.publisher.send(article)
        for letter in changes.dead_letters:
            self.publisher.send_dead_letter(letter)
        if changes.articles or changes.dead_letters:
            self.publisher.flush()

    async def _fail(self, feed: Feed, record: FeedRecord, error: Exception, what: str) -> datetime | None:
        now, kind = self.clock(), error_kind(error)
        wait = error.retry_after_seconds if isinstance(error, FetchError) else 0.0
        if kind == "busy" and isinstance(error, FetchError) and feed.honour_retry_after:
            wait = wait or (BUSY_SECONDS if error.status == 429 else 0.0)
            await self._keep_quiet(host_of(error.where), wait, now)
        wait = wait if feed.honour_retry_after else 0.0
        after = transitions.after_failure(
            record, feed, error=what, kind=kind, retry_after_seconds=wait, now=now, random=self.random
        )  # fmt: skip
        await self.in_thread(partial(self.state.save, feed.url, after, now=now))
        self.report.failed += 1
        self.report.errors[feed.url] = what
        self.publisher.metrics.feed_fetches.labels("failed").inc()
        self.metrics.errors.labels(kind).inc()
        log.warning("feed_failed", feed=feed.url, error=what[:500], kind=kind, failures=after.failures, due=str(after.next_due))
        return await self._tell(feed, after)

    async def _keep_quiet(self, host: str, seconds: float, now: datetime) -> None:
        if host and seconds:
            until = now + timedelta(seconds=seconds)
            self.gates.keep_quiet(host, until)
            await self.in_thread(partial(self.state.save_quiet_host, host, until))

    async def _leave_alone(self, feed: Feed, record: FeedRecord, error: HostQuietError) -> datetime | None:
        now = self.clock()
        after = transitions.after_quiet(record, feed, (error.until - now).total_seconds(), now, self.random)
        await self.in_thread(partial(self.state.save, feed.url, after, now=now))
        self.report.left_alone += 1
        self.report.errors[feed.url] = error.what
        self.book.put(feed.url, after)
        return after.next_due

    def _count(self, feed: Feed, fetched: Fetched, changes: FeedChanges, counts: EntryCounts) -> None:
        report = self.report
        report.errors.pop(feed.url, None)
        outcome = "fresh" if fetched.body is not None else "not-modified"
        self.publisher.metrics.feed_fetches.labels(outcome).inc()
        report.fresh += outcome == "fresh"
        report.not_modified += outcome == "not-modified"
        report.new += changes.new
        report.revisions += changes.revisions
        report.unchanged += changes.unchanged
        report.dead_letters += len(changes.dead_letters)
        self.metrics.entries_read.inc(counts.read)
        became = {"new": counts.new, "revision": counts.revisions, "duplicate": counts.duplicates, "rejected": counts.rejected}
        for name, value in became.items():
            self.metrics.entries.labels(name).inc(value)
        if changes.articles or changes.dead_letters:
            log.info(
                "feed_read", feed=feed.url, new=changes.new, revisions=changes.revisions, dead_letters=len(changes.dead_letters)
            )

    async def _tell(self, feed: Feed, record: FeedRecord) -> datetime | None:
        self.book.put(feed.url, record)
        await self.in_thread(partial(self.publisher.send_status, self.book.status(feed)))
        return record.next_due


def _moments(parsed: ParsedFeed, seen: dict[str, Seen]) -> tuple[datetime, ...]:
    """When the entries were published; where most have no date, when they came."""
    dates = [entry.published or entry.updated for entry in parsed.entries]
    dated = [parse_utc(date) for date in dates if date]
    if len(dated) * 2 >= len(dates):
        return tuple(dated)
    return tuple(found.first_seen for found in seen.values())
