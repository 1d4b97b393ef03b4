"""A worker comes to its end, whatever the broker does."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from streams.kafka import embedded
from tests.helpers.stack import Stack, running_stack, wait_for

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]


def is_started(stack: Stack, name: str) -> bool:
    return "worker_started" in (stack.folder / f"{name}.log").read_text()


def test_sigterm_ends_a_worker_whose_broker_hangs(tmp_path: Path) -> None:
    with running_stack(tmp_path, stop_timeout_seconds=3.0) as stack:
        stack.start_worker()
        wait_for("the worker to start", lambda: is_started(stack, "worker-1"))
        pid = embedded.status(stack.settings).pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            stack.end("worker-1", signal.SIGTERM, seconds=30)
        finally:
            os.kill(pid, signal.SIGCONT)


def test_sigterm_ends_a_worker_that_is_still_starting_when_its_broker_dies(tmp_path: Path) -> None:
    with running_stack(tmp_path, stop_timeout_seconds=3.0) as stack:
        stack.start_worker()
        wait_for("the worker to look for its broker", lambda: "metrics_served" in (tmp_path / "worker-1.log").read_text())
        stack.kill_kafka()
        stack.end("worker-1", signal.SIGTERM, seconds=60)
