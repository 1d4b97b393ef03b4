"""What stands beside the topics: lists that people keep, models, past bulletins, and what feeds and deliveries remember.

Taken before the topics: a feed that remembers an entry has sent it, so that the entry is on a topic that is read later. Put back where the
settings of the restored node have it, and only where nothing stands yet.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from streams.backup.lines import sha256_of
from streams.backup.manifest import Manifest, OtherFile
from streams.delivery.run import ledger_file
from streams.errors import StateError
from streams.ingest.poll import STATE_FILE
from streams.settings import SHIPPED_WATCHLIST, Settings

#: Folder of these files in a backup; below it one folder for each role.
BESIDE = "beside"
TOKENS = "tokens"


@dataclass(frozen=True, slots=True)
class PutBack:
    """One file after a restoration; `was_there`: it was left as it stood."""

    role: str
    path: Path
    was_there: bool


def homes(settings: Settings) -> dict[str, Path]:
    """Role -> the file or folder of a node. Those that are named nowhere have a place in the data directory, for what is put back."""
    data = settings.data_dir
    return {
        "watchlist": settings.watchlist if settings.watchlist != SHIPPED_WATCHLIST else data / "watchlist.toml",
        "feeds": settings.feeds or data / "feeds.toml",
        "delivery": settings.delivery_file,
        TOKENS: settings.push_tokens_file,
        "feed-state": data / STATE_FILE,
        "deliveries": ledger_file(settings),
        "bulletins": settings.bulletins_folder,
        "models": data / "models",
        "model": settings.model or data / "model",
    }


def keep_lists(settings: Settings, folder: Path, *, with_secrets: bool) -> list[OtherFile]:
    """Copies what is there into a backup; tokens (their hashes) only where asked for.

    Raises:
        OSError: if it can't be read or written.
        StateError: if a database can't be read.
    """
    kept = []
    for role, home in homes(settings).items():
        if role == TOKENS and not with_secrets:
            continue
        for path in _files_of(home):
            file = folder / BESIDE / role / (path.relative_to(home) if home.is_dir() else path.name)
            file.parent.mkdir(parents=True, exist_ok=True)
            (_copy_database if path.suffix == ".sqlite" else shutil.copyfile)(path, file)
            kept.append(
                OtherFile(role=role, file=str(file.relative_to(folder)), bytes=file.stat().st_size, sha256=sha256_of(file))
            )
    return kept


def put_back(settings: Settings, folder: Path, manifest: Manifest) -> Iterator[PutBack]:
    """Copies what stood beside the topics to where the settings have it; leaves alone what is there.

    Raises:
        StateError: if it can't be written.
    """
    where = homes(settings)
    for one in manifest.others:
        if one.role not in where:
            continue
        inner = Path(one.file).relative_to(Path(BESIDE) / one.role)
        home = where[one.role]
        path = home / inner if one.role in ("bulletins", "models", "model") else home
        was_there = path.exists()
        if not was_there:
            _copy_back(folder / one.file, path, is_secret=one.role == TOKENS)
        yield PutBack(one.role, path, was_there)


def _files_of(home: Path) -> list[Path]:
    if home.is_dir():
        return sorted(path for path in home.rglob("*") if path.is_file() and not path.name.startswith("."))
    return [home] if home.is_file() else []


def _copy_database(source: Path, target: Path) -> None:
    """A copy of a database that others may be writing to."""
    try:
        with (
            closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as read,
            closing(sqlite3.connect(target)) as written,
        ):
            read.backup(written)
    except sqlite3.Error as error:
        raise StateError(
            f"a database can't be copied: {error}", where=str(source), expected="a sound SQLite file", todo="mend it, or move it away"
        ) from error  # fmt: skip


def _copy_back(source: Path, path: Path, *, is_secret: bool) -> None:
    beside = path.with_name(f".{path.name}.restored")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.touch(mode=0o600 if is_secret else 0o644)
        shutil.copyfile(source, beside)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise StateError(
            f"a file of the backup can't be put back: {error.strerror}", where=str(path), expected="a directory that can be written to",
            todo="put it there by hand: the topics are restored",
        ) from error  # fmt: skip
