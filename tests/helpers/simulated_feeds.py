"""Feeds, their servers' moods and the loop that reads them, on a clock that jumps from one event to the next."""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TypeVar

import msgspec
from prometheus_client import CollectorRegistry

from streams.clock import format_utc
from streams.ingest.answers import Fetched, FetchError, Validators
from streams.ingest.book import FeedBook
from streams.ingest.feed_record import FeedRecord
from streams.ingest.feeds import Feed, FeedList
from streams.ingest.fetch import Turn
from streams.ingest.gates import HostGates
from streams.ingest.parsed import ParsedEntry, ParsedFeed
from streams.ingest.poller import Poller
from streams.ingest.reading import FeedReader, FeedsReport
from streams.ingest.room import Room
from streams.ingest.state import FeedState
from streams.ingest.urls import host_of
from streams.metrics import FeedMetrics
from streams.settings import Settings
from tests.helpers.ingesting import FakeProducer, fake_publisher

START = datetime(2017, 6, 5, tzinfo=UTC)
_Result = TypeVar("_Result")
DOCUMENT_ENTRIES = 5
_NONE = Validators()


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps to the next timer when nothing else is to be done. No sockets, no threads."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        ready, scheduled = self._ready, self._scheduled  # type: ignore[attr-defined]
        while scheduled and scheduled[0]._cancelled:
            timer = heapq.heappop(scheduled)
            timer._scheduled = False
        if not ready and scheduled:
            self.now = max(self.now, scheduled[0]._when)
        self._timer_cancelled_count = 0
        super()._run_once()  # type: ignore[misc]


@dataclass(slots=True)
class Site:
    """One feed's server: an item comes every `period`, and an answer takes `latency`.

    Attributes:
        mood: what a request at a time gets in the place of an answer; None: an answer.
    """

    period: float
    latency: float = 0.2
    phase: float = 0.0
    mood: Callable[[float], FetchError | None] = lambda _now: None

    def items(self, now: float) -> list[tuple[int, float]]:
        """(number, seconds since the start) of the newest items."""
        last = int((now - self.phase) // self.period)
        return [(number, self.phase + number * self.period) for number in range(last, last - DOCUMENT_ENTRIES, -1)]


@dataclass(slots=True)
class Request:
    """One request that came to a host."""

    at: float
    until: float
    url: str
    host: str


@dataclass
class SimulatedWeb:
    """All sites; plays the fetcher and the parser."""

    loop: JumpingLoop
    sites: dict[str, Site]
    requests: list[Request] = field(default_factory=list)

    async def get(
        self, url: str, validators: Validators = _NONE, *, allow_private: bool = False, turn: Turn | None = None
    ) -> Fetched:  # fmt: skip
        site, host = self.sites[url], host_of(url)
        assert turn is not None
        async with turn(host):
            began = self.loop.time()
            await asyncio.sleep(site.latency)
            self.requests.append(Request(began, self.loop.time(), url, host))
            error = site.mood(self.loop.time())
            if error is not None:
                raise error
            newest = site.items(self.loop.time())[0][0]
            tag = f'"{newest}"'
            body = None if validators.etag == tag else f"{self.loop.time()} {url}".encode()
            return Fetched(url, body, validators=Validators(tag))

    async def parse(self, data: bytes, url: str, content_type: str = "") -> ParsedFeed:
        at, _, url = data.decode().partition(" ")
        items = self.sites[url].items(float(at))
        return ParsedFeed(
            entries=[
                ParsedEntry(id=f"{url}/{number}", title=f"Item {number}", published=format_utc(START + timedelta(seconds=moment)))
                for number, moment in items
            ]
        )


@dataclass
class Outcome:
    """What a simulated time brought."""

    web: SimulatedWeb
    report: FeedsReport
    records: dict[str, FeedRecord]
    starts: Counter[int]
    dues: Counter[int]
    articles: list[str]


class _CountingPoller(Poller):
    """Counts what is planned for each second."""

    def __init__(self, reader: FeedReader, dues: Counter[int]) -> None:
        super().__init__(reader)
        self._dues = dues

    def _plan(self, url: str, due: datetime) -> None:
        self._dues[int((due - START).total_seconds())] += 1
        super()._plan(url, due)


def simulate(
    sites: dict[str, Site], *, seconds: float, settings: Settings, folder: Path, seed: int = 7, restart_every: float = 0.0,
) -> Outcome:  # fmt: skip
    """Reads the feeds for so long; with `restart_every`, a new process takes over that often, with what the old one remembered.

    The first reading, of feeds that are all due at once, is not in `dues`: it is the starts that count there.
    """
    loop = JumpingLoop()
    try:
        return loop.run_until_complete(
            _simulate(loop, sites, seconds, settings, folder / "feeds.sqlite", seed, restart_every or seconds)
        )
    finally:
        loop.close()


async def _simulate(
    loop: JumpingLoop, sites: dict[str, Site], seconds: float, settings: Settings, path: Path, seed: int, restart_every: float
) -> Outcome:  # fmt: skip
    web, random, report = SimulatedWeb(loop, sites), Random(seed), FeedsReport()
    dues, producer = Counter[int](), FakeProducer()

    async def at_once(call: Callable[[], _Result]) -> _Result:
        return call()

    def clock() -> datetime:
        return START + timedelta(seconds=loop.time())

    feeds = FeedList(tuple(Feed(url, "Courier", "en") for url in sites))
    articles: list[str] = []
    while loop.time() < seconds:
        with FeedState(path) as state:
            state._database.execute("PRAGMA synchronous = OFF")
            gates = HostGates(1.0, clock)
            for host, until in state.quiet_hosts(clock()).items():
                gates.keep_quiet(host, until)
            stop = asyncio.Event()
            reader = FeedReader(
                settings, fake_publisher(producer, name="feeds"), state, FeedBook(state.load_all()), web, web, gates, Room(32),
                stop, at_once, FeedMetrics(CollectorRegistry()), clock, random, report,
            )  # fmt: skip
            loop.call_later(min(restart_every, seconds - loop.time()), stop.set)
            await _CountingPoller(reader, dues).run(feeds, once=False)
            records = state.load_all()
            articles.extend(msgspec.json.decode(sent.value)["id"] for sent in producer.acked if sent.topic == "articles")
            producer.acked.clear()
    starts = Counter(int(request.at) for request in web.requests)
    return Outcome(web, report, records, starts, Counter({s: n for s, n in dues.items() if s > 0}), articles)


def down(*spans: tuple[float, float]) -> Callable[[float], FetchError | None]:
    """A mood: no connection within the spans."""

    def mood(now: float) -> FetchError | None:
        return (
            FetchError("no connection", kind="connection", where="") if any(start <= now < end for start, end in spans) else None
        )

    return mood


def broken(status: int, url: str) -> Callable[[float], FetchError | None]:
    """A mood: always this status."""
    return lambda _now: FetchError(f"the server answered {status}", kind="status", where=url, status=status)


def busy(url: str, spans: list[tuple[float, float]], status: int = 429) -> Callable[[float], FetchError | None]:
    """A mood: within the spans, a Retry-After that leads to their end."""

    def mood(now: float) -> FetchError | None:
        for start, end in spans:
            if start <= now < end:
                return FetchError("busy", kind="status", where=url, status=status, retry_after_seconds=end - now)
        return None

    return mood


def inside_spans(requests: list[Request], host: str, spans: list[tuple[float, float]]) -> list[list[float]]:
    """For each span, when requests to a host were answered inside it."""
    times = [request.until for request in requests if request.host == host]
    return [[time for time in times if start <= time < end] for start, end in spans]
