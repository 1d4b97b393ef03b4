"""Three real brokers on this machine, as `deploy/cluster/broker.properties` has them: TLS everywhere, SCRAM, nothing allowed ungranted."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import string
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka.admin import AdminClient

from deploy.cluster.access import admin_of, put_in_force, read_passwords
from deploy.cluster.credentials import make_credentials
from streams.kafka.broker import JVM_OPTIONS
from streams.kafka.jars import DEPLOY, ensure_jars
from streams.kafka.java import find_java
from streams.kafka.ports import choose_port
from tests.helpers.stack import cache_dir, wait_for

TEMPLATE = DEPLOY.parent / "cluster" / "broker.properties"
CLUSTER_ID = "Bellwether-cluster-001"
NODES = (1, 2, 3)
HOST = "127.0.0.1"
START_SECONDS = 120.0


def name_of(node: int) -> str:
    """A node's name, which is its certificate's."""
    return f"kafka-{node}"


@dataclass(frozen=True)
class NodePorts:
    """Where one node listens, on 127.0.0.1."""

    clients: int
    brokers: int
    controller: int


@dataclass
class Brokers:
    """The three nodes.

    Attributes:
        credentials: what `deploy.cluster.credentials` made.
    """

    folder: Path
    credentials: Path
    ports: dict[int, NodePorts]
    processes: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def servers(self) -> str:
        """Bootstrap servers for accounts."""
        return ",".join(f"{HOST}:{ports.clients}" for ports in self.ports.values())

    @property
    def admin_servers(self) -> str:
        """Bootstrap servers for certificates."""
        return ",".join(f"{HOST}:{ports.brokers}" for ports in self.ports.values())

    @property
    def admin(self) -> AdminClient:
        """A client that may do everything."""
        return admin_of(self.admin_servers, self.credentials)

    def _command(self, *program: str) -> list[str]:
        jars = ensure_jars(cache_dir())
        # Two cores for three JVMs and all else: none of them may start more threads than it needs.
        options = [*JVM_OPTIONS, "-XX:ActiveProcessorCount=1"]
        return ["nice", "-n", "10", str(find_java(None).executable), *options, "-cp", jars.class_path, *program]

    def lay_out(self, node: int) -> Path:
        """Writes the files of a node and formats its storage; its directory."""
        home = self.folder / name_of(node)
        (home / "logs").mkdir(parents=True)
        (home / "server.properties").write_text(self._properties(node), encoding="utf-8")
        shutil.copyfile(DEPLOY / "log4j2.properties", home / "log4j2.properties")
        tool = ["kafka.tools.StorageTool", "format", "--cluster-id", CLUSTER_ID, "--config", "server.properties"]
        subprocess.run(self._command(*tool), cwd=home, check=True, capture_output=True, timeout=START_SECONDS)
        return home

    def _properties(self, node: int) -> str:
        ports = self.ports[node]
        return string.Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
            node=node, name=name_of(node), host=HOST, credentials=self.credentials,
            voters=",".join(f"{other}@{HOST}:{found.controller}" for other, found in self.ports.items()),
            super_users=";".join(f"User:{name}" for name in [*map(name_of, NODES), "admin"]),
            clients_port=ports.clients, brokers_port=ports.brokers, controller_port=ports.controller,
        )  # fmt: skip

    def start(self, node: int) -> None:
        """Starts a node; does not wait."""
        home = self.folder / name_of(node)
        with (home / "logs" / "out.log").open("ab") as log:
            self.processes[node] = subprocess.Popen(
                self._command("kafka.Kafka", "server.properties"), cwd=home, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def end(self, node: int, number: int) -> None:
        """Ends a node by a signal and waits for its end."""
        process = self.processes.pop(node)
        os.kill(process.pid, number)  # `nice` has become the JVM
        process.wait(60)

    def live(self) -> int:
        """How many nodes the cluster counts."""
        try:
            return len(self.admin.list_topics(timeout=5).brokers)
        except Exception:  # noqa: BLE001 - whatever it is: nobody answers yet
            return 0

    def is_whole(self) -> bool:
        """Whether all nodes are in, and every copy of every partition is in step."""
        try:
            found = self.admin.list_topics(timeout=5)
        except Exception:  # noqa: BLE001 - whatever it is: nobody answers yet
            return False
        partitions = [part for topic in found.topics.values() for part in topic.partitions.values()]
        return len(found.brokers) == len(NODES) and all(len(part.isrs) == len(NODES) and part.leader > 0 for part in partitions)

    def wait_until_whole(self) -> None:
        """Waits for `is_whole`."""
        wait_for("a whole cluster", self.is_whole, seconds=START_SECONDS)

    def leader_of(self, topic: str, partition: int) -> int:
        """The node that leads a partition."""
        return int(self.admin.list_topics(topic, timeout=10).topics[topic].partitions[partition].leader)

    def close(self) -> None:
        """Ends everything at once."""
        for node in list(self.processes):
            self.end(node, signal.SIGKILL)


@contextlib.contextmanager
def running_brokers(folder: Path, group: str = "bellwether") -> Iterator[Brokers]:
    """A whole cluster with its accounts and their rights, without topics."""
    credentials = folder / "credentials"
    make_credentials(credentials, [name_of(node) for node in NODES])
    taken: list[int] = []
    for _ in range(3 * len(NODES)):
        taken.append(choose_port(taken=taken))
    ports = {node: NodePorts(*taken[3 * index : 3 * index + 3]) for index, node in enumerate(NODES)}
    brokers = Brokers(folder, credentials, ports)
    try:
        for node in NODES:
            brokers.lay_out(node)
            brokers.start(node)
        wait_for("three brokers", lambda: brokers.live() == len(NODES), seconds=START_SECONDS)
        put_in_force(brokers.admin, read_passwords(credentials), group)
        yield brokers
    finally:
        brokers.close()
