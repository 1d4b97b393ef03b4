"""Topics and accounts as Strimzi's `KafkaTopic` and `KafkaUser`, made from the topology and from `deploy.cluster.access`.

`python -m deploy.cluster.strimzi` writes `deploy/kubernetes/cluster/topics.yaml` and `users.yaml`; a test holds the files to it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from deploy.cluster.access import ACCOUNTS, Right, rights_of
from streams import topology
from streams.kafka.topics import broker_config
from streams.settings import Settings

FOLDER = Path(__file__).parent.parent / "kubernetes" / "cluster"
CLUSTER = "bellwether"
#: Most workers that can share the work of this overlay: one for each partition.
PARTITIONS, REPLICAS = 12, 3
_HEAD = "# Made by `python -m deploy.cluster.strimzi`.\n"


def topics_file(settings: Settings) -> str:
    """Every topic of the topology; articles are as large as the settings allow."""
    return _HEAD + "---\n".join(_topic(spec.name, broker_config(settings, spec)) for spec in topology.TOPICS)


def _topic(name: str, config: dict[str, str]) -> str:
    lines = [f"    {key}: {json.dumps(value)}\n" for key, value in sorted(config.items())]
    return (
        f"apiVersion: kafka.strimzi.io/v1\nkind: KafkaTopic\nmetadata:\n  name: {name}\n  labels: {{strimzi.io/cluster: {CLUSTER}}}\n"
        f"spec:\n  partitions: {PARTITIONS}\n  replicas: {REPLICAS}\n  config:\n{''.join(lines)}"
    )


def users_file(group: str) -> str:
    """Every account with its rights; Strimzi makes the password, in a Secret of the account's name."""
    # Topics are Strimzi's to make here.
    return _HEAD + "---\n".join(
        _user(name, meaning, rights_of(name, group)) for name, meaning in ACCOUNTS.items() if name != "topics"
    )


def _user(name: str, meaning: str, rights: Iterable[Right]) -> str:
    lines = []
    for right in rights:
        resource = f"type: {right.resource}"
        if right.resource != "cluster":
            resource += f", name: {right.name}, patternType: {'prefix' if right.prefixed else 'literal'}"
        lines.append(f"      - {{resource: {{{resource}}}, operations: [{', '.join(right.operations)}]}}\n")
    return (
        f"# {meaning[0].upper()}{meaning[1:]}.\n"
        f"apiVersion: kafka.strimzi.io/v1\nkind: KafkaUser\nmetadata:\n  name: {name}\n  labels: {{strimzi.io/cluster: {CLUSTER}}}\n"
        f"spec:\n  authentication: {{type: scram-sha-512}}\n  authorization:\n    type: simple\n    acls:\n{''.join(lines)}"
    )


def main() -> None:
    """Writes both files."""
    settings = Settings.model_construct(**{name: field.get_default() for name, field in Settings.model_fields.items()})
    (FOLDER / "topics.yaml").write_text(topics_file(settings), encoding="utf-8")
    (FOLDER / "users.yaml").write_text(users_file(settings.group), encoding="utf-8")


if __name__ == "__main__":
    main()
