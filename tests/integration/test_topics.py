"""Topics on a real broker: made as the topology says; what is missing or differs is reported and stops the start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from streams import topology
from streams.errors import KafkaError
from streams.kafka.clients import admin_client
from streams.kafka.topics import compare_topics, ensure_topics
from tests.helpers.stack import Stack, running_stack

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("topics")) as running:
        yield running


def test_the_topics_are_made_with_their_partitions_and_configuration(stack: Stack) -> None:
    assert compare_topics(stack.settings, topology.TOPICS).is_fine
    assert ensure_topics(stack.settings, topology.TOPICS).made == []


def test_a_missing_topic_is_reported_and_then_made(stack: Stack) -> None:
    extra = replace(topology.DEAD_LETTERS, name="made-by-this-test")
    assert compare_topics(stack.settings, [extra]).missing == ["made-by-this-test"]
    assert ensure_topics(stack.settings, [extra]).made == ["made-by-this-test"]
    assert compare_topics(stack.settings, [extra]).is_fine


def test_differing_partitions_and_configuration_are_named_and_not_changed(stack: Stack) -> None:
    other = stack.settings.model_copy(update={"partitions": 6})
    changed = replace(topology.DEAD_LETTERS, retention_days=1)
    with pytest.raises(KafkaError) as caught:
        ensure_topics(other, [topology.ARTICLES, changed])
    assert "articles: 4 partitions, expected 6" in str(caught.value)
    assert "dead-letters: retention.ms is 7776000000, expected 86400000" in str(caught.value)
    assert compare_topics(stack.settings, topology.TOPICS).is_fine


def test_a_worker_refuses_to_start_without_its_topics(stack: Stack) -> None:
    with admin_client(stack.settings) as admin:
        admin.delete_topics([topology.PROGRESS.name])
    try:
        done = stack.run("worker", ok=False)
        assert done.returncode == 1
        assert "progress: missing" in done.stderr
        assert "bellwether topics --create" in done.stderr
    finally:
        ensure_topics(stack.settings, topology.TOPICS)
