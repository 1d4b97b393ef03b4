"""`bellwether ingest feeds`: asks each feed when it is due, for as long as it is told to.

A feed that fails is asked again, later and later, for ever; it never delays another one. What ends the loop is infrastructure:
Kafka or the disk. What one request does is in `reading.py`, when the next one comes in `schedule.py`.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from prometheus_client import CollectorRegistry

from streams.clock import Clock, utc_now
from streams.errors import StateError
from streams.ingest.book import FeedBook
from streams.ingest.feeds import FeedList
from streams.ingest.fetch import Fetcher, Timeouts
from streams.ingest.fulltext import MAX_PAGE_BYTES, FullTexts, check_full_text
from streams.ingest.gates import HostGates
from streams.ingest.parsing import PARSE_TIMEOUT_SECONDS, ParserPool
from streams.ingest.poller import Poller, Reload
from streams.ingest.publish import ArticlePublisher
from streams.ingest.reading import FeedReader, FeedsReport, InThread
from streams.ingest.room import Room
from streams.ingest.state import FeedState
from streams.kafka.locks import locked
from streams.log import get_logger
from streams.metrics import FeedMetrics
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
        concurrency: most feeds in work at once, those aside that are slow (`room.py`).
        host_spacing_seconds: least time between two requests to one host.
        parsers: parser processes.
        parse_timeout_seconds: longest time for one document.
        reload: a new feed list, or None if it is the same; asked every 10 s.
        registry: where the metrics of feeds go; None: nowhere.
    """

    concurrency: int = 32
    host_spacing_seconds: float = 1.0
    parsers: int = 2
    parse_timeout_seconds: float = PARSE_TIMEOUT_SECONDS
    timeouts: Timeouts = field(default_factory=Timeouts)
    reload: Reload | None = None
    registry: CollectorRegistry | None = None


def run_feeds(
    settings: Settings, feeds: FeedList, publisher: ArticlePublisher, *, once: bool = False, stop: threading.Event | None = None,
    options: PollOptions = PollOptions(), clock: Clock = utc_now,
) -> FeedsReport:  # fmt: skip
    """Reads the enabled feeds until `stop` is set, or each of them once, due or not; blocks.

    Without a `stop`, Ctrl-C and SIGTERM end it in order (in the main thread; elsewhere the caller needs a `stop`).

    Raises:
        KafkaError: if the broker does not take what was sent.
        StateError: if the feeds' state can't be read or written, or another process reads feeds with it.
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
    check_full_text(feeds)
    # Names are looked up in the loop's own threads; a dead name server must not keep the other feeds waiting.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_DNS_THREADS, thread_name_prefix="feed-dns"))
    with ExitStack() as stack:
        state = stack.enter_context(FeedState(settings.data_dir / STATE_FILE))
        stack.enter_context(_alone(settings))
        parsers = ParserPool(options.parsers, options.parse_timeout_seconds)
        stack.callback(parsers.close)
        if not once:
            parsers.warm_up()
        work = ThreadPoolExecutor(_WORK_THREADS, thread_name_prefix="feed-work")
        stack.callback(work.shutdown)
        async with (
            Fetcher(options.timeouts, contact=settings.contact) as fetcher,
            Fetcher(options.timeouts, max_body_bytes=MAX_PAGE_BYTES, contact=settings.contact) as pages,
        ):
            registry = CollectorRegistry() if options.registry is None else options.registry
            book, gates = _remembered(state, options, clock)
            metrics = FeedMetrics(registry)
            full_texts = stack.enter_context(
                FullTexts(pages, clock=clock, keep_quiet=gates.keep_quiet, counter=metrics.full_texts)
            )
            reader = FeedReader(
                settings, publisher, state, book, fetcher, parsers, gates, Room(options.concurrency), stop,
                _in_threads(work), metrics, clock, Random(), full_texts=full_texts,
            )  # fmt: skip
            registry.register(book)
            await Poller(reader, reload=options.reload).run(feeds, once=once)
            return reader.report


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    # Two loops would ask a host at the same time, and each would undo what the other remembers.
    try:
        with locked(settings.data_dir / f"{STATE_FILE}.lock", wait_seconds=0.0):
            yield
    except TimeoutError as error:
        raise StateError(
            "another process reads feeds with this state", where=str(settings.data_dir / STATE_FILE), expected="one `ingest feeds`",
            todo="end the other one, or give this one a data directory of its own",
        ) from error  # fmt: skip


def _remembered(state: FeedState, options: PollOptions, clock: Clock) -> tuple[FeedBook, HostGates]:
    gates = HostGates(options.host_spacing_seconds, clock)
    for host, until in state.quiet_hosts(clock()).items():
        gates.keep_quiet(host, until)
    return FeedBook(state.load_all()), gates


def _in_threads(work: ThreadPoolExecutor) -> InThread:
    async def in_thread(call: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(work, call)

    return in_thread
