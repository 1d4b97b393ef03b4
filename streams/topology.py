"""THE map of what runs: topics and stages as data, and the one place (with `streams.consumption`) that knows Faust.

  corrections -----------------v
    producers -> articles -> CLASSIFY -> signals -> TRENDS -> trends -> BREAKS -> breaks -> board
                                  |  \\-> classifications, progress  \\-> sealed
                                  \\-> dead-letters

`bellwether topics`, the creation of topics and the diagram of docs/architecture.md are made from `TOPICS` and `STAGES`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import faust
from faust.types import TP

from streams.consumption import BatchConsumer, BatchSchema, BatchTransport, NoTables
from streams.editions.registry import TOPIC as EDITIONS_TOPIC
from streams.kafka.audit import AUDIT_TOPIC
from streams.kafka.places import refuse_added
from streams.kafka.topics import TOMBSTONE_DAYS, TopicSpec
from streams.runner import StageRunner
from streams.settings import LIVE, Settings

ARTICLES = TopicSpec(
    "articles", key="article id", value="Article", compacted=True, reread_days=30, holds_text=True
)  # fmt: skip
CLASSIFICATIONS = TopicSpec("classifications", key="article id", value="Classification", compacted=True)
CORRECTIONS = TopicSpec("corrections", key="source-partner|article id", value="Correction", compacted=True)
PROGRESS = TopicSpec("progress", key="partition of articles", value="Progress", compacted=True)
SIGNALS = TopicSpec(
    "signals", key="source-partner|article id", value="Signal", compacted=True, reread_days=TOMBSTONE_DAYS, trimmed=True
)  # fmt: skip
SEALED = TopicSpec("sealed", key="source-partner|article id", value="SealedFact", compacted=True)
TRENDS = TopicSpec("trends", key="source-partner|week", value="Trend", compacted=True)
BREAKS = TopicSpec("breaks", key="source-partner|signal|domain", value="TrendStanding", compacted=True)
DEAD_LETTERS = TopicSpec("dead-letters", key="where it was found", value="DeadLetter", compacted=False, retention_days=90)
FEEDS = TopicSpec("feeds", key="the feed's URL", value="FeedStatus", compacted=True)
EDITIONS = TopicSpec(EDITIONS_TOPIC, key="name of the edition", value="Edition", compacted=True)
AUDIT = TopicSpec(AUDIT_TOPIC, key="who did it", value="Act", compacted=False, retention_days=3_650)
TOPICS: tuple[TopicSpec, ...] = (
    ARTICLES,
    CORRECTIONS,
    CLASSIFICATIONS,
    PROGRESS,
    SIGNALS,
    SEALED,
    TRENDS,
    BREAKS,
    FEEDS,
    EDITIONS,
    AUDIT,
    DEAD_LETTERS,
)
#: What comes from outside, and which editions there are: one for all editions. Every other topic stands once for each (ADR 13).
SHARED: tuple[TopicSpec, ...] = (ARTICLES, CORRECTIONS, FEEDS, EDITIONS, AUDIT)


@dataclass(frozen=True, slots=True)
class StageSpec:
    """One stage: what it reads, and which topic each of its outputs goes to.

    `follows`: what it reads to the end by itself, beside its input (for the diagram).
    """

    name: str
    reads: TopicSpec
    writes: Mapping[str, TopicSpec]
    meaning: str
    follows: tuple[TopicSpec, ...] = ()


CLASSIFY_STAGE = StageSpec(
    "classify", ARTICLES,
    {"classifications": CLASSIFICATIONS, "progress": PROGRESS, "dead-letters": DEAD_LETTERS, "signals": SIGNALS},
    "language, actors, passages, model, corrections; one fact for each pair of states that the article is about",
    follows=(CORRECTIONS,),
)  # fmt: skip
TRENDS_STAGE = StageSpec(
    "trends", SIGNALS, {"trends": TRENDS, "sealed": SEALED, "dead-letters": DEAD_LETTERS},
    "upserted facts; the absolute state of each pair's week",
)  # fmt: skip
BREAKS_STAGE = StageSpec(
    "breaks", TRENDS, {"breaks": BREAKS, "dead-letters": DEAD_LETTERS}, "closed weeks; how each series stands, and when it breaks"
)  # fmt: skip
STAGES: tuple[StageSpec, ...] = (CLASSIFY_STAGE, TRENDS_STAGE, BREAKS_STAGE)

#: Who writes the topics that no stage writes (an analyst corrects, and erases by a record without a value; an
#: operator makes editions and switches between them), and who reads those that no stage reads (for the diagram).
PRODUCERS: Mapping[str, tuple[TopicSpec, ...]] = {
    "ingest": (ARTICLES, FEEDS, DEAD_LETTERS),
    "analyst": (CORRECTIONS, ARTICLES, EDITIONS, AUDIT),
}
READERS: Mapping[str, tuple[TopicSpec, ...]] = {
    "board": (TRENDS, BREAKS, PROGRESS, FEEDS, CLASSIFICATIONS, ARTICLES, CORRECTIONS, EDITIONS), "deliver": (TRENDS, BREAKS, EDITIONS)
}  # fmt: skip


def name_in(settings: Settings, spec: TopicSpec) -> str:
    """The name of a topic in the edition of the settings: `trends`, or `trends.b` in the edition b."""
    return spec.name if spec in SHARED else spec.name + settings.suffix


def topics_of(settings: Settings) -> tuple[TopicSpec, ...]:
    """Every topic of the edition of the settings, the shared ones too, under their names there."""
    return tuple(replace(spec, name=name_in(settings, spec)) for spec in TOPICS)


def own_topics(settings: Settings) -> tuple[TopicSpec, ...]:
    """Those of them that are this edition's alone."""
    return tuple(replace(spec, name=name_in(settings, spec)) for spec in TOPICS if spec not in SHARED)


