"""From files to topics of a broker that nothing was written to, so that everything goes on where the backup was taken.

Offsets in records are made those of the new topics, and the workers' group goes on behind the last article whose facts are in the
backup. Local state of the old topics is of no use: it carries the identities of the topics that it was computed from, which are
others now, so that workers throw it away (`streams.state.PartitionStore`) and count the restored facts again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import lru_cache
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, TopicPartition

from streams import topology
from streams.backup.lines import read_records
from streams.backup.manifest import Manifest, TopicFile, check_files, read_manifest
from streams.backup.offsets import NAMES, Places, placed_anew
from streams.backup.topics import edition_of, group_of, plain_name, spec_of
from streams.clock import monotonic_seconds
from streams.errors import ConfigError, KafkaError, RecordError, StateError
from streams.kafka.clients import bulk_consumer, rdkafka_security
from streams.kafka.copying import RecordWriter, refuse_used
from streams.kafka.reading import end_offset
from streams.kafka.topics import ensure_topics
from streams.records import Progress, decode
from streams.settings import Settings
from streams.stage import InputRecord

Show = Callable[[int, int], None]
_COMMIT_SECONDS, _RETRY_SECONDS = 30.0, 0.2


def restore_topics(settings: Settings, folder: Path, *, show: Show = lambda _done, _total: None) -> Manifest:
    """Makes the topics, fills them, and says what was in the backup; blocks. Memory: 8 bytes for each article and fact.

    Args:
        show: told of (bytes, bytes in all) while the files are checked, before anything is written; then of (records, records in all).

    Raises:
        StateError: if the backup is damaged or of a newer version; nothing was written.
        ConfigError: if it has another number of partitions; nothing was written.
        KafkaError: if the broker has records already, or workers (nothing was written), or fails.
    """
    manifest = read_manifest(folder)
    _check_partitions(settings, manifest)
    check_files(folder, manifest, show)
    specs = {name: spec_of(name) for name in dict.fromkeys([*(one.topic for one in manifest.topics), *_names()])}
    refuse_used(settings, specs, {group_of(settings, name) for name in specs})
    ensure_topics(settings, specs.values())
    writing = _Restoring(settings, folder, manifest, show)
    writing.fill()
    writing.check_ends()
    writing.go_on()
    return manifest


def _names() -> Iterator[str]:
    """The topics that must be there, whatever an older backup had."""
    return (spec.name for spec in topology.TOPICS)


def _check_partitions(settings: Settings, manifest: Manifest) -> None:
    if manifest.partitions != settings.partitions:
        raise ConfigError(
            f"the backup is of topics with {manifest.partitions} partitions", where="BELLWETHER_PARTITIONS",
            expected=str(manifest.partitions),
            todo=f"restore with BELLWETHER_PARTITIONS={manifest.partitions}; more are had as docs/scaling.md, 'More partitions', says",
        )  # fmt: skip


class _Restoring:
    """One restoration."""

    def __init__(self, settings: Settings, folder: Path, manifest: Manifest, show: Show) -> None:
        self._settings = settings
        self._folder = folder
        self._manifest = manifest
        self._show = show
        self._files = {(one.topic, one.partition): one for one in manifest.topics}
        #: (topic of the tally, partition of articles) -> where its workers go on.
        self._next: dict[tuple[str, int], int] = {}
        self._places = lru_cache(maxsize=manifest.partitions)(self._read_places)

    def fill(self) -> None:
        """Writes every record, and waits for the broker's word."""
        writer = RecordWriter(self._settings, f"{self._settings.group}-restore")
        total, done = sum(one.records for one in self._manifest.topics), 0
        for one in self._manifest.topics:
            for record in self._records(one):
                writer.write(one.topic, one.partition, record)
                done += 1
                if done % 1_000 == 0:
                    self._show(done, total)
            writer.settle()
        self._show(total, total)

    def _records(self, one: TopicFile) -> Iterator[InputRecord]:
        count, name = 0, plain_name(one.topic)
        for record in read_records(self._folder / one.file):
            count += 1
            placed = placed_anew(name, one.partition, record, self._places_beside(one.topic)) if name in NAMES else record
            if name == topology.PROGRESS.name:
                self._note_tally(one.topic, placed)
            yield placed
        if count != one.records:
            raise StateError(
                f"a file holds {count} records", where=str(self._folder / one.file), expected=f"{one.records}, as the manifest says",
                todo="empty the broker, and restore another copy of the backup",
            )  # fmt: skip

    def _places_beside(self, topic: str) -> Callable[[str, int], Places]:
        """Places of what the records of a topic name: on topics of the same edition, or on those that all share."""
        edition = edition_of(topic)

        def places_of(name: str, partition: int) -> Places:
            own = f"{name}.{edition}" if edition else name
            return self._places(own if (own, partition) in self._files else name, partition)

        return places_of

    def _read_places(self, topic: str, partition: int) -> Places:
        one = self._files.get((topic, partition))
        return Places(record.offset for record in read_records(self._folder / one.file)) if one else Places(())

    def _note_tally(self, topic: str, record: InputRecord) -> None:
        try:
            tally = decode(Progress, record.value or b"")
        except RecordError:
            return
        place = topic, tally.partition
        self._next[place] = max(self._next.get(place, 0), tally.offset)

    def check_ends(self) -> None:
        """Makes sure that nobody else has written meanwhile: the offsets would not be those that the records name.

        Raises:
            KafkaError: if somebody has.
        """
        with closing(bulk_consumer(self._settings, f"{self._settings.group}-restored", tells_end=True)) as consumer:
            for one in self._manifest.topics:
                end = end_offset(consumer, one.topic, one.partition)
                if end != one.records:
                    raise KafkaError(
                        f"{end} records stand where {one.records} were restored", where=f"{one.topic}/{one.partition}",
                        expected="no other writer", todo="stop producers and workers, empty the broker, and restore again",
                    )  # fmt: skip

    def go_on(self) -> None:
        """Lets the workers of each edition begin behind the last article that is accounted for."""
        by_group: dict[str, list[TopicPartition]] = {}
        for (topic, partition), offset in self._next.items():
            place = TopicPartition(topology.ARTICLES.name, partition, offset)
            by_group.setdefault(group_of(self._settings, topic), []).append(place)
        for group, places in by_group.items():
            _commit(self._settings, group, places)


def _commit(settings: Settings, group: str, places: list[TopicPartition]) -> None:
    consumer = Consumer({"bootstrap.servers": settings.kafka_servers, "group.id": group, **rdkafka_security(settings)})
    deadline = monotonic_seconds() + _COMMIT_SECONDS
    with closing(consumer):
        while True:
            try:
                consumer.commit(offsets=places, asynchronous=False)
            except KafkaException as error:
                # A broker that has never had a group makes the place for them first.
                if error.args[0].retriable() and monotonic_seconds() < deadline:
                    time.sleep(_RETRY_SECONDS)
                    continue
                raise KafkaError(
                    f"where the workers go on could not be noted: {error.args[0].str()}", where=f"group {group}",
                    expected="a group that nobody is in", todo="stop the workers, empty the broker, and restore again",
                ) from error  # fmt: skip
            else:
                return
