"""THE facts: at most one for each (directed pair, article), upserted; everything counted is a function of them.

Replaying, repeating or re-ordering records changes nothing, and an edit takes the old fact's place. Facts of weeks of long ago
are reduced (`streams/trends/sealing.py`). What must be told of a change is *due*: noted in the same transaction, and forgotten only
when it has been written, so that a process that dies in between leaves the debt to the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from streams.clock import week_number
from streams.errors import RecordError
from streams.records import Signal, decode, pair_key, split_fact_key
from streams.stage import InputRecord
from streams.state import PartitionStore, ReadTail, TopicState, nothing_to_read
from streams.trends.sealing import FactKey, Seals, as_fact

SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (
    pair TEXT NOT NULL, article TEXT NOT NULL, week TEXT NOT NULL, story TEXT NOT NULL, labelled INTEGER NOT NULL,
    offset INTEGER NOT NULL, sealed INTEGER NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (pair, article)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS facts_of_week ON facts (pair, week);
CREATE INDEX IF NOT EXISTS labelled_weeks ON facts (pair, week) WHERE labelled = 1;
CREATE INDEX IF NOT EXISTS unsealed ON facts (week, offset) WHERE sealed = 0;
CREATE TABLE IF NOT EXISTS shown (pair TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS due_weeks (pair TEXT NOT NULL, week TEXT NOT NULL, PRIMARY KEY (pair, week)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS due_tombstones (pair TEXT NOT NULL, article TEXT NOT NULL, PRIMARY KEY (pair, article)) WITHOUT ROWID;
"""


class Cell(NamedTuple):
    """One pair's week: what must be counted again when a fact in it changes."""

    pair: str
    week: str


@dataclass(slots=True)
class Changes:
    """What records changed.

    Attributes:
        cells: the cells whose facts changed.
        taken_back: the keys of facts that are no more.
        bad: (record, why) of those that are no facts.
    """

    cells: set[Cell] = field(default_factory=set)
    taken_back: set[FactKey] = field(default_factory=set)
    bad: list[tuple[InputRecord, RecordError]] = field(default_factory=list)


