"""What the broker says of the topics and of the workers' group, asked through the admin protocol: no exporter in the broker's JVM.

What comes in: an admin client, names of topics, the group. What goes out: one `Survey`. Blocks on the network.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import AuthorizationError, CoordinatorNotAvailableError, GroupIdNotFoundError, NotCoordinatorError

_TIMEOUT_MS = 5_000


@dataclass(frozen=True, slots=True)
class TopicFigures:
    """One topic.

    Attributes:
        leaderless, under_replicated: partitions without a leader; with fewer copies in step than they should have.
        written: the sum of the end offsets: records, and markers of transactions.
        span: offsets from the beginning to the end; on a compacted topic not each of them holds a record.
        bytes: on the disks of all brokers; None where the broker may not be asked.
        lag: what the group has not committed; None where it reads nothing of the topic.
    """

    partitions: int
    leaderless: int
    under_replicated: int
    written: int
    span: int
    bytes: int | None
    lag: int | None


@dataclass(frozen=True, slots=True)
class Disk:
    """The fullest of the brokers' disks, in bytes."""

    total: int
    usable: int


@dataclass(frozen=True, slots=True)
class Survey:
    """One answer of the cluster: its brokers, the group's members, the disk, each topic. None is what the account may not see."""

    brokers: int
    members: int | None
    disk: Disk | None
    topics: Mapping[str, TopicFigures]


def survey(admin: KafkaAdminClient, names: Iterable[str], group: str) -> Survey:
    """Asks everything once; topics that do not exist are left out.

    Raises:
        kafka.errors.KafkaError: if the broker does not answer.
    """
    wanted = set(names)
    described = {
        topic["name"]: topic["partitions"] for topic in admin.describe_topics(sorted(wanted)) if not topic.get("error_code")
    }
    parts = [TopicPartition(name, part["partition_index"]) for name, found in described.items() for part in found]
    begins, ends = (_offsets(admin, parts, spec) for spec in (OffsetSpec.EARLIEST, OffsetSpec.LATEST))
    members, committed = _group(admin, group)
    directories = _directories(admin)
    sizes = None if directories is None else _sizes(directories)
    return Survey(
        brokers=len(admin.describe_cluster()["brokers"]), members=members, disk=_fullest(directories or []),
        topics={name: _figures(name, found, begins, ends, committed, sizes) for name, found in described.items()},
    )  # fmt: skip


def _figures(
    name: str, found: list[dict[str, Any]], begins: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int],
    committed: Mapping[TopicPartition, int], sizes: Mapping[str, int] | None,
) -> TopicFigures:  # fmt: skip
    parts = [TopicPartition(name, part["partition_index"]) for part in found]
    written = sum(ends.get(tp, 0) for tp in parts)
    read = [tp for tp in parts if tp in committed]
    return TopicFigures(
        partitions=len(parts),
        leaderless=sum(part["leader_id"] < 0 for part in found),
        under_replicated=sum(len(part["isr_nodes"]) < len(part["replica_nodes"]) for part in found),
        written=written,
        span=written - sum(begins.get(tp, 0) for tp in parts),
        bytes=None if sizes is None else sizes.get(name, 0),
        lag=sum(max(0, ends.get(tp, 0) - committed[tp]) for tp in read) if read else None,
    )


def _offsets(admin: KafkaAdminClient, parts: list[TopicPartition], spec: OffsetSpec) -> dict[TopicPartition, int]:
    found = admin.list_partition_offsets(dict.fromkeys(parts, spec), timeout_ms=_TIMEOUT_MS)
    return {tp: int(answer.offset) for tp, answer in found.items()}


def members_of(admin: KafkaAdminClient, group: str) -> int:
    """How many members a group has; none where there is no such group; blocks."""
    with suppress(CoordinatorNotAvailableError, GroupIdNotFoundError):
        return len(admin.describe_groups([group])[group]["members"])
    return 0


def _group(admin: KafkaAdminClient, group: str) -> tuple[int | None, dict[TopicPartition, int]]:
    """(members, committed offsets). Before any group there is nobody who keeps them, nor while the keeper changes."""
    try:
        offsets = admin.list_group_offsets(group).get(group, {})
        members = admin.describe_groups([group])[group]["members"]
    except (CoordinatorNotAvailableError, GroupIdNotFoundError, NotCoordinatorError):
        return 0, {}
    except AuthorizationError:
        return None, {}
    return len(members), {tp: int(found.offset) for tp, found in offsets.items() if found.offset >= 0}


def _directories(admin: KafkaAdminClient) -> list[dict[str, Any]] | None:
    """The brokers' log directories; None where the account may not see them."""
    try:
        return [directory for answer in admin.describe_log_dirs() for directory in answer["log_dirs"]]
    except AuthorizationError:
        return None


def _sizes(directories: list[dict[str, Any]]) -> dict[str, int]:
    sizes: Counter[str] = Counter()
    for topic in (topic for directory in directories for topic in directory["topics"]):
        sizes[topic["name"]] += sum(part["partition_size"] for part in topic["partitions"])
    return sizes


def _fullest(directories: list[dict[str, Any]]) -> Disk | None:
    # Brokers before 3.3 do not tell, and some of a provider's say -1.
    told = [
        directory for directory in directories if directory.get("usable_bytes", -1) >= 0 and directory.get("total_bytes", 0) > 0
    ]
    fullest = min(told, key=lambda directory: float(directory["usable_bytes"] / directory["total_bytes"]), default=None)
    return Disk(int(fullest["total_bytes"]), int(fullest["usable_bytes"])) if fullest else None
