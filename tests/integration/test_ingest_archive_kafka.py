"""An archive into a real Kafka: every line arrives, in the right partition, also over the death of the broker."""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from prometheus_client import CollectorRegistry

from streams.errors import KafkaError
from streams.ingest.archive import ingest_archive
from streams.ingest.publish import ArticlePublisher, IngestTopics
from streams.kafka import embedded
from streams.kafka.clients import bulk_consumer
from streams.kafka.reading import read_to_end
from streams.kafka.sink import partition_of
from streams.kafka.topics import TopicSpec, ensure_topics
from streams.metrics import IngestMetrics
from streams.records import Article, DeadLetter, decode
from streams.settings import Settings, load_settings

pytestmark = pytest.mark.kafka

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("BELLWETHER_CACHE_DIR") or ROOT / ".cache")
PARTITIONS = 3


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings without servers, whose embedded broker runs."""
    settings = load_settings(
        data_dir=tmp_path_factory.mktemp("ingest") / "data", cache_dir=CACHE, kafka_servers="", partitions=PARTITIONS
    )  # fmt: skip
    embedded.start(settings, detached=True)
    try:
        yield settings
    finally:
        embedded.stop(settings, timeout_seconds=5)


@pytest.fixture
def settings(own_broker: Settings) -> Settings:
    """Settings that name the servers of the broker."""
    return own_broker.model_copy(update={"kafka_servers": embedded.resolve_servers(own_broker)})


@pytest.fixture
def topics(settings: Settings, request: pytest.FixtureRequest) -> IngestTopics:
    """Two topics of the test's own."""
    names = IngestTopics(f"articles-{request.node.name[:60]}", f"dead-{request.node.name[:60]}")
    specs = [TopicSpec(name, "key", "value", compacted=False, retention_days=1) for name in (names.articles, names.dead_letters)]
    ensure_topics(settings, specs)
    return names


def publisher_of(settings: Settings, topics: IngestTopics) -> ArticlePublisher:
    return ArticlePublisher(settings, IngestMetrics(CollectorRegistry()), "archive", topics)


def records(settings: Settings, topic: str) -> list[tuple[int, bytes, bytes]]:
    """(partition, key, value) of everything on a topic."""
    found: list[tuple[int, bytes, bytes]] = []
    with closing(bulk_consumer(settings, "test-reader")) as consumer:
        for partition in range(PARTITIONS):
            for chunk in read_to_end(consumer, topic, partition, 0):
                found.extend((partition, record.key or b"", record.value or b"") for record in chunk)
    return found


def write_archive(path: Path, count: int) -> Path:
    lines = (
        json.dumps({"id": f"item-{n}", "title": f"Title {n}", "text": "Слова. " * 20, "published": "2017-08-02"})
        for n in range(count)
    )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_every_line_arrives_once_under_its_id_in_the_partition_of_the_key(
    settings: Settings, topics: IngestTopics, tmp_path: Path
) -> None:  # fmt: skip
    path = write_archive(tmp_path / "news.jsonl", 2_000)
    with path.open("a", encoding="utf-8") as file:
        file.write("not json\n[]\n")
    with publisher_of(settings, topics) as publisher:
        report = ingest_archive([path], publisher, settings)
        metrics = publisher.metrics
    assert (report.read, report.published, report.dead_letters) == (2_002, 2_000, {"not-an-article": 1, "not-json": 1})
    articles = records(settings, topics.articles)
    assert Counter(key for _, key, _ in articles) == Counter(f"item-{n}".encode() for n in range(2_000))
    for partition, key, value in articles:
        assert partition == partition_of(key, PARTITIONS)
        assert decode(Article, value).id.encode() == key
    letters = [decode(DeadLetter, value) for _, _, value in records(settings, topics.dead_letters)]
    assert sorted((letter.where, letter.content) for letter in letters) == [(f"{path}:2001", "not json"), (f"{path}:2002", "[]")]
    assert metrics.articles.labels("archive")._value.get() == 2_000
    assert metrics.dead_letters.labels("archive", "not-json")._value.get() == 1


def test_the_largest_article_allowed_gets_through(settings: Settings, topics: IngestTopics, tmp_path: Path) -> None:
    path = tmp_path / "large.jsonl"
    body = "x" * (settings.max_article_bytes - 1_000)
    path.write_text(json.dumps({"id": "large", "text": body}) + "\n" + json.dumps({"id": "over", "text": body + "x" * 1_000}))
    with publisher_of(settings, topics) as publisher:
        report = ingest_archive([path], publisher, settings)
    assert (report.published, report.dead_letters) == (1, {"too-large": 1})
    assert [key for _, key, _ in records(settings, topics.articles)] == [b"large"]


def test_a_missing_topic_is_told_before_anything_is_sent(settings: Settings) -> None:
    with pytest.raises(KafkaError, match="topics are missing: no-such-topic"):
        publisher_of(settings, IngestTopics("no-such-topic", "no-such-topic"))


def test_a_broker_that_is_not_there_is_told_with_what_to_do(settings: Settings) -> None:
    nobody = settings.model_copy(update={"kafka_servers": "127.0.0.1:1"})
    with pytest.raises(KafkaError, match="bellwether kafka start"):
        publisher_of(nobody, IngestTopics())


def test_nothing_is_lost_when_the_broker_is_killed_in_the_middle(
    own_broker: Settings, settings: Settings, topics: IngestTopics, tmp_path: Path
) -> None:  # fmt: skip
    path = write_archive(tmp_path / "news.jsonl", 4_000)
    pid = embedded.status(own_broker).pid
    assert pid is not None

    def restart() -> None:
        process = psutil.Process(pid)
        process.kill()
        process.wait(10)
        embedded.start(own_broker, detached=True)

    restarting = threading.Thread(target=restart)
    with publisher_of(settings, topics) as publisher:
        # The rate spreads the archive over some seconds, so that the broker dies while it is being sent.
        original, sent = publisher.send, [0]

        def send(article: Article) -> None:
            original(article)
            sent[0] += 1
            if sent[0] == 1_000:
                restarting.start()

        publisher.send = send  # type: ignore[method-assign]
        report = ingest_archive([path], publisher, settings, rate=2_000)
        restarting.join()
    assert (report.read, report.published) == (4_000, 4_000)
    arrived = Counter(key for _, key, _ in records(settings, topics.articles))
    assert set(arrived) == {f"item-{n}".encode() for n in range(4_000)}
