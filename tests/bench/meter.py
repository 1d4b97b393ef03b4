"""What a run cost: from the acknowledgement of its first batch to that of its last, so that no start-up is in it."""

from __future__ import annotations

import resource
import time

import msgspec


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What a contender's process is told.

    Attributes:
        servers: of the broker; empty for a contender that needs none.
        articles: how many stand on the topic `articles`, all of which must be done.
        group: a consumer group that nobody has used.
        batch: most articles in a batch.
        partitions: of each topic.
        folder: for files of its own.
        encoder: whether the model reads with its encoder what it is unsure of.
    """

    servers: str
    articles: int
    group: str
    batch: int
    partitions: int
    folder: str
    encoder: bool


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """One run: articles acknowledged after the first batch, what they took, and the process's largest memory.

    `facts` is the number of records on `signals` afterwards: equal for all who do the same job; -1 where there is no topic.
    `processes_rss_bytes` splits the memory where several processes took part.
    """

    articles: int
    wall_seconds: float
    cpu_seconds: float
    peak_rss_bytes: int
    facts: int = -1
    processes_rss_bytes: dict[str, int] = {}


class Meter:
    """Counts acknowledged articles inside the process that does the work.

    Args:
        wanted: how many articles there are.
    """

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._total = 0
        self._first: tuple[float, float, int] | None = None
        self._last = (0.0, 0.0)

    def acknowledged(self, articles: int) -> None:
        """So many more articles are classified, written and safe."""
        self._total += articles
        self._last = (time.perf_counter(), time.process_time())
        if self._first is None:
            self._first = (*self._last, self._total)

    @property
    def is_done(self) -> bool:
        """Whether all articles were acknowledged."""
        return self._total >= self._wanted

    def measure(self) -> Measure:
        """What was measured.

        Raises:
            ValueError: if there were fewer than two batches, or articles are missing.
        """
        if self._first is None or self._total <= self._first[2] or not self.is_done:
            raise ValueError(f"{self._total} of {self._wanted} articles, or all of them in one batch: nothing to measure")
        wall, cpu, before = self._first
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return Measure(
            articles=self._total - before, wall_seconds=self._last[0] - wall, cpu_seconds=self._last[1] - cpu, peak_rss_bytes=peak
        )  # fmt: skip
