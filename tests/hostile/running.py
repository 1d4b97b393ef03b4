"""Runs hostile cases where they can be measured: in a process of its own for each way in, which waits for the next one.

Memory is the most that the process and its children held, above what they held while waiting and above the input itself.
"""

from __future__ import annotations

import gc
import multiprocessing
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path as FilePath

import psutil

from tests.hostile.case import Came, Case, Measured, Path

GIVE_UP_SECONDS = 60.0
_SAMPLE_SECONDS = 0.02


class CaseProcess:
    """The process of one way in; started when needed, and again after it died."""

    def __init__(self, path: Path, folder: FilePath) -> None:
        self._path: Path = path
        self._folder = folder
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None

    def run(self, case: Case) -> Measured:
        """What comes of a case; `died` or `no answer` where nothing does."""
        pipe = self._started()
        pipe.send(case.name)
        started = time.monotonic()
        if not pipe.poll(GIVE_UP_SECONDS):
            self.close()
            return Measured("no answer", time.monotonic() - started, 0)
        try:
            found: Measured = pipe.recv()
        except EOFError:
            self.close()
            return Measured("died", time.monotonic() - started, 0)
        return found

    def close(self) -> None:
        """Ends the process and its children."""
        if self._process is not None and self._process.pid is not None:
            for child in psutil.Process(self._process.pid).children(recursive=True) if self._process.is_alive() else []:
                child.kill()
            self._process.kill()
            self._process.join()
        self._process = self._pipe = None

    def _started(self) -> Connection:
        if self._pipe is None:
            context = multiprocessing.get_context("spawn")
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(target=_serve, args=(theirs, self._path, str(self._folder)))
            self._process.start()
            theirs.close()
            assert self._pipe.poll(GIVE_UP_SECONDS)
            self._pipe.recv()
        return self._pipe


def _serve(pipe: Connection, path: Path, folder: str) -> None:
    from tests.hostile.catalogue import CASES
    from tests.hostile.runners import RUNNERS

    cases = {case.name: case for case in CASES if case.path == path}
    with RUNNERS[path](FilePath(tempfile.mkdtemp(dir=folder))) as answer_of:
        pipe.send("ready")
        while True:
            try:
                name = pipe.recv()
            except EOFError:
                return
            pipe.send(_measure(cases[name], answer_of))


def _measure(case: Case, answer_of: Callable[[Case, bytes], Came]) -> Measured:
    gc.collect()
    data = case.build()
    base = _bytes_of("self/status", "VmRSS") + _of_children() - len(data)
    FilePath("/proc/self/clear_refs").write_text("5", encoding="ascii")
    sampler = _Sampler()
    started = time.monotonic()
    try:
        came = answer_of(case, data)
    except Exception:  # noqa: BLE001 - the test shows what it was
        came = Came(traceback.format_exc())
    seconds = time.monotonic() - started
    return Measured(came.answer, seconds, max(0, sampler.stop() - base - len(data)), came.delay_seconds)


class _Sampler:
    """The most memory of this process and its children, also of those that end meanwhile."""

    def __init__(self) -> None:
        self._most = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        self._end.set()
        self._thread.join()
        return self._most

    def _watch(self) -> None:
        while True:
            last = self._end.is_set()
            self._most = max(self._most, _bytes_of("self/status", "VmHWM") + _of_children())
            if last:
                return
            self._end.wait(_SAMPLE_SECONDS)


def _of_children() -> int:
    # By their share of what they share: forks of one server have most of their pages in common.
    return sum(_bytes_of(f"{child.pid}/smaps_rollup", "Pss") for child in psutil.Process().children(recursive=True))


def _bytes_of(file: str, field: str) -> int:
    # In bytes; 0 for a process that has ended.
    try:
        lines = FilePath("/proc", file).read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:")), 0)
