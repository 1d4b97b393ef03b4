"""The JVM's start-up archive: Kafka's classes parsed and linked beforehand, which halves the broker's start.

Made once per Java and jar set, by a broker of its own on an empty directory, so that neither the first user's broker nor
its stop pays for it. Java 17 to 24 make it with AppCDS, 25 and later with the AOT cache (JEP 514). A JVM believes what
such a file says: one byte astray and it dies with SIGSEGV. So it is used only if its hash is right.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import tempfile
from contextlib import suppress
from pathlib import Path

from streams.clock import monotonic_seconds
from streams.errors import BellwetherError
from streams.kafka import broker
from streams.kafka.broker import BrokerEnded, Runtime
from streams.kafka.locks import locked
from streams.kafka.ports import choose_pair
from streams.kafka.processes import end, has_ended
from streams.log import get_logger

FIRST_MAJOR_WITH_AOT = 25
TRAINING_SECONDS = 60.0
"""Longest wait for the training broker to answer, and for the JVM to write the archive; it takes 4 to 7 s in all."""
KEPT = 3
"""So many archives of a jar set are kept, the latest: one per Java that was used."""

_log = get_logger("kafka.archive")


def archive_options(runtime: Runtime) -> list[str]:
    """The JVM's options for starting from the archive, which is made first if there's none; blocks for seconds then.

    Empty where it can't be made: a slower start is no reason not to start.
    """
    target = archive_path(runtime)
    refused = target.with_suffix(".refused")
    try:
        with locked(runtime.jars.home / "archive.lock", wait_seconds=2 * TRAINING_SECONDS):
            if not is_intact(target):
                if refused.exists():
                    return []
                _train(runtime, target)
    except (BrokerEnded, BellwetherError, TimeoutError, OSError) as error:
        _log.warning("kafka start-up archive not made", reason=str(error)[:500], consequence="starts take longer")
        with suppress(OSError):
            refused.touch()
        return []
    return [f"{'-XX:AOTCache' if _has_aot(runtime) else '-XX:SharedArchiveFile'}={target}"]


def refuse_archive(runtime: Runtime) -> None:
    """Gives this archive up: a JVM did not start with it."""
    target = archive_path(runtime)
    with suppress(OSError):
        target.unlink(missing_ok=True)
        target.with_suffix(".refused").touch()


def archive_path(runtime: Runtime) -> Path:
    """Where the archive is, under a name that stands for all that it depends on."""
    stamps = [f"{path} {path.stat().st_mtime_ns}" for path in runtime.jars.paths]
    parts = [str(runtime.java.executable), runtime.java.version, *broker.JVM_OPTIONS, *stamps]
    key = hashlib.sha256("\n".join(parts).encode("utf-8", errors="surrogateescape")).hexdigest()[:16]
    return runtime.jars.home / f"archive-{key}.{'aot' if _has_aot(runtime) else 'jsa'}"


def is_intact(archive: Path) -> bool:
    """True when the archive is there and hashes to what was noted when it was made. Reads it whole: 0.1 s."""
    try:
        noted = archive.with_suffix(".sha256").read_text(encoding="ascii")
        return noted == _digest(archive)
    except (OSError, ValueError):
        return False


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _has_aot(runtime: Runtime) -> bool:
    return runtime.java.major >= FIRST_MAJOR_WITH_AOT


def _train(runtime: Runtime, target: Path) -> None:
    """Runs a broker on an empty directory until it answers, ends it, and keeps the archive that its JVM leaves."""
    _log.info("kafka start-up archive is being made", java=runtime.java.major, archive=str(target))
    for left_over in target.parent.glob(".train-*"):
        shutil.rmtree(left_over, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=".train-", dir=target.parent) as scratch:
        home = Path(scratch)
        fresh = home / target.name
        _run_once(runtime, home, f"{'-XX:AOTCacheOutput' if _has_aot(runtime) else '-XX:ArchiveClassesAtExit'}={fresh}")
        digest = _digest(fresh)
        target.with_suffix(".sha256").write_text(digest, encoding="ascii")
        fresh.replace(target)
    _drop_old(target.parent)


def _run_once(runtime: Runtime, home: Path, option: str) -> None:
    chosen = choose_pair()
    broker.write_files(home, chosen)
    known = broker.ensure_formatted(runtime, home)
    process = broker.launch_broker(runtime, home, [option], detached=False)
    try:
        deadline = monotonic_seconds() + TRAINING_SECONDS
        if not broker.await_ready(process, home, chosen.servers, known, deadline=deadline):
            raise TimeoutError(f"no answer from the training broker within {TRAINING_SECONDS:.0f} s")
        end(process, timeout_seconds=TRAINING_SECONDS)
    finally:
        if not has_ended(process, within_seconds=0):
            # The whole group: Java 25 writes the archive in a child process.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            has_ended(process, within_seconds=5.0)


def _drop_old(directory: Path) -> None:
    archives = [path for path in directory.glob("archive-*") if path.suffix in {".jsa", ".aot"}]
    for path in sorted(archives, key=lambda path: path.stat().st_mtime, reverse=True)[KEPT:]:
        path.unlink(missing_ok=True)
        path.with_suffix(".sha256").unlink(missing_ok=True)
