"""One start of the embedded Kafka in a home that the caller has locked: ports, storage, JVM, answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psutil

from streams.clock import monotonic_seconds
from streams.errors import KafkaError
from streams.kafka import archive, broker
from streams.kafka.broker import BrokerEnded, Runtime
from streams.kafka.broker_log import evidence, server_log
from streams.kafka.home import remember, remembered_ports
from streams.kafka.ports import PortPair, choose_pair
from streams.kafka.processes import end
from streams.log import get_logger

READY_SECONDS = 120.0
"""Longest wait for an answer: the recovery of long logs after SIGKILL may take most of it."""
TRIES = 4

_log = get_logger("kafka.embedded")


@dataclass(frozen=True)
class Broker:
    """A broker that answers.

    Attributes:
        servers: `127.0.0.1:<port>`.
    """

    servers: str
    pid: int
    data_dir: Path
    log_file: Path


def start_in(home: Path, runtime: Runtime, options: list[str], *, detached: bool) -> Broker:
    """Tries again with other ports when somebody was faster to bind them, and without the archive when the JVM crashed."""
    remaining = options
    for _ in range(TRIES):
        chosen = _take_ports(home)
        broker.write_files(home, chosen)
        known = broker.ensure_formatted(runtime, home)
        try:
            started = _launch(home, runtime, remaining, chosen, known, detached=detached)
        except BrokerEnded as ended:
            reason = ended
        else:
            if remaining != options:  # so the archive was to blame, not the data or the disk
                archive.refuse_archive(runtime)
            return started
        if reason.was_port_taken:
            continue
        if not remaining:
            break
        _log.warning("embedded kafka ended when started from its archive", evidence=reason.evidence)
        remaining = []
    raise KafkaError(
        "The embedded Kafka ended instead of starting; its log says:\n    " + reason.evidence,
        where=str(server_log(home).parent),
        todo="if the data are damaged and can be replayed, `bellwether kafka wipe` starts afresh",
    )


def _take_ports(home: Path) -> PortPair:
    remembered = remembered_ports(home)
    chosen = choose_pair(remembered)
    if remembered and chosen != remembered:
        _log.warning("kafka ports taken by others", wanted=remembered.servers, chosen=chosen.servers)
    return chosen


def _launch(home: Path, runtime: Runtime, options: list[str], chosen: PortPair, known: str, *, detached: bool) -> Broker:
    begun = monotonic_seconds()
    process = broker.launch_broker(runtime, home, options, detached=detached)
    try:
        remember(home, chosen, process.pid)
        ready = broker.await_ready(process, home, chosen.servers, known, deadline=begun + READY_SECONDS)
        if not ready:
            raise _silent(home, chosen.servers)
    except BaseException:
        # Whatever came between, Ctrl-C too: a start that failed leaves nothing running.
        end(process, timeout_seconds=1.0)
        raise
    seconds = round(monotonic_seconds() - begun, 2)
    _log.info("embedded kafka started", servers=chosen.servers, pid=process.pid, seconds=seconds, java=runtime.java.major)
    return Broker(chosen.servers, process.pid, home / "data", server_log(home))


def join(home: Path, process: psutil.Process) -> Broker:
    """The broker that runs already, once it answers."""
    ports, known = remembered_ports(home), broker.cluster_id(home)
    if ports is None or known is None:
        raise KafkaError(
            "A broker runs, but where it listens was not kept",
            where=f"{home / 'broker.json'}, process {process.pid}",
            todo="run `bellwether kafka stop` and start again",
        )
    try:
        ready = broker.await_ready(process, home, ports.servers, known, deadline=monotonic_seconds() + READY_SECONDS)
    except BrokerEnded as ended:
        raise KafkaError(f"The embedded Kafka ended:\n    {ended.evidence}", where=str(home), todo="start it again") from ended
    if not ready:
        raise _silent(home, ports.servers)
    return Broker(ports.servers, process.pid, home / "data", server_log(home))


def _silent(home: Path, servers: str) -> KafkaError:
    return KafkaError(
        f"The embedded Kafka runs but gave no answer within {READY_SECONDS:.0f} s; its log says:\n    {evidence(home)}",
        where=f"{servers}, {server_log(home)}",
        todo="run `bellwether kafka stop` and start again",
    )
