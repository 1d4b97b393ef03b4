"""The embedded Kafka: one real broker on this machine, for those who have none. Start, stop, status, wipe.

Its home is `<data>/kafka/`. Data and the ports it listened on are kept; a broker that was killed with SIGKILL comes back
with all that it had acknowledged. Every function blocks; all of them may be called by several processes at once.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from streams.errors import KafkaError
from streams.kafka.archive import archive_options
from streams.kafka.broker import Runtime
from streams.kafka.broker_log import server_log
from streams.kafka.home import bytes_on_disk, check_room, home_of, remembered_pid, remembered_ports, state_errors
from streams.kafka.jars import ensure_jars, kafka_version, read_list
from streams.kafka.java import find_java
from streams.kafka.locks import locked
from streams.kafka.processes import end, find
from streams.kafka.starting import Broker, join, start_in
from streams.log import get_logger
from streams.settings import Settings

__all__ = ["Broker", "Status", "resolve_servers", "start", "status", "stop", "wipe"]

WAIT_FOR_OTHER_SECONDS = 300.0
"""Longest wait while another process starts or stops the same broker."""

_log = get_logger("kafka.embedded")


@dataclass(frozen=True)
class Status:
    """What there is of the embedded Kafka.

    Attributes:
        running: its process is alive; it may still be starting.
        servers: where it listens, or did last; empty before the first start.
        version: Kafka's.
        data_bytes: room that its data take on the disk.
    """

    running: bool
    servers: str
    pid: int | None
    version: str
    data_dir: Path
    data_bytes: int
    log_file: Path


def start(settings: Settings, *, detached: bool) -> Broker:
    """Starts the broker, unless it runs, and returns when it answers. The first time fetches jars and formats storage.

    Args:
        detached: True leaves it running when this process ends. False ties it to the calling thread: on Linux it gets
            SIGTERM when that thread ends, by whatever; elsewhere the next `start` or `stop` finds it.

    Raises:
        KafkaError: no Java, no jars, or the broker ended or did not answer; with the lines of its log that say why.
        StateError: the disk is full, or the data or cache directory can't be written or is damaged.
    """
    home = home_of(settings)
    with state_errors(home):
        home.mkdir(parents=True, exist_ok=True)
        with locked(home / "lock", wait_seconds=WAIT_FOR_OTHER_SECONDS):
            running = find(home, remembered_pid(home))
            if running is not None:
                return join(home, running)
            check_room(home)
            runtime = Runtime(find_java(settings.java_home), ensure_jars(settings.cache_dir))
            return start_in(home, runtime, archive_options(runtime), detached=detached)


def stop(settings: Settings, *, timeout_seconds: float | None = None) -> bool:
    """Ends the broker: SIGTERM, and SIGKILL after the timeout (None: the setting). False when none was running.

    Raises:
        KafkaError: another process keeps starting or stopping it.
    """
    home = home_of(settings)
    if not home.exists():
        return False
    patience = settings.stop_timeout_seconds if timeout_seconds is None else timeout_seconds
    with state_errors(home), locked(home / "lock", wait_seconds=WAIT_FOR_OTHER_SECONDS):
        process = find(home, remembered_pid(home))
        if process is None:
            return False
        orderly = end(process, timeout_seconds=patience)
        _log.info("embedded kafka stopped", pid=process.pid, orderly=orderly)
        return True


def status(settings: Settings) -> Status:
    """What there is; starts and changes nothing."""
    home = home_of(settings)
    process = find(home, remembered_pid(home)) if home.exists() else None
    ports = remembered_ports(home)
    return Status(
        running=process is not None,
        servers=ports.servers if ports else "",
        pid=process.pid if process else None,
        version=kafka_version(read_list()) or "",
        data_dir=home / "data",
        data_bytes=bytes_on_disk(home / "data"),
        log_file=server_log(home),
    )


def wipe(settings: Settings) -> None:
    """Deletes the broker's data, logs and remembered ports, for good.

    Raises:
        KafkaError: it is running.
        StateError: something can't be deleted.
    """
    home = home_of(settings)
    if not home.exists():
        return
    with state_errors(home), locked(home / "lock", wait_seconds=WAIT_FOR_OTHER_SECONDS):
        process = find(home, remembered_pid(home))
        if process is not None:
            raise KafkaError(
                "The embedded Kafka is running, so its data stay",
                where=f"{home}, process {process.pid}",
                expected="a stopped broker",
                todo="run `bellwether kafka stop` first",
            )
        for path in home.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != "lock":
                path.unlink()


def resolve_servers(settings: Settings) -> str:
    """The bootstrap servers to use: those of the settings, else those of the embedded broker that runs.

    Raises:
        KafkaError: there are neither.
    """
    if settings.kafka_servers:
        return settings.kafka_servers
    home = home_of(settings)
    ports = remembered_ports(home)
    if ports and find(home, remembered_pid(home)):
        return ports.servers
    raise KafkaError(
        "There is no Kafka to talk to: no servers are set and the embedded one is not running",
        where=str(home),
        expected="BELLWETHER_KAFKA_SERVERS, or a running embedded Kafka",
        todo="run `bellwether kafka start` or `bellwether up`, or set BELLWETHER_KAFKA_SERVERS",
    )
