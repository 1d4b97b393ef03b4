"""Kafka as Bellwether sees it: what the board asks the broker for, and what producers and workers notice. No exporter in its JVM."""

from __future__ import annotations

from grafana_foundation_sdk.models import units

from deploy.grafana.panels import PanelBuilder, curves, figures, lamps
from deploy.grafana.queries import Query, age, highest, increase, rate, select, total
from deploy.grafana.spec import Spec
from deploy.grafana.variables import Variable, some_of
from deploy.prometheus.thresholds import THRESHOLDS
from streams import metrics

TOPIC = 'topic=~"$topic"'


def _cluster_panels() -> list[PanelBuilder]:
    full = f"1 - {highest(metrics.KAFKA_DISK_USABLE_BYTES.name, '')} / {highest(metrics.KAFKA_DISK_BYTES.name, '')}"
    return [
        lamps(
            "Answers", "Whether the broker answered the board the last time it was asked.",
            Query(f"min({select(metrics.BOARD_BROKER_REACHABLE.name)})", "Kafka answers"), width=4,
        ),
        figures(
            "Asked", "Time since the broker last told everything that is shown here; it is asked every 15 s.", units.Seconds,
            Query(age(metrics.KAFKA_SURVEYED_SECONDS.name, ""), "ago"), width=4, limit=120,
        ),
        figures("Brokers", "Brokers that the cluster has.", units.Short, Query(highest(metrics.KAFKA_BROKERS.name, ""), "brokers"), width=4),
        figures(
            "Workers in the group", "Members of the consumer group of the workers.", units.Short,
            Query(highest(metrics.KAFKA_GROUP_MEMBERS.name, ""), "members"), width=4,
        ),
        figures(
            "Disk", "How full the fullest of the brokers' disks is; whatever fills it.", units.PercentUnit, Query(full, "used"),
            width=4, limit=1 - THRESHOLDS.disk_free_ratio,
        ),
        figures(
            "Partitions in trouble", "Partitions without a leader, and those with fewer copies in step than they should have.", units.Short,
            Query(total(metrics.KAFKA_LEADERLESS.name, ""), "without a leader"),
            Query(total(metrics.KAFKA_UNDER_REPLICATED.name, ""), "under-replicated"), width=4, limit=1,
        ),
    ]  # fmt: skip


def _topic_panels() -> list[PanelBuilder]:
    return [
        curves(
            "Written", "Offsets a second given out on each topic: its records, and a marker for each transaction.", units.CountsPerSecond,
            Query(rate(metrics.KAFKA_OFFSETS.name + "_total", "topic", TOPIC), "{{topic}}"),
        ),
        curves(
            "Size on disk", "What each topic takes on the brokers' disks, every copy counted.", units.BytesIEC,
            Query(highest(metrics.KAFKA_BYTES.name, "topic", TOPIC), "{{topic}}"),
        ),
        curves(
            "Offsets kept", "Offsets from the beginning to the end of each topic, those that compaction took among them.", units.Short,
            Query(highest(metrics.KAFKA_SPAN.name, "topic", TOPIC), "{{topic}}"),
        ),
        curves(
            "Lag of the group", "Records of each topic that the workers' group has not committed, as the broker sees it.", units.Short,
            Query(highest(metrics.KAFKA_GROUP_LAG.name, "topic", TOPIC), "{{topic}}"), limit=THRESHOLDS.lag_growing_records,
        ),
        curves(
            "Partitions", "Partitions of each topic.", units.Short, Query(highest(metrics.KAFKA_PARTITIONS.name, "topic", TOPIC), "{{topic}}"),
        ),
        curves(
            "Deliveries tried again", "Deliveries of producers that failed at first, within the panel's interval.", units.Short,
            Query(increase("bellwether_delivery_errors_total", "producer"), "{{producer}}"),
        ),
    ]  # fmt: skip


def _variables() -> list[Variable]:
    return [some_of("topic", "Topic", f'{metrics.KAFKA_PARTITIONS.name}{{job=~"$job", instance=~"$instance"}}')]


KAFKA = Spec(
    "bellwether-kafka", "Bellwether: Kafka", "Kafka as Bellwether sees it: the cluster, each topic, and the workers' group.",
    (("Cluster", _cluster_panels), ("Topics", _topic_panels)), variables=_variables,
)  # fmt: skip
