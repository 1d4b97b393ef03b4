"""The two ways to fetch the embedded Kafka's jars: Maven, where the machine has it, and jgo's resolver in Python.

Both write nothing outside of the scratch directory that they are given. What comes of them is not trusted: `jars.py`
holds each jar against the committed list.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

MAVEN_SECONDS = 900.0
POLL_SECONDS = 0.5

Fetcher = Callable[[Path, Path, Path, int], None]
"""(pom, scratch directory, directory for the jars, number of jars to expect): leaves the jars or raises FetchError."""


class FetchError(Exception):
    """This way is not open on this machine, or it failed; its text says which of the two and why."""


def fetch_with_maven(pom: Path, scratch: Path, into: Path, jars: int) -> None:
    """Runs `mvn dependency:copy-dependencies`, with a repository of its own; the user's settings (mirrors) hold.

    Raises:
        FetchError: there is no `mvn` on the PATH, or it failed.
    """
    maven = shutil.which("mvn")
    if maven is None:
        raise FetchError("Maven: no `mvn` on the PATH")
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={into}"]
    command = [
        maven,
        "--batch-mode",
        "--quiet",
        "-Dstyle.color=never",
        "--file",
        str(pom),
        f"-Dmaven.repo.local={scratch / 'repository'}",
        *goal,
    ]
    output = scratch / "mvn.log"
    with _Progress(jars, "Maven") as progress, output.open("wb") as log:
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd=scratch)
        except OSError as error:
            raise FetchError(f"Maven: {maven} can't be run: {error.strerror}") from error
        try:
            code = _wait(process, lambda: progress.show(_bytes_under(scratch)))
        finally:
            process.kill()
            process.wait()
    if code != 0:
        tail = " ".join(output.read_text(encoding="utf-8", errors="replace").split())[:300]
        raise FetchError(f"Maven: `mvn` ended with {code}: {tail}" if code is not None else "Maven: it took too long")


def fetch_with_jgo(pom: Path, scratch: Path, into: Path, jars: int) -> None:
    """Resolves and downloads with jgo, of the extra `bellwether[kafka]`.

    Raises:
        FetchError: jgo is not installed, or it failed.
    """
    try:
        from streams.kafka import fetch_jgo
    except ImportError as error:
        raise FetchError(f"jgo: not installed ({error.name}); `pip install 'bellwether[kafka]'` brings it") from error
    with _Progress(jars, "jgo") as progress:
        try:
            fetch_jgo.fetch_with_jgo(pom, scratch / "repository", into, progress.add)
        except (OSError, RuntimeError, ValueError, AssertionError) as error:
            raise FetchError(f"jgo: {type(error).__name__}: {' '.join(str(error).split())[:300]}") from error


FETCHERS: tuple[Fetcher, ...] = (fetch_with_maven, fetch_with_jgo)


def _wait(process: subprocess.Popen[bytes], report: Callable[[], None]) -> int | None:
    """The exit code; None when it took longer than `MAVEN_SECONDS`."""
    for _ in range(int(MAVEN_SECONDS / POLL_SECONDS)):
        try:
            return process.wait(POLL_SECONDS)
        except subprocess.TimeoutExpired:
            report()
    return None


def _bytes_under(directory: Path) -> int:
    size = 0
    for path in directory.rglob("*.jar"):
        with contextlib.suppress(FileNotFoundError):  # it's being moved
            size += path.stat().st_size
    return size


class _Progress:
    """One line on stderr that a terminal shows moving, and that a log gets once."""

    def __init__(self, jars: int, way: str) -> None:
        self._text = f"Fetching Apache Kafka, once: {jars} jars, about 45 MB, with {way}"
        self._console = Console(stderr=True, highlight=False)
        self._status = self._console.status(self._text)
        self._bytes = 0

    def __enter__(self) -> _Progress:
        if not self._console.is_terminal:
            print(self._text, file=sys.stderr, flush=True)  # noqa: T201 - a person is waiting
        self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()

    def add(self, size: int) -> None:
        """Counts `size` more bytes; called from several threads, and a lost update costs only a digit on the screen."""
        self.show(self._bytes + size)

    def show(self, size: int) -> None:
        """Shows `size` bytes in all."""
        self._bytes = size
        self._status.update(f"{self._text}: {size / 1e6:.0f} MB so far")
