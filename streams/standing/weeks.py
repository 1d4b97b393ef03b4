"""The weekly counts of one partition of `trends`, upserted: stories by row and domain, the newest publication, the evidence.

Rows are small: 80 bytes of counts a pair's week, and the few articles that stand behind it in a table of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.labels import DOMAINS, LABELS
from streams.clock import week_name, week_number
from streams.errors import RecordError
from streams.records import ALL_DOMAINS, Count, Trend, decode, pair_key, trend_key
from streams.stage import InputRecord
from streams.standing.closing import newest_publication
from streams.state import PartitionStore, ReadTail, TopicState

SCHEMA = """
CREATE TABLE IF NOT EXISTS weeks (
    pair TEXT NOT NULL, week INTEGER NOT NULL, latest TEXT NOT NULL, counts BLOB NOT NULL, PRIMARY KEY (pair, week)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS newest ON weeks (latest);
CREATE TABLE IF NOT EXISTS evidence (
    pair TEXT NOT NULL, week INTEGER NOT NULL, articles BLOB NOT NULL, PRIMARY KEY (pair, week)
) WITHOUT ROWID;
"""
SERIES_DOMAINS: tuple[str, ...] = (ALL_DOMAINS, *DOMAINS)
#: Of a week: exposure first, then each label; by domain, `all` first.
WEEK_SHAPE = (1 + len(LABELS), len(SERIES_DOMAINS))
TITLE_CHARS = 200
_COUNTS = np.dtype("<u4")

Counts = NDArray[np.uint32]


class KnownArticle(msgspec.Struct, frozen=True, array_like=True):
    """One article behind a label of a pair's week."""

    label: str
    article_id: str
    title: str
    url: str
    outlet: str
    probability: float


@dataclass(slots=True)
class Changes:
    """What records changed.

    Attributes:
        counts: pair -> the oldest week (its number) whose counts changed.
        pairs: every pair of which anything changed.
        bad: (record, why) of those that are no `Trend`.
    """

    counts: dict[str, int] = field(default_factory=dict)
    pairs: set[str] = field(default_factory=set)
    bad: list[tuple[InputRecord, RecordError]] = field(default_factory=list)

    def note(self, pair: str, week: int, *, of_counts: bool) -> None:
        """Takes a changed week in."""
        self.pairs.add(pair)
        if of_counts:
            self.counts[pair] = min(week, self.counts.get(pair, week))


class WeekStore(TopicState):
    """The weeks of one partition.

    Args:
        store: the local file, made with `SCHEMA`.
        read_trends: reads `trends` of this partition from an offset to its end. What a store has missed while others had its
            partition is taken in at once: a pair that is not there afterwards is not on `trends` either.
    """

    def __init__(self, store: PartitionStore, read_trends: ReadTail) -> None:
        super().__init__(store)
        self.not_trends: list[tuple[InputRecord, RecordError]] = []
        for chunk in read_trends(self.applied_offset):
            self.not_trends += self.apply(chunk).bad
            self.set_applied_offset(chunk[-1].offset + 1)
            self._store.commit()

    def apply(self, records: Iterable[InputRecord]) -> Changes:
        """Puts each record in the place of the one of its key before it."""
        changes = Changes()
        for record in records:
            try:
                self._apply(record, changes)
            except RecordError as error:
                changes.bad.append((record, error))
        return changes

    def _apply(self, record: InputRecord, changes: Changes) -> None:
        pair, week = _read_key(record.key)
        trend = None if record.value is None else decode(Trend, record.value, reason="not-a-trend")
        if trend is not None and trend_key(pair_key(trend.source, trend.partner), trend.week) != record.key:
            raise RecordError(
                "the key and the value name different weeks", reason="not-a-trend", expected=f"{pair}|{week_name(week)}"
            )
        new = None if trend is None else (newest_publication(trend.week, trend.latest), _pack(trend))
        old = self._store.query("SELECT latest, counts FROM weeks WHERE pair = ? AND week = ?", (pair, week))
        if new is None:
            self._store.execute("DELETE FROM weeks WHERE pair = ? AND week = ?", (pair, week))
        elif not old or old[0] != new:
            self._store.execute(
                "INSERT OR REPLACE INTO weeks (pair, week, latest, counts) VALUES (?, ?, ?, ?)", (pair, week, *new)
            )
        if (old[0][1] if old else None) != (new[1] if new else None):
            changes.note(pair, week, of_counts=True)
        self._put_evidence(pair, week, trend, changes)

    def _put_evidence(self, pair: str, week: int, trend: Trend | None, changes: Changes) -> None:
        articles = _known_articles(trend) if trend else []
        packed = msgspec.json.encode(articles) if articles else b""
        old = self._store.query("SELECT articles FROM evidence WHERE pair = ? AND week = ?", (pair, week))
        if (old[0][0] if old else b"") == packed:
            return
        changes.note(pair, week, of_counts=False)
        if packed:
            self._store.execute("INSERT OR REPLACE INTO evidence (pair, week, articles) VALUES (?, ?, ?)", (pair, week, packed))
        else:
            self._store.execute("DELETE FROM evidence WHERE pair = ? AND week = ?", (pair, week))

    def watermark(self) -> str:
        """The newest publication of any week; empty when nothing stands."""
        (newest,) = self._store.query("SELECT MAX(latest) FROM weeks")[0]
        return str(newest) if newest is not None else ""

    def pairs(self) -> set[str]:
        """Every pair with a week."""
        return {str(pair) for (pair,) in self._store.query("SELECT DISTINCT pair FROM weeks")}

    def first_week(self, pair: str) -> int | None:
        """The number of a pair's first week."""
        (first,) = self._store.query("SELECT MIN(week) FROM weeks WHERE pair = ?", (pair,))[0]
        return None if first is None else int(str(first))

    def newest_week(self, pair: str) -> int | None:
        """The number of a pair's newest week."""
        (newest,) = self._store.query("SELECT MAX(week) FROM weeks WHERE pair = ?", (pair,))[0]
        return None if newest is None else int(str(newest))

    def counts(self, pair: str, first: int, last: int) -> Counts:
        """Stories of the weeks `first` to `last`: `(weeks, *WEEK_SHAPE)`; zero where nothing stands."""
        counts = np.zeros((max(0, last - first + 1), *WEEK_SHAPE), np.uint32)
        rows = self._store.query("SELECT week, counts FROM weeks WHERE pair = ? AND week BETWEEN ? AND ?", (pair, first, last))
        if rows:
            at = np.array([week for week, _ in rows], np.int64) - first
            joined = b"".join(bytes(packed) for _, packed in rows)  # type: ignore[call-overload]
            counts[at] = np.frombuffer(joined, _COUNTS).reshape(len(rows), *WEEK_SHAPE)
        return counts

    def articles(self, pair: str, first: int, last: int) -> list[tuple[int, KnownArticle]]:
        """(week, article) of the weeks `first` to `last`, by week."""
        sql = "SELECT week, articles FROM evidence WHERE pair = ? AND week BETWEEN ? AND ? ORDER BY week"
        rows = self._store.query(sql, (pair, first, last))
        return [
            (int(str(week)), article)
            for week, packed in rows
            for article in msgspec.json.decode(bytes(packed), type=list[KnownArticle])  # type: ignore[call-overload]
        ]


def _read_key(key: bytes | None) -> tuple[str, int]:
    pair, bar, week = (key or b"").decode("utf-8", "replace").partition("|")
    try:
        if bar and "-" in pair:
            return pair, week_number(week)
    except ValueError:
        pass
    raise RecordError(f"not the key of a pair's week: {(key or b'')[:80]!r}", reason="not-a-trend", expected="BLR-RUS|2017-W31")


def _pack(trend: Trend) -> bytes:
    """Stories, `WEEK_SHAPE` numbers of 4 bytes. Labels and domains that this version does not know are left out."""
    none = Count()
    rows: Sequence[dict[str, Count]] = (trend.exposure, *(trend.counts.get(label, {}) for label in LABELS))
    stories = [[by_domain.get(domain, none).stories for domain in SERIES_DOMAINS] for by_domain in rows]
    try:
        return np.array(stories, _COUNTS).tobytes()
    except OverflowError as error:
        raise RecordError(f"a count is out of range: {error}", reason="not-a-trend", expected="0 to 4,294,967,295") from error


def _known_articles(trend: Trend) -> list[KnownArticle]:
    return [
        KnownArticle(label, item.article_id, item.title[:TITLE_CHARS], item.url, item.outlet, item.probability)
        for label in LABELS
        for item in trend.evidence.get(label, ())
    ]
