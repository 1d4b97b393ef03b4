"""Whether records stand where their keys say: partitions that were added to a topic with data put what follows elsewhere.

A key's partition is its hash modulo the number of partitions, and what a stage knows of a key is kept with its partition. With another
number an article's next revision would reach a stage that knows nothing of the last one, and what it says would be counted beside it.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice

from confluent_kafka import Consumer

from streams.errors import KafkaError
from streams.kafka.reading import read_to_end
from streams.kafka.sink import partition_of
from streams.kafka.topics import MIGRATE

#: Of keys laid by another number of partitions at most half happens to stand right: so many that do are no accident.
LOOKED_AT = 64


def check_places(consumer: Consumer, topic: str, partitions: int) -> None:
    """Looks at the first keys of each partition of a topic, which Bellwether itself wrote; blocks.

    Args:
        consumer: reads partitions by assignment and tells their end.
        partitions: how many the topic has.

    Raises:
        KafkaError: if a record stands where a topic of so many partitions would not have it.
    """
    for partition in range(partitions):
        first = next(read_to_end(consumer, topic, partition, 0), [])
        for record in islice(first, LOOKED_AT):
            if partition_of(record.key or b"", partitions) != partition:
                raise KafkaError(
                    f"records were written when the topics had another number of partitions than {partitions}",
                    where=f"{topic}/{partition}, offset {record.offset}", expected="every key in the partition of its hash", todo=MIGRATE,
                )  # fmt: skip


def refuse_added(topic: str, assigned: Collection[int], partitions: int) -> None:
    """Refuses partitions that were added while the process ran.

    Raises:
        KafkaError: if one of those assigned is beyond `partitions`.
    """
    added = sorted(partition for partition in assigned if partition >= partitions)
    if added:
        raise KafkaError(
            f"partitions were added while this process ran: {', '.join(map(str, added))}", where=topic,
            expected=f"the {partitions} partitions of BELLWETHER_PARTITIONS", todo=MIGRATE,
        )  # fmt: skip
