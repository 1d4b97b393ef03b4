"""Copying records as they are: key, value and time; and making sure that what they are copied to is new."""

from __future__ import annotations

from collections.abc import Iterable

from streams.errors import KafkaError
from streams.kafka.clients import admin_client
from streams.kafka.survey import survey
from streams.kafka.writing import AcknowledgedWriter
from streams.settings import Settings
from streams.stage import InputRecord

FLUSH_SECONDS = 120.0


class RecordWriter:
    """Records as they were read, on their way to topics; what the broker refuses is told by `settle`.

    Args:
        settings: servers of the target.
        client_id: what the broker calls this writer.
    """

    def __init__(self, settings: Settings, client_id: str) -> None:
        self._writer = AcknowledgedWriter(settings, client_id)
        self._servers = settings.kafka_servers

    def write(self, topic: str, partition: int, record: InputRecord) -> None:
        """Queues a record, with its own time; blocks while the queue is full."""
        self._writer.write(topic, partition, record.key or b"", record.value, time_ms=max(0, record.timestamp_ms))

    def settle(self) -> None:
        """Waits until everything is acknowledged by all replicas.

        Raises:
            KafkaError: if something is not.
        """
        lost, why = self._writer.settle(FLUSH_SECONDS)
        if lost:
            raise KafkaError(
                f"{lost} records were not acknowledged: {why}", where=self._servers, expected="every record",
                todo="look at the broker; empty the target, and do it again",
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
