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

from streams import topology
from streams.errors import BellwetherError
from streams.kafka.clients import bulk_consumer
from streams.kafka.copying import RecordWriter, refuse_used
from streams.kafka.reading import partitions_of, read_to_end
from streams.kafka.sink import partition_of
from streams.kafka.topics import TopicSpec, ensure_topics
from streams.settings import Settings, load_settings

#: What people and producers wrote. Dead letters of producers stay where they are.
MOVED = (topology.ARTICLES, topology.CORRECTIONS, topology.FEEDS, topology.AUDIT)


def move(source: Settings, target: Settings) -> dict[str, int]:
    """Copies the topics record by record, makes those of the target first, and says how many records each had; blocks.

    A key's records keep their order: they stand in one partition of the source, or, where partitions were added, the older in the one
    with the smaller number.

    Raises:
        KafkaError: if a cluster does not answer, or the target holds records already (as the source does).
    """
    refuse_used(target, [spec.name for spec in topology.TOPICS], [topology.worker_group(target)])
    ensure_topics(target, topology.TOPICS)
    writer, counts = RecordWriter(target, f"{target.group}-move"), {}
    with closing(bulk_consumer(source, f"{source.group}-move-source", tells_end=True)) as here:
        for spec in MOVED:
            counts[spec.name] = 0
            for number in partitions_of(here, spec.name):
                for chunk in read_to_end(here, spec.name, number, 0):
                    for record in chunk:
                        writer.write(spec.name, partition_of(_home_of(spec, record.key or b""), target.partitions), record)
                    counts[spec.name] += len(chunk)
            writer.settle()
    return counts


def _home_of(spec: TopicSpec, key: bytes) -> bytes:
    """What a record is partitioned by: its key; of a correction the article's id alone, so that it stands where its article does."""
    return key.partition(b"|")[2] if spec == topology.CORRECTIONS else key


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
