"""Where a stage's outputs go: the outputs of a batch are one transaction, which only the owner of the partition can commit.

The fence. For each partition of its input a stage has a producer with the transactional id `<group>-<stage>-<partition>`, made anew by
whoever takes the partition over (`fence`), before anything is read for it. Kafka then aborts what the last owner left open and
refuses whatever it still sends, also requests on their way: a process that stood still and wakes, or one that died with records in
its sockets, can't write behind its successor. Readers take committed records only, so that a batch is there whole or not at all.
See docs/adr/0009; the test that fails without it is `tests/integration/test_fencing.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from typing import Protocol

from confluent_kafka import KafkaError as KafkaErrorCode
from confluent_kafka import KafkaException, Producer
from kafka.partitioner.default import murmur2

from streams.cause import HEADER
from streams.clock import monotonic_seconds
from streams.errors import KafkaError
from streams.kafka.clients import TRANSACTION_TIMEOUT_SECONDS
from streams.stage import Output, Outputs

#: Longest wait for the broker to abort what the last owner left open, and for the acknowledgement of a transaction.
PATIENCE_SECONDS = TRANSACTION_TIMEOUT_SECONDS
_POLL_SECONDS, _RETRY_SECONDS = 0.5, 0.1
_MOST_THREADS = 32
#: Producers that are connected ahead, of each stage: some 4 threads each.
MOST_AHEAD = 16
_Headers = list[tuple[str, str | bytes | None]]
_FENCED = frozenset(
    {KafkaErrorCode._FENCED, KafkaErrorCode.PRODUCER_FENCED, KafkaErrorCode.INVALID_PRODUCER_EPOCH}  # noqa: SLF001 - public, for all its name
)


class Sink(Protocol):
    """Takes the outputs of one batch; returns only when every one of them is safe."""

    def fence(self, partitions: Collection[int]) -> None:
        """Takes the partitions over: from its return on, nobody who had them before can write for them; blocks.

        Raises:
            KafkaError: if the broker does not grant it in time.
        """

    def write(self, partition: int, outputs: Outputs) -> int:
        """Writes what a batch of the partition gave, all of it or nothing, and returns the number of records; blocks.

        Raises:
            KafkaError: if it could not be committed in time, or another has taken the partition over.
        """

    def release(self, partition: int) -> None:
        """Gives the partition up."""


@lru_cache(maxsize=65_536)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition that Kafka's own default partitioner would take for a key (murmur2)."""
    hashed: int = murmur2(key)
    return (hashed & 0x7FFFFFFF) % partitions


class KafkaSink:
    """Writes outputs to topics.

    Args:
        stage: name of the stage, for messages.
        make_producer: partition of the stage's input -> a transactional producer (`clients.transactional_producer`).
        topics: route -> topic.
        partitions: number of partitions of each topic.
    """

    def __init__(
        self, stage: str, make_producer: Callable[[int], Producer], topics: Mapping[str, str], partitions: int
    ) -> None:  # fmt: skip
        self._stage = stage
        self._make_producer = make_producer
        self._topics = topics
        self._partitions = partitions
        self._producers: dict[int, Producer] = {}
        self._connected: dict[int, Producer] = {}

    def connect(self) -> None:
        """Connects ahead for partitions that may come; does not wait. A connected producer is through a fence in 0.03 s, a new one in 0.5."""
        self._connected = {partition: self._make_producer(partition) for partition in range(min(self._partitions, MOST_AHEAD))}

    def fence(self, partitions: Collection[int]) -> None:
        """See `Sink.fence`. All at once, since it is nothing but waiting."""
        if not partitions:
            return
        with ThreadPoolExecutor(min(len(partitions), _MOST_THREADS)) as threads:
            for done in [threads.submit(self._fence, partition) for partition in sorted(partitions)]:
                done.result()

    def _fence(self, partition: int) -> None:
        producer = self._connected.pop(partition, None) or self._make_producer(partition)
        with self._telling(partition):
            _patiently(producer.init_transactions)
        self._producers[partition] = producer

    def write(self, partition: int, outputs: Outputs) -> int:
        """See `Sink.write`."""
        if not any(outputs.phases):
            return 0
        producer, written = self._producers[partition], 0
        headers: _Headers | None = [(HEADER, outputs.cause)] if outputs.cause else None
        with self._telling(partition):
            producer.begin_transaction()
            for output in outputs:
                self._produce(producer, output, headers)
                written += 1
            # Fails unless every record of it was acknowledged by all replicas.
            _patiently(producer.commit_transaction)
        return written

    def _produce(self, producer: Producer, output: Output, headers: _Headers | None) -> None:
        key = output.partition_by if output.partition_by is not None else output.key
        while True:
            try:
                producer.produce(
                    self._topics[output.route],
                    output.value,
                    output.key,
                    partition=partition_of(key, self._partitions),
                    headers=headers,
                )
                return
            except BufferError:
                # The queue is bounded; wait for room.
                producer.poll(_POLL_SECONDS)

    def release(self, partition: int) -> None:
        """See `Sink.release`."""
        self._producers.pop(partition, None)

    @contextmanager
    def _telling(self, partition: int) -> Iterator[None]:
        try:
            yield
        except KafkaException as error:
            raise self._failure(partition, error) from error

    def _failure(self, partition: int, error: KafkaException) -> KafkaError:
        code, where = error.args[0], f"the transactions of stage {self._stage}, partition {partition}"
        if code.code() in _FENCED:
            return KafkaError(
                "another process has taken the partition over, and what this one still had to write was refused", where=where,
                expected="to be its only owner", todo="nothing: this process ends, and joins again when it is started again",
            )  # fmt: skip
        return KafkaError(
            f"the outputs of a batch could not be committed: {code.str()}", where=where,
            expected=f"an acknowledgement within {PATIENCE_SECONDS:g} s", todo="look at the broker's log and its disk",
        )  # fmt: skip


def _patiently(call: Callable[[float], None]) -> None:
    """Calls until it is through, fails for good, or `PATIENCE_SECONDS` have passed: a broker that restarts comes back within seconds."""
    deadline = monotonic_seconds() + PATIENCE_SECONDS
    while True:
        try:
            call(max(1.0, deadline - monotonic_seconds()))
        except KafkaException as error:
            if not error.args[0].retriable() or monotonic_seconds() >= deadline:
                raise
            time.sleep(_RETRY_SECONDS)
        else:
            return
