"""TRENDS: facts in; the absolute state of each pair's week out.

What comes in: records of `signals`. What goes out: `trends`, one record for each week in which a fact changed, of the pairs that
are shown: the watched ones, and those with enough stories that carry a signal. What it does not do: keep increments anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from streams.clock import Clock, format_utc, utc_now
from streams.errors import RecordError
from streams.records import DEAD_LETTER_CONTENT_CHARS, DeadLetter, DeadLetterReason, encode, trend_key
from streams.stage import Batch, InputRecord, Output, Outputs
from streams.trends.facts import Cell, FactStore
from streams.trends.windows import count_week
from streams.watchlist import Watchlist

INPUT, TRENDS, DEAD_LETTERS = "signals", "trends", "dead-letters"


class TrendsStage:
    """The stage over its facts. See `streams.stage.Stage` for the contract.

    Args:
        watchlist: which pairs are shown.
        open_facts: opens the facts of a partition.
    """

    name = "trends"

    def __init__(self, watchlist: Watchlist, open_facts: Callable[[int], FactStore], *, clock: Clock = utc_now) -> None:
        self._watchlist = watchlist
        self._open_facts = open_facts
        self._clock = clock
        self._facts: dict[int, FactStore] = {}

    def open(self, partition: int) -> int | None:
        """Opens the facts; reading goes on where they end, so that a lost disk is rebuilt from `signals` itself."""
        self.close(partition)
        self._facts[partition] = self._open_facts(partition)
        return self._facts[partition].applied_offset

    def close(self, partition: int) -> None:
        """Closes the facts."""
        if partition in self._facts:
            self._facts.pop(partition).close()

    def commit(self, partition: int) -> None:
        """Makes the facts durable."""
        self._facts[partition].commit()

    def refresh(self, partition: int) -> Outputs:
        """Weeks of pairs that the watchlist shows since it was changed, and tombstones of those that it no longer shows."""
        facts = self._facts[partition]
        shown = facts.shown()
        wanted = facts.pairs_with_labels(self._watchlist.discover_min_stories) | (self._watchlist.keys & self._pairs_here(facts))
        outputs = self._show(facts, wanted - shown) + self._hide(facts, shown - wanted)
        if not facts.is_whole:
            outputs += self._clear(facts)
            outputs += [self._bury(f"{INPUT}/{partition}", record, error) for record, error in facts.not_facts]
            facts.set_whole()
        return Outputs([outputs])

    def process(self, batch: Batch) -> Outputs:
        """Applies the facts, and counts again each week in which one changed."""
        facts = self._facts[batch.partition]
        dirty, bad = facts.upsert(batch.records)
        outputs = self._update_shown(facts, dirty)
        shown = facts.shown()
        done = {output.key for output in outputs}
        for cell in sorted(dirty, key=lambda cell: (cell.pair, cell.week)):
            if cell.pair in shown and trend_key(cell.pair, cell.week) not in done:
                outputs.append(self._count(facts, cell))
        by_offset = {record.offset: record for record in batch.records}
        outputs += [self._bury(f"{batch.topic}/{batch.partition}", by_offset[offset], error) for offset, error in bad]
        facts.set_applied_offset(batch.next_offset)
        return Outputs([outputs])

    def _pairs_here(self, facts: FactStore) -> set[str]:
        return {pair for pair in self._watchlist.keys if facts.cells_of(pair)}

    def _update_shown(self, facts: FactStore, dirty: set[Cell]) -> list[Output]:
        shown = facts.shown()
        touched = {cell.pair for cell in dirty}
        wanted = {pair for pair in touched if self._is_wanted(facts, pair)}
        return self._show(facts, wanted - shown) + self._hide(facts, (touched & shown) - wanted, dirty)

    def _is_wanted(self, facts: FactStore, pair: str) -> bool:
        if pair in self._watchlist.keys:
            return True
        enough = self._watchlist.discover_min_stories
        return facts.labelled_stories(pair, enough) >= enough

    def _show(self, facts: FactStore, pairs: Iterable[str]) -> list[Output]:
        outputs = []
        for pair in sorted(pairs):
            facts.set_shown(pair, is_shown=True)
            outputs += [self._count(facts, cell) for cell in sorted(facts.cells_of(pair), key=lambda cell: cell.week)]
        return outputs

    def _hide(self, facts: FactStore, pairs: Iterable[str], dirty: Iterable[Cell] = ()) -> list[Output]:
        outputs = []
        for pair in sorted(pairs):
            facts.set_shown(pair, is_shown=False)
            # A week whose last fact was just taken back is among the dirty cells alone, and stands on `trends` all the same.
            weeks = sorted({cell.week for cell in facts.cells_of(pair)} | {cell.week for cell in dirty if cell.pair == pair})
            outputs += [Output(TRENDS, trend_key(pair, week), None, pair.encode()) for week in weeks]
        return outputs

    def _count(self, facts: FactStore, cell: Cell) -> Output:
        found = facts.facts_of(cell)
        value = encode(count_week(cell.pair, cell.week, found)) if found else None
        return Output(TRENDS, trend_key(cell.pair, cell.week), value, cell.pair.encode())

    def _clear(self, facts: FactStore) -> list[Output]:
        """Tombstones of what stands on `trends` without a fact behind it."""
        kept = {cell for pair in facts.shown() for cell in facts.cells_of(pair)}
        stale = sorted(facts.standing() - kept, key=lambda cell: (cell.pair, cell.week))
        return [Output(TRENDS, trend_key(cell.pair, cell.week), None, cell.pair.encode()) for cell in stale]

    def _bury(self, place: str, record: InputRecord, error: RecordError) -> Output:
        reason: DeadLetterReason = error.reason  # type: ignore[assignment]
        where = f"{place}/{record.offset}"
        content = record.value or b""
        letter = DeadLetter(
            reason=reason, where=where, detail=error.what, content=content.decode("utf-8", "replace")[:DEAD_LETTER_CONTENT_CHARS],
            at=format_utc(self._clock()),
        )  # fmt: skip
        return Output(DEAD_LETTERS, where.encode(), encode(letter))
