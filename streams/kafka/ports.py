"""Free ports of this machine for the embedded Kafka.

They are taken from below the range that systems hand to outgoing connections: a client that keeps calling a dead
broker on a port inside that range will in the end be given the port as its own, connect to itself and hold it.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Collection
from dataclasses import dataclass

from streams.errors import KafkaError

HOST = "127.0.0.1"
FIRST, LAST = 20_000, 31_999
TRIES = 200


@dataclass(frozen=True)
class PortPair:
    """Where a broker listens, on 127.0.0.1."""

    broker: int
    controller: int

    @property
    def servers(self) -> str:
        """The bootstrap servers."""
        return f"{HOST}:{self.broker}"


def is_free(port: int) -> bool:
    """True when a server could listen on this port of the loopback address now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As a server does: connections of the last one that are still in TIME_WAIT don't count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError):
            return False
    return True


def accepts_connections(port: int) -> bool:
    """True when somebody listens on this port of the loopback address."""
    try:
        socket.create_connection((HOST, port), timeout=1.0).close()
    except OSError:
        return False
    return True


def choose_port(*, taken: Collection[int] = ()) -> int:
    """A free port that is not among `taken`. Nothing reserves it: whoever binds first has it.

    Raises:
        KafkaError: none was found.
    """
    for _ in range(TRIES):
        port = FIRST + secrets.randbelow(LAST - FIRST + 1)
        if port not in taken and is_free(port):
            return port
    raise KafkaError(
        "No free port was found for the embedded Kafka",
        where=f"{HOST}, ports {FIRST} to {LAST}",
        expected=f"one free port in {TRIES} tries",
        todo="end some of the servers on this machine",
    )


def choose_pair(remembered: PortPair | None = None) -> PortPair:
    """The remembered ports where they are free, else others.

    Raises:
        KafkaError: no port is free.
    """
    broker = remembered.broker if remembered and is_free(remembered.broker) else choose_port()
    if remembered and remembered.controller != broker and is_free(remembered.controller):
        return PortPair(broker, remembered.controller)
    return PortPair(broker, choose_port(taken={broker}))
