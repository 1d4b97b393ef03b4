"""What two editions hold, read side by side, one partition at a time: an article stands in the same one in both. Blocks on the network."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from streams import topology
from streams.comparison.agreement import AgreementCounter
from streams.comparison.changed import ChangedLabels
from streams.errors import RecordError
from streams.kafka.clients import bulk_consumer
from streams.kafka.reading import read_to_end
from streams.kafka.topics import TopicSpec
from streams.records import Classification, DeadLetter, Signal, decode, pair_key
from streams.settings import Settings
from streams.stage import InputRecord
from streams.worker import Recovery

Probabilities = dict[str, dict[str, float]]


@dataclass(slots=True)
class Classified:
    """Articles of both editions.

    Attributes:
        shared: in both, and in the same revision; `old_only`, `new_only`: in one; `other_revision`: in both, one of them not up to date.
        old, new: article id -> label -> probability, of the articles that were asked for.
    """

    agreement: AgreementCounter = field(default_factory=AgreementCounter)
    shared: int = 0
    old_only: int = 0
    new_only: int = 0
    other_revision: int = 0
    old: Probabilities = field(default_factory=dict)
    new: Probabilities = field(default_factory=dict)


def read_changed(old: Settings, new: Settings, since: str) -> ChangedLabels:
    """The labelled facts that differ. They are gathered in a folder for temporary files, as `export facts` does.

    Raises:
        KafkaError: if the broker can't be read.
        StateError: if that folder can't be written.
    """
    changed = ChangedLabels(since)
    with tempfile.TemporaryDirectory(prefix="bellwether-compare-") as folder:
        sides = [Recovery(side.model_copy(update={"data_dir": Path(folder)})) for side in (old, new)]
        for partition in range(old.partitions):
            changed.add(*(_labelled(side, partition) for side in sides))
    return changed


def _labelled(recovery: Recovery, partition: int) -> dict[tuple[str, str], Signal]:
    """(pair, article id) -> fact, of those that carry a label."""
    store = recovery.open_facts(partition)
    try:
        return {(pair_key(fact.source, fact.partner), fact.article_id): fact for fact in store.facts() if fact.labels}
    finally:
        store.close()


def read_classified(old: Settings, new: Settings, wanted: Collection[str]) -> Classified:
    """The articles of both editions against each other.

    Args:
        wanted: ids of articles whose probabilities are kept.

    Raises:
        KafkaError: if the broker can't be read.
    """
    found = Classified()
    for partition in range(old.partitions):
        before, after = (_newest(side, partition) for side in (old, new))
        found.old_only += len(before.keys() - after.keys())
        found.new_only += len(after.keys() - before.keys())
        for article_id in before.keys() & after.keys():
            one, other = before[article_id], after[article_id]
            if one.digest != other.digest:
                found.other_revision += 1
                continue
            found.shared += 1
            found.agreement.add(one.decided, other.decided)
        for kept, side in ((found.old, before), (found.new, after)):
            kept.update({article_id: side[article_id].labels for article_id in wanted if article_id in side})
    return found


def _newest(settings: Settings, partition: int) -> dict[str, Classification]:
    """Article id -> its classification, of one partition."""
    newest: dict[str, Classification] = {}
    for record in _records(settings, topology.CLASSIFICATIONS, partition):
        article_id = (record.key or b"").decode("utf-8", "replace")
        newest.pop(article_id, None)
        if record.value is None:
            continue
        try:
            newest[article_id] = decode(Classification, record.value)
        except RecordError:
            continue  # of a newer version
    return newest


def dead_letters(settings: Settings) -> dict[str, int]:
    """Reason -> dead letters that the edition's workers wrote, as far as they are still kept; those of producers are not an edition's.

    Raises:
        KafkaError: if the broker can't be read.
    """
    found: Counter[str] = Counter()
    inputs = tuple(f"{topology.name_in(settings, spec)}/" for spec in topology.read_by_worker())
    for partition in range(settings.partitions):
        for record in _records(settings, topology.DEAD_LETTERS, partition):
            with suppress(RecordError):  # of a newer version
                letter = decode(DeadLetter, record.value or b"")
                found[letter.reason] += letter.where.startswith(inputs)
    return {reason: count for reason, count in sorted(found.items()) if count}


def _records(settings: Settings, spec: TopicSpec, partition: int) -> Iterator[InputRecord]:
    with closing(bulk_consumer(settings, f"{settings.group}-compare", tells_end=True)) as consumer:
        for chunk in read_to_end(consumer, topology.name_in(settings, spec), partition, 0):
            yield from chunk
