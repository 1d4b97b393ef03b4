"""Where a stage's outputs go: written in bulk, acknowledged by the broker phase by phase, or the process ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Protocol

from confluent_kafka import KafkaException, Producer
from kafka.partitioner.default import murmur2

from streams.errors import KafkaError
from streams.stage import Output, Outputs

FLUSH_TIMEOUT_SECONDS = 60.0
_POLL_SECONDS = 0.5


class Sink(Protocol):
    """Takes the outputs of one batch; returns only when every one of them is safe."""

    def write(self, outputs: Outputs) -> int:
        """Writes the phases one after the other and returns the number of records; blocks.

        Raises:
            KafkaError: if a record could not be delivered in time.
        """


@lru_cache(maxsize=65_536)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition that Kafka's own default partitioner would take for a key (murmur2)."""
    hashed: int = murmur2(key)
    return (hashed & 0x7FFFFFFF) % partitions


class KafkaSink:
    """Writes outputs to topics.

    Args:
        producer: an idempotent producer with acks=all.
        topics: route -> topic.
        partitions: number of partitions of each topic.
    """

    def __init__(self, producer: Producer, topics: Mapping[str, str], partitions: int) -> None:
        self._producer = producer
        self._topics = topics
        self._partitions = partitions
        self._failures: list[str] = []

    def write(self, outputs: Outputs) -> int:
        """See `Sink.write`."""
        written = 0
        for phase in outputs.phases:
            written += self._write_phase(phase)
        return written

    def _write_phase(self, phase: Iterable[Output]) -> int:
        count = 0
        for output in phase:
            self._produce(output)
            count += 1
        if count:
            left = self._producer.flush(FLUSH_TIMEOUT_SECONDS)
            if left or self._failures:
                raise self._undelivered(left)
        return count

    def _produce(self, output: Output) -> None:
        key = output.partition_by if output.partition_by is not None else output.key
        while True:
            try:
                self._producer.produce(
                    self._topics[output.route], output.value, output.key, partition=partition_of(key, self._partitions),
                    on_delivery=self._on_delivery,
                )  # fmt: skip
                return
            except BufferError:
                # The queue is bounded; wait for room.
                self._producer.poll(_POLL_SECONDS)
            except KafkaException as error:
                raise self._undelivered(1, str(error)) from error

    def _on_delivery(self, error: object, _message: object) -> None:
        if error is not None:
            self._failures.append(str(error))

    def _undelivered(self, left: int, reason: str = "") -> KafkaError:
        reason = reason or (self._failures[0] if self._failures else "no acknowledgement in time")
        return KafkaError(
            f"{max(left, len(self._failures))} records could not be delivered: {reason}", where=", ".join(sorted(set(self._topics.values()))),
            expected=f"an acknowledgement within {FLUSH_TIMEOUT_SECONDS:g} s", todo="look at the broker's log and its disk",
        )  # fmt: skip
