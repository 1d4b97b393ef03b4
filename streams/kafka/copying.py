"""Copying records as they are: key, value and time; and making sure that what they are copied to is new."""

from __future__ import annotations

from collections.abc import Iterable

from confluent_kafka import KafkaError as KafkaErrorCode
from confluent_kafka import Message, Producer

from streams.errors import KafkaError
from streams.kafka.clients import admin_client, bulk_producer
from streams.kafka.survey import survey
from streams.settings import Settings
from streams.stage import InputRecord

FLUSH_SECONDS = 120.0
_POLL_SECONDS = 0.2


class RecordWriter:
    """Records on their way to topics; what the broker refuses is told by `settle`.

    Args:
        settings: servers of the target.
        client_id: what the broker calls this writer.
    """

    def __init__(self, settings: Settings, client_id: str) -> None:
        self._producer: Producer = bulk_producer(settings, client_id)
        self._servers = settings.kafka_servers
        self._refused: list[str] = []

    def write(self, topic: str, partition: int, record: InputRecord) -> None:
        """Queues a record, with its own time, by which Kafka counts how long it is kept; blocks while the queue is full."""
        key, time_ms = record.key or b"", max(0, record.timestamp_ms)
        while True:
            try:
                self._producer.produce(topic, record.value, key, partition, on_delivery=self._delivered, timestamp=time_ms)
                self._producer.poll(0)
                return
            except BufferError:
                self._producer.poll(_POLL_SECONDS)

    def _delivered(self, error: KafkaErrorCode | None, _message: Message) -> None:
        if error is not None:
            self._refused.append(error.str())

    def settle(self) -> None:
        """Waits until everything is acknowledged by all replicas.

        Raises:
            KafkaError: if something is not.
        """
        left = self._producer.flush(FLUSH_SECONDS)
        if left or self._refused:
            raise KafkaError(
                f"{left + len(self._refused)} records were not acknowledged: {', '.join(self._refused[:1]) or 'no answer in time'}",
                where=self._servers, expected="every record", todo="look at the broker; empty the target, and do it again",
            )  # fmt: skip


def refuse_used(settings: Settings, topics: Iterable[str], groups: Iterable[str]) -> None:
    """Makes sure that nothing was ever written to those of the topics that are there, and that nobody is in the groups; blocks.

    Raises:
        KafkaError: naming what is in the way.
    """
    with admin_client(settings) as admin:
        names = list(topics)
        found = {group: survey(admin, names, group) for group in groups}
    used = sorted({name for one in found.values() for name, topic in one.topics.items() if topic.written})
    if used:
        raise KafkaError(
            f"the target holds records already: {', '.join(used)}", where=settings.kafka_servers,
            expected="topics that nothing was written to", todo="`bellwether kafka wipe`, delete these topics, or name another broker",
        )  # fmt: skip
    for group, one in found.items():
        if one.members:
            raise KafkaError(
                f"{one.members} workers run in the group {group!r}", where=settings.kafka_servers, expected="no worker, and no producer",
                todo="stop them, and do it again",
            )  # fmt: skip
