"""The runner: a batch is acknowledged after its outputs are flushed and its state is stored, and never otherwise."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import pytest
from prometheus_client import CollectorRegistry

from streams.errors import KafkaError
from streams.metrics import WorkerMetrics
from streams.runner import StageRunner
from streams.stage import Batch, InputRecord, Output, Outputs


class Journal:
    """What happened, in order; each part of the run writes to it."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.fail_at = ""
        self.epoch = 1

    def note(self, event: str) -> None:
        self.events.append(event)
        if event == self.fail_at:
            raise KafkaError(f"{event} failed")


class FakeStage:
    name = "classify"

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def open(self, partition: int) -> int | None:
        self.journal.note(f"open {partition}")
        return 7

    def refresh(self, partition: int) -> Outputs:
        return Outputs([[Output("signals", b"due", b"")]])

    def process(self, batch: Batch) -> Outputs:
        self.journal.note("process")
        return Outputs([[Output("signals", b"key", b"value")]])

    def commit(self, partition: int) -> None:
        self.journal.note("commit")

    def close(self, partition: int) -> None:
        self.journal.note(f"close {partition}")


class FakeSink:
    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def write(self, partition: int, outputs: Outputs) -> int:
        self.journal.note("flush")
        return sum(1 for _ in outputs)

    def fence(self, partitions: Collection[int]) -> None:
        self.journal.note(f"fence {sorted(partitions)}")

    def release(self, partition: int) -> None:
        self.journal.note(f"release {partition}")


class FakeConsumer:
    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def is_current(self, batch: Batch) -> bool:
        return batch.epoch == self.journal.epoch

    def begin(self) -> None:
        self.journal.note("begin")

    def end(self) -> None:
        self.journal.note("end")

    def acknowledge(self, batch: Batch) -> None:
        self.journal.note("acknowledge")


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def failures() -> list[BaseException]:
    return []


@pytest.fixture
def runner(journal: Journal, failures: list[BaseException]) -> Iterator[StageRunner]:
    made = StageRunner(FakeStage(journal), FakeSink(journal), WorkerMetrics(CollectorRegistry()), failures.append)
    made.attach(FakeConsumer(journal))
    yield made
    made.close()


BATCH = Batch("articles", 0, [InputRecord(0, b"key", b"value")], epoch=1)


async def test_the_order_is_process_flush_commit_acknowledge(runner: StageRunner, journal: Journal) -> None:
    await runner.handle(BATCH)
    assert journal.events == ["begin", "process", "flush", "commit", "acknowledge", "end"]


@pytest.mark.parametrize("step", ["process", "flush", "commit"])
async def test_a_failure_at_any_step_is_reported_and_the_batch_is_not_acknowledged(
    runner: StageRunner, journal: Journal, failures: list[BaseException], step: str
) -> None:
    journal.fail_at = step
    await runner.handle(BATCH)
    assert "acknowledge" not in journal.events
    assert journal.events[-1] == "end"
    assert [str(error) for error in failures] == [f"{step} failed"]


async def test_after_a_failure_no_further_batch_is_touched(runner: StageRunner, journal: Journal) -> None:
    journal.fail_at = "flush"
    await runner.handle(BATCH)
    journal.events.clear()
    await runner.handle(BATCH)
    assert journal.events == []


async def test_a_batch_of_an_earlier_assignment_is_not_applied(runner: StageRunner, journal: Journal) -> None:
    journal.epoch = 2
    await runner.handle(BATCH)
    assert journal.events == []


async def test_taking_over_writes_what_is_due_and_says_where_to_read(runner: StageRunner, journal: Journal) -> None:
    assert await runner.take_over(3) == 7
    assert journal.events == ["open 3", "flush", "commit"]


async def test_giving_up_closes_the_partition(runner: StageRunner, journal: Journal) -> None:
    await runner.give_up(3)
    assert journal.events == ["close 3", "release 3"]


async def test_fencing_reaches_the_sink_before_anything_is_opened(runner: StageRunner, journal: Journal) -> None:
    await runner.fence([3, 1])
    assert journal.events == ["fence [1, 3]"]
