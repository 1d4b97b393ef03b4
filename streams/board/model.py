"""What stands on `trends`, `breaks` and `progress`, in memory: counts and evidence of every pair's week, how its series stand, progress.

What comes in: keys and values of records, from the replay's thread. What goes out: numbers, to the web's thread; `reading()` holds
the model still for as long as one answer needs it. No Kafka here.

Bounds: a pair's week costs about 150 bytes of counts (`trends` holds the watched pairs and those over the watchlist's threshold, at
most one record for each of their weeks), and all evidence together at most `EVIDENCE_BYTES`.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from streams.board.counts import SHAPE, STORIES, Counts, pack_counts, unpack_counts
from streams.board.evidence import EVIDENCE_BYTES, ByLabel, EvidenceStore, pack
from streams.board.feed_table import FeedTable
from streams.board.said import SaidTable
from streams.board.standings import Series, Standings
from streams.board.weeks import week_number
from streams.errors import RecordError
from streams.records import Progress, Trend, TrendStanding, decode, pair_key, trend_key
from streams.watchlist import Watchlist

# Codes are those of ISO 3166-1 and of blocs, which may be as long as COUNCILOFEUROPE or hold a digit, as G7 does.
_KEY = re.compile(r"([A-Z][A-Z0-9]{1,19})-([A-Z][A-Z0-9]{1,19})\|(\d{4}-W\d{2})")


@dataclass(slots=True)
class PairState:
    """One pair: packed counts by week number, the newest of them, their sum over all weeks, the revision of the last change.

    `labelled` is how many stories carry a signal, once for each signal.
    """

    weeks: dict[int, bytes] = field(default_factory=dict)
    newest: int = -1
    totals: Counts = field(default_factory=lambda: np.zeros(SHAPE, np.int64))
    labelled: int = 0
    revision: int = 0

    def replace(self, old: bytes, new: bytes) -> None:
        """Puts the packed counts of a week in the place of those before, in the sums."""
        self.totals = self.totals + unpack_counts([new])[0] - unpack_counts([old])[0]
        self.labelled = int(self.totals[1:, 0, STORIES].sum())


@dataclass(frozen=True, slots=True)
class Totals:
    """What became of the articles, over all partitions; `forgotten` are those that were erased, which had been read before."""

    classified: int
    duplicates: int
    dead_letters: int
    forgotten: int = 0

    @property
    def read(self) -> int:
        """Articles read, whatever became of them."""
        return self.classified + self.duplicates + self.dead_letters


class BoardModel:
    """The state behind every page.

    Args:
        watchlist: the pairs that are always shown, and how many others may be.
        evidence_bytes: how much packed evidence is kept.
        false_break_share: how many of the breaks reported together may be expected to be false.
    """

    def __init__(self, watchlist: Watchlist, *, evidence_bytes: int = EVIDENCE_BYTES, false_break_share: float = 0.2) -> None:
        self.watchlist = watchlist
        self._false_break_share = false_break_share
        self._evidence_bytes = evidence_bytes
        self._lock = threading.RLock()
        self.revision = self.standing_revision = 0
        self.feeds = FeedTable()
        self.said = SaidTable()
        self._start()

    def _start(self) -> None:
        self._pairs = {pair.key: PairState(revision=self.revision) for pair in self.watchlist.pairs}
        self._evidence = EvidenceStore(self.watchlist.keys, self._evidence_bytes)
        self._standings = Standings()
        self._reported: set[tuple[str, Series]] | None = None
        self._progress: dict[int, Progress] = {}
        self._shown: tuple[str, ...] = ()
        self._members: frozenset[str] = frozenset()
        self._shown_is_old = True
        self.standing_revision += 1

    def clear(self) -> None:
        """Forgets everything: the topics were made anew."""
        with self._lock:
            self.revision += 1
            self.feeds.clear()
            self.said.clear()
            self._start()

    def apply_trend(self, key: bytes | None, value: bytes | None) -> None:
        """Puts a record of `trends` in the place of the one before it; a value of None removes the week.

        Raises:
            RecordError: if it is no such record; nothing is changed.
        """
        pair, week = _read_key(key)
        if value is None:
            counts, evidence = b"", b""
        else:
            trend = decode(Trend, value)
            if trend_key(pair_key(trend.source, trend.partner), trend.week) != key:
                raise RecordError("the key and the value name different weeks", reason="not-an-article", where=str(key))
            counts, evidence = pack_counts(trend), pack(trend.evidence)
        with self._lock:
            self._replace(pair, week, counts, evidence)

    def apply_standing(self, key: bytes | None, value: bytes | None) -> None:
        """Puts a record of `breaks` in the place of the one before it; a value of None removes it.

        Raises:
            RecordError: if it is no such record; nothing is changed.
        """
        with self._lock:
            pair = self._standings.apply(key, value)
            if pair is None:
                return
            self.revision += 1
            self.standing_revision += 1
            self._reported = None
            if pair in self._pairs:
                self._pairs[pair].revision = self.revision

    def _replace(self, pair: str, week: int, counts: bytes, evidence: bytes) -> None:
        state = self._pairs.get(pair) or PairState()
        old = state.weeks.pop(week, b"")
        if counts:
            state.weeks[week] = counts
            state.newest = max(state.newest, week)
        elif week == state.newest:
            state.newest = max(state.weeks, default=-1)
        evidence_before = self._evidence.get(pair, week)
        self._evidence.put(pair, week, evidence)
        if counts == old and self._evidence.get(pair, week) == evidence_before:
            return
        state.replace(old, counts)
        self.revision += 1
        state.revision = self.revision
        self._shown_is_old = True
        if state.weeks or pair in self.watchlist.keys:
            self._pairs[pair] = state
        else:
            self._pairs.pop(pair, None)

    def apply_progress(self, key: bytes | None, value: bytes | None) -> None:
        """Puts a record of `progress` in the place of the one of the same partition; a value of None removes it.

        Raises:
            RecordError: if it is no such record; nothing is changed.
        """
        record = None if value is None else decode(Progress, value)
        partition = str(record.partition) if record else (key or b"").decode("utf-8", "replace")
        if not partition.isdecimal():
            raise RecordError(f"not the key of a partition's progress: {partition[:40]!r}", reason="not-an-article")
        with self._lock:
            if self._progress.get(int(partition)) == record:
                return
            self.revision += 1
            if record is None:
                self._progress.pop(int(partition), None)
            else:
                self._progress[int(partition)] = record

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Holds the model still; for as short as one answer takes."""
        with self._lock:
            yield

    def pairs_held(self) -> list[str]:
        """Every pair that has a week, or is watched, in the order of its key."""
        with self._lock:
            return sorted(self._pairs)

    def pairs_shown(self) -> tuple[str, ...]:
        """The watched pairs in the watchlist's order, then those with most stories that carry a signal, ties by key."""
        with self._lock:
            if self._shown_is_old:
                others = sorted((-state.labelled, pair) for pair, state in self._pairs.items() if pair not in self.watchlist.keys)
                found = [pair for _, pair in others[: self.watchlist.discover_max_pairs]]
                shown = (*(pair.key for pair in self.watchlist.pairs), *found)
                self._shown, self._shown_is_old = shown, False
                if self._members != (members := frozenset(shown)):
                    # Which breaks are reported depends on which pairs are looked at together.
                    self._members, self._reported = members, None
            return self._shown

    def members_shown(self) -> frozenset[str]:
        """The shown pairs, whatever their order: it changes with every count, they seldom do."""
        with self._lock:
            self.pairs_shown()
            return self._members

    def standings(self, pair: str) -> dict[Series, TrendStanding]:
        """How each series of a pair stands, by signal and domain; those without a closed week are missing."""
        with self._lock:
            return dict(self._standings.of(pair))

    def reported(self) -> set[tuple[str, Series]]:
        """The active breaks of the shown pairs that are reported when all are looked at together."""
        with self._lock:
            members = self.members_shown()
            if self._reported is None:
                self._reported = self._standings.reported(sorted(members), self._false_break_share)
            return self._reported

    @property
    def false_break_share(self) -> float:
        """How many of the breaks reported together may be expected to be false, 0 to 1."""
        return self._false_break_share

    def pairs_left_out(self) -> int:
        """How many pairs have a week on `trends` but are not shown."""
        with self._lock:
            return len(self._pairs) - len(self.pairs_shown())

    def window(self, pair: str, last: int, weeks: int) -> Counts:
        """Counts of the weeks up to `last`: `(weeks, row, domain, stories or articles)`, oldest first; zero where nothing stands."""
        with self._lock:
            state = self._pairs.get(pair)
            held = state.weeks if state else {}
            return unpack_counts([held.get(week, b"") for week in range(last - weeks + 1, last + 1)])

    def totals(self, pair: str) -> Counts:
        """Sums over all weeks of a pair: `(row, domain, stories or articles)`."""
        with self._lock:
            state = self._pairs.get(pair)
            return state.totals if state else np.zeros(SHAPE, np.int64)

    def weeks(self, pair: str) -> list[int]:
        """Numbers of the weeks that stand on `trends`, oldest first."""
        with self._lock:
            state = self._pairs.get(pair)
            return sorted(state.weeks) if state else []

    def newest_week(self, pair: str) -> int:
        """The newest week of a pair; -1 when it has none."""
        with self._lock:
            state = self._pairs.get(pair)
            return state.newest if state else -1

    def changed_since(self, revision: int) -> list[str]:
        """Shown pairs that changed after `revision`, in the order in which they are shown."""
        with self._lock:
            return [pair for pair in self.pairs_shown() if self._pairs[pair].revision > revision]

    def pair_revision(self, pair: str) -> int:
        """The revision of a pair's last change; 0 when it never changed."""
        with self._lock:
            state = self._pairs.get(pair)
            return state.revision if state else 0

    def articles(self) -> Totals:
        """What became of the articles."""
        with self._lock:
            parts = self._progress.values()
            return Totals(
                sum(part.classified for part in parts), sum(part.duplicates for part in parts), sum(part.dead_letters for part in parts),
                sum(part.forgotten for part in parts),
            )  # fmt: skip

    def progress(self) -> list[Progress]:
        """The progress of each partition, in its order."""
        with self._lock:
            return [self._progress[number] for number in sorted(self._progress)]

    def evidence(self, pair: str, until: int, weeks: int) -> list[tuple[int, ByLabel]]:
        """(week, evidence by label) of the newest `weeks` weeks that have any, up to `until`; newest first."""
        with self._lock:
            return list(islice(self._evidence.read(pair, until), weeks))

    def pairs_with_newest_evidence(self, until: int, at_most: int) -> list[str]:
        """The shown pairs whose evidence up to `until` is newest; ties in the order in which pairs are shown."""
        with self._lock:
            rank = {pair: number for number, pair in enumerate(self.pairs_shown())}
            weeks = self._evidence.newest_weeks(until, rank, at_most)
            return sorted(weeks, key=lambda pair: (-weeks[pair], rank[pair]))[:at_most]

    def evidence_floor(self, pair: str) -> int:
        """The week before which evidence of the pair had to go; 0 when none had to."""
        with self._lock:
            return self._evidence.floor(pair)

    @property
    def evidence_size(self) -> int:
        """Bytes of evidence, as it is kept."""
        with self._lock:
            return self._evidence.size


def _read_key(key: bytes | None) -> tuple[str, int]:
    match = _KEY.fullmatch((key or b"").decode("utf-8", "replace"))
    try:
        if match:
            return f"{match[1]}-{match[2]}", week_number(match[3])
    except ValueError:
        pass
    raise RecordError(
        f"not the key of a pair's week: {(key or b'')[:80]!r}", reason="not-an-article", expected="BLR-RUS|2017-W31"
    )
