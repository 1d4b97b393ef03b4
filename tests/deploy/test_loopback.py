"""Nothing listens beyond the loopback by default: asked of the system, while everything runs."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import psutil
import pytest

from streams.kafka import embedded
from streams.settings import Settings
from tests.helpers.stack import Stack, answers, free_port, running_stack, wait_for

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(200)]


def listening(pid: int) -> set[tuple[str, int]]:
    """(address, port) of each socket of a process and its children that takes TCP connections, or UDP from anybody."""
    found = set()
    process = psutil.Process(pid)
    for one in [process, *process.children(recursive=True)]:
        for connection in one.net_connections(kind="inet"):
            if connection.laddr and (connection.status == psutil.CONN_LISTEN or (connection.type == 2 and not connection.raddr)):
                found.add((connection.laddr.ip, connection.laddr.port))
    return found


def start_everything(stack: Stack) -> dict[str, int]:
    """Process -> pid, once each listens."""
    stack.start_board()
    stack.start_worker()
    push, metrics = free_port(), free_port()
    stack.start("ingest-push", "ingest", "push", push_port=str(push), push_metrics_port=str(metrics))
    wait_for("push", lambda: answers(f"http://127.0.0.1:{push}/healthz"))
    wait_for("the worker", lambda: b"worker_started" in (stack.folder / "worker-1.log").read_bytes())
    kafka = embedded.status(stack.settings).pid
    assert kafka is not None
    return {"kafka": kafka, **{name: process.pid for name, process in stack.processes.items()}}


def test_every_process_listens_on_the_loopback_alone(tmp_path: Path) -> None:
    with running_stack(tmp_path) as stack:
        for name, pid in start_everything(stack).items():
            found = listening(pid)
            assert found, f"{name} listens nowhere: the test sees nothing"
            for address, port in found:
                plain = ipaddress.ip_address(address.removeprefix("::ffff:"))
                assert plain.is_loopback, f"{name} listens on {address}:{port}"


def test_every_host_setting_is_the_loopback_by_default() -> None:
    hosts = [name for name in Settings.model_fields if name.endswith("_host")]
    assert len(hosts) >= 3
    assert {Settings.model_fields[name].default for name in hosts} == {"127.0.0.1"}