class FactStore(TopicState):
    """The facts of one partition of `signals`.

    A store that is opened takes in all that it has missed at once, before any week is counted. Another owner may have been ahead: weeks as they
    were would stand behind its later ones, and stay if this owner dies before it has caught up. And the topic may be compacted, so that
    nothing in it tells of weeks that stand on `trends` although all their facts have moved since. `standing` does.

    Args:
        store: the local file, made with `SCHEMA`.
        read_facts: reads `signals` of this partition from an offset to its end.
        read_standing: the (pair, week) of every record that stands on `trends` and belongs to this partition.
        read_sealed: reads `sealed` of this partition from an offset to its end.
        first_offset: of what is left of `signals`. A store that ends before it has missed what others have sealed, and starts anew.
    """

    def __init__(
        self, store: PartitionStore, read_facts: ReadTail, read_standing: Callable[[], set[Cell]],
        read_sealed: ReadTail = nothing_to_read, first_offset: Callable[[], int] = lambda: 0,
    ) -> None:  # fmt: skip
        super().__init__(store)
        self._read_standing = read_standing
        self.seals = Seals(store, read_sealed)
        self.not_facts: list[tuple[InputRecord, RecordError]] = []
        if self.applied_offset < first_offset():
            store.clear()
        # What others have sealed, ahead of the facts that this store is behind by: those are then known to be old.
        self.read_back()
        self._catch_up(read_facts)

    @property
    def is_whole(self) -> bool:
        """Whether `trends` has been brought in line with these facts since something was missed."""
        return self._store.get("whole", "no") == "yes"

    def set_whole(self) -> None:
        """Notes that it has; durable together with the rest."""
        self._store.put("whole", "yes")

    def standing(self) -> set[Cell]:
        """Every cell that has a record on `trends`."""
        return self._read_standing()

    def _catch_up(self, read: ReadTail) -> None:
        for chunk in read(self.applied_offset):
            changes, shown = self.upsert(chunk), self.shown()
            self.not_facts += changes.bad
            self.set_due((cell for cell in changes.cells if cell.pair in shown), changes.taken_back)
            self._store.put("whole", "no")
            self.set_applied_offset(chunk[-1].offset + 1)
            self._store.commit()

    def read_back(self) -> None:
        """Takes in what has come onto `sealed` since; what follows from it is due."""
        changed, left_over = self.seals.read_back(self.applied_offset)
        shown = self.shown()
        self.set_due((Cell(*cell) for cell in changed if cell[0] in shown), left_over)

    def upsert(self, records: Iterable[InputRecord]) -> Changes:
        """Applies records in order; one that is older than what is known of its fact changes nothing."""
        changes = Changes()
        for record in records:
            try:
                self._apply(record, changes)
            except RecordError as error:
                changes.bad.append((record, error))
        return changes

    def _apply(self, record: InputRecord, changes: Changes) -> None:
        pair, article = split_fact_key(record.key or b"")
        fact = None if record.value is None else _read_fact(record.value, pair, article)
        old = self._store.query("SELECT week, offset, value FROM facts WHERE pair = ? AND article = ?", (pair, article))
        if old and int(str(old[0][1])) >= record.offset:
            return
        if old and old[0][2] == record.value:
            sql = "UPDATE facts SET offset = ?, sealed = 0 WHERE pair = ? AND article = ?"
            self._store.execute(sql, (record.offset, pair, article))
            return
        changes.cells |= {Cell(pair, str(week)) for week, _, _ in old}
        if fact is not None:
            self._put(pair, fact, record)
            changes.cells.add(Cell(pair, fact.week))
        elif old:
            self._store.execute("DELETE FROM facts WHERE pair = ? AND article = ?", (pair, article))
            changes.taken_back.add((pair, article))

    def _put(self, pair: str, fact: Signal, record: InputRecord) -> None:
        self._store.execute(
            "INSERT OR REPLACE INTO facts (pair, article, week, story, labelled, offset, sealed, value) VALUES (?, ?, ?, ?, ?, ?, 0, ?)",
            (pair, fact.article_id, fact.week, fact.story_id, int(bool(fact.labels)), record.offset, record.value),
        )

    def facts_of(self, cell: Cell) -> list[Signal]:
        """The facts of a cell, by article id."""
        rows = self._store.query("SELECT value FROM facts WHERE pair = ? AND week = ? ORDER BY article", cell)
        return [_as_known_fact(value) for (value,) in rows]

    def facts(self) -> Iterator[Signal]:
        """Every fact, by pair, week and article."""
        cells = self._store.query("SELECT DISTINCT pair, week FROM facts ORDER BY pair, week")
        for pair, week in cells:
            yield from self.facts_of(Cell(str(pair), str(week)))

    def cells_of(self, pair: str) -> set[Cell]:
        """Every cell of a pair that has a fact."""
        return {Cell(pair, str(week)) for (week,) in self._store.query("SELECT DISTINCT week FROM facts WHERE pair = ?", (pair,))}

    def labelled_articles(self, pair: str, at_most: int) -> int:
        """Articles of a pair that carry a signal, counted no further than `at_most`."""
        sql = "SELECT COUNT(*) FROM (SELECT 1 FROM facts WHERE pair = ? AND labelled = 1 LIMIT ?)"
        return int(str(self._store.query(sql, (pair, at_most))[0][0]))

    def labelled_cells(self, pair: str, at_most: int) -> list[Cell]:
        """The newest cells of a pair that have an article with a signal."""
        sql = "SELECT DISTINCT week FROM facts WHERE pair = ? AND labelled = 1 ORDER BY week DESC LIMIT ?"
        return [Cell(pair, str(week)) for (week,) in self._store.query(sql, (pair, at_most))]

    def pairs_with_labels(self, at_least: int) -> set[str]:
        """Pairs with at least so many articles that carry a signal."""
        sql = "SELECT pair FROM facts WHERE labelled = 1 GROUP BY pair HAVING COUNT(*) >= ?"
        return {str(pair) for (pair,) in self._store.query(sql, (at_least,))}

    def shown(self) -> set[str]:
        """The pairs whose weeks stand on `trends`."""
        return {str(pair) for (pair,) in self._store.query("SELECT pair FROM shown")}

    def set_shown(self, pair: str, *, is_shown: bool) -> None:
        """Notes that a pair's weeks stand on `trends`, or no longer do."""
        sql = "INSERT OR REPLACE INTO shown (pair) VALUES (?)" if is_shown else "DELETE FROM shown WHERE pair = ?"
        self._store.execute(sql, (pair,))

    def set_due(self, cells: Iterable[Cell], taken_back: Iterable[FactKey]) -> None:
        """Notes cells that must be told again, and keys of `sealed` that need a tombstone."""
        self._store.execute_many("INSERT OR IGNORE INTO due_weeks (pair, week) VALUES (?, ?)", cells)
        self._store.execute_many("INSERT OR IGNORE INTO due_tombstones (pair, article) VALUES (?, ?)", taken_back)

    def due_cells(self, at_most: int) -> list[Cell]:
        """The next cells that must be told."""
        return [Cell(str(p), str(w)) for p, w in self._store.query("SELECT pair, week FROM due_weeks LIMIT ?", (at_most,))]

    def due_tombstones(self, at_most: int) -> list[FactKey]:
        """The next keys of `sealed` that need a tombstone."""
        return [(str(p), str(a)) for p, a in self._store.query("SELECT pair, article FROM due_tombstones LIMIT ?", (at_most,))]

    def settle(self, cells: Iterable[Cell], taken_back: Iterable[FactKey]) -> None:
        """Forgets what was due and has been written; pending until `commit`."""
        self._store.execute_many("DELETE FROM due_weeks WHERE pair = ? AND week = ?", cells)
        self._store.execute_many("DELETE FROM due_tombstones WHERE pair = ? AND article = ?", taken_back)


@lru_cache(maxsize=8_192)
def _as_known_fact(value: bytes) -> Signal:
    # A week is counted again for each fact that comes, and reading the others anew takes longer than counting. 3 kB each.
    return as_fact(value)


def _read_fact(value: bytes, pair: str, article: str) -> Signal:
    fact = decode(Signal, value, reason="not-a-signal")
    if (pair_key(fact.source, fact.partner), fact.article_id) != (pair, article):
        raise RecordError("the key and the value name different facts", reason="not-a-signal", expected=f"{pair}|{article}")
    try:
        week_number(fact.week)
    except ValueError as error:
        raise RecordError(f"not an ISO week: {fact.week[:20]!r}", reason="not-a-signal", expected="2017-W31") from error
    return fact
