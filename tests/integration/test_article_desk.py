"""Articles by their ids over a real Kafka: edits, erasure, a restart, a broker that dies, a topic made anew."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest
from confluent_kafka import Message
from kafka import TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic

from models.explanation import Explanation
from models.results import Text
from streams import topology
from streams.board.article.desk import ArticleDesk
from streams.board.article.explaining import Explainer
from streams.board.article.found import FoundArticle, GoneError, NotNowError
from streams.board.view import NotFoundError
from streams.clock import monotonic_seconds
from streams.kafka.clients import admin_client, bulk_producer
from streams.records import Article, Classification, encode
from streams.settings import Settings
from tests.helpers.builders import article, classified
from tests.helpers.stack import Stack, running_stack, wait_for

pytestmark = pytest.mark.kafka

TOPICS = {"articles": topology.ARTICLES.name, "classifications": topology.CLASSIFICATIONS.name}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One broker for all; each test has articles of its own, and finds the index as the one before it left it."""
    with running_stack(tmp_path_factory.mktemp("desk")) as running:
        yield running


def put(settings: Settings, *articles: Article) -> dict[bytes | None, int]:
    """Writes articles, one to each partition in turn, then the classifications that name their offsets, as the classify stage does; the offsets."""
    producer, offsets = bulk_producer(settings, "test-writer"), dict[bytes | None, int]()

    def note(_error: object, sent: Message) -> None:
        offsets[sent.key()] = int(sent.offset() or 0)

    for number, one in enumerate(articles):
        producer.produce(TOPICS["articles"], encode(one), one.id.encode(), number % settings.partitions, on_delivery=note)
    assert producer.flush(30) == 0
    for number, one in enumerate(articles):
        found = Classification(
            article_id=one.id, digest=one.digest(), offset=offsets[one.id.encode()], pairs=["BLR-RUS"], language="en", labels={"cooperation": 0.9},
            decided=["cooperation"], domains={"security": 0.9}, model="1-test",
        )  # fmt: skip
        producer.produce(TOPICS["classifications"], encode(found), one.id.encode(), number % settings.partitions)
    assert producer.flush(30) == 0
    return offsets


def erase(settings: Settings, article_id: str, topic: str) -> None:
    """Writes a tombstone."""
    producer = bulk_producer(settings, "test-writer")
    producer.produce(TOPICS[topic], None, article_id.encode(), 0)
    assert producer.flush(30) == 0


def model() -> Explainer:
    """A model that says the same of everything."""
    return Explainer("1-test", lambda one: Explanation(Text(one.title, one.text), classified()))


@contextlib.asynccontextmanager
async def open_desk(settings: Settings) -> AsyncIterator[ArticleDesk]:
    desk = ArticleDesk(settings, TOPICS, model)
    desk.start()
    try:
        yield desk
    finally:
        await asyncio.to_thread(desk.stop)


async def outcome(desk: ArticleDesk, article_id: str) -> FoundArticle | type[Exception]:
    try:
        return await desk.find(article_id)
    except (NotFoundError, GoneError, NotNowError) as error:
        return type(error)


async def until(desk: ArticleDesk, article_id: str, wanted: type[Exception] | str, *, seconds: float = 30) -> FoundArticle | None:
    """Asks until the answer is an error of that kind, or the article with that text."""
    deadline, last = monotonic_seconds() + seconds, None
    while monotonic_seconds() < deadline:
        last = await outcome(desk, article_id)
        if last is wanted:
            return None
        if isinstance(last, FoundArticle) and last.article.text == wanted:
            return last
        await asyncio.sleep(0.05)
    pytest.fail(f"{article_id} is {last}, not {wanted}")


async def test_an_article_is_found_with_its_labels_and_reasons_and_an_edit_takes_its_place(stack: Stack) -> None:
    put(stack.settings, *(article(number, text=f"text {number}") for number in range(8)))
    async with open_desk(stack.settings) as desk:
        for number in range(8):
            found = await until(desk, f"article-{number}", f"text {number}")
            assert found is not None
            assert isinstance(found.explanation, Explanation)
            assert (found.classification.article_id, found.explainer) == (f"article-{number}", "1-test")
        put(stack.settings, article(0, text="edited"))
        await until(desk, "article-0", "edited")
        await until(desk, "article-99", NotFoundError)
    put(stack.settings, article(9, text="while it was away"))
    async with open_desk(stack.settings) as again:
        await until(again, "article-9", "while it was away")
        await until(again, "article-0", "edited")


async def test_an_erased_article_and_one_whose_record_alone_is_gone_are_said_to_be_gone(stack: Stack) -> None:
    put(stack.settings, article(21, text="text 21"))
    offsets = put(stack.settings, article(22, text="text 22"))
    async with open_desk(stack.settings) as desk:
        await until(desk, "article-21", "text 21")
        erase(stack.settings, "article-21", "articles")
        erase(stack.settings, "article-21", "classifications")
        await until(desk, "article-21", GoneError)
        with admin_client(stack.settings) as admin:
            # As compaction leaves an erased article: nothing stands at its offset. The broker gives up records of such a topic alone.
            topic = TOPICS["articles"]
            admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs={"cleanup.policy": "compact,delete"})])
            admin.delete_records({TopicPartition(topic, 0): offsets[b"article-22"] + 1}, timeout_ms=10_000)
            admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs={"cleanup.policy": "compact"})])
        await until(desk, "article-22", GoneError)


async def test_without_the_broker_it_says_not_now_and_finds_again_when_it_is_back(stack: Stack) -> None:
    put(stack.settings, article(31, text="text 31"))
    async with open_desk(stack.settings) as desk:
        await until(desk, "article-31", "text 31")
        stack.kill_kafka()
        await until(desk, "article-31", NotNowError)
        await asyncio.to_thread(stack.start_kafka)
        await until(desk, "article-31", "text 31", seconds=60)


async def test_a_topic_that_was_made_anew_is_read_anew(stack: Stack) -> None:
    put(stack.settings, article(41, text="text 41"))
    async with open_desk(stack.settings) as desk:
        await until(desk, "article-41", "text 41")
    with admin_client(stack.settings) as admin:
        admin.delete_topics([TOPICS["classifications"]])
        wait_for("the topic to go", lambda: TOPICS["classifications"] not in admin.list_topics())
        admin.create_topics([NewTopic(TOPICS["classifications"], num_partitions=stack.settings.partitions, replication_factor=1)])
    async with open_desk(stack.settings) as desk:
        await until(desk, "article-41", NotFoundError)
