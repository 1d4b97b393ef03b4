"""Whether this account may do what a process is about to do: asked before it starts, since a client without rights waits for ever."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from kafka.errors import CoordinatorNotAvailableError, GroupIdNotFoundError

from streams.errors import KafkaError
from streams.kafka.clients import admin_client
from streams.settings import Settings


def check_rights(settings: Settings, needed: Mapping[str, set[str]], group: str) -> None:
    """Makes sure of rights to topics, and that the group may be seen; blocks on the network.

    Args:
        needed: topic -> `READ`, `WRITE`, as Kafka names operations.

    Raises:
        KafkaError: naming every right that is not granted; or if no broker answers, or it refuses the account altogether.
    """
    with admin_client(settings) as admin:
        described = {entry["name"]: entry.get("authorized_operations") for entry in admin.describe_topics(sorted(needed))}
        with suppress(CoordinatorNotAvailableError, GroupIdNotFoundError):  # nobody has joined it yet
            admin.describe_groups([group])
    absent = [f"{operation} on {topic}" for topic, granted in described.items() for operation in _missing(needed[topic], granted)]
    if absent:
        raise KafkaError(
            f"the account {settings.kafka_username!r} has not the rights that it needs: {', '.join(absent)}",
            where=settings.kafka_servers, expected="the rights that docs/deployment.md lists for this process",
            todo="`python -m deploy.cluster.access` puts them in force; or set BELLWETHER_KAFKA_USERNAME to the account of this process",
        )  # fmt: skip


def _missing(needed: set[str], granted: list[str] | None) -> list[str]:
    """What is needed and not granted; nothing where the broker does not tell."""
    return sorted(needed - set(granted)) if granted is not None else []
