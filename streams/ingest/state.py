"""What is remembered of each feed over restarts, in SQLite: when and how it is asked next, how it is, and the entries already sent.

Written only after Kafka's acknowledgement. Whatever is lost here costs a repeated delivery of the same article, never an article.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from streams.clock import format_utc, parse_utc
from streams.errors import StateError
from streams.ingest.answers import Validators
from streams.ingest.feed_record import FeedRecord

SCHEMA_VERSION = 2
#: Entries remembered of one feed: more than twice what a document may hold.
MAX_SEEN_PER_FEED = 5_000
_BUSY_SECONDS = 10.0
_TABLES = """
CREATE TABLE IF NOT EXISTS feed_records (url TEXT PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hosts (host TEXT PRIMARY KEY, quiet_until TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entries (
    feed TEXT NOT NULL, article TEXT NOT NULL, digest TEXT NOT NULL, first_seen TEXT NOT NULL, last_seen TEXT NOT NULL,
    PRIMARY KEY (feed, article)
) WITHOUT ROWID;
"""
_decoder = msgspec.json.Decoder(FeedRecord)


@dataclass(frozen=True, slots=True)
class Seen:
    """An entry that was sent: the digest of what was sent, and when it first came."""

    digest: str
    first_seen: datetime


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
            row = self._database.execute("SELECT record FROM feed_records WHERE url = ?", (url,)).fetchone()
        return FeedRecord() if row is None else self._decode(row[0])

    def load_all(self) -> dict[str, FeedRecord]:
        """URL -> what is known of it, for every feed that was ever asked."""
        with self._lock, self._errors():
            rows = self._database.execute("SELECT url, record FROM feed_records").fetchall()
        return {url: self._decode(record) for url, record in rows}

    def seen(self, url: str) -> dict[str, Seen]:
        """Article id -> what was last sent of it by this feed."""
        with self._lock, self._errors():
            rows = self._database.execute("SELECT article, digest, first_seen FROM entries WHERE feed = ?", (url,)).fetchall()
        return {article: Seen(digest, parse_utc(first)) for article, digest, first in rows}

    def save(self, url: str, record: FeedRecord, entries: Mapping[str, Seen] | None = None, *, now: datetime) -> None:
        """Remembers a feed, and the entries that its document held (none after a 304 or a failure). In one transaction."""
        moment = format_utc(now)
        with self._transaction() as database:
            database.execute("INSERT OR REPLACE INTO feed_records VALUES (?, ?)", (url, msgspec.json.encode(record)))
            if not entries:
                return
            database.executemany(
                "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?)",
                [(url, article, seen.digest, format_utc(seen.first_seen), moment) for article, seen in entries.items()],
            )
            database.execute(
                "DELETE FROM entries WHERE feed = ?1 AND article IN (SELECT article FROM entries WHERE feed = ?1"
                " ORDER BY last_seen DESC, article LIMIT -1 OFFSET ?2)",
                (url, MAX_SEEN_PER_FEED),
            )

    def save_quiet_host(self, host: str, until: datetime) -> None:
        """Remembers until when a host wants to be left alone."""
        with self._transaction() as database:
            database.execute("INSERT OR REPLACE INTO hosts VALUES (?, ?)", (host, format_utc(until)))

    def quiet_hosts(self, now: datetime) -> dict[str, datetime]:
        """Host -> until when it wants to be left alone; those whose time has come are forgotten."""
        with self._transaction() as database:
            database.execute("DELETE FROM hosts WHERE quiet_until <= ?", (format_utc(now),))
            rows = database.execute("SELECT host, quiet_until FROM hosts").fetchall()
        return {host: parse_utc(until) for host, until in rows}

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
        if version == 1:
            self._take_over_first_version()
        self._database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _take_over_first_version(self) -> None:
        # The first version had a column for each of the few things that it knew.
        rows = self._database.execute("SELECT url, etag, last_modified, next_due, failures, last_success, last_error FROM feeds")
        for url, etag, modified, due, failures, success, error in rows.fetchall():
            record = FeedRecord(
                validators=Validators(etag, modified), next_due=_moment(due), failures=failures, last_success=_moment(success), error=error
            )  # fmt: skip
            self._database.execute("INSERT OR IGNORE INTO feed_records VALUES (?, ?)", (url, msgspec.json.encode(record)))
        self._database.execute("DROP TABLE feeds")

    def _decode(self, record: bytes) -> FeedRecord:
        try:
            return _decoder.decode(record)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise self._failed(error) from error

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
