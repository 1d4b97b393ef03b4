"""From topics to files, while producers, workers and people go on.

What comes in: every record that was committed when its partition's turn came, also behind transactions that were open then. What goes
out: a folder. Left out is what was erased: records that stand before a record of their key without a value, which the broker has not
compacted away yet. So no text of a forgotten article gets into a backup that is taken after it was forgotten.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from importlib.metadata import version
from pathlib import Path

from confluent_kafka import Consumer

from streams.backup.lines import write_records
from streams.backup.lists import keep_lists
from streams.backup.manifest import Manifest, TopicFile, write_manifest
from streams.backup.topics import kept_topics
from streams.clock import Clock, format_utc, utc_now
from streams.errors import ConfigError, KafkaError, unwritable
from streams.kafka.clients import admin_client, bulk_consumer
from streams.kafka.reading import await_decided, end_offset, first_offset, read_to_end
from streams.kafka.topics import TopicSpec
from streams.settings import Settings
from streams.stage import InputRecord

Show = Callable[[int, int], None]


def take_backup(
    settings: Settings, out: Path, *, with_secrets: bool = False, show: Show = lambda _done, _total: None, clock: Clock = utc_now
) -> Manifest:
    """Writes a backup to a new folder, which appears whole or not at all; blocks. Memory: the keys erased lately of one partition.

    Args:
        with_secrets: whether the file of tokens is kept too.
        show: told of (offsets read, offsets in all).

    Raises:
        ConfigError: if there is something at `out` already, or it can't be written.
        KafkaError: if the broker stops answering, or has no topics of Bellwether.
    """
    with _whole_folder(out) as folder, _Reader(settings) as reader:
        begun = format_utc(clock())
        others = keep_lists(settings, folder, with_secrets=with_secrets)
        topics = [
            TopicFile(
                topic=spec.name, partition=number, file=f"{spec.name}-{number}.jsonl.gz", records=found.records, bytes=found.bytes,
                sha256=found.sha256,
            )
            for spec, number, records in reader.partitions(show)
            for found in [write_records(folder / f"{spec.name}-{number}.jsonl.gz", records)]
        ]  # fmt: skip
        manifest = Manifest(
            taken_at=begun, bellwether=version("bellwether"), partitions=settings.partitions, topics=topics, others=others
        )
        write_manifest(folder, manifest)
    return manifest


class _Reader:
    """Reads every partition that is kept, one after another."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._committed = bulk_consumer(settings, f"{settings.group}-backup", tells_end=True)
        self._written = bulk_consumer(settings, f"{settings.group}-backup-ends", committed=False)
        self._done = self._total = 0

    def __enter__(self) -> _Reader:
        return self

    def __exit__(self, *_: object) -> None:
        with closing(self._written), closing(self._committed):
            pass

    def partitions(self, show: Show) -> Iterator[tuple[TopicSpec, int, Iterable[InputRecord]]]:
        """(topic, partition, its records) in the order of `streams.backup.topics`; the records are read as they are taken."""
        with admin_client(self._settings) as admin:
            specs = kept_topics(admin.list_topics())
        if not specs:
            raise KafkaError(
                "there is nothing to keep: the broker has no topics of Bellwether", where=self._settings.kafka_servers,
                expected="the topics of `bellwether topics`", todo="compare BELLWETHER_KAFKA_SERVERS and BELLWETHER_DATA_DIR",
            )  # fmt: skip
        places = [(spec, number) for spec in specs for number in range(self._settings.partitions)]
        self._total = sum(self._span(self._committed, spec.name, number) for spec, number in places)
        for spec, number in places:
            await_decided(self._committed, self._written, spec.name, number)
            yield spec, number, self._records(spec, number, show)

    @staticmethod
    def _span(consumer: Consumer, topic: str, partition: int) -> int:
        return end_offset(consumer, topic, partition) - first_offset(consumer, topic, partition)

    def _records(self, spec: TopicSpec, partition: int, show: Show) -> Iterator[InputRecord]:
        erased = self._erased(spec.name, partition) if spec.compacted else {}
        for chunk in read_to_end(self._committed, spec.name, partition, 0):
            for record in chunk:
                if record.value is None or record.offset > erased.get(record.key or b"", -1):
                    yield record
            self._done += len(chunk)
            show(self._done, self._total)

    def _erased(self, topic: str, partition: int) -> dict[bytes, int]:
        """Key -> the offset of its last record without a value."""
        return {
            record.key or b"": record.offset
            for chunk in read_to_end(self._committed, topic, partition, 0)
            for record in chunk
            if record.value is None
        }


@contextmanager
def _whole_folder(out: Path) -> Iterator[Path]:
    """A folder beside `out`, for its owner alone, that takes its place when nothing has failed."""
    if out.exists():
        raise ConfigError(
            "there is something already", where=str(out), expected="the name of a folder to be made", todo="choose another --out"
        )
    part = out.with_name(f".{out.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True, mode=0o700)
        yield part
        part.rename(out)
    except OSError as error:
        raise unwritable("the backup", out, error, "--out") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
