"""TRENDS: facts in; the absolute state of each pair's week out.

What comes in: records of `signals`. What goes out: `trends`, one record for each week in which a fact changed, of the pairs that
are shown: the watched ones, and those with enough stories that carry a signal; and `sealed`, facts of weeks of long ago reduced to
what counting needs. What it does not do: keep increments anywhere.

Facts are made durable before their weeks are written, together with what is due. Sealing is postponed: it waits for a quiet moment,
or for half a minute at the longest, and then goes in rounds of bounded length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from streams.clock import Clock, format_utc, monotonic_seconds, utc_now
from streams.errors import RecordError
from streams.records import encode, fact_key, home_key, refused, split_pair, trend_key
from streams.stage import Batch, InputRecord, Output, Outputs, Pace
from streams.trends.facts import Cell, FactStore
from streams.trends.sealing import FactKey
from streams.trends.stories import StoryMemo
from streams.trends.windows import EVIDENCE_PER_LABEL, count_week
from streams.watchlist import Watchlist

INPUT, TRENDS, SEALED, DEAD_LETTERS = "signals", "trends", "sealed", "dead-letters"
#: Facts sealed, and cells told that are due without a batch, in one round.
ROUND_FACTS, ROUND_CELLS = 1_000, 20_000
MOST_CELLS_REMEMBERED = 50_000


@dataclass(slots=True)
class _Partition:
    """One partition: its facts, and what the outputs in work settle.

    Attributes:
        labelled: stories with a signal of the cells that were looked at, until a fact of theirs changes.
    """

    facts: FactStore
    pace: Pace
    is_checked: bool = False
    trimmed: int = 0
    labelled: dict[Cell, int] = field(default_factory=dict)
    told: list[Cell] = field(default_factory=list)
    buried: list[FactKey] = field(default_factory=list)


class TrendsStage:
    """The stage over its facts. See `streams.stage.Postponing` for the contract.

    Args:
        watchlist: which pairs are shown.
        open_facts: opens the facts of a partition.
        seal_after_weeks: facts of weeks so far behind the partition's newest one are sealed.
        trim: (partition, offset) -> gives up what is before the offset on `signals`.
        trim_step: so many offsets are given up at once, or none.
        seconds: a clock for the pauses.
    """

    name = "trends"

    def __init__(
        self, watchlist: Watchlist, open_facts: Callable[[int], FactStore], *, seal_after_weeks: int = 26,
        trim: Callable[[int, int], None] = lambda _partition, _offset: None, trim_step: int = 2_000,
        clock: Clock = utc_now, seconds: Callable[[], float] = monotonic_seconds,
    ) -> None:  # fmt: skip
        self._watchlist = watchlist
        self._open_facts = open_facts
        self._seal_after = seal_after_weeks
        self._trim = trim
        self._trim_step = trim_step
        self._clock = clock
        self._seconds = seconds
        self._partitions: dict[int, _Partition] = {}
        self._stories = StoryMemo()

    def open(self, partition: int) -> int | None:
        """Opens the facts; reading goes on where they end, so that a lost disk is rebuilt from `sealed` and `signals` themselves."""
        self.close(partition)
        facts = self._open_facts(partition)
        self._partitions[partition] = _Partition(facts, Pace(heard_at=self._seconds(), worked_at=self._seconds()))
        return facts.applied_offset

    def close(self, partition: int) -> None:
        """Closes the facts."""
        if partition in self._partitions:
            self._partitions.pop(partition).facts.close()

    def commit(self, partition: int) -> None:
        """Makes the facts durable, and forgets what was due and is written now."""
        here = self._partitions[partition]
        here.facts.settle(here.told, here.buried)
        here.told, here.buried = [], []
        here.facts.commit()

    def process(self, batch: Batch) -> Outputs:
        """Applies the facts, and counts again each week in which one changed."""
        here = self._partitions[batch.partition]
        here.pace.heard_at = self._seconds()
        changes = here.facts.upsert(batch.records)
        for cell in changes.cells:
            here.labelled.pop(cell, None)
        cells = self._cells_to_tell(here, changes.cells)
        here.facts.set_due(cells, changes.taken_back)
        here.facts.commit()
        outputs = self._tell(here, cells, changes.taken_back)
        outputs += [self._bury(f"{batch.topic}/{batch.partition}", record, error) for record, error in changes.bad]
        here.facts.set_applied_offset(batch.next_offset)
        return Outputs([outputs])

    def is_due(self, partition: int) -> bool:
        """Whether something is to be told without a batch, or facts are to be sealed."""
        here = self._partitions[partition]
        return bool(here.facts.due_cells(1) or here.facts.due_tombstones(1)) or self._seals_now(here)

    def waiting(self, partition: int) -> int:
        """Facts that wait to be sealed, at most `ROUND_FACTS`: more are not counted."""
        return self._partitions[partition].facts.seals.waiting(self._seal_after, ROUND_FACTS)

    def _seals_now(self, here: _Partition) -> bool:
        return here.pace.allows(self._seconds()) and here.facts.seals.waiting(self._seal_after, 1) > 0

    def refresh(self, partition: int) -> Outputs:
        """One round of what is due: weeks that the watchlist shows since it was changed, tombstones of those that it no longer
        shows, what an earlier process has left to tell, and facts to seal.
        """
        here = self._partitions[partition]
        outputs: list[Output] = []
        if not here.is_checked:
            outputs = self._check(partition, here)
        seals_now = self._seals_now(here)
        if seals_now:
            here.facts.read_back()
            here.facts.commit()
            here.labelled.clear()
            self._give_up(partition, here)
        outputs += self._tell(here, here.facts.due_cells(ROUND_CELLS), here.facts.due_tombstones(ROUND_CELLS))
        if seals_now:
            outputs += self._seal(here)
        return Outputs([outputs])

    def _check(self, partition: int, here: _Partition) -> list[Output]:
        """Holds what is shown against the watchlist, and what stands on `trends` against the facts of a disk that was new or behind.

        Another owner may have shown a pair and died before it hid it again, or the other way round. Who takes in from an older disk what
        was missed meets both changes at once, and sees no change at all.
        """
        facts = here.facts
        here.is_checked = True
        shown = facts.shown()
        discovered = {
            pair for pair in facts.pairs_with_labels(self._watchlist.discover_min_stories) if self._is_wanted(here, pair)
        }
        wanted = discovered | (self._watchlist.keys & self._pairs_here(facts))
        cells = self._show(facts, wanted - shown) | self._hide(facts, shown - wanted)
        outputs = []
        if not facts.is_whole:
            cells |= facts.standing() ^ {cell for pair in facts.shown() for cell in facts.cells_of(pair)}
            outputs = [self._bury(f"{INPUT}/{partition}", record, error) for record, error in facts.not_facts]
        facts.set_due(cells, ())
        facts.commit()
        facts.set_whole()
        return outputs

    def _pairs_here(self, facts: FactStore) -> set[str]:
        return {pair for pair in self._watchlist.keys if facts.cells_of(pair)}

    def _cells_to_tell(self, here: _Partition, dirty: set[Cell]) -> set[Cell]:
        """What changes on `trends` because of the dirty cells: themselves, where their pair is shown, and all of a pair that is shown
        or hidden from now on.
        """
        facts = here.facts
        shown = facts.shown()
        touched = {cell.pair for cell in dirty}
        wanted = {pair for pair in touched if self._is_wanted(here, pair)}
        stand = {cell for cell in dirty if cell.pair in shown or cell.pair in wanted}
        return stand | self._show(facts, wanted - shown) | self._hide(facts, (touched & shown) - wanted)

    def _is_wanted(self, here: _Partition, pair: str) -> bool:
        """Whether a pair is watched, or has enough stories with a signal, those of each week for themselves."""
        if pair in self._watchlist.keys:
            return True
        enough, stories = self._watchlist.discover_min_stories, 0
        if here.facts.labelled_articles(pair, enough) < enough:
            return False
        for cell in here.facts.labelled_cells(pair, enough):
            stories += self._labelled_stories(here, cell)
            if stories >= enough:
                return True
        return False

    def _labelled_stories(self, here: _Partition, cell: Cell) -> int:
        if cell not in here.labelled:
            if len(here.labelled) >= MOST_CELLS_REMEMBERED:
                here.labelled.clear()
            facts = here.facts.facts_of(cell)
            stories = self._stories.ids_of(cell.pair, cell.week, facts)
            here.labelled[cell] = len({stories[fact.article_id] for fact in facts if fact.labels})
        return here.labelled[cell]

    @staticmethod
    def _show(facts: FactStore, pairs: Iterable[str]) -> set[Cell]:
        cells: set[Cell] = set()
        for pair in pairs:
            facts.set_shown(pair, is_shown=True)
            cells |= facts.cells_of(pair)
        return cells

    @staticmethod
    def _hide(facts: FactStore, pairs: Iterable[str]) -> set[Cell]:
        cells: set[Cell] = set()
        for pair in pairs:
            facts.set_shown(pair, is_shown=False)
            cells |= facts.cells_of(pair)
        return cells

    def _tell(self, here: _Partition, cells: Iterable[Cell], taken_back: Iterable[FactKey]) -> list[Output]:
        """The records of cells as they are now, and the tombstones of facts on `sealed`; settled by `commit`."""
        here.told, here.buried = sorted(cells), sorted(taken_back)
        shown = here.facts.shown()
        outputs = [self._count(here.facts, cell, is_shown=cell.pair in shown) for cell in here.told]
        return outputs + [_sealed(key, None) for key in here.buried]

    def _count(self, facts: FactStore, cell: Cell, *, is_shown: bool) -> Output:
        found = facts.facts_of(cell) if is_shown else []
        value = encode(count_week(cell.pair, cell.week, found, self._stories)) if found else None
        return Output(TRENDS, trend_key(cell.pair, cell.week), value, cell.pair.encode())

    def _seal(self, here: _Partition) -> list[Output]:
        """The next facts to seal. They are sealed once they have been read back, in the next round."""
        here.pace.worked_at = self._seconds()

        def cited(pair: str, week: str) -> set[str]:
            found = here.facts.facts_of(Cell(pair, week))
            labelled = {fact.article_id for fact in found if fact.labels}
            if len(labelled) <= EVIDENCE_PER_LABEL:
                return labelled
            trend = count_week(pair, week, found, self._stories)
            return {item.article_id for items in trend.evidence.values() for item in items}

        return [_sealed(key, value) for key, value in here.facts.seals.next_values(self._seal_after, ROUND_FACTS, cited)]

    def _give_up(self, partition: int, here: _Partition) -> None:
        """Gives up what is sealed wholly and read back, in large steps."""
        needed_from = here.facts.seals.needed_from(here.facts.applied_offset)
        if needed_from - here.trimmed >= self._trim_step and not here.facts.due_tombstones(1):
            self._trim(partition, needed_from)
            here.trimmed = needed_from

    def _bury(self, place: str, record: InputRecord, error: RecordError) -> Output:
        where = f"{place}/{record.offset}"
        letter = refused(error, where=where, content=record.value or b"", at=format_utc(self._clock()))
        return Output(DEAD_LETTERS, where.encode(), encode(letter))


def _sealed(key: FactKey, value: bytes | None) -> Output:
    pair, article = key
    return Output(SEALED, fact_key(pair, article), value, home_key(*split_pair(pair)))
