"""Topics as the topology wants them, made and compared through kafka-python's admin client. Nothing is made by accident."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError as KafkaClientError

from streams.errors import KafkaError
from streams.kafka.clients import admin_client
from streams.settings import Settings

DAY_MS = 24 * 3600 * 1000
#: How long a compacted topic keeps tombstones: whoever reads on within that time sees every one.
TOMBSTONE_DAYS = 7
#: Within how many days a record that another has replaced, or erased, is gone from a compacted topic that is written to, at the latest;
#: beyond `reread_days`, for which it is kept on purpose. Without it the broker cleans when half of a log is dirty: perhaps never.
CLEANED_DAYS = 7
#: Kafka gives old records up by whole files. Where text has its time, files are closed after a day or so many bytes: that is how much later
#: than set it may go.
TEXT_FILE_BYTES = 16 * 1024 * 1024
TRIM_TIMEOUT_MS = 10_000
#: What to do about another number of partitions, which would put the news of a key where nobody looks for its past.
MIGRATE = (
    "set BELLWETHER_PARTITIONS to the number that the topics were made with; where partitions were added to topics with data, or more "
    "are wanted, move to new topics as docs/scaling.md, 'More partitions', says"
)


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic: what stands on it, by what key, and for how long.

    Attributes:
        key: what a record's key is, in words (for the diagram and the docs).
        compacted: whether only the newest record of a key is kept, for ever.
        retention_days: how long a record is kept on a topic that is not compacted.
        reread_days: how long a compacted topic keeps every record all the same, so that a stopped worker skips none.
        trimmed: whether the start of a compacted topic is given up (`trim`) once its records stand elsewhere. Nothing goes by age.
        holds_text: whether its records are the texts themselves, which may have their time (`BELLWETHER_TEXT_DAYS`).
    """

    name: str
    key: str
    value: str
    compacted: bool
    retention_days: int = 0
    reread_days: int = 0
    trimmed: bool = False
    holds_text: bool = False

    def config(self, text_days: int = 0) -> dict[str, str]:
        """The topic's configuration on the broker.

        Args:
            text_days: for how many days texts are kept; 0 for good.
        """
        if not self.compacted:
            return {"cleanup.policy": "delete", "retention.ms": str(self.retention_days * DAY_MS)}
        return {
            **self._given_up(text_days),
            "min.compaction.lag.ms": str(self.reread_days * DAY_MS),
            "max.compaction.lag.ms": str((self.reread_days + CLEANED_DAYS) * DAY_MS),
            "delete.retention.ms": str(TOMBSTONE_DAYS * DAY_MS),
        }

    def _given_up(self, text_days: int) -> dict[str, str]:
        """What a compacted topic gives up although it is the newest of its key."""
        if self.holds_text and text_days:
            age = {"retention.ms": str(text_days * DAY_MS), "segment.ms": str(DAY_MS), "segment.bytes": str(TEXT_FILE_BYTES)}
            return {"cleanup.policy": "compact,delete", **age}
        # The broker trims no topic that is only compacted.
        return {"cleanup.policy": "compact,delete", "retention.ms": "-1"} if self.trimmed else {"cleanup.policy": "compact"}


@dataclass(slots=True)
class TopicReport:
    """What was found: `missing` names, `differing` as sentences, and the names of those that differ in their partitions."""

    missing: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    resized: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)

    def faults(self, settings: Settings) -> list[str]:
        """A sentence for each topic that is missing or differs."""
        hidden = f", or hidden from the account {settings.kafka_username!r}" if settings.kafka_username else ""
        return [f"{name}: missing{hidden}" for name in self.missing] + self.differing

    @property
    def is_fine(self) -> bool:
        """Whether every topic is there as it should be."""
        return not self.missing and not self.differing

    @property
    def todo(self) -> str:
        """What to do about what was found; empty where all is fine."""
        if self.resized:
            return MIGRATE
        made = ["`bellwether topics --create` makes the missing ones"] if self.missing else []
        return "; ".join(made + (["`bellwether topics --configure` puts the others right"] if self.differing else []))


