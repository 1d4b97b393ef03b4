"""The kinds of fault: each does something terrible to a scene, several times, at moments that a seed chooses."""

from __future__ import annotations

import itertools
import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.faults.scene import PATIENCE_SECONDS, Findings, Scene
from tests.helpers.stack import wait_for

Kind = Callable[[Scene], Findings]
LONGER_THAN_A_SESSION = 8.0
SMALL_DISK_BYTES = 6 * 2**20


def sigkill(scene: Scene) -> Findings:
    """SIGKILL of the worker: while it starts, takes over, classifies, flushes or commits."""
    scene.ingest()
    for number, chunk in enumerate(scene.chunks()):
        scene.write(chunk)
        if "worker-1" not in scene.stack.processes:
            scene.start()
        if number % 3 == 2:
            scene.pause(0.5, 4)
            scene.kill()
        else:
            scene.wait_for_progress()
            scene.pause(0, 0.2)
            scene.time_restart()
    return scene.finish("worker-1")


def sigterm(scene: Scene) -> Findings:
    """SIGTERM of the worker, also while it starts; it ends in order, with what it could finish acknowledged."""
    scene.ingest()
    for number, chunk in enumerate(scene.chunks()):
        scene.write(chunk)
        scene.start()
        if number % 3 == 2:
            wait_for("the worker to be up", lambda: b"worker_started" in scene.log("worker-1"), seconds=PATIENCE_SECONDS)
            scene.pause(0, 3)
        else:
            scene.wait_for_progress()
            scene.pause(0, 0.4)
        scene.stop()
    return scene.finish("worker-1")


def membership(scene: Scene) -> Findings:
    """Workers join, leave and die, before and after the first commit of the group; each joins under a new name."""
    names = (f"worker-{number}" for number in itertools.count(1))
    scene.ingest()
    first = next(names)
    scene.start(first)
    second = next(names)
    scene.start(second)
    # Nothing has been committed yet: the second one's joining makes the first give up what it has barely begun.
    scene.pause(2, 4)
    scene.kill(first)
    for chunk in scene.chunks():
        scene.write(chunk)
        running = list(scene.stack.processes)
        if len(running) < 2 or (len(running) < 3 and scene.rng.random() < 0.4):
            scene.start(next(names))
            scene.pause(1, 5)
        else:
            scene.rng.choice([scene.kill, scene.stop])(scene.rng.choice(running))
            scene.pause(0, 3)
        scene.keep_up()
    return scene.finish()


def swap(scene: Scene) -> Findings:
    """Two workers hand the partitions to and fro; each comes back to a state that the other has left behind."""
    scene.ingest()
    names = ["worker-1", "worker-2"]
    scene.start(names[0])
    for number, chunk in enumerate(scene.chunks()):
        scene.write(chunk)
        here, there = names[number % 2], names[(number + 1) % 2]
        scene.start(there)
        scene.pause(3, 6)
        scene.rng.choice([scene.kill, scene.stop])(here)
        scene.wait_for_progress()
    return scene.finish()


def broker_killed(scene: Scene) -> Findings:
    """SIGKILL of the broker while articles are produced and classified; it comes back with its data."""
    scene.start()
    chunks = list(scene.chunks())
    writing = [lambda chunk=chunk: scene.write(chunk) for chunk in chunks]
    with scene.meanwhile(scene.ingest, *writing):
        for _ in range(min(scene.rounds, 3)):
            wait_for("some progress", lambda: scene.accounted() > 0, seconds=PATIENCE_SECONDS)
            scene.pause(0.5, 3)
            scene.stack.kill_kafka()
            scene.faults += 1
            scene.stack.start_kafka()
            scene.keep_up()
    return scene.finish("worker-1")


def broker_stopped(scene: Scene) -> Findings:
    """The broker answers nobody for 10 to 15 seconds (SIGSTOP), longer than a session, and then goes on as if nothing was."""
    scene.start()
    scene.ingest()
    for number, chunk in enumerate(scene.chunks()):
        scene.write(chunk)
        if number < 3:
            scene.wait_for_progress()
            scene.pause(0, 0.5)
            scene.stack.signal_kafka(signal.SIGSTOP)
            scene.faults += 1
            scene.pause(10, 15)
            scene.stack.signal_kafka(signal.SIGCONT)
        scene.keep_up()
    return scene.finish("worker-1")


