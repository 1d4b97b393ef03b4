"""Articles and dead letters onto Kafka through kafka-python: counted when the broker has acknowledged them, never before.

A delivery that fails after the client's own retries is counted and tried again, up to a bound; then `KafkaError` ends the
process. What waits for its acknowledgement is bounded: a broker that slows down slows the sender down (see `delivery.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from streams.clock import format_utc, utc_now
from streams.errors import KafkaError
from streams.ingest.delivery import Delivery, Producer, Sending
from streams.ingest.text import mend_surrogates
from streams.kafka.clients import admin_client, article_producer
from streams.log import get_logger
from streams.metrics import IngestMetrics
from streams.records import DEAD_LETTER_CONTENT_CHARS, Article, DeadLetter, DeadLetterReason, FeedStatus, encode
from streams.settings import Settings

log = get_logger("publish")
_CLOSE_SECONDS = 5.0
_MAX_WHERE_CHARS = 1_000
_ARTICLE = ""
#: No reason of a dead letter has such a name.
_STATUS = "feed status"


@dataclass(frozen=True, slots=True)
class IngestTopics:
    """Names of the topics that ingestion writes to; `feeds` by the producer of feeds alone."""

    articles: str = "articles"
    dead_letters: str = "dead-letters"
    feeds: str = "feeds"


@dataclass(slots=True)
class PublishedCounts:
    """What the broker has acknowledged."""

    articles: int = 0
    dead_letters: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """Articles and dead letters together."""
        return self.articles + self.dead_letters.total()

    def since(self, before: PublishedCounts) -> PublishedCounts:
        """What came between an earlier look and this one."""
        return PublishedCounts(self.articles - before.articles, self.dead_letters - before.dead_letters)


class ArticlePublisher:
    """Sends articles (key: article id) and dead letters (key: `where`); safe to use from several threads.

    The partition is the one of Kafka's default partitioner, murmur2 of the key, which kafka-python uses for a record with a key.

    Args:
        settings: servers and bounds.
        metrics: where acknowledged records and failed deliveries are counted.
        producer_name: one of `streams.metrics.PRODUCERS`.
        topics: names of the topics; they must exist.
        producer: an idempotent producer with acks=all; made from the settings when left out.
        **bounds: `max_in_flight` and `stall_seconds` of `Delivery`.

    Raises:
        KafkaError: if no broker answers, or a topic is missing.
    """

    def __init__(
        self, settings: Settings, metrics: IngestMetrics, producer_name: str, topics: IngestTopics = IngestTopics(), *,
        producer: Producer | None = None, **bounds: Any,
    ) -> None:  # fmt: skip
        if producer is None:
            others = (topics.feeds,) if producer_name == "feeds" else ()
            check_topics(settings, (topics.articles, topics.dead_letters, *others))
            producer = article_producer(settings)
        self.metrics = metrics
        self.producer_name = producer_name
        self._topics = topics
        self._producer = producer
        self._lock = Lock()
        self._counts = PublishedCounts()
        self._acked_articles = metrics.articles.labels(producer_name)
        self._delivery = Delivery(
            producer, on_acknowledged=self._count, on_error=metrics.delivery_errors.labels(producer_name).inc,
            on_refused=self._replace_by_dead_letter, **bounds,
        )  # fmt: skip

    def __enter__(self) -> ArticlePublisher:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        self.close(flush=kind is None)

    def counts(self) -> PublishedCounts:
        """A copy of what was acknowledged since the publisher was made."""
        with self._lock:
            return PublishedCounts(self._counts.articles, Counter(self._counts.dead_letters))

    def send(self, article: Article) -> None:
        """Hands an article over for delivery; blocks only while too much waits for acknowledgement.

        Raises:
            KafkaError: if the broker takes nothing any more, or an earlier record failed for good.
        """
        self._delivery.submit(self._topics.articles, article.id.encode(), encode(article), _ARTICLE)

    def send_dead_letter(self, letter: DeadLetter) -> None:
        """Hands a dead letter over for delivery. See `send`."""
        self._delivery.submit(self._topics.dead_letters, letter.where.encode(), encode(letter), letter.reason)

    def send_status(self, status: FeedStatus) -> None:
        """Hands over how a feed is. See `send`; it counts nowhere."""
        self._delivery.submit(self._topics.feeds, status.url.encode(), encode(status), _STATUS)

    def flush(self) -> None:
        """Blocks until everything handed over before is acknowledged.

        Raises:
            KafkaError: if that does not happen within the bounds; from then on every call raises it.
        """
        self._delivery.flush()

    def abandon(self) -> None:
        """For an end that can't wait: if something is not acknowledged yet, every waiting and every later call raises `KafkaError`."""
        self._delivery.abandon("publishing was abandoned")

    def close(self, *, flush: bool = True) -> None:
        """Flushes, unless told not to, and lets the connection go.

        Raises:
            KafkaError: see `flush`; the connection is let go all the same.
        """
        try:
            if flush:
                self.flush()
        finally:
            self._producer.close(_CLOSE_SECONDS)

    def _count(self, sending: Sending) -> None:
        if sending.tag == _STATUS:
            return
        with self._lock:
            if sending.tag == _ARTICLE:
                self._counts.articles += 1
            else:
                self._counts.dead_letters[sending.tag] += 1
        if sending.tag == _ARTICLE:
            self._acked_articles.inc()
        else:
            self.metrics.dead_letters.labels(self.producer_name, sending.tag).inc()

    def _replace_by_dead_letter(self, sending: Sending) -> bool:
        if sending.tag != _ARTICLE:
            return False
        log.warning("article_refused", topic=sending.topic, error=type(sending.error).__name__, bytes=sending.size)
        where = f"{sending.topic}:{sending.key.decode()}"
        self.send_dead_letter(dead_letter("undeliverable", where, str(sending.error), sending.value.decode()))
        return True


def dead_letter(reason: str, where: str, detail: str, content: str) -> DeadLetter:
    """A dead letter found now, cut to its bounds and made fit for UTF-8.

    Args:
        reason: one of `streams.records.DEAD_LETTER_REASONS`.
    """
    kept: DeadLetterReason = reason  # type: ignore[assignment]
    return DeadLetter(
        reason=kept, where=mend_surrogates(where)[:_MAX_WHERE_CHARS], detail=mend_surrogates(detail)[:_MAX_WHERE_CHARS],
        content=mend_surrogates(content[:DEAD_LETTER_CONTENT_CHARS]), at=format_utc(utc_now()),
    )  # fmt: skip


def check_topics(settings: Settings, names: Iterable[str]) -> None:
    """Makes sure that the topics exist before anything is sent; blocks on the network.

    Raises:
        KafkaError: if no broker answers, or naming each topic that is missing.
    """
    with admin_client(settings) as admin:
        existing = set(admin.list_topics())
    missing = [name for name in names if name not in existing]
    if missing:
        raise KafkaError(
            "topics are missing: " + ", ".join(missing), where=settings.kafka_servers,
            expected="the topics that `bellwether topics` lists", todo="`bellwether topics --create`",
        )  # fmt: skip
