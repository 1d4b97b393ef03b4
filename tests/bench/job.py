"""The job that every contender does: articles in; the classification of each and its facts out, as the classify stage writes them.

It has none of the stage's guarantees: no memory of earlier revisions, no duplicates, no dead letters, no progress.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from confluent_kafka import Producer

from models.results import Classified
from streams.classify.facts import facts_of, to_text
from streams.classify.model import load_predictor
from streams.kafka.clients import bulk_producer
from streams.kafka.sink import partition_of
from streams.records import Article, Classification, decode, encode, fact_key, pair_key
from streams.settings import Settings
from tests.bench.meter import Task

#: Topics by the names that `streams.topology` gives them; importing that would bring Faust into every contender.
ARTICLES, CLASSIFICATIONS, SIGNALS = "articles", "classifications", "signals"


@dataclass(frozen=True, slots=True)
class Written:
    """One record to write."""

    topic: str
    key: bytes
    value: bytes
    partition: int


class Job:
    """The model, and the records that come of what it says."""

    def __init__(self, partitions: int, *, encoder: bool) -> None:
        self._predictor = load_predictor(Settings(encoder=encoder))
        self._partitions = partitions

    def records(self, values: Sequence[bytes]) -> list[Written]:
        """The records of a batch of articles."""
        articles = [decode(Article, value) for value in values]
        results = self._predictor.classify([to_text(article) for article in articles])
        return [record for article, result in zip(articles, results, strict=True) for record in self._of_one(article, result)]

    def _of_one(self, article: Article, result: Classified) -> list[Written]:
        facts = facts_of(article, result, self._predictor.version)
        classification = Classification(
            article_id=article.id, digest=article.digest(), offset=0, pairs=sorted({pair_key(f.source, f.partner) for f in facts}),
            language=result.language, labels={label: round(p, 4) for label, p in result.labels.items()}, decided=list(result.decided),
            domains={domain: round(p, 4) for domain, p in result.domains.items()}, model=self._predictor.version,
        )  # fmt: skip
        key = article.id.encode()
        written = [Written(CLASSIFICATIONS, key, encode(classification), partition_of(key, self._partitions))]
        for fact in facts:
            home = "-".join(sorted((fact.source, fact.partner))).encode()
            key = fact_key(pair_key(fact.source, fact.partner), article.id)
            written.append(Written(SIGNALS, key, encode(fact), partition_of(home, self._partitions)))
        return written


class BulkWriter:
    """Writes records with confluent-kafka and waits until the broker has acknowledged every one."""

    def __init__(self, task: Task) -> None:
        self._producer: Producer = bulk_producer(Settings(kafka_servers=task.servers), task.group)
        self._failures: list[str] = []

    def write(self, records: Sequence[Written]) -> None:
        """Blocks until all are safe.

        Raises:
            RuntimeError: if one is not.
        """
        for record in records:
            self._producer.produce(
                record.topic, record.value, record.key, partition=record.partition, on_delivery=self._on_delivery
            )  # fmt: skip
        if self._producer.flush(60.0) or self._failures:
            raise RuntimeError(f"records were not delivered: {self._failures[:1]}")

    def _on_delivery(self, error: object, _message: object) -> None:
        if error is not None:
            self._failures.append(str(error))
