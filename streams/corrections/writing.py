"""Corrections, and erasures, onto Kafka: acknowledged by the broker when a call returns. Anybody may write them; the newest word holds.

Which articles carry a correction is read from the topic; what follows for the facts is CLASSIFY's work.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass

from streams.corrections.checking import check, read_correction
from streams.deeds import an_act, article_mark
from streams.errors import KafkaError, RecordError
from streams.kafka.audit import AUDIT_TOPIC, audit_output
from streams.kafka.reading import whole_topic
from streams.kafka.sink import partition_of
from streams.kafka.writing import AcknowledgedWriter
from streams.records import Act, Correction, correction_key, encode
from streams.settings import Settings
from streams.stage import Output

FLUSH_SECONDS = 60.0
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
        writer = AcknowledgedWriter(self._settings, f"{self._settings.group}-corrections")
        for phase in phases:
            for output in phase:
                place = partition_of(output.partition_by or output.key, self._settings.partitions)
                writer.write(self._routes[output.route], place, output.key, output.value)
            lost, why = writer.settle(FLUSH_SECONDS)
            if lost:
                raise KafkaError(
                    f"{lost} records could not be delivered: {why}", where=self._settings.kafka_servers,
                    expected=f"an acknowledgement within {FLUSH_SECONDS:g} s",
                    todo="do it again when the broker answers: what comes twice counts once",
                )  # fmt: skip

    def _corrected(self) -> list[tuple[str, str]]:
        """(pair, article id) of every key that has a record."""
        keys: dict[tuple[str, str], bool] = {}
        for record in whole_topic(self._settings, f"{self._settings.group}-corrections", self._topics.corrections):
            with contextlib.suppress(RecordError):
                pair, article_id, correction = read_correction(record)
                keys[pair, article_id] = correction is not None
        return [key for key, stands in keys.items() if stands]


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