def topics_of_all(settings: Settings, editions: Iterable[str]) -> tuple[TopicSpec, ...]:
    """Every topic of every edition that is named."""
    others = [settings.model_copy(update={"edition": name}) for name in editions if name != LIVE]
    return (*TOPICS, *(spec for other in others for spec in own_topics(other)))


def written_by_worker() -> set[TopicSpec]:
    """The topics that a worker writes."""
    return {spec for stage in STAGES for spec in stage.writes.values()}


def read_by_worker() -> set[TopicSpec]:
    """The topics that a worker reads: inputs, what it follows, which edition it is, and its own words, of which it rebuilds its state."""
    inputs = {spec for stage in STAGES for spec in (stage.reads, *stage.follows)}
    return inputs | {EDITIONS} | (written_by_worker() - {DEAD_LETTERS})


def worker_group(settings: Settings) -> str:
    """The consumer group of the workers of an edition."""
    return f"{settings.scope}-worker"


class BellwetherApp(faust.App):
    """Faust's app with the gap-free transport."""

    def _new_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_consumer, self)


def build_app(
    settings: Settings, runners: Mapping[str, StageRunner], *, on_failure: Callable[[BaseException], None]
) -> BellwetherApp:
    """The Faust application of a worker: one agent per stage. Nothing is started.

    Args:
        settings: servers, group, batch size, time-outs.
        runners: stage name -> what runs a batch through it.
        on_failure: told of an error that must end the process.
    """
    app = BellwetherApp(
        worker_group(settings),
        broker=[f"kafka://{server}" for server in settings.kafka_servers.split(",")],
        consumer_group_instance_id=f"{settings.scope}-{settings.worker_id}",
        consumer_auto_offset_reset="earliest",
        broker_max_poll_records=settings.batch_articles,
        broker_session_timeout=settings.session_timeout_seconds,
        broker_heartbeat_interval=settings.session_timeout_seconds / 6,
        broker_rebalance_timeout=60.0,
        broker_request_timeout=90.0,
        broker_commit_interval=0.5,
        # How soon partitions that somebody adds are noticed (and refused: `streams/kafka/places.py`).
        consumer_metadata_max_age_ms=10_000,
        stream_wait_empty=True,
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
        TableManager=NoTables,
        datadir=str(settings.state_dir / "faust"),
        **_security(settings),
    )
    by_topic = {topic: runners[stage] for stage, topic in input_names(settings).items()}
    for stage, topic in input_names(settings).items():
        _add_agent(app, stage, topic, runners[stage])
    _tie_consumer(app, by_topic, settings.partitions, on_failure)
    return app


