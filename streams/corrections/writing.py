"""Corrections, and erasures, onto Kafka: acknowledged by the broker when a call returns. Anybody may write them; the newest word holds.

Which articles carry a correction is read from the topic; what follows for the facts is CLASSIFY's work.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from confluent_kafka import Producer

from streams.corrections.checking import check, read_correction
from streams.deeds import an_act, article_mark
from streams.errors import KafkaError, RecordError
from streams.kafka.audit import AUDIT_TOPIC, audit_output
from streams.kafka.clients import bulk_consumer, bulk_producer
from streams.kafka.reading import read_to_end
from streams.kafka.sink import partition_of
from streams.records import Act, Correction, correction_key, encode
from streams.settings import Settings
from streams.stage import InputRecord, Output

FLUSH_SECONDS = 60.0
_POLL_SECONDS = 0.5
_ARTICLES, _CORRECTIONS, _AUDIT = "articles", "corrections", AUDIT_TOPIC


@dataclass(frozen=True, slots=True)
class CorrectionTopics:
    """Names on the broker of `articles`, `corrections` and `audit`."""

    articles: str = _ARTICLES
    corrections: str = _CORRECTIONS
    audit: str = _AUDIT


class CorrectionWriter:
    """Writes what people say. Every method blocks on the network.

    Args:
        settings: servers, and partitions of the topics.
    """

    def __init__(self, settings: Settings, topics: CorrectionTopics) -> None:
        self._settings = settings
        self._topics = topics
        self._routes = {_ARTICLES: topics.articles, _CORRECTIONS: topics.corrections, _AUDIT: topics.audit}

    def write(self, corrections: Iterable[Correction]) -> None:
        """Writes corrections; all of them are good, or none is written.

        Raises:
            RecordError: naming what is wrong with one.
            KafkaError: if the broker does not acknowledge.
        """
        wanted = list(corrections)
        for correction in wanted:
            check(correction)
        self._send([audit_output(_act_of(c)) for c in wanted], [_said(c.pair, c.article_id, encode(c)) for c in wanted])

    def forget(self, articles: Iterable[str], *, by: str = "", why: str = "") -> int:
        """Erases articles, and what people said of them; returns how many keys of `corrections` went with them.

        Args:
            by, why: who does it, and for what reason, for the audit; without `by` it is this machine's operator.

        Raises:
            KafkaError: if the broker does not acknowledge. What was written before stands; the same call again completes it.
        """
        ids = set(articles)
        said = [key for key in self._corrected() if key[1] in ids]
        gone = [Output(_ARTICLES, article_id.encode(), None) for article_id in sorted(ids)]
        # The articles last: as long as they stand, the same call finds them again, whatever cut this one off.
        noted = [audit_output(an_act("forgot", article_mark(article_id), by=by, why=why)) for article_id in sorted(ids)]
        self._send(noted, [_said(pair, article_id, None) for pair, article_id in said], gone)
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

    def _read(self, topic: str) -> Iterator[InputRecord]:
        with contextlib.closing(bulk_consumer(self._settings, f"{self._settings.group}-corrections", tells_end=True)) as consumer:
            for partition in range(self._settings.partitions):
                for chunk in read_to_end(consumer, topic, partition, 0):
                    yield from chunk


def _act_of(one: Correction) -> Act:
    """Whatever time the correction claims, the audit has the one at which it is written; its reason stands with it, and goes with it."""
    said = "" if one.withdrawn else f": {', '.join(one.labels) or 'no label'}"
    return an_act(
        "withdrew" if one.withdrawn else "corrected",
        f"{article_mark(one.article_id)}, {one.pair or 'every pair'}{said}",
        by=one.by,
    )


def _said(pair: str, article_id: str, value: bytes | None) -> Output:
    return Output(_CORRECTIONS, correction_key(pair, article_id), value, article_id.encode())
