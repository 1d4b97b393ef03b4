"""The fence on a real Kafka: whoever took a partition over last is the only one who can write for it, and what others began is gone."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, KafkaException, Producer

from streams import topology
from streams.errors import KafkaError
from streams.kafka import reading
from streams.kafka.clients import bulk_consumer, transactional_producer
from streams.kafka.reading import await_decided, read_to_end
from streams.kafka.sink import KafkaSink, partition_of
from streams.settings import Settings
from streams.stage import Output, Outputs
from streams.worker import stage_sink
from tests.helpers.stack import Stack, running_stack

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]

SIGNALS = topology.SIGNALS.name
_groups = itertools.count(1)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("fencing"), partitions=2) as running:
        yield running


@pytest.fixture
def settings(stack: Stack) -> Settings:
    """Of a group of its own, so that the tests do not fence each other."""
    return stack.settings.model_copy(update={"group": f"group-{next(_groups)}"})


def worker(settings: Settings, name: str) -> KafkaSink:
    """Where the classify stage of a worker of that name writes."""
    return stage_sink(settings.model_copy(update={"worker_id": name}), topology.CLASSIFY_STAGE)


def outputs(settings: Settings, value: str) -> Outputs:
    """One fact under the group's own key."""
    return Outputs([[Output("signals", key_of(settings), value.encode())]])


def key_of(settings: Settings) -> bytes:
    return settings.group.encode()


def standing(stack: Stack, settings: Settings) -> list[str]:
    """The values of the group's key that a reader sees, in their order, once what has been written is decided.

    A commit is acknowledged as soon as it can no longer fail; a moment later readers see it.
    """
    with (
        contextlib.closing(bulk_consumer(settings, "committed")) as committed,
        contextlib.closing(bulk_consumer(settings, "written", committed=False)) as written,
    ):
        for partition in range(2):
            await_decided(committed, written, SIGNALS, partition)
    records = itertools.chain.from_iterable(stack.records(SIGNALS).values())
    return [(record.value or b"").decode() for record in records if record.key == key_of(settings)]


def begun(settings: Settings, transactional_id: str, topic: str, partition: int, key: bytes, value: bytes) -> Producer:
    """A producer that has written a record and not yet committed it: a process in the middle of a batch."""
    producer = transactional_producer(settings, "in-the-middle", transactional_id)
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, value, key, partition=partition)
    assert producer.flush(30) == 0
    return producer


def test_an_old_owner_that_writes_after_a_take_over_is_refused(stack: Stack, settings: Settings) -> None:
    old, new = worker(settings, "old"), worker(settings, "new")
    old.fence([0])
    old.write(0, outputs(settings, "first, by the old owner"))
    new.fence([0])
    new.write(0, outputs(settings, "second, by the new owner"))
    with pytest.raises(KafkaError, match="another process has taken the partition over"):
        old.write(0, outputs(settings, "what the old owner had still to write"))
    assert standing(stack, settings) == ["first, by the old owner", "second, by the new owner"]


def test_what_an_old_owner_wrote_without_committing_is_seen_by_nobody_after_a_take_over(stack: Stack, settings: Settings) -> None:
    name = f"{settings.group}-classify-0"
    old = begun(settings, name, SIGNALS, partition_of(key_of(settings), 2), key_of(settings), b"half a batch")
    new = worker(settings, "new")
    new.fence([0])
    new.write(0, outputs(settings, "the whole batch"))
    with pytest.raises(KafkaException):
        old.commit_transaction(30)
    assert standing(stack, settings) == ["the whole batch"]


def test_owners_of_other_partitions_go_on(stack: Stack, settings: Settings) -> None:
    first, second = worker(settings, "first"), worker(settings, "second")
    first.fence([0, 1])
    second.fence([1])
    first.write(0, outputs(settings, "of partition 0"))
    second.write(1, outputs(settings, "of partition 1"))
    assert standing(stack, settings) == ["of partition 0", "of partition 1"]


def test_a_worker_that_takes_its_own_partition_over_again_goes_on(stack: Stack, settings: Settings) -> None:
    sink = worker(settings, "only")
    sink.fence([0])
    sink.write(0, outputs(settings, "before"))
    sink.release(0)
    sink.fence([0])
    sink.write(0, outputs(settings, "after"))
    assert standing(stack, settings) == ["before", "after"]


def test_a_batch_without_outputs_writes_nothing(settings: Settings) -> None:
    sink = worker(settings, "only")
    sink.fence([0])
    assert sink.write(0, Outputs()) == sink.write(0, Outputs([[], []])) == 0


@pytest.fixture
def readers(stack: Stack) -> Iterator[tuple[Consumer, Consumer]]:
    """One that sees committed records only, and one that sees all."""
    with (
        contextlib.closing(bulk_consumer(stack.settings, "committed", tells_end=True, wait_ms=10)) as committed,
        contextlib.closing(bulk_consumer(stack.settings, "written", committed=False)) as written,
    ):
        yield committed, written


def test_what_stands_behind_anothers_open_transaction_is_waited_for(
    stack: Stack, settings: Settings, readers: tuple[Consumer, Consumer], monkeypatch: pytest.MonkeyPatch
) -> None:
    topic, partition = topology.TRENDS.name, 0

    def seen() -> list[bytes | None]:
        chunks = read_to_end(readers[0], topic, partition, 0)
        return [record.value for chunk in chunks for record in chunk if record.key == key_of(settings)]

    other = begun(settings, f"{settings.group}-other", topic, partition, key_of(settings), b"of another")
    own = begun(settings, f"{settings.group}-own", topic, partition, key_of(settings), b"my own")
    own.commit_transaction(30)
    assert seen() == [], "what is committed is not seen while an older transaction is open"
    monkeypatch.setattr(reading, "_DECISION_SECONDS", 0.3)
    with pytest.raises(KafkaError, match="still open"):
        await_decided(*readers, topic, partition)
    other.abort_transaction(30)
    await_decided(*readers, topic, partition)
    assert seen() == [b"my own"]


def test_reading_to_the_end_passes_over_the_markers_of_transactions(stack: Stack, settings: Settings) -> None:
    sink = worker(settings, "only")
    sink.fence([0])
    for number in range(5):
        sink.write(0, outputs(settings, f"batch {number}"))
    assert standing(stack, settings) == [f"batch {number}" for number in range(5)]
