"""Local state of one stage's partition: a SQLite file whose changes become durable together, or not at all.

What goes in: rows, and the offset up to which they hold. What it does not do: replicate. A lost file is rebuilt from Kafka,
which is why nothing here is synced to disk at each commit: the death of the process loses nothing, and the loss of power is
a lost file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

from streams.errors import StateError

_SCHEMA_VERSION = 1


class PartitionStore:
    """Key-value meta data plus the tables of one stage, in one file, in one transaction at a time.

    Args:
        path: the file; its folder is made.
        schema: `CREATE TABLE IF NOT EXISTS ...` statements of the stage.
        origin: identity of the topic that the state was computed from. State of another origin (a topic that was deleted and
            made again) is thrown away, because its offsets mean nothing any more.

    Raises:
        StateError: if the file can't be opened, read or written (a full disk, missing rights, damage).
    """

    def __init__(self, path: Path, schema: str, origin: str) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = self._opened(path, schema)
            if self.get("origin", "") not in ("", origin) or self.get("schema", "") not in ("", str(_SCHEMA_VERSION)):
                self._db.close()
                path.unlink()
                self._db = self._opened(path, schema)
            self.put("origin", origin)
            self.put("schema", str(_SCHEMA_VERSION))
            self.commit()
        except (OSError, sqlite3.Error) as error:
            raise self._failure("could not be opened", error) from error

    @staticmethod
    def _opened(path: Path, schema: str) -> sqlite3.Connection:
        db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # WAL: a commit is one append. synchronous=OFF: see the module's docstring.
        db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-16384;")
        db.executescript("CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;" + schema)
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
        try:
            if self._db.in_transaction:
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
