"""Which topics are kept, in which order, and whose they are. All of them are: what was counted too, so that pages are right at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from streams import topology
from streams.kafka.topics import TopicSpec
from streams.settings import Settings

#: Read in this order, each after what it stands for: what was done of an article is known before the facts are read, and the facts before
#: they are sealed and given up. So whoever goes on from a backup may do something again, and never takes for done what it lacks. Articles come late,
#: so that each that was classified is there, and corrections last, so that an erasure is in a backup with all of its parts.
_FIRST = (
    topology.PROGRESS,
    topology.CLASSIFICATIONS,
    topology.SIGNALS,
    topology.SEALED,
    topology.TRENDS,
    topology.BREAKS,
)
_LAST = (topology.ARTICLES, topology.CORRECTIONS)
_ORDER = (*_FIRST, *(spec for spec in topology.TOPICS if spec not in (*_FIRST, *_LAST)), *_LAST)
_BY_NAME = {spec.name: spec for spec in _ORDER}
_RANK = {spec.name: rank for rank, spec in enumerate(_ORDER)}


def plain_name(topic: str) -> str:
    """The name of a topic without that of an edition: `signals` of `signals.b`.

    >>> plain_name("signals.b"), plain_name("dead-letters")
    ('signals', 'dead-letters')
    """
    return topic.partition(".")[0]


def edition_of(topic: str) -> str:
    """The edition that a topic belongs to; empty for those that carry their name alone."""
    return topic.partition(".")[2]


def kept_topics(on_broker: Iterable[str]) -> list[TopicSpec]:
    """Bellwether's topics among those on the broker, of every edition, in the order in which they are read."""
    found = [topic for topic in on_broker if plain_name(topic) in _BY_NAME]
    return [spec_of(topic) for topic in sorted(found, key=lambda topic: (_RANK[plain_name(topic)], topic))]


def spec_of(topic: str) -> TopicSpec:
    """What the topology says of a topic.

    Raises:
        KeyError: if it is none of Bellwether's.
    """
    return replace(_BY_NAME[plain_name(topic)], name=topic)


def group_of(settings: Settings, topic: str) -> str:
    """The consumer group of the workers of a topic's edition."""
    return topology.worker_group(settings.model_copy(update={"edition": edition_of(topic)}))
