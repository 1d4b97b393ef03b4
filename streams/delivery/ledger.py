"""What was delivered, in SQLite: a row is `sent` only after the target has acknowledged, and durable before the next one is tried.

A row is `begun` before anything is sent. Found so after a crash, nobody knows whether the target took it: it is sent again with the same
key. So a bulletin comes at least once, and a second time only if the process died between the acknowledgement and the ledger.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from streams.clock import format_utc, parse_utc, week_number
from streams.errors import StateError

SCHEMA_VERSION = 1
#: Figures that are kept of the weeks last told to a target, to say what late news has changed since.
TOLD_WEEKS = 8
#: The pause after a failure doubles from the first to the longest; after so many tries (about three days) it is given up.
FIRST_PAUSE, LONGEST_PAUSE, MOST_TRIES = timedelta(minutes=1), timedelta(hours=6), 20
#: States in which nothing more is done.
FINISHED = ("sent", "refused", "given-up")
_TABLES = """
CREATE TABLE IF NOT EXISTS deliveries (
    target TEXT NOT NULL, recipient TEXT NOT NULL, week TEXT NOT NULL, printing INTEGER NOT NULL,
    state TEXT NOT NULL, tries INTEGER NOT NULL, at TEXT NOT NULL, next_at TEXT NOT NULL, problem TEXT NOT NULL,
    PRIMARY KEY (target, recipient, week, printing)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS told (target TEXT NOT NULL, week TEXT NOT NULL, figures BLOB NOT NULL, PRIMARY KEY (target, week)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One delivery. `state` is `begun`, `waiting` (it failed, and is tried again at `next_at`) or one of `FINISHED`; `at` is its last change."""

    target: str
    recipient: str
    week: str
    printing: int
    state: str = "begun"
    tries: int = 0
    at: str = ""
    next_at: str = ""
    problem: str = ""

    @property
    def is_finished(self) -> bool:
        """Whether nothing more is done."""
        return self.state in FINISHED

    def is_waiting_at(self, now: datetime) -> bool:
        """Whether its pause is not over."""
        return self.state == "waiting" and parse_utc(self.next_at) > now


class Ledger:
    """The database; one process at a time writes to it (see `streams.delivery.rounds`).

    Args:
        path: the file; its folder is made.

    Raises:
        StateError: if it can't be opened, read or written, here and in every method.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._faults():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=10.0, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            # A delivery that is lost with the power would be repeated: each row is synced.
            self._db.execute("PRAGMA synchronous=FULL")
            version = int(self._db.execute("PRAGMA user_version").fetchone()[0])
            if version > SCHEMA_VERSION:
                raise StateError(
                    "the ledger of deliveries is of a newer version", where=str(path), expected=f"version {SCHEMA_VERSION}",
                    todo="install the newer Bellwether again",
                )  # fmt: skip
            self._db.executescript(_TABLES)
            self._db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    def entries(self, target: str = "", recipient: str | None = None) -> list[Entry]:
        """All deliveries (of a target, to a recipient), by week, target, recipient and printing."""
        with self._faults():
            rows = self._db.execute(
                "SELECT target, recipient, week, printing, state, tries, at, next_at, problem FROM deliveries"
                " WHERE ?1 IN ('', target) AND (?2 IS NULL OR recipient = ?2)", (target, recipient),
            ).fetchall()  # fmt: skip
        return sorted((Entry(*row) for row in rows), key=lambda one: (one.week, one.target, one.recipient, one.printing))

    def last_printings(self, target: str, recipient: str) -> dict[int, Entry]:
        """Number of a week -> the last printing of it for a recipient."""
        return {week_number(one.week): one for one in self.entries(target, recipient)}

    def begin(self, entry: Entry, now: datetime) -> Entry:
        """Notes that a delivery is about to be tried."""
        return self._write(entry, "begun", now, tries=entry.tries + 1)

    def sent(self, entry: Entry, now: datetime, figures: bytes) -> Entry:
        """Notes an acknowledgement, and what the target was told."""
        with self._faults(), self._transaction():
            new = self._write(entry, "sent", now, tries=entry.tries)
            self._db.execute("INSERT OR REPLACE INTO told VALUES (?, ?, ?)", (entry.target, entry.week, figures))
            self._db.execute(
                "DELETE FROM told WHERE target = ?1 AND week NOT IN (SELECT week FROM told WHERE target = ?1 ORDER BY week DESC LIMIT ?2)",
                (entry.target, TOLD_WEEKS),
            )  # fmt: skip
        return new

    def failed(self, entry: Entry, now: datetime, problem: str, *, is_final: bool) -> Entry:
        """Notes a failure, and when it is tried again, if it is."""
        state = "refused" if is_final else "given-up" if entry.tries >= MOST_TRIES else "waiting"
        pause = min(FIRST_PAUSE * 2 ** min(entry.tries - 1, 20), LONGEST_PAUSE)
        next_at = format_utc(now + pause) if state == "waiting" else ""
        return self._write(entry, state, now, tries=entry.tries, next_at=next_at, problem=problem)

    def told_before(self, target: str, week: str) -> bytes | None:
        """The figures (a bulletin's JSON) of the week that the target was told last before `week`; None where there is none."""
        with self._faults():
            row = self._db.execute(
                "SELECT figures FROM told WHERE target = ? AND week < ? ORDER BY week DESC LIMIT 1", (target, week)
            ).fetchone()
        return bytes(row[0]) if row else None

    def _write(
        self, entry: Entry, state: str, now: datetime, *, tries: int, next_at: str = "", problem: str = ""
    ) -> Entry:  # fmt: skip
        new = Entry(entry.target, entry.recipient, entry.week, entry.printing, state, tries, format_utc(now), next_at, problem)
        values = (new.target, new.recipient, new.week, new.printing, new.state, new.tries, new.at, new.next_at, new.problem)
        with self._faults():
            self._db.execute("INSERT OR REPLACE INTO deliveries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        return new

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StateError(
                f"the ledger of deliveries can't be used: {error}", where=str(self._path), expected="a file that this user may write to",
                todo="free the disk or mend the rights; a damaged file may be moved away, and the newest week is sent again then",
            ) from error  # fmt: skip
