"""Reading partitions whole: from an offset to the end as it is now. For rebuilding state and for the board."""

from __future__ import annotations

import time
from collections.abc import Iterator

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from confluent_kafka import KafkaError as KafkaErrorCode

from streams.clock import monotonic_seconds
from streams.errors import KafkaError
from streams.kafka.clients import admin_client
from streams.settings import Settings
from streams.stage import InputRecord

_CHUNK = 2_000
_POLL_SECONDS = 0.2
_SILENCE_SECONDS = 30.0


def topic_identity(settings: Settings, topic: str) -> str:
    """The topic's id: another one after the topic was deleted and made again under the same name; blocks.

    Raises:
        KafkaError: if there is no such topic or no broker answers.
    """
    with admin_client(settings) as admin:
        described = admin.describe_topics([topic])
    if not described or described[0].get("error_code"):
        raise KafkaError(f"there is no topic {topic!r}", where=settings.kafka_servers, todo="`bellwether topics --create`")
    return str(described[0]["topic_id"])


def read_to_end(consumer: Consumer, topic: str, partition: int, start: int) -> Iterator[list[InputRecord]]:
    """Chunks of the records of a partition from `start` to the end as it is now; blocks.

    Raises:
        KafkaError: if the broker stops answering.
    """
    low, high = _bounds(consumer, topic, partition)
    position = max(start, low)
    if position >= high:
        return
    consumer.assign([TopicPartition(topic, partition, position)])
    silent_since = monotonic_seconds()
    try:
        while position < high:
            # `consume` waits for its full number or its time-out: ask for no more than there can be.
            messages = consumer.consume(min(_CHUNK, high - position), timeout=_POLL_SECONDS)
            chunk = [_as_input(message) for message in messages if message.error() is None and (message.offset() or 0) < high]
            if chunk:
                yield chunk
                position = chunk[-1].offset + 1
                silent_since = monotonic_seconds()
            # The last offsets of a compacted partition may hold no record any more: then its end is told by an event.
            if any(_is_end(message, topic, partition) for message in messages):
                return
            if monotonic_seconds() - silent_since > _SILENCE_SECONDS:
                raise _failed(topic, partition, f"no record within {_SILENCE_SECONDS:g} s at offset {position} of {high}")
    finally:
        consumer.unassign()


def first_offset(consumer: Consumer, topic: str, partition: int) -> int:
    """The offset at which a partition begins; blocks.

    Raises:
        KafkaError: if the broker does not answer.
    """
    return _bounds(consumer, topic, partition)[0]


def _as_input(message: Message) -> InputRecord:
    return InputRecord(int(message.offset() or 0), message.key(), message.value(), message.timestamp()[1])


def _is_end(message: Message, topic: str, partition: int) -> bool:
    error = message.error()
    if error is None:
        return False
    if error.code() == KafkaErrorCode._PARTITION_EOF:  # noqa: SLF001 - it is public, for all its name
        return True
    raise _failed(topic, partition, str(error))


def _bounds(consumer: Consumer, topic: str, partition: int) -> tuple[int, int]:
    deadline = monotonic_seconds() + _SILENCE_SECONDS
    while True:
        try:
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=5.0)
        except KafkaException as error:
            # A broker that restarts comes back within seconds: only a lasting silence ends the process.
            if monotonic_seconds() > deadline:
                raise _failed(topic, partition, str(error)) from error
            time.sleep(_POLL_SECONDS)
        else:
            return int(low), int(high)


def _failed(topic: str, partition: int, why: str) -> KafkaError:
    return KafkaError(
        f"reading stopped: {why}", where=f"{topic}/{partition}", expected="every record up to the end", todo="look at the broker"
    )
