"""Workers of an edition, started, watched until they have caught up, and ended. They are the workers of `bellwether worker`, no others.

At low priority, so that the live stream comes first where both share a machine. One that dies is started again; what it had not
committed is done again, and the counts are exact all the same.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from streams.clock import monotonic_seconds
from streams.errors import KafkaError
from streams.kafka.ports import choose_port
from streams.log import get_logger
from streams.replay.metering import Meter, Reading, postponed_at
from streams.settings import Settings, child_environment
from streams.supervisor import Child, Supervisor

log = get_logger("replay")

LOOK_SECONDS = 1.0
#: What is put off is told twice a second; so many looks in a row must find nothing left.
QUIET_LOOKS = 3
NICENESS = 10


@dataclass(frozen=True, slots=True)
class Pace:
    """One look at the work.

    Attributes:
        reading: how far it is.
        articles: records of `articles` that were accounted for since the start.
        seconds: since the first of them was.
    """

    reading: Reading
    articles: int
    seconds: float

    @property
    def per_second(self) -> float:
        """Articles a second since the first; 0 before there are any."""
        return self.articles / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Until all that stands on `articles` now is read, at this pace; None before there is one."""
        return self.reading.left["classify"] / self.per_second if self.per_second else None


@dataclass(slots=True)
class _Workers:
    """Worker processes, each under a supervisor of its own."""

    supervisors: list[Supervisor]
    addresses: list[str]
    stop: threading.Event
    codes: list[int] = field(default_factory=list)

    def watch(self, supervisor: Supervisor) -> None:
        # The children end with the thread that started them: see `streams.kafka.processes.die_with_parent`.
        try:
            code = supervisor.watch()
        finally:
            supervisor.end()
        if code:
            self.codes.append(code)
            self.stop.set()


def run_workers(
    settings: Settings, workers: int, show: Callable[[Pace], None], *, follow: bool, stop: threading.Event
) -> tuple[Pace, bool]:
    """Runs workers of the edition until they have caught up; blocks. Returns the last look, and whether they had.

    Args:
        settings: in the edition, with its model.
        workers: 0 only looks at what workers elsewhere do, which it can't ask whether they have put anything off.
        show: told of each look, about once a second.
        follow: whether to go on, keeping up with the live stream, until `stop` is set.
        stop: ends it before.

    Raises:
        KafkaError: if the broker can't be read, or a worker ends because of what a restart does not mend.
    """
    os.nice(NICENESS)
    crew = _crew(settings, workers, stop)
    with ThreadPoolExecutor(max(1, workers), thread_name_prefix="replay-worker") as threads:
        watched = [threads.submit(crew.watch, supervisor) for supervisor in crew.supervisors]
        try:
            pace, is_done = _look_on(settings, crew, show, follow=follow)
        finally:
            stop.set()
        for future in watched:
            future.result()
    if crew.codes:
        raise KafkaError(
            f"a worker of the edition ended with exit code {crew.codes[0]}", where=f"edition {settings.edition}",
            expected="a worker that runs until it is ended", todo="its last lines in the log say why",
        )  # fmt: skip
    return pace, is_done


def _crew(settings: Settings, workers: int, stop: threading.Event) -> _Workers:
    crew, ports = _Workers([], [], stop), set[int]()
    for number in range(1, workers + 1):
        port = choose_port(taken=ports)
        ports.add(port)
        name = f"replay-{number}"
        environment = child_environment(settings, worker_id=name, worker_metrics_port=str(port))
        crew.supervisors.append(Supervisor(environment, [Child(name, ["worker"])], stop))
        crew.addresses.append(f"http://{settings.metrics_host}:{port}/metrics")
    return crew


def _look_on(settings: Settings, crew: _Workers, show: Callable[[Pace], None], *, follow: bool) -> tuple[Pace, bool]:
    quiet, is_done = 0, False
    with Meter(settings) as meter:
        start = meter.read()
        first, before, since = start.done, start.done, 0.0
        pace = Pace(start, 0, 0.0)
        while not crew.stop.wait(LOOK_SECONDS):
            now, reading = monotonic_seconds(), meter.read()
            if reading.done > before and not since:
                # The time that the workers take to load is none of their pace: it counts from the look before the first articles.
                since = now - LOOK_SECONDS
            if reading.done > before or not reading.has_read_all:
                pace = Pace(reading, reading.done - first, now - since if since else 0.0)
            else:
                pace = Pace(reading, pace.articles, pace.seconds)
            before = reading.done
            show(pace)
            is_quiet = reading.has_read_all and postponed_at(crew.addresses) == 0
            quiet = quiet + 1 if is_quiet else 0
            is_done = quiet >= QUIET_LOOKS
            if is_done and not follow:
                break
    return pace, is_done
