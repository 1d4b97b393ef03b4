"""Local state of one stage's partition: a SQLite file whose changes become durable together, or not at all.

What goes in: rows, and the offset up to which they hold. What it does not do: replicate. A lost file is rebuilt from Kafka,
which is why nothing here is synced to disk at each commit: the death of the process loses nothing, and the loss of power is
a lost file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from pathlib import Path

from streams.clock import Clock, format_utc, parse_utc, utc_now
from streams.errors import StateError
from streams.stage import InputRecord

_SCHEMA_VERSION = 2
#: Reads a partition of a topic from an offset to its end as it is now, in chunks.
ReadTail = Callable[[int], Iterable[list[InputRecord]]]
#: Less than the days for which topics keep tombstones (`streams.kafka.topics.TOMBSTONE_DAYS`).
MAX_SLEEP_DAYS = 5


def nothing_to_read(_: int) -> Iterable[list[InputRecord]]:
    """A `ReadTail` of a topic that holds nothing."""
    return ()


class PartitionStore:
    """Key-value meta data plus the tables of one stage, in one file, in one transaction at a time.

    Args:
        path: the file; its folder is made.
        schema: `CREATE TABLE IF NOT EXISTS ...` statements of the stage.
        origin: identity of the topic that the state was computed from. State of another origin (a topic that was deleted and
            made again) is thrown away, because its offsets mean nothing any more. So is state that nobody has used for
            `MAX_SLEEP_DAYS`, and state of another version of Bellwether's tables.

    Raises:
        StateError: if the file can't be opened, read or written (a full disk, missing rights, damage).
    """

    def __init__(self, path: Path, schema: str, origin: str, *, clock: Clock = utc_now) -> None:
        self.path = path
        self._schema, self._origin, self._clock = schema, origin, clock
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = self._opened(path)
            if self._is_of_another_topic(origin) or self._is_stale(clock):
                self.clear()
            else:
                self._make_tables()
        except (OSError, sqlite3.Error) as error:
            raise self._failure("could not be opened", error) from error

    def _is_of_another_topic(self, origin: str) -> bool:
        return self.get("origin", origin) != origin or self.get("schema", str(_SCHEMA_VERSION)) != str(_SCHEMA_VERSION)

    def _is_stale(self, clock: Clock) -> bool:
        """Whether the file has slept so long that tombstones it never saw may have been compacted away."""
        used_at = self.get("used_at", "")
        return bool(used_at) and clock() - parse_utc(used_at) > timedelta(days=MAX_SLEEP_DAYS)

    def clear(self) -> None:
        """Throws everything away and starts anew."""
        self.close()
        try:
            self.path.unlink()
            self._db = self._opened(self.path)
            self._make_tables()
        except (OSError, sqlite3.Error) as error:
            raise self._failure("could not be made anew", error) from error

    def _make_tables(self) -> None:
        self._db.executescript(self._schema)
        self.put("origin", self._origin)
        self.put("schema", str(_SCHEMA_VERSION))
        self.commit()

    @staticmethod
    def _opened(path: Path) -> sqlite3.Connection:
        db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # WAL: a commit is one append. synchronous=OFF: see the module's docstring.
        db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-16384;")
        db.execute("CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID")
        return db

    def _failure(self, what: str, error: Exception) -> StateError:
        return StateError(
            f"the local state {what}: {error}", where=str(self.path), expected="a readable and writable file with free disk space",
            todo="free disk space or rights; a damaged file may be deleted, it is rebuilt from Kafka",
        )  # fmt: skip

    def _run(self, sql: str, parameters: Sequence[object] = ()) -> sqlite3.Cursor:
        try:
            if not self._db.in_transaction:
                self._db.execute("BEGIN")
            return self._db.execute(sql, parameters)
        except sqlite3.Error as error:
            raise self._failure("could not be used", error) from error

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Rows of a SELECT; sees the pending changes."""
        return self._run(sql, parameters).fetchall()

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """One pending change."""
        self._run(sql, parameters)

    def execute_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """The same pending change for many rows."""
        try:
            if not self._db.in_transaction:
                self._db.execute("BEGIN")
            self._db.executemany(sql, rows)
        except sqlite3.Error as error:
            raise self._failure("could not be changed", error) from error

    def get(self, key: str, default: str) -> str:
        """A value of the meta data."""
        rows = self.query("SELECT value FROM meta WHERE key = ?", (key,))
        return str(rows[0][0]) if rows else default

    def put(self, key: str, value: str) -> None:
        """Sets a value of the meta data; pending until `commit`."""
        self.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))

    def commit(self) -> None:
        """Makes all pending changes durable against the death of the process."""
        self.put("used_at", format_utc(self._clock()))
        try:
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._failure("could not be committed", error) from error

    def rollback(self) -> None:
        """Drops all pending changes."""
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def close(self) -> None:
        """Drops pending changes and closes the file."""
        self.rollback()
        self._db.close()


class TopicState:
    """What a stage keeps of the records of one partition of a topic, and up to which offset it holds.

    Args:
        store: the local file.
    """

    def __init__(self, store: PartitionStore) -> None:
        self._store = store

    @property
    def applied_offset(self) -> int:
        """The offset up to which every record has been taken in."""
        return int(self._store.get("applied_offset", "0"))

    def set_applied_offset(self, offset: int) -> None:
        """Moves the offset; durable together with the rest."""
        self._store.put("applied_offset", str(offset))

    def commit(self) -> None:
        """Makes the pending changes durable."""
        self._store.commit()

    def close(self) -> None:
        """Drops the pending changes."""
        self._store.close()
