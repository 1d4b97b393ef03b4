"""The embedded Kafka's jars: fetched once, by Maven or by jgo, and used only if they are those of the committed list.

`deploy/kafka/pom.xml` says what is wanted, `deploy/kafka/jars.sha256` what has to come of it. The set is kept under
`<cache>/kafka/<version>-<digest of the list>/`, complete or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from streams.errors import KafkaError, StateError
from streams.kafka.fetching import FETCHERS, Fetcher, FetchError
from streams.kafka.locks import locked
from streams.log import get_logger

DEPLOY = Path(__file__).resolve().parents[2] / "deploy" / "kafka"
LIST = DEPLOY / "jars.sha256"
POM = DEPLOY / "pom.xml"
STAMPS = "verified.json"
SCRATCH = ".fetch-"
WAIT_FOR_OTHER_SECONDS = 900.0
"""Longest wait while another process fetches the same jars."""

_log = get_logger("kafka.jars")


@dataclass(frozen=True)
class JarSet:
    """Verified jars.

    Attributes:
        home: the directory of this set; archives made from it live here too.
        names: file names, sorted. The JVM's start-up archives hold only for one order of the class path.
        version: Kafka's, like `4.4.0`.
    """

    home: Path
    names: tuple[str, ...]
    version: str

    @property
    def paths(self) -> list[Path]:
        return [self.home / "jars" / name for name in self.names]

    @property
    def class_path(self) -> str:
        return os.pathsep.join(str(path) for path in self.paths)


def read_list(path: Path = LIST) -> dict[str, str]:
    """SHA-256 in hexadecimal of each jar by file name, as `sha256sum` writes them.

    Raises:
        StateError: the file is missing, empty or of another form.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise StateError("The list of Kafka's jars can't be read", where=f"{path}: {error.strerror}", todo="reinstall") from error
    listed = {}
    for line in lines:
        match = re.fullmatch(r"([0-9a-f]{64})  ([A-Za-z0-9._+-]+\.jar)", line)
        if match is None:
            raise StateError("A line of the list of Kafka's jars is wrong", where=f"{path}: {line[:80]!r}", todo="reinstall")
        listed[match[2]] = match[1]
    if kafka_version(listed) is None:
        raise StateError("The list of Kafka's jars has no broker in it", where=str(path), expected="kafka_2.13-<version>.jar")
    return listed


def kafka_version(names: Mapping[str, str]) -> str | None:
    """Kafka's version by the name of the broker's jar; None when it isn't there."""
    found = (re.fullmatch(r"kafka_[0-9.]+-([0-9][0-9A-Za-z.-]*)\.jar", name) for name in names)
    return next((match[1] for match in found if match), None)


def ensure_jars(cache_dir: Path, *, list_file: Path = LIST, fetchers: Sequence[Fetcher] = FETCHERS) -> JarSet:
    """The verified jars, fetched first if they aren't in the cache. Blocks; with a cold cache for seconds to minutes.

    A set in the cache is hashed when it comes in and when a size or a modification time changed since; a damaged one is
    fetched anew.

    Raises:
        KafkaError: none of the ways to fetch them gave the listed jars; it says why and what to install.
        StateError: the cache can't be written.
    """
    listed = read_list(list_file)
    digest = hashlib.sha256(list_file.read_bytes()).hexdigest()[:8]
    version = kafka_version(listed) or ""
    jar_set = JarSet(cache_dir / "kafka" / f"{version}-{digest}", tuple(sorted(listed)), version)
    with _cache_errors(cache_dir):
        jar_set.home.mkdir(parents=True, exist_ok=True)
        with locked(jar_set.home / "jars.lock", wait_seconds=WAIT_FOR_OTHER_SECONDS):
            if not _is_verified(jar_set, listed):
                _fetch(jar_set, listed, fetchers)
    return jar_set


@contextmanager
def _cache_errors(cache_dir: Path) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise KafkaError("Another process has been fetching Kafka's jars for too long", where=str(error)) from error
    except OSError as error:
        raise StateError(
            f"Kafka's jars can't be kept in the cache: {error.strerror or error}",
            where=str(error.filename or cache_dir),
            expected="a directory that can be written, with 250 MB of room",
            todo="make room, or set BELLWETHER_CACHE_DIR to another directory",
        ) from error


def _fetch(jar_set: JarSet, listed: Mapping[str, str], fetchers: Sequence[Fetcher]) -> None:
    """Tries one way after the other in a scratch directory; the first complete set takes the place of what was there."""
    for left_over in jar_set.home.glob(SCRATCH + "*"):
        shutil.rmtree(left_over, ignore_errors=True)
    reasons = []
    for fetch in fetchers:
        with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=jar_set.home) as scratch:
            jars = Path(scratch) / "jars"
            jars.mkdir()
            try:
                fetch(POM, Path(scratch), jars, len(listed))
            except FetchError as error:
                reasons.append(str(error))
                continue
            problems = _wrong_jars(jars, listed)
            if not problems:
                _put_in_place(jar_set, jars, Path(scratch))
                return
            reasons.append("; ".join(problems[:3]))
    raise KafkaError(
        "The jars of the embedded Kafka could not be fetched",
        where="\n    ".join(reasons),
        expected=f"the {len(listed)} jars of Apache Kafka {jar_set.version} that jars.sha256 lists",
        todo="be online once (about 45 MB), with Maven or with `pip install 'bellwether[kafka]'`; "
        "or set BELLWETHER_KAFKA_SERVERS to a Kafka that you have",
    )


def _wrong_jars(directory: Path, listed: Mapping[str, str]) -> list[str]:
    """What is wrong with the files in `directory`, by hash; jars that are not listed don't matter, they aren't used."""
    problems = []
    for name, expected in listed.items():
        path = directory / name
        if not path.is_file():
            problems.append(f"{name} is missing")
            continue
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != expected:
            problems.append(f"{name} is not the listed one: its SHA-256 is {found[:12]}..., not {expected[:12]}...")
    return problems


def _put_in_place(jar_set: JarSet, jars: Path, scratch: Path) -> None:
    for path in jars.iterdir():
        if path.name not in jar_set.names:
            path.unlink()
    final = jar_set.home / "jars"
    if final.exists():
        final.rename(scratch / "replaced")
    jars.rename(final)
    _write_stamps(jar_set)
    _log.info("kafka jars fetched", version=jar_set.version, jars=len(jar_set.names), directory=str(final))


def _is_verified(jar_set: JarSet, listed: Mapping[str, str]) -> bool:
    stamps = _stamps(jar_set)
    if stamps is None:
        return False
    try:
        if json.loads((jar_set.home / STAMPS).read_text(encoding="utf-8")) == stamps:
            return True
    except (OSError, ValueError):
        pass
    problems = _wrong_jars(jar_set.home / "jars", listed)
    if problems:
        _log.warning("kafka jars found damaged", problems=problems[:3], directory=str(jar_set.home))
        return False
    _write_stamps(jar_set)
    return True


def _stamps(jar_set: JarSet) -> dict[str, list[int]] | None:
    """Size in bytes and modification time in ns of each jar; None when one is missing."""
    try:
        return {path.name: [path.stat().st_size, path.stat().st_mtime_ns] for path in jar_set.paths}
    except FileNotFoundError:
        return None


def _write_stamps(jar_set: JarSet) -> None:
    fresh = jar_set.home / (STAMPS + ".new")
    fresh.write_text(json.dumps(_stamps(jar_set)), encoding="utf-8")
    fresh.replace(jar_set.home / STAMPS)
