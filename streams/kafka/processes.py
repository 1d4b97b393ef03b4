"""The broker as a process of the operating system: found again by what its command line says, tied to its parent, ended.

A remembered process id alone proves nothing: the number may have gone to another program since. Each broker's command
line carries the directory that it works in (`marker`), and only a process that shows it counts.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

KILLED_SECONDS = 5.0
"""A killed process is gone within this time, unless its disk hangs."""
_PR_SET_PDEATHSIG = 1

_children: dict[int, subprocess.Popen[bytes]] = {}
"""Those that this process started: kept so that the ones that ended are reaped, not left as zombies."""


def marker(home: Path) -> str:
    """The argument of a broker's command line that tells whose it is."""
    return f"-Dbellwether.kafka={home}"


def find(home: Path, remembered_pid: int | None) -> psutil.Process | None:
    """The live broker that works in `home`, looked for under the remembered id first, then among all processes."""
    wanted = marker(home)
    if remembered_pid is not None:
        with contextlib.suppress(psutil.Error, ValueError, OverflowError):
            process = psutil.Process(remembered_pid)
            if wanted in process.cmdline():
                return process
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if wanted in process.cmdline():
                return process
    return None


def launch(command: Sequence[str], home: Path, output: Path, *, detached: bool) -> psutil.Process:
    """Starts `command` in the directory `home`, with what it prints in `output` (overwritten).

    Args:
        detached: True for a session of its own, which outlives this process. False for a process group of its own
            (Ctrl-C in the terminal reaches only us, and we decide the order of the stop) and, on Linux, SIGTERM from the
            kernel as soon as the *thread* that called this ends, however it ends: call it from a thread that stays.

    Raises:
        OSError: it can't be started.
    """
    options: dict[str, Any] = {"start_new_session": True} if detached else {"process_group": 0, "preexec_fn": die_with_parent()}
    with output.open("wb") as log:
        child = subprocess.Popen(
            command, cwd=home, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, close_fds=True, **options
        )
    _children[child.pid] = child
    return psutil.Process(child.pid)


def die_with_parent() -> Callable[[], None] | None:
    """What the child runs between fork and exec; None where the system has no such thing."""
    if not sys.platform.startswith("linux"):
        return None
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def ask_for_signal() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it ended before we could ask
            os._exit(1)

    return ask_for_signal


def has_ended(process: psutil.Process, *, within_seconds: float) -> bool:
    """Waits for the process to end, for at most so long, and reaps it if it was a child."""
    try:
        process.wait(within_seconds)
    except psutil.TimeoutExpired:
        return False
    _children.pop(process.pid, None)
    return True


def end(process: psutil.Process, *, timeout_seconds: float) -> bool:
    """SIGTERM, then SIGKILL after `timeout_seconds`; blocks until it's gone. True when the first was enough."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.terminate()
        if has_ended(process, within_seconds=timeout_seconds):
            return True
        process.kill()
        has_ended(process, within_seconds=KILLED_SECONDS)
        return False
    return True
