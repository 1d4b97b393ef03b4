"""How much push takes: so many articles a second of each token, and so many bytes in work at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection

from streams.clock import monotonic_seconds


class RateLimit:
    """A bucket for each token, filled at `per_second` up to `burst_seconds` worth.

    A request is let in while the bucket holds anything, and takes as much as it has articles, so that one large request may leave
    it in debt, to be waited off by the next. Names that are no tokens any more are forgotten.
    """

    def __init__(self, per_second: float, *, burst_seconds: float = 2.0, clock: Callable[[], float] = monotonic_seconds) -> None:
        self._per_second = per_second
        self._most = max(1.0, per_second * burst_seconds)
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait_seconds(self, name: str) -> int:
        """0 if a request may come now, else the whole seconds to wait."""
        level = self._level(name)
        return 0 if level > 0 else max(1, math.ceil(-level / self._per_second))

    def take(self, name: str, articles: int) -> None:
        """Counts what a request has brought."""
        self._buckets[name] = (self._level(name) - articles, self._clock())

    def keep_only(self, names: Collection[str]) -> None:
        """Forgets the others."""
        for name in self._buckets.keys() - set(names):
            del self._buckets[name]

    def _level(self, name: str) -> float:
        level, since = self._buckets.get(name, (self._most, self._clock()))
        return min(self._most, level + (self._clock() - since) * self._per_second)


class Budget:
    """Bytes of bodies in work, from the first that may come until the broker has them."""

    def __init__(self, most: int, on_change: Callable[[float], None] = lambda _used: None) -> None:
        self._most = most
        self._used = 0
        self._on_change = on_change

    def take(self, size: int) -> bool:
        """Takes so many bytes; False, and none taken, where there is no room."""
        if self._used + size > self._most:
            return False
        self._used += size
        self._on_change(self._used)
        return True

    def give_back(self, size: int) -> None:
        """Gives bytes back that were taken."""
        self._used -= size
        self._on_change(self._used)
