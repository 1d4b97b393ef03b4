"""`bellwether up`: one command starts everything, Ctrl-C ends everything, and what can't work is said before anything runs."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from streams.settings import Settings, child_environment
from streams.up import SAMPLE_ARCHIVE
from tests.helpers.stack import REPOSITORY, answers, cache_dir, fetch, free_port, wait_for

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", cache_dir=cache_dir(), board_port=free_port(), worker_metrics_port=free_port())


def start_up(settings: Settings, *arguments: str, **changes: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "streams.cli", "up", *arguments]
    environment = child_environment(settings, **changes)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, env=environment, cwd=REPOSITORY, start_new_session=True, **pipes)  # type: ignore[call-overload,no-any-return]


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]


def command_of(process: psutil.Process) -> list[str]:
    """Its command line; empty when it has just ended, as a process that is killed and followed by another has."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@pytest.fixture
def demo(settings: Settings) -> Iterator[subprocess.Popen[str]]:
    process = start_up(settings, "--demo")
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def counted(address: str) -> int:
    return int(json.loads(fetch(f"{address}/api/v1/progress"))["articles"]["classified"]) if answers(f"{address}/healthz") else 0


def test_the_demo_shows_trends_and_ctrl_c_leaves_nothing_behind(settings: Settings, demo: subprocess.Popen[str]) -> None:
    address = f"http://127.0.0.1:{settings.board_port}"
    wait_for("the first classified articles", lambda: counted(address) > 0, seconds=100)
    wait_for("trends of the sample", lambda: "BLR" in fetch(f"{address}/api/v1/pairs"), seconds=30)
    processes = family(demo)
    assert len(processes) >= 4, "up itself, Kafka, the board and the worker"
    started = time.monotonic()
    demo.send_signal(signal.SIGINT)
    assert demo.wait(20) == 0
    assert time.monotonic() - started <= 10
    assert [process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE] == []
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", settings.board_port))


def test_nothing_outlives_a_supervisor_that_is_killed(settings: Settings, demo: subprocess.Popen[str]) -> None:
    wait_for("the board", lambda: answers(f"http://127.0.0.1:{settings.board_port}/healthz"), seconds=100)
    others = family(demo)[1:]
    demo.kill()
    demo.wait(10)
    gone, alive = psutil.wait_procs(others, timeout=20)
    assert alive == []
    assert len(gone) >= 3


def test_a_worker_that_is_killed_is_started_again_and_the_sample_is_counted_whole(
    settings: Settings, demo: subprocess.Popen[str]
) -> None:
    address = f"http://127.0.0.1:{settings.board_port}"
    wait_for("the first classified articles", lambda: counted(address) > 0, seconds=100)
    workers = [process for process in family(demo) if command_of(process)[-1:] == ["worker"]]
    assert len(workers) == 1
    workers[0].kill()
    lines = SAMPLE_ARCHIVE.read_text(encoding="utf-8").count("\n")
    wait_for("every item of the sample", lambda: counted(address) == lines, seconds=100)


def test_a_spare_worker_takes_the_place_of_one_that_is_killed(settings: Settings, demo: subprocess.Popen[str]) -> None:
    address = f"http://127.0.0.1:{settings.board_port}"

    def running(*ending: str) -> list[psutil.Process]:
        return [process for process in family(demo) if command_of(process)[-len(ending) :] == list(ending)]

    lines = SAMPLE_ARCHIVE.read_text(encoding="utf-8").count("\n")
    wait_for("every item of the sample", lambda: counted(address) == lines, seconds=100)
    wait_for("a spare worker", lambda: running("worker", "--standby"), seconds=60)
    [spare], [worker] = running("worker", "--standby"), running("worker")
    worker.kill()
    second = settings.data_dir.parent / "more.jsonl"
    second.write_text('{"id": "later", "title": "Belarus and Russia sign pact", "text": "Minsk and Moscow signed it."}\n')
    environment = child_environment(settings, data_dir=str(settings.data_dir / "demo"))
    command = [sys.executable, "-m", "streams.cli", "ingest", "archive", str(second)]
    subprocess.run(command, env=environment, cwd=REPOSITORY, check=True, timeout=60)
    wait_for("the article to be counted", lambda: counted(address) == lines + 1, seconds=60)
    assert spare.is_running()
    assert running("worker") == []


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"watchlist": "{tmp}/none.toml"}, 2, ["The watchlist is wrong", "none.toml", "BELLWETHER_WATCHLIST"]),
        ({"model": "{tmp}/no-model"}, 1, ["The model can't be read", "no-model", "bellwether train"]),
        ({"data_dir": "/proc/none"}, 1, ["data directory can't be used", "/proc/none", "BELLWETHER_DATA_DIR"]),
        ({"board_port": "{taken}"}, 2, ["the board can't listen", "{taken}", "BELLWETHER_BOARD_PORT"]),
        ({"partitions": "many"}, 2, ["BELLWETHER_PARTITIONS"]),
    ],
)
def test_what_can_not_work_is_said_at_once(
    settings: Settings, tmp_path: Path, changes: dict[str, str], code: int, words: list[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        filled = {name: value.format(tmp=tmp_path, taken=port) for name, value in changes.items()}
        process = start_up(settings, **filled)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == code, output
    for word in words:
        assert word.format(taken=port) in output
    assert "Traceback" not in output
