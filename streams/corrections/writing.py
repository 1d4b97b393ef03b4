"""Corrections, and erasures, onto Kafka: acknowledged by the broker when a call returns. Anybody may write them; the newest word holds.

Which articles carry a correction, and which belong to an outlet, is read from the topics; what follows for the facts is CLASSIFY's work.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from confluent_kafka import Producer

from streams.corrections.checking import check, read_correction
from streams.errors import KafkaError, RecordError
from streams.kafka.clients import bulk_consumer, bulk_producer
from streams.kafka.reading import read_to_end
from streams.kafka.sink import partition_of
from streams.records import Article, Correction, correction_key, decode, encode
from streams.settings import Settings
from streams.stage import InputRecord, Output

FLUSH_SECONDS = 60.0
_POLL_SECONDS = 0.5
_ARTICLES, _CORRECTIONS = "articles", "corrections"


@dataclass(frozen=True, slots=True)
class CorrectionTopics:
    """Names on the broker of `articles` and `corrections`."""

    articles: str = _ARTICLES
    corrections: str = _CORRECTIONS


class CorrectionWriter:
    """Writes what people say. Every method blocks on the network.

    Args:
        settings: servers, and partitions of the topics.
    """

    def __init__(self, settings: Settings, topics: CorrectionTopics) -> None:
        self._settings = settings
        self._topics = topics
        self._routes = {_ARTICLES: topics.articles, _CORRECTIONS: topics.corrections}

    def write(self, corrections: Iterable[Correction]) -> None:
        """Writes corrections; all of them are good, or none is written.

        Raises:
            RecordError: naming what is wrong with one.
            KafkaError: if the broker does not acknowledge.
        """
        wanted = list(corrections)
        for correction in wanted:
            check(correction)
        self._send([_said(c.pair, c.article_id, encode(c)) for c in wanted])

    def forget(self, articles: Iterable[str]) -> int:
        """Erases articles, and what people said of them; returns how many keys of `corrections` went with them.

        Raises:
            KafkaError: if the broker does not acknowledge. What was written before stands; the same call again completes it.
        """
        ids = set(articles)
        said = [key for key in self._corrected() if key[1] in ids]
        gone = [Output(_ARTICLES, article_id.encode(), None) for article_id in sorted(ids)]
        # The articles last: as long as they stand, the same call finds them again, whatever cut this one off.
        self._send([_said(pair, article_id, None) for pair, article_id in said], gone)
        return len(said)

    def _send(self, *phases: list[Output]) -> None:
        """Writes one phase after the other, each when the one before it is acknowledged by all replicas."""
        # A producer for each call: people write seldom, and one that has failed keeps what it could not deliver.
        producer = bulk_producer(self._settings, f"{self._settings.group}-corrections")
        refused: list[str] = []
        for phase in phases:
            for output in phase:
                self._produce(producer, output, refused)
            left = producer.flush(FLUSH_SECONDS)
            if left or refused:
                raise KafkaError(
                    f"{max(left, len(refused))} records could not be delivered: {refused[0] if refused else 'no acknowledgement in time'}",
                    where=self._settings.kafka_servers, expected=f"an acknowledgement within {FLUSH_SECONDS:g} s",
                    todo="do it again when the broker answers: what comes twice counts once",
                )  # fmt: skip

    def _produce(self, producer: Producer, output: Output, refused: list[str]) -> None:
        def note(error: object, _message: object) -> None:
            if error is not None:
                refused.append(str(error))

        place = partition_of(output.partition_by or output.key, self._settings.partitions)
        while True:
            try:
                producer.produce(self._routes[output.route], output.value, output.key, partition=place, on_delivery=note)
                return
            except BufferError:
                # The queue is bounded; wait for room.
                producer.poll(_POLL_SECONDS)

    def _corrected(self) -> list[tuple[str, str]]:
        """(pair, article id) of every key that has a record."""
        keys: dict[tuple[str, str], bool] = {}
        for record in self._read(self._topics.corrections):
            with contextlib.suppress(RecordError):
                pair, article_id, correction = read_correction(record)
                keys[pair, article_id] = correction is not None
        return [key for key, stands in keys.items() if stands]

    def standing(self, articles: Collection[str], outlet: str | None) -> list[str]:
        """The ids that stand on `articles`, of those named, and of those whose newest revision is of an outlet.

        Args:
            outlet: by its name as it stands on the articles; None for none.
        """
        found: dict[str, None] = {}
        for record in self._read(self._topics.articles):
            article_id = (record.key or b"").decode("utf-8", "replace")
            if record.value is not None and (article_id in articles or (outlet is not None and _outlet(record.value) == outlet)):
                found[article_id] = None
            else:
                found.pop(article_id, None)
        return list(found)

    def _read(self, topic: str) -> Iterator[InputRecord]:
        with contextlib.closing(bulk_consumer(self._settings, f"{self._settings.group}-corrections", tells_end=True)) as consumer:
            for partition in range(self._settings.partitions):
                for chunk in read_to_end(consumer, topic, partition, 0):
                    yield from chunk


def _outlet(value: bytes) -> str | None:
    """The outlet of an article; None for what is none."""
    try:
        return decode(Article, value).outlet
    except RecordError:
        return None


def _said(pair: str, article_id: str, value: bytes | None) -> Output:
    return Output(_CORRECTIONS, correction_key(pair, article_id), value, article_id.encode())
