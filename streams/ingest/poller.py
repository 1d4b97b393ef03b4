"""The loop over feeds: a timetable, and one task for each feed that is in work. Knows no network, no disk and no threads of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from heapq import heappop, heappush

from streams.ingest.book import status_of
from streams.ingest.feeds import Feed, FeedList
from streams.ingest.reading import FeedReader
from streams.ingest.schedule import FARTHEST_SECONDS, start_spacing_seconds
from streams.log import get_logger

log = get_logger("feeds")
#: However far the next feed is: the machine's clock may have been set meanwhile.
_LONGEST_WAIT_SECONDS = 60.0
RELOAD_SECONDS = 10.0
Reload = Callable[[], FeedList | None]


class Poller:
    """The loop: a timetable of feeds, and one task for each that is in work.

    Requests begin apart (see `start_spacing_seconds`), whatever made many feeds due at once: a first start, a long stop, a network
    that came back. A single pass, which somebody waits for, keeps to the hosts' own spacing only.
    """

    def __init__(self, reader: FeedReader, *, reload: Reload | None = None) -> None:
        self._reader = reader
        self._reload = reload
        self._timetable: list[tuple[datetime, int, str]] = []
        self._planned: set[str] = set()
        self._tasks: set[asyncio.Task[datetime | None]] = set()
        self._number = 0
        self._fatal: BaseException | None = None
        self._wake = asyncio.Event()
        self._next_reload = 0.0

    async def run(self, feeds: FeedList, *, once: bool) -> None:
        """Until a stop, the end of a single pass, or the first infrastructure error, which is raised."""
        loop, stop = asyncio.get_running_loop(), self._reader.stop
        self._next_reload = loop.time() + RELOAD_SECONDS
        await self._take_list(feeds, once=once)
        watcher = asyncio.create_task(stop.wait())
        watcher.add_done_callback(lambda _: self._wake.set())
        try:
            while not stop.is_set() and self._fatal is None and (self._timetable or self._tasks or not once):
                await self._step(loop, once=once)
            await self._finish()
        finally:
            for task in (*self._tasks, watcher):
                task.cancel()
            await asyncio.gather(*self._tasks, watcher, return_exceptions=True)

    async def _step(self, loop: asyncio.AbstractEventLoop, *, once: bool) -> None:
        # Begins the next fetch if its time has come, else waits for that time, the end of a fetch, a stop or a new list.
        if self._reload is not None and not once and loop.time() >= self._next_reload:
            self._next_reload = loop.time() + RELOAD_SECONDS
            changed = await self._reader.in_thread(self._reload)
            if changed is not None:
                await self._take_list(changed, once=once)
        delay = self._seconds_to_next(loop, once=once)
        if delay <= 0:
            self._begin(heappop(self._timetable)[2], once=once)
            return
        self._wake.clear()
        handle = loop.call_later(min(delay, _LONGEST_WAIT_SECONDS), self._wake.set)
        await self._wake.wait()
        handle.cancel()

    def _seconds_to_next(self, loop: asyncio.AbstractEventLoop, *, once: bool) -> float:
        reload = max(0.001, self._next_reload - loop.time()) if self._reload is not None else _LONGEST_WAIT_SECONDS
        if not self._timetable:
            self._reader.book.overdue_seconds = 0.0
            return reload
        due = (self._timetable[0][0] - self._reader.clock()).total_seconds()
        self._reader.book.overdue_seconds = max(0.0, -due)
        if once:
            return 0.0
        return min(due, reload)

    def _begin(self, url: str, *, once: bool) -> None:
        feed = self._reader.book.feeds.get(url)
        if feed is None:
            self._planned.discard(url)
            return
        task = asyncio.create_task(self._reader.read(feed), name=url)
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, url, once))

    def _ended(self, url: str, once: bool, task: asyncio.Task[datetime | None]) -> None:
        self._tasks.discard(task)
        self._wake.set()
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            self._fatal = self._fatal or error
            return
        due = task.result()
        if once or due is None or url not in self._reader.book.feeds:
            self._planned.discard(url)
        else:
            self._plan(url, due)

    def _plan(self, url: str, due: datetime) -> None:
        self._planned.add(url)
        self._number += 1
        heappush(self._timetable, (due, self._number, url))

    async def _take_list(self, feeds: FeedList, *, once: bool) -> None:
        """Plans the feeds that are new in the list, and tells of those that are no longer read."""
        reader = self._reader
        gone = [feed for feed in reader.book.feeds.values() if feed.url not in {other.url for other in feeds.enabled}]
        reader.book.set_feeds(feeds.enabled)
        reader.gates.pace_seconds = 0.0 if once else start_spacing_seconds(len(feeds.enabled))
        now = reader.clock()
        for feed in feeds.enabled:
            if feed.url in self._planned:
                continue
            due = reader.book.record(feed.url).next_due
            # A feed that is planned farther ahead than any could be was planned by a clock that was wrong.
            is_sound = due is not None and due < now + timedelta(seconds=FARTHEST_SECONDS)
            self._plan(feed.url, due if due is not None and is_sound and not once else now)
        listed = {feed.url: feed for feed in (*feeds.feeds, *gone)}
        await reader.in_thread(partial(self._tell_of_left, [listed.get(url) or Feed(url, "") for url in reader.book.left()]))

    def _tell_of_left(self, feeds: Iterable[Feed]) -> None:
        for feed in feeds:
            self._reader.publisher.send_status(status_of(feed, self._reader.book.record(feed.url), None, off=True))

    async def _finish(self) -> None:
        """Lets what is in work come to its end, for as long as a stop may take."""
        patience = 0.0 if self._fatal is not None else self._reader.settings.stop_timeout_seconds
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=patience, return_when=asyncio.FIRST_EXCEPTION)
        if self._fatal is not None:
            raise self._fatal
        if self._tasks:
            log.warning("feeds_cut_off", feeds=len(self._tasks))
            self._reader.publisher.abandon()