def input_names(settings: Settings) -> dict[str, str]:
    """Stage -> name of the topic that it reads, in the edition of the settings."""
    return {spec.name: name_in(settings, spec.reads) for spec in STAGES}


def _tie_consumer(
    app: BellwetherApp, by_topic: Mapping[str, StageRunner], partitions_of_topics: int, on_failure: Callable[[BaseException], None]
) -> None:  # fmt: skip
    """Tells the consumer whose partitions it reads."""
    consumer = app.consumer
    assert isinstance(consumer, BatchConsumer)

    async def fence(partitions: Collection[TP]) -> None:
        for topic in by_topic:
            refuse_added(topic, [tp.partition for tp in partitions if tp.topic == topic], partitions_of_topics)
        await asyncio.gather(
            *(runner.fence([tp.partition for tp in partitions if tp.topic == topic]) for topic, runner in by_topic.items())
        )

    consumer.fence = fence
    consumer.take_over = lambda topic, partition: by_topic[topic].take_over(partition)
    consumer.give_up = lambda topic, partition: by_topic[topic].give_up(partition)
    consumer.on_gap = lambda topic: by_topic[topic].count_gap()
    consumer.on_assigned = lambda _assigned: next(iter(by_topic.values())).count_rebalance()
    consumer.on_failure = on_failure
    for runner in by_topic.values():
        runner.attach(consumer)


def _add_agent(app: BellwetherApp, stage: str, name: str, runner: StageRunner) -> None:
    topic = app.topic(name, schema=BatchSchema(), value_serializer="raw", partitions=None)

    async def agent(stream: Any) -> None:
        async for event in stream.noack().events():
            await runner.handle(event.value)

    app.agent(topic, name=stage, concurrency=1)(agent)


def _security(settings: Settings) -> dict[str, Any]:
    if settings.kafka_security_protocol == "PLAINTEXT":
        return {}
    import ssl

    context = None
    if settings.kafka_security_protocol.endswith("SSL"):
        context = ssl.create_default_context(cafile=str(settings.kafka_ca_file) if settings.kafka_ca_file else None)
    if not settings.kafka_security_protocol.startswith("SASL"):
        return {"broker_credentials": context}
    credentials = faust.SASLCredentials(
        username=settings.kafka_username, password=settings.kafka_password.get_secret_value(),
        mechanism=settings.kafka_sasl_mechanism, ssl_context=context,
    )  # fmt: skip
    return {"broker_credentials": credentials}


def lag_by_stage(app: BellwetherApp) -> dict[str, int]:
    """Stage -> records written to its input but not acknowledged, over the partitions of this worker."""
    consumer = app.consumer
    assert isinstance(consumer, BatchConsumer)
    lag = consumer.lag()
    return {spec.name: sum(records for tp, records in lag.items() if _is_of(tp, spec.reads)) for spec in STAGES}


def _is_of(tp: TP, spec: TopicSpec) -> bool:
    """Whether a partition is of a topic, in whichever edition: the names of topics hold no dot themselves."""
    return tp.topic.partition(".")[0] == spec.name


def lag_seconds_by_stage(app: BellwetherApp, now: datetime) -> dict[str, float]:
    """Stage -> age in seconds of the oldest record that was read but not acknowledged; 0 when none waits."""
    consumer = app.consumer
    assert isinstance(consumer, BatchConsumer)
    since, now_ms = consumer.waiting_since_ms(), now.timestamp() * 1000
    oldest = {
        spec.name: min((ms for tp, ms in since.items() if ms and _is_of(tp, spec.reads)), default=now_ms) for spec in STAGES
    }
    return {stage: max(0.0, (now_ms - ms) / 1000) for stage, ms in oldest.items()}
