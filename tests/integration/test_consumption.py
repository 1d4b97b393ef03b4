"""The traps of `streams/consumption.py`, one by one, on a real Kafka: every record is handed on, in order, whatever happens."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from prometheus_client import CollectorRegistry

from streams import consumption, topology
from streams.errors import StateError
from streams.kafka.clients import admin_client, bulk_producer
from streams.metrics import WorkerMetrics
from streams.runner import StageRunner
from streams.settings import Settings
from streams.stage import Batch, Outputs
from tests.helpers.stack import Stack, running_stack, wait_for

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

ARTICLES = topology.ARTICLES.name
_groups = itertools.count(1)


class RecordingStage:
    """Notes the offsets it is given; can be held up in the middle of a batch, and fail at an offset."""

    def __init__(self, name: str = "classify") -> None:
        self.name = name
        self.seen: list[tuple[int, int]] = []
        self.batches: list[Batch] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.fail_at: int | None = None

    def open(self, partition: int) -> int | None:
        return None

    def refresh(self, partition: int) -> Outputs:
        return Outputs()

    def process(self, batch: Batch) -> Outputs:
        self.entered.set()
        self.gate.wait(60)
        if self.fail_at is not None and batch.next_offset > self.fail_at:
            raise StateError("the disk is full", where="a test")
        self.batches.append(batch)
        self.seen += [(batch.partition, record.offset) for record in batch.records]
        return Outputs()

    def commit(self, partition: int) -> None: ...

    def close(self, partition: int) -> None: ...

    def offsets(self, partition: int = 0) -> list[int]:
        """In the order in which they came."""
        return [offset for found, offset in self.seen if found == partition]


class NoSink:
    """Nothing is written here."""

    def fence(self, partitions: Collection[int]) -> None: ...

    def release(self, partition: int) -> None: ...

    def write(self, partition: int, outputs: Outputs) -> int:
        return 0


class Listener:
    """A worker's consumption without the rest of the worker."""

    def __init__(self, settings: Settings) -> None:
        self.stage = RecordingStage()
        self.failures: list[BaseException] = []
        self.metrics = WorkerMetrics(CollectorRegistry())
        self.runners = {
            stage.name: StageRunner(stage, NoSink(), self.metrics, self.failures.append)
            for stage in (self.stage, RecordingStage("trends"), RecordingStage("breaks"))
        }
        settings.state_dir.mkdir(parents=True, exist_ok=True)
        self.app = topology.build_app(settings, self.runners, on_failure=self.failures.append)

    @property
    def consumer(self) -> Any:
        """Faust's consumer, fenced in."""
        return self.app.consumer

    def gaps(self) -> float:
        """How often reading sought back."""
        return float(self.metrics.gaps.labels("classify")._value.get())

    async def stop(self) -> None:
        """The orderly stop of a worker at SIGTERM."""
        await asyncio.wait_for(self.app.stop(), 30)


@asynccontextmanager
async def listening(settings: Settings) -> AsyncIterator[Listener]:
    """A running listener; it is stopped at the end unless the test did."""
    listener = Listener(settings)
    await listener.app.start()
    try:
        yield listener
    finally:
        listener.stage.gate.set()
        if not listener.app.should_stop:
            await listener.stop()


async def until(what: str, condition: Callable[[], object], *, seconds: float = 40) -> None:
    """Waits for a condition without blocking the loop."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for {what}"
        await asyncio.sleep(0.02)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("consumption"), partitions=1) as running:
        write(running, range(300))
        yield running


@pytest.fixture
def settings(stack: Stack) -> Settings:
    return own_group(stack)


def own_group(stack: Stack, worker: str = "worker-1") -> Settings:
    changes = {"group": f"group-{next(_groups)}", "worker_id": worker, "batch_articles": 50}
    return stack.settings.model_copy(update=changes)


def write(stack: Stack, numbers: range, *, keys: int = 1_000_000) -> None:
    producer = bulk_producer(stack.settings, "test-writer")
    for number in numbers:
        producer.produce(ARTICLES, f"value {number}".encode(), f"key {number % keys}".encode(), partition=0)
    assert producer.flush(30) == 0


def committed(settings: Settings) -> int:
    """The group's offset; negative when there is none."""
    consumer = Consumer({"bootstrap.servers": settings.kafka_servers, "group.id": f"{settings.group}-worker"})
    try:
        return int(consumer.committed([TopicPartition(ARTICLES, 0)], timeout=10)[0].offset)
    finally:
        consumer.close()


def commit(settings: Settings, offset: int) -> None:
    """Makes the group's offset what a worker might have left."""
    consumer = Consumer({"bootstrap.servers": settings.kafka_servers, "group.id": f"{settings.group}-worker"})
    consumer.commit(offsets=[TopicPartition(ARTICLES, 0, offset)], asynchronous=False)
    consumer.close()


def standing(stack: Stack) -> list[int]:
    """The offsets that are on the topic."""
    return [record.offset for record in stack.records(ARTICLES)[0]]


def spoil_fetch(consumer: Any, spoil: Callable[[dict[Any, Any]], dict[Any, Any]], *, number: int) -> None:
    """The `number`-th fetch that brings records goes through `spoil`."""
    original, count = consumer._read, itertools.count(1)

    async def read(wanted: Any, timeout: float) -> dict[Any, Any]:  # noqa: ASYNC109 - Faust's signature
        found: dict[Any, Any] = await original(wanted, timeout)
        return spoil(found) if found and next(count) == number else found

    consumer._read = read


