"""How many documents are in work at once, whatever servers do to stay there."""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType

#: A request that takes longer than this makes room for another one, up to so many.
SLOW_SECONDS = 0.5
MOST_SLOW = 256


class Room:
    """So many places. A request that is not done after `slow_seconds` no longer counts, up to `most_slow` of them.

    Servers that send a byte a second would otherwise hold all places for a minute, and every other feed would wait for them. What comes
    in so slowly is bounded in bytes (`Fetcher`), and when it is whole it waits for a place before all requests that have not begun. Where
    half of the places are taken by documents that have come in, it is this machine that is slow, and no further request would help.
    """

    def __init__(self, places: int, *, slow_seconds: float = SLOW_SECONDS, most_slow: int = MOST_SLOW) -> None:
        self._free = places
        self._most_at_work = places // 2
        self._settling: deque[asyncio.Future[None]] = deque()
        self._asking: deque[asyncio.Future[None]] = deque()
        self.slow_seconds = slow_seconds
        self.slow_left = most_slow
        self.at_work = 0

    @property
    def is_full(self) -> bool:
        """Whether the next one has to wait."""
        return self._free <= 0

    @property
    def is_slow_itself(self) -> bool:
        """Whether documents wait for this machine, rather than it for servers."""
        return self.at_work > self._most_at_work

    def place(self) -> Place:
        """A place to wait for, and to hold for the time of an `async with`."""
        return Place(self)

    async def take(self, *, is_whole: bool) -> None:
        """Waits for a place and takes it. See `Place`."""
        if self._free > 0:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        (self._settling if is_whole else self._asking).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_back()
            raise

    def give_back(self) -> None:
        """Hands a place to whoever is next."""
        for waiting in (self._settling, self._asking):
            while waiting:
                turn = waiting.popleft()
                if not turn.done():
                    turn.set_result(None)
                    return
        self._free += 1


class Place:
    """See `Room.place`."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._counts = False
        self._is_slow = False
        self._is_settled = False
        self._clock: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Place:
        await self._room.take(is_whole=False)
        self._counts = True
        self._start_clock()
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._stop_clock()
        if self._counts:
            self._counts = False
            self._room.give_back()
        if self._is_settled:
            self._is_settled = False
            self._room.at_work -= 1

    async def settle(self) -> None:
        """The request is done, and what it brought is to be worked at: from now on it counts, whatever it took."""
        self._stop_clock()
        self._is_settled = True
        self._room.at_work += 1
        if not self._counts:
            await self._room.take(is_whole=True)
            self._counts = True

    def _start_clock(self) -> None:
        self._clock = asyncio.get_running_loop().call_later(self._room.slow_seconds, self._give_up)

    def _give_up(self) -> None:
        if self._room.slow_left <= 0 or self._room.is_slow_itself:
            self._start_clock()
            return
        self._room.slow_left -= 1
        self._is_slow, self._counts = True, False
        self._room.give_back()

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None
        if self._is_slow:
            self._is_slow = False
            self._room.slow_left += 1