def broker_slow(scene: Scene) -> Findings:
    """The broker works for a fifth of the time only, for half a minute: requests take long, none fails at once."""
    scene.start()
    chunks = list(scene.chunks())
    writing = [lambda chunk=chunk: scene.write(chunk) for chunk in chunks]
    wait_for("the worker to be up", lambda: b"worker_started" in scene.log("worker-1"), seconds=PATIENCE_SECONDS)
    with scene.meanwhile(scene.ingest, *writing):
        for _ in range(75):
            scene.stack.signal_kafka(signal.SIGSTOP)
            scene.faults += 1
            scene.pause(0.3, 0.34)
            scene.stack.signal_kafka(signal.SIGCONT)
            scene.pause(0.06, 0.1)
    scene.keep_up()
    return scene.finish("worker-1")


def worker_stopped(scene: Scene) -> Findings:
    """The worker stands still in the middle of a batch for longer than a session; another has gone on when it wakes.

    What it still delivers is refused, and it ends with that reason; it is started again, as a supervisor does.
    """
    scene.ingest()
    scene.start("worker-1")
    scene.start("worker-2")
    for number, chunk in enumerate(scene.chunks()):
        scene.write(chunk)
        name = f"worker-{1 + number % 2}"
        scene.keep_up()
        scene.wait_for_progress()
        scene.pause(0, 0.5)
        process = scene.stack.processes[name]
        process.send_signal(signal.SIGSTOP)
        scene.faults += 1
        scene.pause(LONGER_THAN_A_SESSION, LONGER_THAN_A_SESSION + 3)
        process.send_signal(signal.SIGCONT)
        scene.keep_up()
    return scene.finish("worker-1", "worker-2")


def lost_disk(scene: Scene) -> Findings:
    """SIGKILL, and the worker's folder is gone; it comes back with nothing, or another one with nothing does."""
    scene.ingest()
    for number, chunk in enumerate(scene.chunks()):
        scene.write(chunk)
        name = "worker-1" if scene.rng.random() < 0.6 else f"worker-new-{number}"
        scene.start(name)
        scene.wait_for_progress()
        scene.pause(0, 1)
        scene.kill(name)
        shutil.rmtree(scene.stack.settings.data_dir / "state", ignore_errors=True)
    return scene.finish("worker-1")


def played_twice(scene: Scene) -> Findings:
    """The archive is played again after all of it was counted, and what was written straight, too."""
    scene.start()
    for _ in range(2):
        scene.ingest()
        for chunk in scene.chunks():
            scene.write(chunk)
        scene.faults += 1
    return scene.finish()


def full_disk(scene: Scene) -> Findings:
    """The store's disk is full: the worker ends with a reason, again and again; with room it goes on."""
    with _Disk(scene.stack.folder / "small") as disk:
        scene.ingest()
        process = scene.start(data_dir=str(disk.path))
        scene.wait_for_progress(beyond=0)
        for chunk in scene.chunks():
            scene.write(chunk)
            disk.fill(process)
            # There is work, however quick the worker was.
            scene.write(chunk)
            scene.faults += 1
            code = process.wait(90)
            assert code == 1, f"a full disk ended the worker with {code}"
            assert b"the local state" in scene.log("worker-1"), "the reason is missing"
            scene.stack.processes.pop("worker-1")
            disk.free()
            before = scene.accounted()
            process = scene.start()
            scene.wait_for_progress(beyond=before)
        return _ended(scene, scene.finish("worker-1"))


def _ended(scene: Scene, findings: Findings) -> Findings:
    """Ends the workers while their disk is still there."""
    scene.stack.end("worker-1", signal.SIGKILL)
    return findings


class _Disk:
    """A small disk for the worker's state: a tmpfs where one may be mounted, else a limit on the size of its files."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"
        self._is_mounted = False
        self._limited: int | None = None

    def __enter__(self) -> _Disk:
        self.path.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", str(self.path)]
        self._is_mounted = hasattr(os, "geteuid") and os.geteuid() == 0 and subprocess.run(command, check=False).returncode == 0
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_mounted:
            subprocess.run(["umount", "-l", str(self.path)], check=True)

    def fill(self, process: subprocess.Popen[bytes]) -> None:
        """Leaves no room."""
        if not self._is_mounted:
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (64, 64))
            return
        block = b"\0" * 65536
        with self._ballast.open("ab", buffering=0) as ballast:
            try:
                while ballast.write(block) == len(block):
                    pass
            except OSError:
                return

    def free(self) -> None:
        """Makes room again."""
        self._ballast.unlink(missing_ok=True)


KINDS: dict[str, Kind] = {
    "SIGKILL of the worker": sigkill,
    "SIGTERM of the worker": sigterm,
    "workers join, leave and die": membership,
    "partitions to and fro": swap,
    "SIGKILL of the broker": broker_killed,
    "broker stopped": broker_stopped,
    "slow broker": broker_slow,
    "worker stopped": worker_stopped,
    "lost disk": lost_disk,
    "full disk": full_disk,
    "archive played twice": played_twice,
}
