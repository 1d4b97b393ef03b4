"""Starts contenders' processes and reads what they measured."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import psutil

from tests.bench.contender import RESULT
from tests.bench.meter import Measure, Task
from tests.helpers.stack import REPOSITORY

#: Longest run of one contender.
TIMEOUT_SECONDS = 900


class BenchError(Exception):
    """A contender could not be run, and why."""


def run_child(module: str, task: Task, *, python: Path | None = None) -> Measure:
    """Runs `tests.bench.<module>` to its end in a process of its own.

    Raises:
        BenchError: if it ended without a measure, with the last line it said.
    """
    command = [str(python or sys.executable), "-m", f"tests.bench.{module}", msgspec.json.encode(task).decode()]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
    )  # fmt: skip
    for line in reversed(done.stdout.splitlines()):
        if line.startswith(RESULT):
            return msgspec.json.decode(line.removeprefix(RESULT), type=Measure)
    said = (done.stderr or done.stdout).strip().splitlines()
    raise BenchError(f"{module} ended with code {done.returncode}: {said[-1] if said else 'nothing was said'}")


def start_process(command: list[str], environment: Mapping[str, str], log: Path, *, core: int | None) -> subprocess.Popen[bytes]:
    """Starts a process of Bellwether, on one core alone where `core` says so; its output goes to `log`."""
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", *command], env=dict(environment), stdout=out, stderr=out, cwd=REPOSITORY, preexec_fn=_pinned(core)
        )  # fmt: skip


def _pinned(core: int | None) -> Callable[[], None] | None:
    return None if core is None else lambda: os.sched_setaffinity(0, {core})


def cpu_seconds(pids: list[int]) -> float:
    """CPU time that the processes have used, all threads, user and system."""
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return sum(float(time.user + time.system) for time in times)


def peak_rss_bytes(pid: int) -> int:
    """The largest memory that a process had: `VmHWM` where the system tells, else what it has now."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return int(psutil.Process(pid).memory_info().rss)
    found = [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")]
    return found[0] if found else int(psutil.Process(pid).memory_info().rss)
