"""What the board tells of the broker: what was last answered, and nothing once there is no answer."""

from __future__ import annotations

from datetime import UTC, datetime

from prometheus_client import CollectorRegistry

from streams import metrics
from streams.board.broker import BrokerWatch
from streams.kafka.survey import Disk, Survey, TopicFigures
from streams.settings import Settings

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TOPIC = TopicFigures(partitions=4, leaderless=1, under_replicated=2, written=120, span=100, bytes=54_000, lag=3)


def samples(found: Survey | None) -> dict[tuple[str, str], float]:
    """(name, topic) -> value."""
    watch = BrokerWatch(Settings(), ("articles",), "bellwether-worker", clock=lambda: NOW)
    if found is not None:
        watch.take(found)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(watch)
    return {
        (sample.name, sample.labels.get("topic", "")): sample.value for family in registry.collect() for sample in family.samples
    }


def test_before_the_first_answer_only_its_absence_is_told() -> None:
    assert samples(None) == {("bellwether_kafka_surveyed_timestamp_seconds", ""): 0.0}


def test_every_family_has_what_the_broker_said() -> None:
    found = samples(Survey(brokers=3, members=2, disk=Disk(total=1000, usable=400), topics={"articles": TOPIC}))
    assert found["bellwether_kafka_surveyed_timestamp_seconds", ""] == NOW.timestamp()
    assert (found["bellwether_kafka_brokers", ""], found["bellwether_kafka_group_members", ""]) == (3, 2)
    assert (found["bellwether_kafka_disk_bytes", ""], found["bellwether_kafka_disk_usable_bytes", ""]) == (1000, 400)
    of_topic = [
        found[family.name + ("_total" if family.kind == "counter" else ""), "articles"] for family in metrics.KAFKA_TOPIC_FAMILIES
    ]
    assert of_topic == [4, 1, 2, 120, 100, 54_000, 3]


def test_what_the_account_may_not_see_and_what_nobody_reads_is_left_out() -> None:
    topic = TopicFigures(partitions=4, leaderless=0, under_replicated=0, written=9, span=9, bytes=None, lag=None)
    names = {name for name, _ in samples(Survey(brokers=1, members=None, disk=None, topics={"breaks": topic}))}
    assert not {name for name in names if "disk" in name or "bytes" in name or "lag" in name or "members" in name}
    assert "bellwether_kafka_topic_partitions" in names
