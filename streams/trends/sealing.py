"""Sealed weeks: a fact of long ago, reduced to what counting needs, on a topic that TRENDS alone writes.

A *sealed* fact is one that has been read back from the topic `sealed`: only then may the long record go, here and on `signals`.
What stands on `sealed` and what is left of `signals` give, together, every fact; each knows the offset that it had on `signals`,
so that the newer of two is told by comparing numbers, whoever wrote when. See docs/adr/0008.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby

from streams.clock import week_name, week_number
from streams.errors import RecordError
from streams.records import LabelFact, SealedFact, SealedText, Signal, Sketch, decode, encode, split_fact_key
from streams.stage import InputRecord
from streams.state import PartitionStore, ReadTail

FactKey = tuple[str, str]


def seal(fact: Signal, offset: int, *, cited: bool) -> SealedFact:
    """The reduced fact; its text stays where it is `cited` as evidence of its week."""
    sketch = fact.sketch
    return SealedFact(
        source=fact.source, partner=fact.partner, article_id=fact.article_id, published=fact.published, week=fact.week,
        story_id=fact.story_id, domains=fact.domains, labels={label: found.probability for label, found in fact.labels.items()},
        offset=offset, text=_text(fact) if cited else None,
        sketch=None if sketch is None else (sketch.title, sketch.lead, sketch.whole, sketch.numbers), dated=fact.dated,
    )  # fmt: skip


def _text(fact: Signal) -> SealedText:
    told = {label: (found.evidence, found.terms) for label, found in fact.labels.items()}
    return SealedText(
        title=fact.title, outlet=fact.outlet, url=fact.url, told=told, origin=fact.origin, corrected=fact.corrected
    )  # fmt: skip


def unseal(sealed: SealedFact) -> Signal:
    """The fact again, with empty text where it has gone: it counts as before, and is no evidence."""
    text = sealed.text or SealedText(title="", outlet="", url="", told={})
    labels = {
        label: LabelFact(
            probability=probability, evidence=text.told.get(label, ("", []))[0], terms=text.told.get(label, ("", []))[1]
        )
        for label, probability in sealed.labels.items()
    }
    return Signal(
        source=sealed.source, partner=sealed.partner, article_id=sealed.article_id, published=sealed.published, week=sealed.week,
        story_id=sealed.story_id, domains=sealed.domains, labels=labels, title=text.title, outlet=text.outlet, url=text.url, model="",
        origin=text.origin, corrected=text.corrected,
        sketch=None if sealed.sketch is None else _sketch(*sealed.sketch), dated=sealed.dated,
    )  # fmt: skip


def _sketch(title: bytes, lead: bytes, whole: bytes, numbers: bytes) -> Sketch:
    return Sketch(title=title, lead=lead, whole=whole, numbers=numbers)


def is_reduced(value: bytes) -> bool:
    """Whether a stored value is a `SealedFact` (an array), not a `Signal` (an object)."""
    return value[:1] == b"["


def as_fact(value: bytes) -> Signal:
    """The fact of a stored value of either form."""
    return unseal(decode(SealedFact, value)) if is_reduced(value) else decode(Signal, value)


class Seals:
    """What of a partition's facts is sealed.

    Args:
        store: the local file, made with `streams.trends.facts.SCHEMA`.
        read_sealed: reads `sealed` of this partition from an offset to its end.
    """

    def __init__(self, store: PartitionStore, read_sealed: ReadTail) -> None:
        self._store = store
        self._read = read_sealed

    def read_back(self, applied_offset: int) -> tuple[set[tuple[str, str]], set[FactKey]]:
        """Takes in what has come onto `sealed`, written here or by whoever had the partition before.

        Args:
            applied_offset: up to where `signals` has been applied.

        Returns:
            The (pair, week) of facts that came from there and were not known here; and the keys of what stands there though it was
            taken back: they need a tombstone.
        """
        changed: set[tuple[str, str]] = set()
        left_over: set[FactKey] = set()
        for chunk in self._read(int(self._store.get("sealed_offset", "0"))):
            for record in chunk:
                self._take_in(record, applied_offset, changed, left_over)
            self._store.put("sealed_offset", str(chunk[-1].offset + 1))
        return changed, left_over

    def _take_in(self, record: InputRecord, applied_offset: int, changed: set[tuple[str, str]], left_over: set[FactKey]) -> None:
        try:
            pair, article = split_fact_key(record.key or b"")
            sealed = None if record.value is None else decode(SealedFact, record.value, reason="not-a-signal")
        except RecordError:
            # Nobody else writes here; what a newer version left stays on `signals` or is sealed again.
            return
        rows = self._store.query("SELECT week, offset, sealed FROM facts WHERE pair = ? AND article = ?", (pair, article))
        known = int(str(rows[0][1])) if rows else -1
        if sealed is None:
            left_over.discard((pair, article))
            # What is sealed here is what was taken back. The tombstone on `signals` that says so may have been given up.
            changed |= {(pair, str(week)) for week, _, is_sealed in rows if is_sealed}
            self._store.execute("DELETE FROM facts WHERE pair = ? AND article = ? AND sealed = 1", (pair, article))
            return
        if sealed.offset == known or (sealed.offset > known and sealed.offset >= applied_offset):
            self._put(pair, article, sealed, record.value or b"")
            if sealed.offset > known:
                changed |= {(pair, sealed.week), *((pair, str(week)) for week, _, _ in rows)}
            return
        if not rows:
            left_over.add((pair, article))
        # What stands there is not this fact.
        self._store.execute("UPDATE facts SET sealed = 0 WHERE pair = ? AND article = ? AND sealed = 1", (pair, article))

    def _put(self, pair: str, article: str, sealed: SealedFact, value: bytes) -> None:
        self._store.execute(
            "INSERT OR REPLACE INTO facts (pair, article, week, story, labelled, offset, sealed, value) VALUES (?, ?, ?, ?, ?, ?, 1, ?)",
            (pair, article, sealed.week, sealed.story_id, int(bool(sealed.labels)), sealed.offset, value),
        )

    def boundary(self, after_weeks: int) -> str:
        """The newest week that is to be sealed; empty without any fact."""
        newest = self._store.query("SELECT MAX(week) FROM facts WHERE sealed = 0")[0][0]
        return "" if newest is None else week_name(max(0, week_number(str(newest)) - after_weeks))

    def waiting(self, after_weeks: int, at_most: int) -> int:
        """Facts that wait to be sealed, counted no further than `at_most`."""
        sql = "SELECT COUNT(*) FROM (SELECT 1 FROM facts WHERE sealed = 0 AND week <= ? LIMIT ?)"
        return int(str(self._store.query(sql, (self.boundary(after_weeks), at_most))[0][0]))

    def next_values(self, after_weeks: int, at_most: int, cited: Callable[[str, str], set[str]]) -> list[tuple[FactKey, bytes]]:
        """Key and value of the next facts to write to `sealed`, the oldest weeks first.

        Args:
            cited: (pair, week) -> the articles whose text its evidence needs.
        """
        sql = "SELECT week, pair, article, offset, value FROM facts WHERE sealed = 0 AND week <= ? ORDER BY week LIMIT ?"
        rows = sorted(self._store.query(sql, (self.boundary(after_weeks), at_most)), key=lambda row: row[:3])
        found: list[tuple[FactKey, bytes]] = []
        for (week, pair), group in groupby(rows, key=lambda row: (str(row[0]), str(row[1]))):
            needed = cited(pair, week)
            for _, _, article, offset, stored in group:
                value = bytes(stored)  # type: ignore[call-overload]
                if not is_reduced(value):
                    value = encode(seal(decode(Signal, value), int(str(offset)), cited=str(article) in needed))
                found.append(((pair, str(article)), value))
        return found

    def needed_from(self, applied_offset: int) -> int:
        """The offset from which `signals` is still needed: every fact before it is sealed, or was taken back."""
        oldest = self._store.query("SELECT MIN(offset) FROM facts WHERE sealed = 0")[0][0]
        return applied_offset if oldest is None else min(applied_offset, int(str(oldest)))
