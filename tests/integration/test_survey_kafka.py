"""What the board tells of a real broker: its topics as they are, nothing while it is dead, and again when it is back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from streams import topology
from streams.board.broker import BrokerWatch
from streams.kafka.clients import admin_client, bulk_producer
from streams.kafka.survey import Survey, survey
from tests.helpers.stack import Stack, running_stack, wait_for

pytestmark = pytest.mark.kafka
TOPICS = [topic.name for topic in topology.TOPICS]


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with running_stack(tmp_path) as running:
        yield running


@contextmanager
def watching(stack: Stack) -> Iterator[CollectorRegistry]:
    """A board's watch, asking five times a second."""
    watch = BrokerWatch(stack.settings, TOPICS, topology.worker_group(stack.settings), every_seconds=0.2)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(watch)
    watch.start()
    try:
        yield registry
    finally:
        watch.stop()


def write_articles(stack: Stack, count: int) -> None:
    producer = bulk_producer(stack.settings, "test-writer")
    for number in range(count):
        producer.produce(topology.ARTICLES.name, b"x" * 1_000, str(number).encode())
    assert producer.flush(30) == 0


def asked(stack: Stack, *names: str) -> Survey:
    with admin_client(stack.settings) as admin:
        return survey(admin, names, topology.worker_group(stack.settings))


def test_the_figures_of_a_broker_are_those_that_it_has_and_end_with_it(stack: Stack) -> None:
    write_articles(stack, 10)
    found = asked(stack, *TOPICS, "nothing-of-the-kind")
    assert set(found.topics) == set(TOPICS)
    articles = found.topics[topology.ARTICLES.name]
    assert (articles.partitions, articles.leaderless, articles.under_replicated) == (stack.settings.partitions, 0, 0)
    assert (articles.written, articles.span) == (10, 10)
    assert articles.bytes is not None
    assert articles.bytes > 0
    assert articles.lag is None, "no worker has ever read it"
    assert (found.brokers, found.members) == (1, 0)
    assert found.disk is not None
    assert 0 < found.disk.usable < found.disk.total

    with watching(stack) as registry:
        brokers = "bellwether_kafka_brokers"
        wait_for("the first answer", lambda: registry.get_sample_value(brokers) == 1)
        stack.kill_kafka()
        wait_for("its end to be noticed", lambda: registry.get_sample_value(brokers) is None)
        assert registry.get_sample_value("bellwether_kafka_surveyed_timestamp_seconds"), "when it last answered is still told"
        stack.start_kafka()
        wait_for("the broker's return", lambda: registry.get_sample_value(brokers) == 1)
