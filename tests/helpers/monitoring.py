"""Prometheus and Alertmanager as programs for tests: found, started on free ports, asked over HTTP, and always ended."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import psutil
import pytest

from streams.clock import monotonic_seconds

_Result = TypeVar("_Result")
PAUSE_SECONDS = 0.1


def find_tool(*names: str) -> str:
    """The path of the first of `names` that is installed. Without one the test is skipped, and fails where CI is set."""
    for name in names:
        if path := shutil.which(name):
            return path
    message = f"{names[0]} is not installed (Debian: prometheus, prometheus-alertmanager)"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def run_tool(name: str, *arguments: str, stdin: str | None = None) -> str:
    """What the tool says, stdout and stderr together; fails the test when it says no."""
    done = subprocess.run([find_tool(name), *arguments], input=stdin, capture_output=True, text=True, timeout=60, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def free_port() -> int:
    """A port that nothing listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_for(what: str, probe: Callable[[], _Result | None], *, seconds: float = 30) -> _Result:
    """The first result of `probe` that is neither None, empty nor False; fails the test when none comes in time."""
    import time

    deadline = monotonic_seconds() + seconds
    while True:
        result = probe()
        if result:
            return result
        assert monotonic_seconds() < deadline, f"not within {seconds} s: {what}"
        time.sleep(PAUSE_SECONDS)


def get_json(url: str, **parameters: str) -> Any:
    """The JSON that an address answers with; the body of an error is raised with it."""
    query = f"?{urlencode(parameters)}" if parameters else ""
    with urlopen(url + query, timeout=10) as answer:
        return json.load(answer)


def answers(url: str) -> bool:
    """Whether something answers there with success."""
    try:
        with urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


@contextmanager
def running(command: list[str], log: Path, ready_url: str) -> Iterator[None]:
    """A program, from its readiness to its end; it is killed when it does not end by itself."""
    with log.open("wb") as out:
        process = psutil.Popen(command, stdout=out, stderr=subprocess.STDOUT)
    try:

        def is_ready() -> bool:
            assert process.poll() is None, f"{command[0]} ended: {log.read_text(errors='replace')[-2000:]}"
            return answers(ready_url)

        wait_for(f"{command[0]} is ready", is_ready)
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(10)
