"""The topic `audit`: who did what that changes what others see. Records are appended and never changed; nobody's account may delete one.

An act is noted, and acknowledged by all replicas, before it is done: what was done is always told, what is told may have failed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from streams.errors import KafkaError, RecordError
from streams.kafka.reading import whole_topic
from streams.kafka.sink import partition_of
from streams.kafka.writing import AcknowledgedWriter
from streams.records import Act, decode, encode
from streams.settings import Settings
from streams.stage import Output

AUDIT_TOPIC = "audit"
FLUSH_SECONDS = 30.0


def audit_output(act: Act, route: str = AUDIT_TOPIC) -> Output:
    """An act as what is written."""
    return Output(route, act.by.encode(), encode(act))


def note_act(settings: Settings, act: Act, topic: str = AUDIT_TOPIC) -> None:
    """Notes an act; blocks on the network.

    Raises:
        KafkaError: if the broker does not acknowledge: then it is not to be done.
    """
    writer, output = AcknowledgedWriter(settings, f"{settings.group}-audit"), audit_output(act, topic)
    writer.write(topic, partition_of(output.key, settings.partitions), output.key, output.value)
    lost, why = writer.settle(FLUSH_SECONDS)
    if lost:
        raise KafkaError(
            f"what is to be done could not be noted: {why}", where=settings.kafka_servers,
            expected=f"the topic {topic!r}, and an acknowledgement within {FLUSH_SECONDS:g} s",
            todo="`bellwether topics --create` where the topic is missing; else do it again when the broker answers",
        )  # fmt: skip


def read_acts(settings: Settings, topic: str = AUDIT_TOPIC) -> list[Act]:
    """Every act that stands on the topic, the earliest first; blocks on the network.

    Raises:
        KafkaError: if the broker can't be read.
    """
    found: list[Act] = []
    for record in whole_topic(settings, f"{settings.group}-audit", topic):
        with contextlib.suppress(RecordError):
            found.append(decode(Act, record.value or b""))
    return in_order(found)


def in_order(acts: Iterable[Act]) -> list[Act]:
    """By time, then by who and what."""
    return sorted(acts, key=lambda act: (act.at, act.by, act.did, act.subject))
