"""When a feed is asked again, and how close together one host's feeds may be asked. The first half is pure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

from streams.clock import monotonic_seconds

MAX_BACKOFF_SECONDS = 86_400.0
_MAX_DOUBLINGS = 20


def delay_after_success(interval_seconds: float, random: Random) -> float:
    """Seconds to the next fetch: the interval, 10 % more or less, so that feeds that start together drift apart."""
    return interval_seconds * random.uniform(0.9, 1.1)


def delay_after_failure(interval_seconds: float, failures: int, retry_after_seconds: float, random: Random) -> float:
    """Seconds to the next try after `failures` in a row: twice as long each time, at most a day, and for ever.

    What the server asked for (Retry-After) is a lower bound, and may be longer than a day.
    """
    backoff = min(MAX_BACKOFF_SECONDS, interval_seconds * 2.0 ** min(failures, _MAX_DOUBLINGS))
    return max(backoff * random.uniform(0.8, 1.0), retry_after_seconds * random.uniform(1.0, 1.1))


class HostGates:
    """Lets one request at a time through to each host, and the next not before `spacing_seconds` after it ended."""

    def __init__(self, spacing_seconds: float) -> None:
        self._spacing_seconds = spacing_seconds
        self._locks: dict[str, asyncio.Lock] = {}
        self._free_at: dict[str, float] = {}

    @asynccontextmanager
    async def through(self, host: str) -> AsyncIterator[None]:
        """Waits for the host's turn and holds it."""
        async with self._locks.setdefault(host, asyncio.Lock()):
            await asyncio.sleep(max(0.0, self._free_at.get(host, 0.0) - monotonic_seconds()))
            try:
                yield
            finally:
                self._free_at[host] = monotonic_seconds() + self._spacing_seconds
