"""Processes of Bellwether under one supervisor: started in order, started again when they die, ended together.

What it does not do: hide why something died; the reason is in the log and in the exit code.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from streams.clock import monotonic_seconds
from streams.errors import EXIT_USAGE
from streams.kafka.processes import die_with_parent
from streams.log import get_logger

log = get_logger("up")

CHECK_SECONDS = 0.1
FIRST_PAUSE_SECONDS = 0.2
SPARE_AFTER_SECONDS = 15.0
LONGEST_PAUSE_SECONDS = 30.0
#: A process that ran for so long and dies is started again at once; one that dies sooner waits longer each time.
STEADY_SECONDS = 20.0
STOP_SECONDS = 6.0


@dataclass(slots=True)
class Child:
    """One process under the supervisor."""

    name: str
    arguments: Sequence[str]
    restart: bool = True
    has_spare: bool = False
    process: subprocess.Popen[bytes] | None = None
    spare: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    pause: float = FIRST_PAUSE_SECONDS
    due_at: float = 0.0


@dataclass(slots=True)
class Supervisor:
    """Starts children, restarts what dies, and ends all of them."""

    environment: dict[str, str]
    children: list[Child] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def start(self, child: Child) -> None:
        """Starts a child, or lets its spare take over, which has loaded everything already."""
        child.process = self._called_up(child) or self._spawn(child.arguments)
        child.started_at = monotonic_seconds()
        if child not in self.children:
            self.children.append(child)

    @staticmethod
    def _called_up(child: Child) -> subprocess.Popen[bytes] | None:
        spare, child.spare = child.spare, None
        if spare is None or spare.stdin is None:
            return None
        try:
            spare.stdin.write(b"start\n")
            spare.stdin.close()
        except OSError:
            # The spare has died too.
            return None
        return spare

    def _spawn(self, arguments: Sequence[str], *, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        # A process group of its own: a Ctrl-C of the terminal reaches the supervisor alone, which ends things in order.
        return subprocess.Popen(
            [sys.executable, "-m", "streams.cli", *arguments],
            env=self.environment,
            stdin=stdin,
            start_new_session=True,
            preexec_fn=die_with_parent(),
        )

    def watch(self) -> int:
        """Blocks until a stop is asked for or a child can't be helped by a restart; returns the exit code."""
        while not self.stop.wait(CHECK_SECONDS):
            for child in self.children:
                if (code := self._tend(child)) is not None:
                    return code
        return 0

    def _tend(self, child: Child) -> int | None:
        if child.process is None:
            if monotonic_seconds() >= child.due_at:
                self.start(child)
            return None
        code = child.process.poll()
        if code is None:
            self._keep(child, monotonic_seconds() - child.started_at)
            return None
        if code == EXIT_USAGE:
            return code
        if not child.restart and code == 0:
            self.children.remove(child)
            return None
        log.warning("process_ended", process=child.name, code=code, restart_in_seconds=child.pause)
        child.process = None
        child.due_at = monotonic_seconds() + child.pause
        child.pause = min(child.pause * 2, LONGEST_PAUSE_SECONDS)
        return None

    def _keep(self, child: Child, age_seconds: float) -> None:
        """Looks after a child that runs: its spare, and that it counts as steady after a while."""
        if child.has_spare and age_seconds > SPARE_AFTER_SECONDS and (child.spare is None or child.spare.poll() is not None):
            child.spare = self._spawn([*child.arguments, "--standby"], stdin=subprocess.PIPE)
        if age_seconds > STEADY_SECONDS:
            child.pause = FIRST_PAUSE_SECONDS

    def end(self) -> None:
        """Ends every child: SIGTERM to all, then SIGKILL to what is left after `STOP_SECONDS`."""
        started = [process for child in self.children for process in (child.process, child.spare)]
        running = [process for process in started if process is not None and process.poll() is None]
        for process in running:
            process.terminate()
        deadline = monotonic_seconds() + STOP_SECONDS
        for process in running:
            try:
                process.wait(max(0.0, deadline - monotonic_seconds()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
