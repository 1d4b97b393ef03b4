"""What is remembered of each feed over restarts, in SQLite: validators, when it is due, failures, and the entries already sent.

Written only after Kafka's acknowledgement. Whatever is lost here costs a repeated delivery of the same article, never an article.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from streams.clock import format_utc, parse_utc
from streams.errors import StateError
from streams.ingest.fetch import Validators

SCHEMA_VERSION = 1
#: Entries remembered of one feed: more than twice what a document may hold.
MAX_SEEN_PER_FEED = 5_000
_BUSY_SECONDS = 10.0
_TABLES = """
CREATE TABLE IF NOT EXISTS feeds (
    url TEXT PRIMARY KEY, etag TEXT NOT NULL, last_modified TEXT NOT NULL, next_due TEXT NOT NULL,
    failures INTEGER NOT NULL, last_success TEXT NOT NULL, last_error TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entries (
    feed TEXT NOT NULL, article TEXT NOT NULL, digest TEXT NOT NULL, first_seen TEXT NOT NULL, last_seen TEXT NOT NULL,
    PRIMARY KEY (feed, article)
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """An entry that was sent: the digest of what was sent, and when it first came."""

    digest: str
    first_seen: datetime


@dataclass(frozen=True, slots=True)
class FeedRecord:
    """One feed as it was left. `next_due` None: it was never asked.

    Attributes:
        failures: fetches that failed since the last good one.
        last_error: one line about the last failure; "" after a good fetch.
    """

    validators: Validators = field(default_factory=Validators)
    next_due: datetime | None = None
    failures: int = 0
    last_success: datetime | None = None
    last_error: str = ""


class FeedState:
    """The database. Every method blocks for a short time, may be called from any thread, and raises `StateError` for a bad disk.

    Args:
        path: the file; its folder is made.

    Raises:
        StateError: if it can't be opened, is damaged, or is of a newer version.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._failed(error) from error
        with self._errors():
            self._database = sqlite3.connect(path, timeout=_BUSY_SECONDS, check_same_thread=False, isolation_level=None)
            try:
                self._prepare()
            except BaseException:
                self._database.close()
                raise

    def __enter__(self) -> FeedState:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file; nothing is lost by it."""
        with self._lock:
            self._database.close()

    def load(self, url: str) -> FeedRecord:
        """What is known of a feed; the defaults for one that was never asked."""
        with self._lock, self._errors():
            row = self._database.execute(
                "SELECT etag, last_modified, next_due, failures, last_success, last_error FROM feeds WHERE url = ?", (url,)
            ).fetchone()
        if row is None:
            return FeedRecord()
        return FeedRecord(Validators(row[0], row[1]), _moment(row[2]), row[3], _moment(row[4]), row[5])

    def seen(self, url: str) -> dict[str, Seen]:
        """Article id -> what was last sent of it by this feed."""
        with self._lock, self._errors():
            rows = self._database.execute("SELECT article, digest, first_seen FROM entries WHERE feed = ?", (url,)).fetchall()
        return {article: Seen(digest, parse_utc(first)) for article, digest, first in rows}

    def save_success(
        self, url: str, validators: Validators, entries: Mapping[str, Seen], *, now: datetime, next_due: datetime
    ) -> None:  # fmt: skip
        """Remembers a good fetch; `entries` are all that the document held (none after a 304). In one transaction."""
        moment = format_utc(now)
        with self._transaction() as database:
            database.execute(
                "INSERT OR REPLACE INTO feeds VALUES (?, ?, ?, ?, 0, ?, '')",
                (url, validators.etag, validators.last_modified, format_utc(next_due), moment),
            )
            database.executemany(
                "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?)",
                [(url, article, seen.digest, format_utc(seen.first_seen), moment) for article, seen in entries.items()],
            )
            database.execute(
                "DELETE FROM entries WHERE feed = ?1 AND article IN (SELECT article FROM entries WHERE feed = ?1"
                " ORDER BY last_seen DESC, article LIMIT -1 OFFSET ?2)",
                (url, MAX_SEEN_PER_FEED),
            )

    def save_failure(self, url: str, error: str, *, next_due: datetime) -> int:
        """Remembers a failed fetch, keeps the validators, and returns how many failed in a row."""
        with self._transaction() as database:
            database.execute(
                "INSERT INTO feeds VALUES (?, '', '', ?, 1, '', ?)"
                " ON CONFLICT (url) DO UPDATE SET next_due = excluded.next_due, failures = failures + 1, last_error = excluded.last_error",
                (url, format_utc(next_due), error[:500]),
            )
            row = database.execute("SELECT failures FROM feeds WHERE url = ?", (url,)).fetchone()
        return int(row[0])

    def _prepare(self) -> None:
        version = self._database.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise StateError(
                f"the feeds' state is of version {version}", where=str(self._path), expected=f"a version up to {SCHEMA_VERSION}",
                todo="start the newer Bellwether that wrote it, or move the file away",
            )  # fmt: skip
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(_TABLES)
        self._database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._errors():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
            except BaseException:
                self._database.rollback()
                raise
            self._database.execute("COMMIT")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> StateError:
        return StateError(
            f"the feeds' state can't be read or written: {error}", where=str(self._path), expected="a sound SQLite file on a disk with room",
            todo="make room, or move the file away: every feed is then read anew, and no count changes by that",
        )  # fmt: skip


def _moment(text: str) -> datetime | None:
    return parse_utc(text) if text else None
