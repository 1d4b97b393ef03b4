"""What a stage postpones is done between batches: written, then committed, one round at a time; a failure ends the worker."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator

import pytest
from prometheus_client import CollectorRegistry

from streams.errors import KafkaError
from streams.metrics import WorkerMetrics
from streams.runner import StageRunner
from streams.stage import Batch, Output, Outputs


class LazyStage:
    """A stage with so many rounds of work for later."""

    name = "breaks"

    def __init__(self, rounds: int = 0) -> None:
        self.rounds = rounds
        self.events: list[str] = []

    def open(self, partition: int) -> int | None:
        return 0

    def process(self, batch: Batch) -> Outputs:
        return Outputs()

    def refresh(self, partition: int) -> Outputs:
        self.events.append("refresh")
        self.rounds = max(0, self.rounds - 1)
        return Outputs([[Output("breaks", b"key", b"value")]])

    def is_due(self, partition: int) -> bool:
        return self.rounds > 0

    def waiting(self, partition: int) -> int:
        return self.rounds

    def commit(self, partition: int) -> None:
        self.events.append("commit")

    def close(self, partition: int) -> None:
        self.events.append("close")


class JournalSink:
    """Notes each flush in the stage's own journal."""

    def __init__(self, stage: LazyStage) -> None:
        self.stage = stage
        self.fails = False

    def write(self, partition: int, outputs: Outputs) -> int:
        self.stage.events.append("flush")
        if self.fails:
            raise KafkaError("no broker")
        return sum(1 for _ in outputs)

    def fence(self, partitions: Collection[int]) -> None: ...

    def release(self, partition: int) -> None: ...


class Bench:
    """A runner over a lazy stage that has one partition."""

    def __init__(self) -> None:
        self.stage = LazyStage()
        self.sink = JournalSink(self.stage)
        self.metrics = WorkerMetrics(CollectorRegistry())
        self.failures: list[BaseException] = []
        self.runner = StageRunner(self.stage, self.sink, self.metrics, self.failures.append)

    async def opened(self, rounds: int) -> None:
        await self.runner.take_over(0)
        self.stage.rounds = rounds
        self.stage.events.clear()

    async def do_round(self) -> None:
        self.runner.do_postponed()
        round_ = self.runner._round
        if round_ is not None:
            await asyncio.wait([round_])
            await asyncio.sleep(0)  # the runner's own look at the end of the round

    def waiting(self) -> float:
        return float(self.metrics.postponed.labels("breaks")._value.get())


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.runner.close()


async def test_a_round_is_written_before_it_is_committed_and_what_is_left_is_a_metric(bench: Bench) -> None:
    await bench.opened(rounds=2)
    await bench.do_round()
    assert bench.stage.events == ["refresh", "flush", "commit"]
    assert bench.waiting() == 1
    await bench.do_round()
    await bench.do_round()
    assert bench.stage.events.count("refresh") == 2
    assert bench.waiting() == 0


async def test_nothing_is_done_for_a_partition_that_was_given_up(bench: Bench) -> None:
    await bench.opened(rounds=5)
    await bench.runner.give_up(0)
    await bench.do_round()
    assert bench.stage.events == ["close"]


async def test_a_failure_is_reported_and_no_further_round_begins(bench: Bench) -> None:
    await bench.opened(rounds=5)
    bench.sink.fails = True
    await bench.do_round()
    await bench.do_round()
    assert [str(error) for error in bench.failures] == ["no broker"]
    assert bench.stage.events == ["refresh", "flush"]
