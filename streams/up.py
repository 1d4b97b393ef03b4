"""`bellwether up`: Kafka, topics, a worker, the board and the feeds under one supervisor, ended together.

What it does: starts them in order, restarts one that dies (with a growing pause), passes SIGTERM and Ctrl-C on, and leaves
nothing behind. What it does not do: hide why something died; the reason is in the log and in the exit code.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from models.artifact import load as load_model
from streams import topology
from streams.clock import monotonic_seconds
from streams.errors import EXIT_USAGE, ConfigError, StateError
from streams.kafka import embedded
from streams.kafka.processes import die_with_parent
from streams.kafka.topics import ensure_topics
from streams.log import get_logger
from streams.push.tokens import TokenFile
from streams.settings import Settings, child_environment
from streams.watchlist import load_watchlist

log = get_logger("up")

SAMPLE_ARCHIVE = Path(__file__).parent / "sample" / "archive.jsonl"
DEMO_RATE = 60
CHECK_SECONDS = 0.1
FIRST_PAUSE_SECONDS = 0.2
SPARE_AFTER_SECONDS = 15.0
LONGEST_PAUSE_SECONDS = 30.0
#: A process that ran for so long and dies is started again at once; one that dies sooner waits longer each time.
STEADY_SECONDS = 20.0
STOP_SECONDS = 6.0
NEEDED_DISK_BYTES = 200 * 1024 * 1024


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


def run_up(settings: Settings, *, demo: bool) -> int:
    """Runs everything until Ctrl-C, SIGTERM or a fault that a restart can't mend; returns the exit code.

    Raises:
        BellwetherError: if something can't be started (Kafka, topics, the watchlist, the disk, a port).
    """
    if demo:
        settings = settings.model_copy(update={"data_dir": settings.data_dir / "demo"})
    _check_first(settings)
    stop = threading.Event()
    _on_signals(stop)
    owns_kafka = not settings.kafka_servers
    with ThreadPoolExecutor(1) as background:
        # Loading the libraries takes as long as Kafka's start: do both at once.
        model = background.submit(load_model, settings.model)
        if owns_kafka:
            broker = embedded.start(settings, detached=False)
            settings = settings.model_copy(update={"kafka_servers": broker.servers})
    supervisor = Supervisor(child_environment(settings), stop=stop)
    try:
        model.result()
        ensure_topics(settings, topology.TOPICS)
        for child in _children(settings, demo=demo):
            supervisor.start(child)
        print(f"Bellwether is starting. The board: http://{settings.board_host}:{settings.board_port}   (Ctrl-C ends everything)")  # noqa: T201
        return supervisor.watch()
    finally:
        supervisor.end()
        if owns_kafka:
            embedded.stop(settings)
        log.info("everything_stopped")


def _children(settings: Settings, *, demo: bool) -> list[Child]:
    children = [Child("board", ["board"]), Child("worker", ["worker"], has_spare=settings.spare_worker)]
    if settings.feeds is not None:
        children.append(Child("ingest-feeds", ["ingest", "feeds"]))
    if TokenFile(settings.push_tokens_file).has_any("push"):
        children.append(Child("ingest-push", ["ingest", "push"]))
    if settings.delivery_file.exists() and not demo:
        children.append(Child("deliver", ["deliver"]))
    if demo:
        children.append(Child("sample", ["ingest", "archive", "--rate", str(DEMO_RATE), str(SAMPLE_ARCHIVE)], restart=False))
    return children


def _check_first(settings: Settings) -> None:
    """Finds what would fail later, before anything runs."""
    load_watchlist(settings.watchlist)
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(settings.data_dir).free
    except OSError as error:
        raise StateError(
            f"the data directory can't be used: {error.strerror}",
            where=str(settings.data_dir),
            expected="a directory that this user may write to",
            todo="set BELLWETHER_DATA_DIR to another one",
        ) from error
    if free < NEEDED_DISK_BYTES:
        raise StateError(
            f"the disk is full: {free // 2**20} MB are free",
            where=str(settings.data_dir),
            expected=f"at least {NEEDED_DISK_BYTES // 2**20} MB",
            todo="free space, or set BELLWETHER_DATA_DIR to a directory on another disk",
        )
    _check_port(settings.board_host, settings.board_port, "BELLWETHER_BOARD_PORT", "the board")
    _check_port(settings.metrics_host, settings.worker_metrics_port, "BELLWETHER_WORKER_METRICS_PORT", "the worker's metrics")
    if TokenFile(settings.push_tokens_file).has_any("push"):
        _check_port(settings.push_host, settings.push_port, "BELLWETHER_PUSH_PORT", "push")
    if settings.delivery is not None and not settings.delivery.exists():
        raise ConfigError(
            "the list of deliveries is missing", where=str(settings.delivery), expected="a TOML file of [[target]] tables",
            todo="write it (docs/delivery.md), or unset BELLWETHER_DELIVERY",
        )  # fmt: skip


def _check_port(host: str, port: int, setting: str, what: str) -> None:
    import socket

    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigError(
                f"{what} can't listen: {error.strerror}",
                where=f"{host}:{port}",
                expected="a free port",
                todo=f"end what listens there (another Bellwether?), or set {setting}",
            ) from error


def _on_signals(stop: threading.Event) -> None:
    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask_to_stop)
