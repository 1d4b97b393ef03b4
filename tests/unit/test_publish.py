"""What is counted as published was acknowledged; what fails is tried again, refused for itself, or ends the process."""

from __future__ import annotations

import threading

import kafka.errors as client_errors
import pytest
from kafka.partitioner.default import DefaultPartitioner

from streams.errors import KafkaError
from streams.ingest.delivery import MAX_ATTEMPTS
from streams.ingest.publish import ArticlePublisher, dead_letter
from streams.kafka.sink import partition_of
from tests.helpers.builders import article
from tests.helpers.ingesting import FakeProducer, fake_publisher

PASSING = client_errors.KafkaTimeoutError


def metric(publisher: ArticlePublisher, name: str) -> float:
    return float(getattr(publisher.metrics, name).labels(publisher.producer_name)._value.get())


def test_an_article_counts_when_it_is_acknowledged_and_not_before() -> None:
    producer = FakeProducer()
    publisher = fake_publisher(producer)
    publisher.send(article(1))
    assert publisher.counts().articles == 0
    publisher.flush()
    assert publisher.counts().articles == 1
    assert metric(publisher, "articles") == 1


def test_the_key_is_the_article_id_and_the_place_for_a_dead_letter() -> None:
    producer = FakeProducer()
    publisher = fake_publisher(producer)
    publisher.send(article(1))
    publisher.send_dead_letter(dead_letter("not-json", "news.jsonl:7", "bad", "{\ud800"))
    publisher.flush()
    assert [(sent.topic, sent.key) for sent in producer.acked] == [("articles", b"article-1"), ("dead-letters", b"news.jsonl:7")]
    assert publisher.counts().dead_letters == {"not-json": 1}
    assert producer.dead_letters[0].content == "{\ufffd"


def test_the_partition_of_a_key_is_the_one_of_kafkas_default_partitioner() -> None:
    class Cluster:
        def topics(self) -> set[str]:
            return {"articles"}

        def partitions_for_topic(self, _: str) -> set[int]:
            return set(range(7))

        available_partitions_for_topic = partitions_for_topic

    partitioner = DefaultPartitioner()
    for number in range(200):
        key = f"article-{number}".encode()
        assert partitioner.partition("articles", key, key, b"", b"", Cluster()) == partition_of(key, 7)


def test_a_delivery_that_fails_is_counted_and_tried_again() -> None:
    producer = FakeProducer({b"article-2": [PASSING(), PASSING()]})
    publisher = fake_publisher(producer)
    for number in (1, 2, 3):
        publisher.send(article(number))
    publisher.flush()
    assert [found.id for found in producer.articles] == ["article-1", "article-3", "article-2"]
    assert publisher.counts().articles == 3
    assert metric(publisher, "delivery_errors") == 2


def test_after_the_last_attempt_nothing_is_taken_for_acknowledged_any_more() -> None:
    producer = FakeProducer({b"article-1": [PASSING() for _ in range(MAX_ATTEMPTS)]})
    publisher = fake_publisher(producer)
    publisher.send(article(1))
    with pytest.raises(KafkaError, match=f"could not be delivered in {MAX_ATTEMPTS} attempts"):
        publisher.flush()
    with pytest.raises(KafkaError):
        publisher.flush()
    with pytest.raises(KafkaError):
        publisher.send(article(2))


def test_an_error_that_will_not_pass_ends_it_at_once() -> None:
    producer = FakeProducer({b"article-1": [client_errors.TopicAuthorizationFailedError()]})
    publisher = fake_publisher(producer)
    publisher.send(article(1))
    with pytest.raises(KafkaError, match="TopicAuthorizationFailedError"):
        publisher.flush()


def test_a_record_that_the_broker_refuses_for_itself_becomes_a_dead_letter() -> None:
    producer = FakeProducer({b"article-1": [client_errors.MessageSizeTooLargeError("too big")]})
    publisher = fake_publisher(producer)
    publisher.send(article(1))
    publisher.send(article(2))
    publisher.flush()
    assert [found.id for found in producer.articles] == ["article-2"]
    assert [(letter.reason, letter.where) for letter in producer.dead_letters] == [("undeliverable", "articles:article-1")]
    assert publisher.counts().total == 2


def test_a_client_that_refuses_at_once_is_handled_like_a_failed_delivery() -> None:
    class RefusingProducer(FakeProducer):
        def send(self, topic: str, value: bytes | None = None, key: bytes | None = None) -> object:
            if key == b"article-1":
                raise client_errors.MessageSizeTooLargeError("too big")
            return super().send(topic, value, key)

    producer = RefusingProducer()
    publisher = fake_publisher(producer)
    publisher.send(article(1))
    publisher.flush()
    assert [letter.reason for letter in producer.dead_letters] == ["undeliverable"]


def test_an_older_revision_that_failed_does_not_overtake_the_newer_one() -> None:
    producer = FakeProducer({b"article-1": [PASSING()]})
    publisher = fake_publisher(producer)
    publisher.send(article(1, text="first"))
    publisher.send(article(1, text="second"))
    publisher.flush()
    assert [found.text for found in producer.articles] == ["second"]
    assert publisher.counts().articles == 2


def test_of_two_failed_revisions_the_newer_one_stands_last() -> None:
    producer = FakeProducer({b"article-1": [PASSING(), PASSING()]})
    publisher = fake_publisher(producer)
    publisher.send(article(1, text="first"))
    publisher.send(article(1, text="second"))
    publisher.flush()
    assert [found.text for found in producer.articles][-1] == "second"


def test_what_waits_for_acknowledgement_is_bounded() -> None:
    producer = FakeProducer()
    publisher = fake_publisher(producer, max_in_flight=10)
    most = []

    def send_all() -> None:
        for number in range(100):
            publisher.send(article(number))
            most.append(len(producer.waiting))

    sender = threading.Thread(target=send_all)
    sender.start()
    while sender.is_alive():
        producer.flush()
        sender.join(0.001)
    assert max(most) <= 10
    publisher.flush()
    assert publisher.counts().articles == 100


def test_a_broker_that_falls_silent_ends_it() -> None:
    producer = FakeProducer()
    producer.silent = True
    publisher = fake_publisher(producer, max_in_flight=2, stall_seconds=0.05)
    publisher.send(article(1))
    publisher.send(article(2))
    with pytest.raises(KafkaError, match=r"acknowledged nothing for 0\.05 s"):
        publisher.send(article(3))


def test_leaving_the_context_flushes_but_not_after_an_error() -> None:
    producer = FakeProducer()
    with fake_publisher(producer) as publisher:
        publisher.send(article(1))
    assert len(producer.acked) == 1
    assert producer.closed
    failed = FakeProducer()

    def fail() -> None:
        with fake_publisher(failed) as publisher:
            publisher.send(article(1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert failed.acked == []
    assert failed.closed


def test_abandoning_wakes_whoever_waits_for_a_silent_broker_and_harms_nobody_otherwise() -> None:
    producer = FakeProducer()
    publisher = fake_publisher(producer)
    publisher.send(article(1))
    publisher.flush()
    publisher.abandon()
    publisher.send(article(2))
    producer.silent = True
    outcomes: list[str] = []

    def wait() -> None:
        try:
            publisher.flush()
        except KafkaError as error:
            outcomes.append(error.what)

    waiting = threading.Thread(target=wait)
    waiting.start()
    publisher.abandon()
    waiting.join(10)
    assert outcomes == ["publishing was abandoned"]
    with pytest.raises(KafkaError):
        publisher.send(article(3))
