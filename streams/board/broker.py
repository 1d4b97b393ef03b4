"""How the broker is, for `/metrics`: asked in a thread of its own every quarter of a minute, and shown as it was last answered.

What comes in: the settings and the names of the topics. What goes out: metric families. A broker that does not answer has none but the
time of its last answer: old figures would look like new ones.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from streams import metrics
from streams.clock import Clock, utc_now
from streams.errors import KafkaError
from streams.kafka.clients import admin_client
from streams.kafka.survey import Survey, survey
from streams.log import get_logger
from streams.settings import Settings

log = get_logger("board")
SURVEY_SECONDS = 15.0


class BrokerWatch(Collector):
    """The thread, and what it last heard.

    Args:
        topics: names of the topics on the broker.
        group: the workers' consumer group.
        every_seconds: how long to wait between two questions.
    """

    def __init__(
        self, settings: Settings, topics: Sequence[str], group: str, *, every_seconds: float = SURVEY_SECONDS, clock: Clock = utc_now
    ) -> None:  # fmt: skip
        self._settings = settings
        self._topics: Mapping[str, str] = {topic: topic for topic in topics}
        self._group = group
        self._every_seconds = every_seconds
        self._clock = clock
        self._last: Survey | None = None
        self._heard_at: datetime | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="board-broker", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Asks the thread to end; it may be waiting for a broker, and is not waited for."""
        self._stop.set()

    def look_at(self, topics: Mapping[str, str], group: str) -> None:
        """Asks for another edition's topics and group from now on; from any thread.

        Args:
            topics: name on the broker -> what it is called in the figures, which is the same in every edition.
        """
        self._topics, self._group = topics, group

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._ask()
            except Exception as error:  # noqa: BLE001 - whatever the client makes of a broker that goes away, it is asked again
                if self._last is not None:
                    log.warning("broker_not_surveyed", problem=error.what if isinstance(error, KafkaError) else repr(error))
                self._last = None
            self._stop.wait(self._every_seconds)

    def _ask(self) -> None:
        """Asks again and again over one connection, until there is no answer or the end."""
        with admin_client(self._settings) as admin:
            while not self._stop.is_set():
                topics = self._topics
                self.take(_called(survey(admin, topics, self._group), topics))
                self._stop.wait(self._every_seconds)

    def take(self, found: Survey) -> None:
        """What is shown from now on."""
        self._last, self._heard_at = found, self._clock()

    def describe(self) -> Iterable[Metric]:
        """Nothing, so that registering asks nobody."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All families; those that nobody could fill are left out."""
        found = self._last
        heard = self._heard_at.timestamp() if self._heard_at else 0.0
        yield _one(metrics.KAFKA_SURVEYED_SECONDS, heard)
        if found is None:
            return
        yield _one(metrics.KAFKA_BROKERS, found.brokers)
        if found.members is not None:
            yield _one(metrics.KAFKA_GROUP_MEMBERS, found.members)
        if found.disk is not None:
            yield _one(metrics.KAFKA_DISK_BYTES, found.disk.total)
            yield _one(metrics.KAFKA_DISK_USABLE_BYTES, found.disk.usable)
        yield from _of_topics(found)


def _called(found: Survey, names: Mapping[str, str]) -> Survey:
    """The survey with the topics under the names that they have in the figures."""
    return replace(found, topics={names[name]: figures for name, figures in found.topics.items()})


def _of_topics(found: Survey) -> Iterator[Metric]:
    families = [_family(family) for family in metrics.KAFKA_TOPIC_FAMILIES]
    for name, topic in found.topics.items():
        values = (
            topic.partitions, topic.leaderless, topic.under_replicated, topic.written, topic.span, topic.bytes, topic.lag,
        )  # fmt: skip
        for family, value in zip(families, values, strict=True):
            if value is not None:
                family.add_metric([name], value)
    yield from families


def _one(family: metrics.Family, value: float) -> Metric:
    gauge = GaugeMetricFamily(family.name, family.help, labels=family.labels)
    gauge.add_metric([], value)
    return gauge


def _family(family: metrics.Family) -> CounterMetricFamily | GaugeMetricFamily:
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    return kind(family.name, family.help, labels=family.labels)