async def test_what_was_fetched_while_a_rebalance_suspends_the_flow_is_read_again(stack: Stack, settings: Settings) -> None:
    listener = Listener(settings)

    def suspend(found: dict[Any, Any]) -> dict[Any, Any]:
        listener.consumer.stop_flow()
        asyncio.get_running_loop().call_later(0.3, listener.consumer.resume_flow)
        return found

    spoil_fetch(listener.consumer, suspend, number=2)
    await listener.app.start()
    await until("every record", lambda: len(listener.stage.seen) >= 300)
    await listener.stop()
    assert listener.stage.offsets() == standing(stack)
    assert listener.gaps() == 1


async def test_records_lost_on_the_way_are_a_gap_and_reading_seeks_back(stack: Stack, settings: Settings) -> None:
    listener = Listener(settings)
    spoil_fetch(listener.consumer, lambda _: {}, number=3)
    await listener.app.start()
    await until("every record", lambda: len(listener.stage.seen) >= 300)
    await listener.stop()
    assert listener.stage.offsets() == standing(stack)
    assert listener.gaps() == 1


async def test_a_position_that_was_moved_to_the_end_is_a_gap_although_nothing_comes_there(
    stack: Stack, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(settings, 300)
    listener = Listener(settings)
    monkeypatch.setattr(listener.stage, "open", lambda _partition: 0)
    original, count = listener.consumer.seek, itertools.count(1)

    async def seek(tp: Any, offset: int) -> None:
        await original(tp, offset)
        if tp.topic == ARTICLES and next(count) == 1:
            await listener.consumer.seek_to_committed()

    listener.consumer.seek = seek
    await listener.app.start()
    await until("every record", lambda: len(listener.stage.seen) >= 300)
    await listener.stop()
    assert listener.stage.offsets() == standing(stack)
    assert listener.gaps() == 1


async def test_an_exception_in_a_stage_ends_the_worker_and_acknowledges_nothing_of_the_batch(
    stack: Stack, settings: Settings
) -> None:
    async with listening(settings) as listener:
        listener.stage.fail_at = 120
        await until("the failure", lambda: listener.failures)
    assert "the disk is full" in str(listener.failures[0])
    assert len(listener.failures) == 1, "a failed stage must not be asked again"
    assert committed(settings) == listener.stage.offsets()[-1] + 1 <= 120
    async with listening(settings) as again:
        await until("the rest", lambda: again.stage.offsets()[-1:] == [299])
    assert listener.stage.offsets() + again.stage.offsets() == standing(stack)


async def test_the_start_is_committed_before_any_work_so_that_a_rebalance_then_loses_nothing(
    stack: Stack, settings: Settings
) -> None:
    second = Listener(settings.model_copy(update={"worker_id": "worker-2"}))
    async with listening(settings) as first:
        first.stage.gate.clear()
        await until("the first batch", first.stage.entered.is_set)
        await until("the commit of the start", lambda: committed(settings) == 0)
        # The second one joins while the first one is in the middle of its first batch.
        joining = asyncio.ensure_future(second.app.start())
        await until("a rebalance", lambda: first.app.rebalancing_count > 1)
        first.stage.gate.set()
        await joining
        await until("every record", lambda: set(first.stage.seen + second.stage.seen) == {(0, o) for o in standing(stack)})
        assert_contiguous(first.stage.offsets())
        assert_contiguous(second.stage.offsets())
        await second.stop()


def assert_contiguous(offsets: list[int]) -> None:
    """No record was skipped; after a rebalance reading may have gone back."""
    assert all(after <= before + 1 for before, after in itertools.pairwise(offsets)), offsets


async def test_a_batch_that_ends_within_the_stop_is_acknowledged_whole(settings: Settings) -> None:
    async with listening(settings) as listener:
        listener.stage.gate.clear()
        await until("a batch in work", listener.stage.entered.is_set)
        asyncio.get_running_loop().call_later(0.5, listener.stage.gate.set)
        await listener.stop()
    assert listener.stage.batches
    assert committed(settings) in {batch.next_offset for batch in listener.stage.batches}
    assert committed(settings) == listener.stage.batches[-1].next_offset


async def test_a_batch_that_outlasts_the_stop_is_not_acknowledged_at_all(
    stack: Stack, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumption, "WORK_WAIT_SECONDS", 0.3)
    async with listening(settings) as listener:
        listener.stage.gate.clear()
        await until("a batch in work", listener.stage.entered.is_set)
        await until("the commit of the start", lambda: committed(settings) == 0)
        stopping = asyncio.ensure_future(listener.stop())
        await asyncio.wait({stopping}, timeout=3)
        assert committed(settings) == 0
        listener.stage.gate.set()
        await stopping
    async with listening(settings) as again:
        await until("every record", lambda: again.stage.offsets() == standing(stack))


async def test_offsets_that_compaction_took_away_are_no_gap(tmp_path: Path) -> None:
    with running_stack(tmp_path, partitions=1) as stack:
        config = {"segment.ms": "200", "min.cleanable.dirty.ratio": "0.001", "min.compaction.lag.ms": "0"}
        with admin_client(stack.settings) as admin:
            admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, ARTICLES, configs=config)])
        write(stack, range(200), keys=40)

        def is_compacted() -> bool:
            # A segment is closed by the first record that comes after its time.
            write(stack, range(1000, 1001))
            return len(standing(stack)) < standing(stack)[-1] - 100

        wait_for("the broker's cleaner", is_compacted, seconds=120)
        settings = own_group(stack)
        found = standing(stack)
        hole = next(offset for offset in range(found[-1]) if offset not in found)
        commit(settings, hole)
        async with listening(settings) as listener:
            await until("the last record", lambda: listener.stage.offsets()[-1:] == standing(stack)[-1:])
            assert listener.stage.offsets() == [offset for offset in standing(stack) if offset >= hole]
            assert listener.gaps() == 0
            await until("the commit", lambda: committed(settings) == standing(stack)[-1] + 1)
