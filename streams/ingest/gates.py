"""One request at a time to each host, a second apart, and none while the host wants to be left alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime

from streams.clock import Clock, utc_now
from streams.errors import FeedError
from streams.ingest.room import Room

MOST_IDLE_HOSTS = 20_000


class HostQuietError(FeedError):
    """The host asked to be left alone until a time that has not come. No request was made, and nothing failed."""

    def __init__(self, host: str, until: datetime) -> None:
        self.until = until
        super().__init__(f"{host} is left alone until {until:%Y-%m-%d %H:%M:%S} UTC, as it asked", where=host)


class ClosedError(FeedError):
    """The loop is ending: no request begins any more."""


class HostGates:
    """Lets one request at a time through to each host, and the next not before `spacing_seconds` after it ended.

    `pace_seconds` is the least time between two requests to whatever hosts; see `pace`.
    """

    def __init__(self, spacing_seconds: float, clock: Clock = utc_now) -> None:
        self._spacing_seconds = spacing_seconds
        self._clock = clock
        self.pace_seconds = 0.0
        self._next_slot = 0.0
        self._locks: dict[str, asyncio.Lock] = {}
        self._free_at: dict[str, float] = {}
        self._quiet_until: dict[str, datetime] = {}

    def keep_quiet(self, host: str, until: datetime) -> None:
        """Lets nothing through to the host before `until`; an earlier word for longer stays in force."""
        self._quiet_until[host] = max(until, self._quiet_until.get(host, until))

    def quiet_seconds(self, host: str) -> float:
        """For how long the host is to be left alone; 0 when it is not."""
        until = self._quiet_until.get(host)
        if until is None:
            return 0.0
        left = (until - self._clock()).total_seconds()
        if left <= 0:
            del self._quiet_until[host]
        return max(0.0, left)

    @asynccontextmanager
    async def through(self, host: str, *, even_if_quiet: bool = False) -> AsyncIterator[None]:
        """Waits for the host's turn and holds it.

        Raises:
            HostQuietError: if the host wants to be left alone when the turn has come.
        """
        self._forget_idle()
        async with self._locks.setdefault(host, asyncio.Lock()):
            # The loop's own clock, which a test may turn.
            now = asyncio.get_running_loop().time
            await asyncio.sleep(max(0.0, self._free_at.get(host, 0.0) - now()))
            if not even_if_quiet and self.quiet_seconds(host):
                raise HostQuietError(host, self._quiet_until[host])
            try:
                yield
            finally:
                self._free_at[host] = now() + self._spacing_seconds

    async def pace(self) -> None:
        """Waits until another request may begin."""
        now = asyncio.get_running_loop().time()
        slot = max(now, self._next_slot)
        self._next_slot = slot + self.pace_seconds
        if slot > now:
            await asyncio.sleep(slot - now)

    def _forget_idle(self) -> None:
        # A server may send its readers to a new host each time.
        if len(self._locks) <= MOST_IDLE_HOSTS:
            return
        now = asyncio.get_running_loop().time()
        for host in [host for host, lock in self._locks.items() if not lock.locked() and self._free_at.get(host, now) <= now]:
            del self._locks[host]
            self._free_at.pop(host, None)


class Passage:
    """One feed's way through the gates, and a place in the room that bounds how many documents are in work at once.

    The place is taken after the gate and given up before the next one: feeds that queue for one slow host must not take the room of
    all others. After the last request it is held until the end of the `async with`, since the document is in memory until then.
    """

    def __init__(self, gates: HostGates, room: Room, stop: asyncio.Event, *, even_if_quiet: bool = False) -> None:
        self._gates = gates
        self._room = room
        self._stop = stop
        self._even_if_quiet = even_if_quiet
        self.began = 0.0
        self._place = AsyncExitStack()

    @asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[None]:
        """For the time of one request to the host; `began` is then the loop's time at its beginning. See `HostGates.through`.

        Raises:
            ClosedError: if a stop was asked for before the turn came.
        """
        await self._place.aclose()
        async with self._gates.through(host, even_if_quiet=self._even_if_quiet):
            place = await self._place.enter_async_context(self._room.place())
            await self._gates.pace()
            if self._stop.is_set():
                raise ClosedError("no request begins any more", where=host)
            self.began = asyncio.get_running_loop().time()
            yield
        await place.settle()

    async def __aenter__(self) -> Passage:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._place.aclose()
