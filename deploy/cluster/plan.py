"""What a load needs, from what one article costs: brokers, partitions, workers, disk, and where it bends first.

`python -m deploy.cluster.plan 10000 1000000 100000000` prints the table of docs/scaling.md. It is a queue, hour by hour over a day
with a busy hour: a number of workers is enough when no article ever waits for more than an hour, and then one is added, which may be
away. Costs are measured (`make cluster`); what is assumed stands in `Assumptions`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import click

DAY_HOURS, HOUR_SECONDS = 24, 3600
_COMPRESSED = 0.5
#: Beyond this a worker's state neither fits the memory of its machine by far nor comes back soon after a lost disk.
_STATE_BYTES, _MOST_PARTITIONS = 200e9, 128


@dataclass(frozen=True, slots=True)
class Costs:
    """What one article costs. docs/scaling.md says how each was measured.

    Attributes:
        worker_cpu_seconds, broker_cpu_seconds: CPU time of all workers, with the encoder; of all brokers.
        kept_bytes: on the topics after compaction, one copy, for a text of `measured_text_bytes`.
        state_bytes: in the workers' local state.
        wire_bytes: what crosses the network between clients and brokers, and between brokers for two more copies.
    """

    worker_cpu_seconds: float
    broker_cpu_seconds: float
    kept_bytes: float
    state_bytes: float
    wire_bytes: float
    measured_text_bytes: float = 300.0

    def for_texts_of(self, text_bytes: float) -> Costs:
        """The same for articles of other lengths: their text is kept once and crosses the network five times, compressed to a half."""
        more = max(0.0, text_bytes - self.measured_text_bytes) * _COMPRESSED
        return replace(self, kept_bytes=self.kept_bytes + more, wire_bytes=self.wire_bytes + 5 * more)


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What is not measured.

    Attributes:
        peak: articles of the busiest hour, as a multiple of the day's mean.
        usable: share of a core that a worker may use in the long run.
        broker_cores, broker_bytes_per_second: what a broker's machine gives.
        copies: of each partition.
        years: for which everything is kept.
    """

    peak: float = 3.0
    usable: float = 0.7
    broker_cores: int = 8
    broker_bytes_per_second: float = 100e6
    copies: int = 3
    years: float = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What a load needs; `longest_wait_seconds` is an article's, at the end of the busiest hour with one worker away."""

    articles_a_day: int
    workers: int
    partitions: int
    brokers: int
    disk_bytes: float
    state_bytes_a_worker: float
    longest_wait_seconds: float
    bends: str


def simulate_day(articles_a_day: float, workers: int, cost: float, assumed: Assumptions) -> float:
    """The longest wait in seconds of an article, over a day whose hours follow a sine with the given peak; infinite if never caught up."""
    capacity = workers * assumed.usable / cost * HOUR_SECONDS
    mean, backlog, longest = articles_a_day / DAY_HOURS, 0.0, 0.0
    # Two days: the second begins with what the first has left.
    for hour in range(2 * DAY_HOURS):
        came = mean * max(0.0, 1 + (assumed.peak - 1) * math.sin(2 * math.pi * hour / DAY_HOURS))
        backlog = max(0.0, backlog + came - capacity)
        longest = max(longest, backlog / capacity * HOUR_SECONDS)
    return longest if backlog <= capacity else math.inf


def plan(articles_a_day: int, costs: Costs, assumed: Assumptions | None = None) -> Plan:
    """The smallest group that keeps up, with one worker more than it needs."""
    assumed = assumed or Assumptions()
    needed = 1
    while simulate_day(articles_a_day, needed, costs.worker_cpu_seconds, assumed) > HOUR_SECONDS:
        needed = needed + 1 if needed < 64 else math.ceil(needed * 1.05)
    peak_rate = articles_a_day / DAY_HOURS / HOUR_SECONDS * assumed.peak
    by_cpu = peak_rate * costs.broker_cpu_seconds / (assumed.broker_cores * assumed.usable)
    by_wire = peak_rate * costs.wire_bytes / assumed.broker_bytes_per_second
    brokers = max(assumed.copies, math.ceil(max(by_cpu, by_wire)) + 1)
    kept = articles_a_day * 365 * assumed.years
    workers = needed + 1
    return Plan(
        articles_a_day, workers, partitions=max(12, 2 ** math.ceil(math.log2(workers))), brokers=brokers,
        disk_bytes=kept * costs.kept_bytes * assumed.copies * 1.5, state_bytes_a_worker=kept * costs.state_bytes / workers,
        longest_wait_seconds=simulate_day(articles_a_day, needed, costs.worker_cpu_seconds, assumed),
        bends=_bends(workers, brokers, kept * costs.state_bytes / workers),
    )  # fmt: skip


def _bends(workers: int, brokers: int, state_bytes: float) -> str:
    """What gives way first, by what is known of each limit."""
    if state_bytes > _STATE_BYTES:
        return f"the workers' state, after {365 * _STATE_BYTES / state_bytes:.0f} days"
    if workers > _MOST_PARTITIONS:
        return f"partitions: BELLWETHER_PARTITIONS ends at {_MOST_PARTITIONS}"
    return "the workers' CPU" if workers > brokers else "nothing: this is the smallest cluster"


def relabelling(articles: int, workers: int, costs: Costs, assumed: Assumptions | None = None) -> float:
    """Days to label so many articles again with so many workers."""
    return articles * costs.worker_cpu_seconds / (workers * (assumed or Assumptions()).usable) / 86_400


#: docs/scaling.md has the command of each. The encoder is 0.75 ms of it, for a feed mix.
MEASURED = Costs(worker_cpu_seconds=1.29e-3, broker_cpu_seconds=1.33e-3, kept_bytes=380, state_bytes=940, wire_bytes=2_300)


def table(loads: Sequence[int], costs: Costs) -> str:
    """The plans as a Markdown table."""
    rows = [
        "| articles a day | workers (a core each) | partitions | brokers | disk for a year, all copies | state a worker | longest wait | bends first |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for load in loads:
        found = plan(load, costs)
        rows.append(
            f"| {load:,} | {found.workers:,} | {found.partitions:,} | {found.brokers:,} | {_size(found.disk_bytes)} | "
            f"{_size(found.state_bytes_a_worker)} | {found.longest_wait_seconds / 60:.0f} min | {found.bends} |"
        )
    return "\n".join(rows)


def _size(count: float) -> str:
    for unit, size in (("PB", 1e15), ("TB", 1e12), ("GB", 1e9)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count / 1e6:,.0f} MB"


@click.command()
@click.argument("articles_a_day", nargs=-1, required=True, type=click.IntRange(min=1))
@click.option("--text-bytes", default=300, show_default=True, help="Length of an article's text.")
@click.option("--workers", default=128, show_default=True, type=click.IntRange(min=1), help="Workers that label history again.")
def main(articles_a_day: tuple[int, ...], text_bytes: int, workers: int) -> None:
    """Prints what each of the loads needs."""
    costs = MEASURED.for_texts_of(text_bytes)
    click.echo(table(articles_a_day, costs))
    click.echo(f"\nA billion articles labelled again by {workers} workers: {24 * relabelling(10**9, workers, costs):.1f} hours.")


if __name__ == "__main__":
    main()
