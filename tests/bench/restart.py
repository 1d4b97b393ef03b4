"""From SIGKILL of a worker in the middle of its work to the first new signal."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import psutil

from streams import topology
from streams.settings import child_environment
from tests.bench import loads
from tests.bench.children import start_process
from tests.bench.field import Field, wait_until

ARTICLES_A_CYCLE = 4_000
#: A spare that has used so much CPU time, and then none for so long, has loaded everything. On a busy machine a pause alone means nothing.
SPARE_LOADS_SECONDS, SPARE_IS_QUIET_SECONDS = 1.0, 3.0


def supervised(field: Field, *, times: int) -> list[float]:
    """Seconds of each of so many kills under `bellwether up`, which has a spare worker standing by."""
    field.renew(())
    log = field.stack.folder / f"{field.settings.group}-up.log"
    up = start_process(["streams.cli", "up"], child_environment(field.settings), log, core=None)
    field.stack.processes["up"] = up
    taken: list[float] = []
    for number in range(times):
        wait_until("a spare worker", lambda: _spare_is_ready(up.pid), seconds=120)
        worker = _workers(up.pid)[0]
        taken.append(_killed(field, number, worker.kill, lambda: None))
    field.stack.end("up", signal.SIGTERM)
    return taken


def cold(field: Field, *, times: int) -> list[float]:
    """The same where nothing stands by: a new process is started at once and loads everything."""
    field.renew(())
    field.start_worker()
    taken = [
        _killed(field, number, lambda: field.stack.end("worker-1"), lambda: field.start_worker(waits=False)) for number in range(times)
    ]  # fmt: skip
    field.end_processes()
    return taken


def _killed(field: Field, number: int, kill: Callable[[], object], restart: Callable[[], object]) -> float:
    """Gives the worker work, kills it in the middle, and waits for what comes after; seconds from one to the other."""
    before = field.ends(topology.SIGNALS.name)
    field.fill(_renamed(loads.records(ARTICLES_A_CYCLE), number))
    wait_until("the worker to be at work", lambda: field.ends(topology.SIGNALS.name) > before)
    kill()
    killed = time.perf_counter()
    left = field.ends(topology.SIGNALS.name)
    restart()
    wait_until("a new signal", lambda: field.ends(topology.SIGNALS.name) > left)
    return time.perf_counter() - killed


def _workers(pid: int) -> list[psutil.Process]:
    """The worker at work and its spare: the older child first, since a spare that was called up keeps its command line."""
    children = [
        child
        for child in psutil.Process(pid).children()
        if child.status() != psutil.STATUS_ZOMBIE and "worker" in child.cmdline()
    ]
    return sorted(children, key=psutil.Process.create_time)


def _spare_is_ready(pid: int) -> bool:
    workers = _workers(pid)
    if len(workers) < 2:
        return False
    spare = workers[-1]
    before = spare.cpu_times().user
    time.sleep(SPARE_IS_QUIET_SECONDS)
    return bool(before > SPARE_LOADS_SECONDS and spare.cpu_times().user == before)


def _renamed(load: list[tuple[bytes, bytes]], number: int) -> list[tuple[bytes, bytes]]:
    """The same articles under new ids."""
    suffix = f"-{number}".encode()
    return [(key + suffix, value.replace(b'"id":"' + key + b'"', b'"id":"' + key + suffix + b'"', 1)) for key, value in load]
