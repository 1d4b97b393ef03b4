"""Reading partitions whole: from an offset to the end as it is now. For rebuilding state and for the board.

Only committed records are read. What stands behind the beginning of an open transaction is not seen until that has been decided;
whoever needs all that was written before waits for that (`await_decided`).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import closing

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from confluent_kafka import KafkaError as KafkaErrorCode

from streams.clock import monotonic_seconds
from streams.errors import KafkaError
from streams.kafka.clients import TRANSACTION_TIMEOUT_SECONDS, admin_client, bulk_consumer
from streams.settings import Settings
from streams.stage import InputRecord

#: The code of the event that tells a partition's end.
END_OF_PARTITION: int = KafkaErrorCode._PARTITION_EOF  # noqa: SLF001 - it is public, for all its name
_CHUNK = 2_000
_POLL_SECONDS = 0.2
_ASK_SECONDS = _GATHER_SECONDS = 0.02
_SILENCE_SECONDS = 30.0
#: Which partitions a topic has is asked of a broker that answers, or does not: no use in waiting long.
_ASK_TOPIC_SECONDS = 3.0
#: The broker looks for transactions that are too old every 10 s.
_DECISION_SECONDS = TRANSACTION_TIMEOUT_SECONDS + 30.0


def topic_identities(settings: Settings, topics: Iterable[str]) -> dict[str, str]:
    """Topic -> its id: another one after the topic was deleted and made again under the same name; blocks.

    Raises:
        KafkaError: if one of them is not there or no broker answers.
    """
    wanted = list(topics)
    with admin_client(settings) as admin:
        described = {entry["name"]: entry for entry in admin.describe_topics(wanted) if not entry.get("error_code")}
    for topic in wanted:
        if topic not in described:
            raise no_topic(topic, settings.kafka_servers)
    return {topic: str(described[topic]["topic_id"]) for topic in wanted}


def partitions_of(consumer: Consumer, topic: str) -> list[int]:
    """The numbers of a topic's partitions, whatever the setting says; blocks for 3 s at most.

    Raises:
        KafkaException: if no broker answers.
        KafkaError: if there is no such topic.
    """
    found = consumer.list_topics(topic, timeout=_ASK_TOPIC_SECONDS).topics[topic]
    if found.error is not None or not found.partitions:
        raise no_topic(topic, "the broker")
    return sorted(found.partitions)


def no_topic(topic: str, where: str) -> KafkaError:
    """The error for a topic that is not there."""
    return KafkaError(
        f"there is no topic {topic!r}", where=where, expected="the topics of Bellwether", todo="`bellwether topics --create`"
    )


def read_to_end(consumer: Consumer, topic: str, partition: int, start: int) -> Iterator[list[InputRecord]]:
    """Chunks of the committed records of a partition from `start` to the end as it is now; blocks.

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
            messages = _available(consumer)
            chunk = [_as_input(message) for message in messages if message.error() is None and (message.offset() or 0) < high]
            if chunk:
                yield chunk
                position = chunk[-1].offset + 1
                silent_since = monotonic_seconds()
            # The last offsets may hold no record: compaction took it, or a transaction ended there. Then the end is told by an event.
            if any(_is_end(message, topic, partition) for message in messages):
                return
            if monotonic_seconds() - silent_since > _SILENCE_SECONDS:
                raise _failed(topic, partition, f"no record within {_SILENCE_SECONDS:g} s at offset {position} of {high}")
    finally:
        consumer.unassign()


def whole_topic(settings: Settings, client_id: str, topic: str) -> Iterator[InputRecord]:
    """Every committed record of a topic as it is now, partition by partition, by a consumer of its own; blocks.

    Raises:
        KafkaError: if the broker stops answering.
    """
    with closing(bulk_consumer(settings, client_id, tells_end=True)) as consumer:
        for partition in range(settings.partitions):
            for chunk in read_to_end(consumer, topic, partition, 0):
                yield from chunk


def read_one(consumer: Consumer, topic: str, partition: int, offset: int, *, timeout_seconds: float) -> InputRecord | None:
    """The record that stands at an offset; None where compaction or a tidied topic has left none there; blocks.

    Args:
        consumer: one that tells the end of a partition.

    Raises:
        KafkaError: if the broker does not answer in time.
    """
    deadline = monotonic_seconds() + timeout_seconds
    consumer.assign([TopicPartition(topic, partition, offset)])
    try:
        while (left := deadline - monotonic_seconds()) > 0:
            message = consumer.poll(left)
            if message is None:
                continue
            if _is_end(message, topic, partition):
                return None
            found = _as_input(message)
            return found if found.offset == offset else None
    finally:
        consumer.unassign()
    raise _failed(topic, partition, f"no answer within {timeout_seconds:g} s at offset {offset}")


def await_decided(committed: Consumer, written: Consumer, topic: str, partition: int) -> None:
    """Waits until every transaction that has written to a partition by now is committed or aborted; blocks.

    A successor ends the transactions of a dead process (`streams/kafka/sink.py`); where there is none, the broker does after a while.

    Args:
        committed: a consumer that takes for the end where the first open transaction begins.
        written: one that takes for it what has been written, committed or not.

    Raises:
        KafkaError: if the broker does not answer, or a transaction stays open beyond its time.
    """
    _, end = _bounds(written, topic, partition)
    deadline = monotonic_seconds() + _DECISION_SECONDS
    while _bounds(committed, topic, partition)[1] < end:
        if monotonic_seconds() > deadline:
            raise _failed(
                topic, partition, f"a transaction that began before offset {end} is still open after {_DECISION_SECONDS:g} s"
            )
        time.sleep(_ASK_SECONDS)


def first_offset(consumer: Consumer, topic: str, partition: int) -> int:
    """The offset at which a partition begins; blocks.

    Raises:
        KafkaError: if the broker does not answer.
    """
    return _bounds(consumer, topic, partition)[0]


def end_offset(consumer: Consumer, topic: str, partition: int) -> int:
    """The offset after the last committed record of a partition: it moves when something was written; blocks.

    Raises:
        KafkaError: if the broker does not answer.
    """
    return _bounds(consumer, topic, partition)[1]


def _available(consumer: Consumer) -> list[Message]:
    """A chunk of what comes, once anything does. `consume` waits for its full number or its time-out, which is long at the end alone."""
    first = consumer.poll(_POLL_SECONDS)
    if first is None or first.error() is not None:
        return [] if first is None else [first]
    return [first, *consumer.consume(_CHUNK - 1, timeout=_GATHER_SECONDS)]


def _as_input(message: Message) -> InputRecord:
    return InputRecord(int(message.offset() or 0), message.key(), message.value(), message.timestamp()[1])


def _is_end(message: Message, topic: str, partition: int) -> bool:
    error = message.error()
    if error is None:
        return False
    if error.code() == END_OF_PARTITION:
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
