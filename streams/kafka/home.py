"""The embedded Kafka's home directory: its place, its room on the disk, and what the last start noted there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streams.errors import KafkaError, StateError
from streams.kafka.ports import PortPair
from streams.settings import Settings

NEEDED_BYTES = 200 * 1024 * 1024
"""Free room without which the broker is not started: it ends by itself on a full disk."""


def check_room(home: Path, *, needed_bytes: int = NEEDED_BYTES) -> None:
    """Makes sure of `needed_bytes` of free room on the disk of `home`.

    Raises:
        StateError: there is less.
    """
    free = shutil.disk_usage(home).free
    if free < needed_bytes:
        raise StateError(
            "There is too little room on the disk for Kafka's data",
            where=f"{home}: {free / 1e6:.0f} MB free",
            expected=f"{needed_bytes / 1e6:.0f} MB or more",
            todo="make room, or set BELLWETHER_DATA_DIR to a directory on another disk",
        )


def home_of(settings: Settings) -> Path:
    """The home, under its one true name: the broker's process is found by it."""
    return settings.data_dir.resolve() / "kafka"


def remember(home: Path, chosen: PortPair, pid: int) -> None:
    """Notes where a broker listens and its process, in one step: a reader sees the old note or the new one."""
    fresh = home / "broker.json.new"
    fresh.write_text(json.dumps({"port": chosen.broker, "controller_port": chosen.controller, "pid": pid}), encoding="utf-8")
    fresh.replace(home / "broker.json")


def _remembered(home: Path) -> dict[str, int]:
    """What the last start noted; empty where there is none or it's damaged, since all of it can be found out anew."""
    try:
        noted = json.loads((home / "broker.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {key: value for key, value in noted.items() if isinstance(value, int)} if isinstance(noted, dict) else {}


def remembered_pid(home: Path) -> int | None:
    """The process of the last start; it may be long gone, and its number another program's."""
    return _remembered(home).get("pid")


def remembered_ports(home: Path) -> PortPair | None:
    """The ports of the last start; None where no usable ones are noted."""
    noted = _remembered(home)
    port, controller_port = noted.get("port", 0), noted.get("controller_port", 0)
    return PortPair(port, controller_port) if 0 < port < 65536 and 0 < controller_port < 65536 else None


def bytes_on_disk(directory: Path) -> int:
    """Room taken on the disk; index files are sparse, so their lengths would say far too much."""
    size = 0
    for path in directory.rglob("*"):
        try:
            size += path.lstat().st_blocks * 512
        except FileNotFoundError:
            continue  # the broker deletes segments while we look
    return size


@contextmanager
def state_errors(home: Path) -> Iterator[None]:
    """Turns what the file system refuses in the body of the `with` into a StateError, and a lock held too long into a KafkaError."""
    try:
        yield
    except TimeoutError as error:
        raise KafkaError(
            "Another process has been starting or stopping the embedded Kafka for too long", where=str(error), todo="end it"
        ) from error
    except OSError as error:
        raise StateError(
            f"The embedded Kafka's directory can't be used: {error.strerror or error}",
            where=str(error.filename or home),
            expected="a directory that can be written",
            todo="make room or correct its permissions, or set BELLWETHER_DATA_DIR to another directory",
        ) from error
