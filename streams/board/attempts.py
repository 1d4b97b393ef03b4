"""How often somebody may try: a bucket for each name, filled at an even pace. Pure but for its clock; bounded."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable

from streams.clock import monotonic_seconds

_MOST_NAMES = 1_000


class Attempts:
    """So many attempts at once, and so many more a minute, of each name. Beyond `_MOST_NAMES` the one that tried longest ago is new again."""

    def __init__(self, at_once: int, per_minute: float, *, clock: Callable[[], float] = monotonic_seconds) -> None:
        self._at_once = at_once
        self._per_second = per_minute / 60
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_seconds(self, name: str) -> int:
        """0 if the name may try now, else the whole seconds to wait."""
        left = self._now(name)
        return 0 if left >= 1 else max(1, math.ceil((1 - left) / self._per_second))

    def take(self, name: str) -> None:
        """Counts an attempt."""
        self._left[name] = (self._now(name) - 1, self._clock())
        self._left.move_to_end(name)
        if len(self._left) > _MOST_NAMES:
            self._left.popitem(last=False)

    def _now(self, name: str) -> float:
        left, since = self._left.get(name, (float(self._at_once), self._clock()))
        return min(float(self._at_once), left + (self._clock() - since) * self._per_second)
