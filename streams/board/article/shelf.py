"""Fetches single records of `articles` and `classifications` by their places, one at a time, with a deadline. Blocks: call it in a thread."""

from __future__ import annotations

import threading

from confluent_kafka import Consumer, KafkaException

from streams.board.article.index import Place
from streams.errors import KafkaError, RecordError
from streams.kafka.clients import point_consumer
from streams.kafka.reading import read_one
from streams.records import Article, Classification, Record, decode
from streams.settings import Settings

READ_SECONDS = 3.0


class Shelf:
    """One consumer, made when it is first needed, and made again after a fault.

    Args:
        articles, classifications: names of the topics on the broker.
    """

    def __init__(self, settings: Settings, articles: str, classifications: str) -> None:
        self._settings = settings
        self._articles = articles
        self._classifications = classifications
        self._lock = threading.Lock()
        self._consumer: Consumer | None = None

    def fetch(self, article_id: str, place: Place) -> tuple[Article, Classification] | None:
        """The article and what was found in it; None where either is no longer there.

        Raises:
            KafkaError: if the broker does not answer in time.
        """
        with self._lock:
            try:
                article = self._read(Article, self._articles, article_id, place.partition, place.article)
                if article is None:
                    return None
                found = self._read(Classification, self._classifications, article_id, place.partition, place.classification)
                return None if found is None else (article, found)
            except KafkaException as error:
                self._drop()
                raise KafkaError(
                    f"Kafka can't be read: {error.args[0].str()}", where=self._settings.kafka_servers, todo="look at the broker"
                ) from error
            except KafkaError:
                self._drop()
                raise

    def _read(self, kind: type[Record], topic: str, article_id: str, partition: int, offset: int) -> Record | None:
        self._consumer = self._consumer or point_consumer(self._settings, f"{self._settings.group}-board-shelf")
        found = read_one(self._consumer, topic, partition, offset, timeout_seconds=READ_SECONDS)
        if found is None or found.value is None or found.key != article_id.encode():
            return None
        try:
            return decode(kind, found.value)
        except RecordError:
            # Of a newer version: its writer knows how to show it.
            return None

    def _drop(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            consumer.close()

    def close(self) -> None:
        """Closes the consumer."""
        with self._lock:
            self._drop()
