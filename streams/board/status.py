"""How far the replay is: what the pages, `/readyz` and the metrics need to know of it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ReplayStatus:
    """One moment of the replay.

    Attributes:
        alive: whether the replay is running.
        caught_up: whether everything that stood on the topics at the start has been read; never goes back, except when the
            topics were made anew.
        reachable: whether the broker answered the last time it was asked.
        problem: what is wrong, in one sentence; empty when nothing is.
        done: offsets passed of those that stood there at the start.
        total: offsets that stood there at the start.
        as_of: when the broker answered last; None before it ever did.
    """

    alive: bool
    caught_up: bool
    reachable: bool = True
    problem: str = ""
    done: int = 0
    total: int = 0
    as_of: datetime | None = None

    @property
    def is_ready(self) -> bool:
        """Whether what is shown is complete."""
        return self.alive and self.caught_up

    @property
    def percent(self) -> int:
        """How much of the history has been read, 0 to 100."""
        if self.caught_up:
            return 100
        return min(99, self.done * 100 // self.total) if self.total else 0

    @property
    def reason(self) -> str:
        """Why the board is not ready; empty when it is."""
        if not self.alive:
            return self.problem or "the replay of `trends` is not running"
        if self.caught_up:
            return ""
        if self.problem:
            return self.problem
        return f"reading the history: {self.done:,} of {self.total:,} offsets"


StatusSource = Callable[[], ReplayStatus]
