"""The embedded Kafka's Java side: its files, its command line, formatting, readiness.

Everything of one broker is in its home, the working directory of the JVM: `data/`, `logs/`, `tmp/` (native libraries
that the jars unpack) and the two configuration files.
"""

from __future__ import annotations

import base64
import logging
import re
import shutil
import string
import subprocess
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from streams.clock import monotonic_seconds
from streams.errors import KafkaError, StateError
from streams.kafka import ports
from streams.kafka.broker_log import LOG_LINES, evidence, jvm_log, server_log
from streams.kafka.jars import DEPLOY, JarSet
from streams.kafka.java import Java
from streams.kafka.processes import has_ended, launch, marker

FORMAT_SECONDS = 60.0
POLL_SECONDS = 0.05
ANSWER_SECONDS = 2.0

JVM_OPTIONS = (
    "-Xms64m",
    "-Xmx256m",
    "-XX:+UseSerialGC",
    # The optimizing compiler makes a broker of this size no faster, and its start slower.
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:ErrorFile=logs/jvm-crash.log",
    "-Djava.awt.headless=true",
    "-Dlog4j2.configurationFile=log4j2.properties",
)


@dataclass(frozen=True)
class Runtime:
    """What a broker runs with."""

    java: Java
    jars: JarSet


class BrokerEnded(Exception):  # noqa: N818 - an event that the caller may answer by another try
    """The broker's process ended before it answered.

    Attributes:
        evidence: the lines of its log that say why.
    """

    def __init__(self, evidence: str) -> None:
        self.evidence = evidence
        super().__init__(evidence)

    @property
    def was_port_taken(self) -> bool:
        return "Address already in use" in self.evidence or "BindException" in self.evidence


def write_files(home: Path, chosen: ports.PortPair) -> None:
    """Lays out the home and writes the configuration for these ports.

    Raises:
        OSError: it can't be written.
    """
    shutil.rmtree(home / "tmp", ignore_errors=True)
    for name in ("logs", "tmp"):
        (home / name).mkdir(parents=True, exist_ok=True)
    template = string.Template((DEPLOY / "server.properties").read_text(encoding="utf-8"))
    filled = template.substitute(port=chosen.broker, controller_port=chosen.controller)
    (home / "server.properties").write_text(filled, encoding="utf-8")
    shutil.copyfile(DEPLOY / "log4j2.properties", home / "log4j2.properties")


def command_line(runtime: Runtime, home: Path, options: Sequence[str], program: Sequence[str]) -> list[str]:
    """The JVM's command line for a main class and its arguments, with the mark that tells whose it is."""
    return [
        str(runtime.java.executable),
        *JVM_OPTIONS,
        *options,
        f"-Djava.io.tmpdir={home / 'tmp'}",
        "-cp",
        runtime.jars.class_path,
        *program,
    ]


def launch_broker(runtime: Runtime, home: Path, options: Sequence[str], *, detached: bool) -> psutil.Process:
    """Starts the broker in a home that is laid out and formatted; it isn't ready yet. See `processes.launch`."""
    command = command_line(runtime, home, [*options, marker(home)], ["kafka.Kafka", "server.properties"])
    server_log(home).parent.mkdir(exist_ok=True)
    return launch(command, home, jvm_log(home), detached=detached)


def cluster_id(home: Path) -> str | None:
    """The id that the data was formatted with; None before that."""
    try:
        text = (home / "data" / "meta.properties").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    match = re.search(r"^cluster\.id=(\S+)\s*$", text, re.MULTILINE)
    return match[1] if match else None


def ensure_formatted(runtime: Runtime, home: Path) -> str:
    """Formats the storage of a home whose files are written, the first time; returns the cluster's id.

    The directory appears under its name when it is complete: a format that was killed leaves nothing to stumble over.

    Raises:
        StateError: there is data without its description.
        KafkaError: Kafka's own tool refused.
    """
    known = cluster_id(home)
    if known:
        return known
    if (home / "data").exists():
        raise StateError(
            "Kafka's data directory is there, but the description in it is missing or damaged",
            where=str(home / "data" / "meta.properties"),
            expected="a line `cluster.id=...`",
            todo="put it back from a copy, or give the data up with `bellwether kafka wipe`",
        )
    fresh = home / "data.new"
    shutil.rmtree(fresh, ignore_errors=True)
    config = home / "format.properties"
    text = (home / "server.properties").read_text(encoding="utf-8")
    config.write_text(text.replace("log.dirs=data\n", "log.dirs=data.new\n"), encoding="utf-8")
    # Never with a leading hyphen, which Kafka's tool would take for an option.
    new_id = "B" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode("ascii")[1:22]
    _run_format(runtime, home, new_id)
    fresh.rename(home / "data")
    config.unlink()
    return new_id


def _run_format(runtime: Runtime, home: Path, new_id: str) -> None:
    tool = ["kafka.tools.StorageTool", "format", "--cluster-id", new_id, "--config", "format.properties"]
    command = command_line(runtime, home, [], tool)
    try:
        run = subprocess.run(
            command, cwd=home, capture_output=True, text=True, errors="replace", timeout=FORMAT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise KafkaError("Kafka's storage could not be formatted", where=f"{home}: {error}") from error
    if run.returncode != 0 or not (home / "data.new" / "meta.properties").is_file():
        lines = (run.stderr or run.stdout).strip().splitlines()[-LOG_LINES:]
        raise KafkaError("Kafka's storage could not be formatted", where=f"{home}\n    " + "\n    ".join(lines))


def await_ready(process: psutil.Process, home: Path, servers: str, expected_id: str, *, deadline: float) -> bool:
    """Waits until this broker, and no other, answers a metadata request; False when the deadline passed without.

    Args:
        deadline: by `clock.monotonic_seconds`.

    Raises:
        BrokerEnded: its process ended instead.
    """
    port = int(servers.rpartition(":")[2])
    while True:
        if has_ended(process, within_seconds=POLL_SECONDS):
            raise BrokerEnded(evidence(home))
        if ports.accepts_connections(port) and answering_cluster(servers) == expected_id:
            return True
        if monotonic_seconds() >= deadline:
            return False


def answering_cluster(servers: str) -> str | None:
    """The id of the cluster that answers there with a live broker; None when nobody does within `ANSWER_SECONDS`."""
    quiet = logging.getLogger("bellwether.kafka.probe")
    quiet.setLevel(logging.CRITICAL)  # a refused connection is the normal answer of a broker that is starting
    client = AdminClient({"bootstrap.servers": servers, "socket.timeout.ms": int(ANSWER_SECONDS * 1000)}, logger=quiet)
    try:
        answer = client.list_topics(timeout=ANSWER_SECONDS)
    except KafkaException:
        return None
    return str(answer.cluster_id) if answer.brokers else None