def compare_topics(settings: Settings, specs: Iterable[TopicSpec]) -> TopicReport:
    """Holds the broker's topics against the topology; blocks on the network.

    Raises:
        KafkaError: if the broker can't be reached.
    """
    with admin_client(settings) as admin:
        return _compare(admin, settings, list(specs))


def ensure_topics(settings: Settings, specs: Iterable[TopicSpec]) -> TopicReport:
    """Makes the missing topics; leaves existing ones alone.

    Raises:
        KafkaError: if the broker can't be reached, or a topic differs from the topology (its message names each difference).
    """
    wanted = list(specs)
    with admin_client(settings) as admin:
        report = _compare(admin, settings, wanted)
        if report.missing:
            _make(admin, settings, [spec for spec in wanted if spec.name in report.missing])
            report.made, report.missing = report.missing, []
    if report.differing:
        raise KafkaError(
            "Some topics are not as the topology says:\n    " + "\n    ".join(report.differing), where=settings.kafka_servers,
            expected="`bellwether topics` lists what is expected",
            todo=report.todo,
        )  # fmt: skip
    return report


def configure_topics(settings: Settings, specs: Iterable[TopicSpec]) -> TopicReport:
    """Gives the topics that are there the configuration that the topology wants, and says what differed; `ensure_topics` makes the rest.

    Raises:
        KafkaError: if the broker can't be reached, or refuses.
    """
    wanted = list(specs)
    with admin_client(settings) as admin:
        report = _compare(admin, settings, wanted)
        differing = [spec for spec in wanted if any(line.startswith(f"{spec.name}: ") for line in report.differing)]
        if differing:
            admin.alter_configs(
                [
                    ConfigResource(ConfigResourceType.TOPIC, spec.name, configs=spec.config(settings.text_days))
                    for spec in differing
                ]
            )
    return report


def broker_config(settings: Settings, spec: TopicSpec) -> dict[str, str]:
    """All of the configuration that a topic is made with."""
    return {**spec.config(settings.text_days), "max.message.bytes": str(settings.max_article_bytes * 2 + 100_000)}


def trim(settings: Settings, topic: str, partition: int, before: int) -> None:
    """Gives up the records of a partition before an offset; blocks on the network.

    Raises:
        KafkaError: if no broker answers, or it refuses.
    """
    with admin_client(settings) as admin:
        admin.delete_records({TopicPartition(topic, partition): before}, timeout_ms=TRIM_TIMEOUT_MS)


def _make(admin: KafkaAdminClient, settings: Settings, specs: list[TopicSpec]) -> None:
    new = {
        spec.name: {
            "num_partitions": settings.partitions,
            "replication_factor": settings.replication_factor,
            "configs": broker_config(settings, spec),
        }
        for spec in specs
    }
    try:
        admin.create_topics(new, wait_for_metadata=True)
    except KafkaClientError as error:
        raise KafkaError(
            f"topics could not be made: {error}", where=settings.kafka_servers,
            expected="the right to create " + ", ".join(spec.name for spec in specs), todo="make them by hand, or grant CREATE",
        ) from error  # fmt: skip


def _compare(admin: KafkaAdminClient, settings: Settings, specs: list[TopicSpec]) -> TopicReport:
    existing = set(admin.list_topics())
    report = TopicReport(missing=[spec.name for spec in specs if spec.name not in existing])
    present = [spec for spec in specs if spec.name in existing]
    if not present:
        return report
    described = {entry["name"]: entry for entry in admin.describe_topics([spec.name for spec in present])}
    configs = _read_configs(admin, [spec.name for spec in present])
    for spec in present:
        partitions = len(described[spec.name]["partitions"])
        if partitions != settings.partitions:
            report.resized.append(spec.name)
            report.differing.append(f"{spec.name}: {partitions} partitions, expected {settings.partitions}")
        for key, value in spec.config(settings.text_days).items():
            found = configs[spec.name].get(key)
            if found != value:
                report.differing.append(f"{spec.name}: {key} is {found}, expected {value}")
    return report


def _read_configs(admin: KafkaAdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    # Not only the modified ones: a wanted value may be the broker's default.
    found = admin.describe_configs(resources, config_filter="all")["topic"]
    return {name: {key: str(entry["value"]) for key, entry in options.items()} for name, options in found.items()}
