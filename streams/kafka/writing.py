"""Writing a few records, or many, outside of a stage: each goes to its place, and nobody goes on before all of them are acknowledged.

Stages write through `streams.kafka.sink`, in transactions; this is for what people and tools write.
"""

from __future__ import annotations

from confluent_kafka import KafkaError as KafkaErrorCode
from confluent_kafka import Message, Producer

from streams.kafka.clients import bulk_producer
from streams.settings import Settings

_POLL_SECONDS = 0.2


class AcknowledgedWriter:
    """Records on their way to topics, through a bounded queue. What the broker refuses is told by `settle`.

    Args:
        settings: servers of the target.
        client_id: what the broker calls this writer.
    """

    def __init__(self, settings: Settings, client_id: str) -> None:
        self._producer: Producer = bulk_producer(settings, client_id)
        self._refused: list[str] = []

    def write(self, topic: str, partition: int, key: bytes, value: bytes | None, *, time_ms: int = 0) -> None:
        """Queues a record; blocks while the queue is full.

        Args:
            time_ms: its own time, by which Kafka counts how long it is kept; 0 for now.
        """
        while True:
            try:
                self._producer.produce(topic, value, key, partition, on_delivery=self._delivered, timestamp=time_ms)
                self._producer.poll(0)
                return
            except BufferError:
                # The queue is bounded; wait for room.
                self._producer.poll(_POLL_SECONDS)

    def _delivered(self, error: KafkaErrorCode | None, _message: Message) -> None:
        if error is not None:
            self._refused.append(error.str())

    def settle(self, seconds: float) -> tuple[int, str]:
        """Waits until all replicas have acknowledged everything; (records that were not acknowledged, why), with 0 and nothing where all is well."""
        lost = self._producer.flush(seconds) + len(self._refused)
        return lost, (self._refused[0] if self._refused else "no acknowledgement in time") if lost else ""
