"""THE facts: at most one for each (directed pair, article), upserted; everything counted is a function of them.

Replaying, repeating or re-ordering records changes nothing, and an edit takes the old fact's place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from streams.errors import RecordError
from streams.records import Signal, decode, pair_key, split_fact_key
from streams.stage import InputRecord
from streams.state import PartitionStore

SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (
    pair TEXT NOT NULL, article TEXT NOT NULL, week TEXT NOT NULL, story TEXT NOT NULL, labelled INTEGER NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (pair, article)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS facts_of_week ON facts (pair, week);
CREATE INDEX IF NOT EXISTS labelled_stories ON facts (pair, story) WHERE labelled = 1;
CREATE TABLE IF NOT EXISTS shown (pair TEXT PRIMARY KEY) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Cell:
    """One pair's week: what must be counted again when a fact in it changes."""

    pair: str
    week: str


ReadTail = Callable[[int], Iterable[list[InputRecord]]]
NotFacts = list[tuple[InputRecord, RecordError]]


class FactStore:
    """The facts of one partition of `signals`.

    A store on a new disk takes every fact in at once, before any week is counted: the topic may be compacted, and then nothing in it
    tells of weeks that stand on `trends` although all their facts have moved since. `standing` does.

    Args:
        store: the local file, made with `SCHEMA`.
        read_facts: reads `signals` of this partition from an offset to its end.
        read_standing: the (pair, week) of every record that stands on `trends` and belongs to this partition.
    """

    def __init__(self, store: PartitionStore, read_facts: ReadTail, read_standing: Callable[[], set[Cell]]) -> None:
        self._store = store
        self._read_standing = read_standing
        self.not_facts: NotFacts = []
        if not self.is_whole:
            self._rebuild(read_facts)

    @property
    def is_whole(self) -> bool:
        """Whether `trends` has been brought in line with these facts once."""
        return self._store.get("whole", "no") == "yes"

    def set_whole(self) -> None:
        """Notes that it has; durable together with the rest."""
        self._store.put("whole", "yes")

    def standing(self) -> set[Cell]:
        """Every cell that has a record on `trends`."""
        return self._read_standing()

    def _rebuild(self, read: ReadTail) -> None:
        for chunk in read(self.applied_offset):
            by_offset = {record.offset: record for record in chunk}
            _, bad = self.upsert(chunk)
            self.not_facts += [(by_offset[offset], error) for offset, error in bad]
            self.set_applied_offset(chunk[-1].offset + 1)
            self._store.commit()

    @property
    def applied_offset(self) -> int:
        """The offset up to which the facts hold every record."""
        return int(self._store.get("applied_offset", "0"))

    def set_applied_offset(self, offset: int) -> None:
        """Moves the offset; durable together with the facts."""
        self._store.put("applied_offset", str(offset))

    def upsert(self, records: Iterable[InputRecord]) -> tuple[set[Cell], list[tuple[int, RecordError]]]:
        """Applies records in order.

        Returns:
            The cells whose facts changed, and the offset and error of each record that is no fact.
        """
        dirty: set[Cell] = set()
        bad: list[tuple[int, RecordError]] = []
        for record in records:
            try:
                dirty |= self._apply(record)
            except RecordError as error:
                bad.append((record.offset, error))
        return dirty, bad

    def _apply(self, record: InputRecord) -> set[Cell]:
        pair, article = split_fact_key(record.key or b"")
        fact = None if record.value is None else decode(Signal, record.value, reason="not-a-signal")
        if fact is not None and (pair_key(fact.source, fact.partner), fact.article_id) != (pair, article):
            raise RecordError("the key and the value name different facts", reason="not-a-signal", expected=f"{pair}|{article}")
        old = self._store.query("SELECT week, value FROM facts WHERE pair = ? AND article = ?", (pair, article))
        if old and fact is not None and old[0][1] == record.value:
            return set()
        dirty = {Cell(pair, str(old[0][0]))} if old else set()
        if fact is None:
            self._store.execute("DELETE FROM facts WHERE pair = ? AND article = ?", (pair, article))
            return dirty
        self._store.execute(
            "INSERT OR REPLACE INTO facts (pair, article, week, story, labelled, value) VALUES (?, ?, ?, ?, ?, ?)",
            (pair, article, fact.week, fact.story_id, int(bool(fact.labels)), record.value),
        )
        return dirty | {Cell(pair, fact.week)}

    def facts_of(self, cell: Cell) -> list[Signal]:
        """The facts of a cell, by article id."""
        rows = self._store.query("SELECT value FROM facts WHERE pair = ? AND week = ? ORDER BY article", (cell.pair, cell.week))
        return [decode(Signal, bytes(value)) for (value,) in rows]  # type: ignore[call-overload]

    def cells_of(self, pair: str) -> set[Cell]:
        """Every cell of a pair that has a fact."""
        return {Cell(pair, str(week)) for (week,) in self._store.query("SELECT DISTINCT week FROM facts WHERE pair = ?", (pair,))}

    def labelled_stories(self, pair: str, at_most: int) -> int:
        """Stories of a pair that carry a signal, counted no further than `at_most`."""
        sql = "SELECT COUNT(*) FROM (SELECT DISTINCT story FROM facts WHERE pair = ? AND labelled = 1 LIMIT ?)"
        return int(str(self._store.query(sql, (pair, at_most))[0][0]))

    def pairs_with_labels(self, at_least: int) -> set[str]:
        """Pairs with at least so many stories that carry a signal."""
        sql = "SELECT pair FROM facts WHERE labelled = 1 GROUP BY pair HAVING COUNT(DISTINCT story) >= ?"
        return {str(pair) for (pair,) in self._store.query(sql, (at_least,))}

    def shown(self) -> set[str]:
        """The pairs whose weeks stand on `trends`."""
        return {str(pair) for (pair,) in self._store.query("SELECT pair FROM shown")}

    def set_shown(self, pair: str, *, is_shown: bool) -> None:
        """Notes that a pair's weeks stand on `trends`, or no longer do."""
        sql = "INSERT OR REPLACE INTO shown (pair) VALUES (?)" if is_shown else "DELETE FROM shown WHERE pair = ?"
        self._store.execute(sql, (pair,))

    def commit(self) -> None:
        """Makes the pending changes durable."""
        self._store.commit()

    def close(self) -> None:
        """Drops the pending changes."""
        self._store.close()
