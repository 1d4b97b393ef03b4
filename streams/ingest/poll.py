"""`bellwether ingest feeds`: asks each feed when it is due, sends what is new or edited, and remembers it once Kafka has it.

A feed that fails is asked again, later and later, for ever; it never delays another one. What ends the loop is infrastructure:
Kafka or the disk.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any, TypeVar

from streams.clock import Clock, utc_now
from streams.errors import FeedError, KafkaError, StateError
from streams.ingest.entries import FeedChanges, find_changes
from streams.ingest.feeds import Feed, FeedList
from streams.ingest.fetch import Fetched, Fetcher, FetchError, Timeouts
from streams.ingest.parsing import ParserPool
from streams.ingest.publish import ArticlePublisher
from streams.ingest.schedule import HostGates, delay_after_failure, delay_after_success
from streams.ingest.state import FeedState
from streams.ingest.urls import host_of
from streams.log import get_logger
from streams.settings import Settings

log = get_logger("feeds")
STATE_FILE = "feeds.sqlite"
_DNS_THREADS = 32
_WORK_THREADS = 8
_STOP_POLL_SECONDS = 0.1
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class PollOptions:
    """How the loop goes about it.

    Attributes:
        concurrency: most feeds in work at once.
        host_spacing_seconds: least time between two requests to one host.
        parsers: parser processes.
        parse_timeout_seconds: longest time for one document.
    """

    concurrency: int = 32
    host_spacing_seconds: float = 1.0
    parsers: int = 2
    parse_timeout_seconds: float = 20.0
    timeouts: Timeouts = field(default_factory=Timeouts)


@dataclass(slots=True)
class FeedsReport:
    """What was done since the start; `new` and `revisions` are articles that Kafka has acknowledged."""

    fresh: int = 0
    not_modified: int = 0
    failed: int = 0
    new: int = 0
    revisions: int = 0
    unchanged: int = 0
    dead_letters: int = 0
    errors: dict[str, str] = field(default_factory=dict)


def run_feeds(
    settings: Settings, feeds: FeedList, publisher: ArticlePublisher, *, once: bool = False, stop: threading.Event | None = None,
    options: PollOptions = PollOptions(), clock: Clock = utc_now,
) -> FeedsReport:  # fmt: skip
    """Reads the enabled feeds until `stop` is set, or each of them once, due or not; blocks.

    Without a `stop`, Ctrl-C and SIGTERM end it in order (in the main thread; elsewhere the caller needs a `stop`).

    Raises:
        KafkaError: if the broker does not take what was sent.
        StateError: if the feeds' state can't be read or written.
    """

    async def run() -> FeedsReport:
        ended = asyncio.Event()
        watcher = asyncio.create_task(_watch(stop, ended)) if stop is not None else None
        if stop is None and threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, ended.set)
        try:
            return await poll_feeds(settings, feeds, publisher, once=once, stop=ended, options=options, clock=clock)
        finally:
            if watcher is not None:
                watcher.cancel()

    return asyncio.run(run())


async def _watch(stop: threading.Event, ended: asyncio.Event) -> None:
    # A threading.Event can't wake a loop; a signal handler may only set a flag. Ten looks a second cost nothing.
    while not stop.is_set():  # noqa: ASYNC110 - the flag is set by another thread
        await asyncio.sleep(_STOP_POLL_SECONDS)
    ended.set()


async def poll_feeds(
    settings: Settings, feeds: FeedList, publisher: ArticlePublisher, *, once: bool, stop: asyncio.Event,
    options: PollOptions = PollOptions(), clock: Clock = utc_now,
) -> FeedsReport:  # fmt: skip
    """See `run_feeds`. After `stop`, feeds in work have `stop_timeout_seconds` to finish; cut off, they are read again later."""
    # Names are looked up in the loop's own threads; a dead name server must not keep the other feeds waiting.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_DNS_THREADS, thread_name_prefix="feed-dns"))
    pool = ParserPool(options.parsers, options.parse_timeout_seconds)
    work = ThreadPoolExecutor(_WORK_THREADS, thread_name_prefix="feed-work")
    try:
        with FeedState(settings.data_dir / STATE_FILE) as state:
            async with Fetcher(options.timeouts) as fetcher:
                poller = _Poller(settings, publisher, state, fetcher, pool, work, stop, options, clock)
                await poller.run(feeds.enabled, once=once)
                return poller.report
    finally:
        pool.close()
        work.shutdown()


class _Poller:
    """The loop's parts, tied together; one task per feed."""

    def __init__(
        self, settings: Settings, publisher: ArticlePublisher, state: FeedState, fetcher: Fetcher, pool: ParserPool, work: ThreadPoolExecutor,
        stop: asyncio.Event, options: PollOptions, clock: Clock,
    ) -> None:  # fmt: skip
        self.report = FeedsReport()
        self._settings = settings
        self._publisher = publisher
        self._state = state
        self._fetcher = fetcher
        self._pool = pool
        self._work = work
        self._stop = stop
        self._clock = clock
        self._random = Random()
        self._room = asyncio.Semaphore(options.concurrency)
        self._gates = HostGates(options.host_spacing_seconds)

    async def run(self, feeds: tuple[Feed, ...], *, once: bool) -> None:
        """Until every task has ended or the first infrastructure error, which is raised."""
        tasks = {asyncio.create_task(self._follow(feed, once=once), name=feed.url) for feed in feeds}
        if not tasks:
            return
        everything = asyncio.create_task(asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION))
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({everything, stopping}, return_when=asyncio.FIRST_COMPLETED)
            done, pending = await asyncio.wait(tasks, timeout=self._patience(everything), return_when=asyncio.FIRST_EXCEPTION)
            for finished in done:
                finished.result()
            if pending:
                log.warning("feeds_cut_off", feeds=len(pending))
                self._publisher.abandon()
        finally:
            for task in (*tasks, everything, stopping):
                task.cancel()
            await asyncio.gather(*tasks, everything, stopping, return_exceptions=True)

    def _patience(self, everything: asyncio.Task[Any]) -> float:
        return 0.0 if everything.done() else self._settings.stop_timeout_seconds

    async def _follow(self, feed: Feed, *, once: bool) -> None:
        due = None if once else (await self._in_thread(partial(self._state.load, feed.url))).next_due
        while not self._stop.is_set():
            if due is not None and not await self._wait_until(due):
                return
            due = await self._poll(feed)
            if once or due is None:
                return

    async def _wait_until(self, due: datetime) -> bool:
        # Whether the time came before the stop.
        seconds = (due - self._clock()).total_seconds()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), max(0.0, seconds))
        return not self._stop.is_set()

    async def _poll(self, feed: Feed) -> datetime | None:
        # One fetch with all that follows; returns when the feed is due again, None if the stop came first.
        try:
            return await self._read(feed)
        except (KafkaError, StateError):
            raise
        except FeedError as error:
            return await self._fail(feed, error.what, error.retry_after_seconds if isinstance(error, FetchError) else 0.0)
        except Exception as error:
            # A fault of ours that one document brings out must not stop the other feeds; it is told in full.
            log.exception("feed_broke_its_reader", feed=feed.url)
            return await self._fail(feed, f"{type(error).__name__}: {error}", 0.0)

    async def _read(self, feed: Feed) -> datetime | None:
        async with AsyncExitStack() as room:
            # The host's gate comes first: feeds that queue for one slow host must not take the room of all others. The room is
            # held until the document is dealt with, since it bounds the documents in memory; the host is free before that.
            async with self._gates.through(host_of(feed.url)):
                await room.enter_async_context(self._room)
                if self._stop.is_set():
                    return None
                record = await self._in_thread(partial(self._state.load, feed.url))
                fetched = await self._fetcher.get(feed.url, record.validators, allow_private=feed.allow_private)
            return await self._take_in(feed, fetched)

    async def _take_in(self, feed: Feed, fetched: Fetched) -> datetime:
        changes = await self._find_changes(feed, fetched)
        await self._in_thread(partial(self._publish, changes))
        now = self._clock()
        due = now + timedelta(seconds=delay_after_success(feed.interval_seconds, self._random))
        await self._in_thread(
            partial(self._state.save_success, feed.url, fetched.validators, changes.seen, now=now, next_due=due)
        )  # fmt: skip
        self._count(feed, fetched, changes)
        return due

    async def _find_changes(self, feed: Feed, fetched: Fetched) -> FeedChanges:
        if fetched.body is None:
            return FeedChanges()
        parsed = await self._pool.parse(fetched.body, fetched.url, fetched.content_type)
        if parsed.error is not None:
            raise FeedError(parsed.error, where=feed.url)
        known = await self._in_thread(partial(self._state.seen, feed.url))
        return await self._in_thread(partial(find_changes, parsed, feed, known, now=self._clock(), settings=self._settings))

    def _publish(self, changes: FeedChanges) -> None:
        for article in changes.articles:
            self._publisher.send(article)
        for letter in changes.dead_letters:
            self._publisher.send_dead_letter(letter)
        if changes.articles or changes.dead_letters:
            self._publisher.flush()

    async def _fail(self, feed: Feed, what: str, retry_after_seconds: float) -> datetime:
        failures = (await self._in_thread(partial(self._state.load, feed.url))).failures + 1
        delay = delay_after_failure(feed.interval_seconds, failures, retry_after_seconds, self._random)
        due = self._clock() + timedelta(seconds=delay)
        await self._in_thread(partial(self._state.save_failure, feed.url, what, next_due=due))
        self.report.failed += 1
        self.report.errors[feed.url] = what
        self._publisher.metrics.feed_fetches.labels("failed").inc()
        log.warning("feed_failed", feed=feed.url, error=what[:500], failures=failures, retry_in_seconds=round(delay))
        return due

    def _count(self, feed: Feed, fetched: Fetched, changes: FeedChanges) -> None:
        report = self.report
        report.errors.pop(feed.url, None)
        outcome = "fresh" if fetched.body is not None else "not-modified"
        self._publisher.metrics.feed_fetches.labels(outcome).inc()
        report.fresh += outcome == "fresh"
        report.not_modified += outcome == "not-modified"
        report.new += changes.new
        report.revisions += changes.revisions
        report.unchanged += changes.unchanged
        report.dead_letters += len(changes.dead_letters)
        if changes.articles or changes.dead_letters:
            log.info(
                "feed_read", feed=feed.url, new=changes.new, revisions=changes.revisions, dead_letters=len(changes.dead_letters)
            )

    async def _in_thread(self, call: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._work, call)
