"""`bellwether up`: Kafka, topics, a worker, the board and the feeds under one supervisor, ended together.

What it does: starts them in order, restarts one that dies (with a growing pause), passes SIGTERM and Ctrl-C on, and leaves
nothing behind. What it does not do: hide why something died; the reason is in the log and in the exit code.
"""

from __future__ import annotations

import shutil
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

from streams import topology
from streams.editions.keeping import ShownWorker
from streams.errors import ConfigError, StateError
from streams.kafka import embedded
from streams.kafka.home import NEEDED_BYTES
from streams.kafka.topics import ensure_topics
from streams.log import get_logger
from streams.push.tokens import TokenFile
from streams.settings import Settings, child_environment
from streams.supervisor import Child, Supervisor
from streams.watchlist import load_watchlist

log = get_logger("up")

SAMPLE_ARCHIVE = Path(__file__).parent / "sample" / "archive.jsonl"
DEMO_RATE = 60


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
        model = background.submit(_check_model, settings.model)
        if owns_kafka:
            broker = embedded.start(settings, detached=False)
            settings = settings.model_copy(update={"kafka_servers": broker.servers})
    supervisor = Supervisor(child_environment(settings), stop=stop)
    shown_worker = ShownWorker(settings)
    try:
        model.result()
        ensure_topics(settings, topology.TOPICS)
        for child in _children(settings, demo=demo):
            supervisor.start(child)
        shown_worker.start()
        print(f"Bellwether is starting. The board: http://{settings.board_host}:{settings.board_port}   (Ctrl-C ends everything)")  # noqa: T201
        return supervisor.watch()
    finally:
        supervisor.end()
        shown_worker.stop()
        if owns_kafka:
            embedded.stop(settings)
        log.info("everything_stopped")


def _check_model(folder: Path | None) -> None:
    from models.artifact import load  # its libraries are what takes long

    load(folder)


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
    if settings.edition:
        raise ConfigError(
            "`up` runs what is shown, whichever edition that is", where="BELLWETHER_EDITION", expected="nothing", todo="unset it; `bellwether switch` changes what is shown"
        )  # fmt: skip
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
    if free < NEEDED_BYTES:
        raise StateError(
            f"the disk is full: {free // 2**20} MB are free",
            where=str(settings.data_dir),
            expected=f"at least {NEEDED_BYTES // 2**20} MB",
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
