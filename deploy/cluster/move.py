"""Moves what cannot be computed again to topics with another number of partitions: articles, corrections, how feeds stand.

`python -m deploy.cluster.move --to HOST:PORT --partitions 12` reads the cluster of the settings and writes to another one, under the same
account (`admin`'s rights are not needed: an `analyst` reads everything; on the target it must be allowed to write these topics). Everything
else is made from them by the workers there. The source is not changed, and may be read again.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing

import click
from confluent_kafka import KafkaError as KafkaErrorCode
from confluent_kafka import Message, Producer

from streams import topology
from streams.errors import BellwetherError, KafkaError
from streams.kafka.clients import admin_client, bulk_consumer, bulk_producer
from streams.kafka.reading import read_to_end
from streams.kafka.sink import partition_of
from streams.kafka.topics import ensure_topics
from streams.settings import Settings, load_settings
from streams.stage import InputRecord

#: What people and producers wrote. Dead letters of producers stay where they are.
MOVED = (topology.ARTICLES, topology.CORRECTIONS, topology.FEEDS)
FLUSH_SECONDS = 120.0


def move(source: Settings, target: Settings) -> dict[str, int]:
    """Copies the topics record by record, makes those of the target first, and says how many records each had; blocks.

    A key's records keep their order: they stand in one partition of the source, or, where partitions were added, the older in the one
    with the smaller number.

    Raises:
        KafkaError: if a cluster does not answer, or the target holds records already (as the source does).
    """
    ensure_topics(target, topology.TOPICS)
    with closing(bulk_consumer(target, f"{target.group}-move-target", tells_end=True)) as there:
        for spec in MOVED:
            if any(next(read_to_end(there, spec.name, number, 0), []) for number in range(target.partitions)):
                raise KafkaError(
                    "the target holds records already", where=f"{target.kafka_servers}, {spec.name}",
                    expected="a cluster that nothing was written to", todo="wipe it, or name another one",
                )  # fmt: skip
    writing, counts = _Writing(target), {}
    with closing(bulk_consumer(source, f"{source.group}-move-source", tells_end=True)) as here:
        for spec in MOVED:
            counts[spec.name] = 0
            for number in range(partitions_of(source, spec.name)):
                for chunk in read_to_end(here, spec.name, number, 0):
                    for record in chunk:
                        writing.write(spec.name, record)
                    counts[spec.name] += len(chunk)
            writing.settle()
    return counts


def partitions_of(settings: Settings, topic: str) -> int:
    """How many partitions a topic has, whatever the setting says.

    Raises:
        KafkaError: if there is no such topic or no broker answers.
    """
    with admin_client(settings) as admin:
        described = admin.describe_topics([topic])
    if not described or described[0].get("error_code"):
        raise KafkaError(f"there is no topic {topic!r}", where=settings.kafka_servers, expected="a cluster of Bellwether")
    return len(described[0]["partitions"])


class _Writing:
    """Records on their way to the target; what it refuses is told by `settle`."""

    def __init__(self, target: Settings) -> None:
        self._producer: Producer = bulk_producer(target, f"{target.group}-move")
        self._target = target
        self._refused: list[str] = []

    def _delivered(self, error: KafkaErrorCode | None, _message: Message) -> None:
        if error is not None:
            self._refused.append(error.str())

    def write(self, topic: str, record: InputRecord) -> None:
        """Queues a record, with its own time, by which Kafka counts how long it is kept."""
        key = record.key or b""
        partition, time_ms = partition_of(key, self._target.partitions), max(0, record.timestamp_ms)
        while True:
            try:
                self._producer.produce(topic, record.value, key, partition, on_delivery=self._delivered, timestamp=time_ms)
                return
            except BufferError:
                self._producer.poll(0.2)

    def settle(self) -> None:
        """Waits until everything is acknowledged.

        Raises:
            KafkaError: if something is not.
        """
        left = self._producer.flush(FLUSH_SECONDS)
        if left or self._refused:
            raise KafkaError(
                f"{left + len(self._refused)} records were not acknowledged: {', '.join(self._refused[:1]) or 'no answer in time'}",
                where=self._target.kafka_servers, expected="every record", todo="wipe the target and move again",
            )  # fmt: skip


def _lines(counts: dict[str, int]) -> Iterator[str]:
    for name, count in counts.items():
        yield f"{name}: {count:,} records"


@click.command()
@click.option("--to", "servers", required=True, help="Bootstrap servers of the other cluster.")
@click.option("--partitions", required=True, type=click.IntRange(1, 128), help="Partitions of its topics.")
def main(servers: str, partitions: int) -> None:
    """Copies articles, corrections and feeds to a cluster with another number of partitions."""
    try:
        source = load_settings()
        target = source.model_copy(update={"kafka_servers": servers, "partitions": partitions})
        counts = move(source, target)
    except BellwetherError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)
    click.echo("\n".join(_lines(counts)))


if __name__ == "__main__":
    main()
