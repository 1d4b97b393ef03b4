"""What a benchmark found, as it stands in docs/benchmarks.json: plain data, and the arithmetic on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

import msgspec

from tests.bench.meter import Measure


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """From sending to the board's /metrics. `missing` facts never came within the time."""

    articles: int
    facts: int
    articles_per_second: int
    ask_seconds: float
    missing: int
    p50_seconds: float
    p95_seconds: float
    max_seconds: float


class Footprint(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes on disk by topic and by stage, before any compaction, and the largest memory of each process."""

    articles: int
    facts: int
    topic_bytes: dict[str, int]
    state_bytes: dict[str, int]
    peak_rss_bytes: dict[str, int]


class Recovery(msgspec.Struct, frozen=True, kw_only=True):
    """A worker with an empty disk: until its /metrics answer, until it opens its first store of facts, until all of them are whole again."""

    facts: int
    start_seconds: float
    joining_seconds: float
    rebuilding_seconds: float


class Results(msgspec.Struct, kw_only=True):
    """One whole run.

    Attributes:
        titles: contender -> its name for people, in the order of the table.
        rounds: contender -> its measure of each round.
        failures: contender -> why it could not be run here.
        restart_seconds: from SIGKILL to the first new signal, under `bellwether up` with a spare worker.
        cold_restart_seconds: the same where nothing stands by.
    """

    machine: dict[str, str]
    is_quick: bool
    news: str
    titles: dict[str, str] = {}
    rounds: dict[str, list[Measure]] = {}
    failures: dict[str, str] = {}
    latency: Latency | None = None
    restart_seconds: list[float] = []
    cold_restart_seconds: list[float] = []
    footprint: Footprint | None = None
    recovery: Recovery | None = None


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of all do not pass; 0 of none.

    >>> percentile([1.0, 2.0, 3.0, 4.0], 0.5)
    2.0
    """
    if not values:
        return 0.0
    ranked = sorted(values)
    return ranked[max(0, -(-round(len(ranked) * share * 1_000_000) // 1_000_000) - 1)]


def rate(measure: Measure) -> float:
    """Articles per second of wall time."""
    return measure.articles / measure.wall_seconds


def cpu_us(measure: Measure) -> float:
    """CPU microseconds per article."""
    return measure.cpu_seconds / measure.articles * 1e6


def speed_ratio(results: Results, one: str, other: str) -> float | None:
    """How fast `one` is as a share of `other`: the median over the rounds, each taken within its round; None without both."""
    return _ratio(results, one, other, lambda a, b: rate(a) / rate(b))


def cpu_ratio(results: Results, one: str, other: str) -> float | None:
    """The same by CPU time: what the speed ratio would be if nobody else used the machine and nothing ran side by side."""
    return _ratio(results, one, other, lambda a, b: cpu_us(b) / cpu_us(a))


def _ratio(results: Results, one: str, other: str, of: Callable[[Measure, Measure], float]) -> float | None:
    pairs = zip(results.rounds.get(one, []), results.rounds.get(other, []), strict=False)
    ratios = [of(first, second) for first, second in pairs]
    return median(ratios) if ratios else None
