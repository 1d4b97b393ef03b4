"""BREAKS: weekly counts in; how each series stands, and all of its breaks, out.

What comes in: records of `trends`, absolute values. What goes out: `breaks`, one record for each pair, signal and domain, when it differs
from the one that stands there: a function of the weeks that stand on `trends`, so that repeating, re-ordering or losing work changes
nothing in the end. What it does not do: raise an alarm for a running week, or choose among pairs (`streams/selection.py` does).

A batch only takes the weeks in; judging them is *postponed*. An archive brings years in minutes, and each of its weeks closes one;
judged at each closing, a day's work would be done for standings that the next batch replaces. So pairs are judged, in rounds of
bounded length, when the input has been quiet for a moment, or when they have waited for long. What waits is not stored: a
partition that is taken over is judged whole, and what stands on `breaks` already is not sent again.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from streams.clock import Clock, format_utc, monotonic_seconds, utc_now
from streams.errors import RecordError
from streams.records import encode, refused, standing_key
from streams.stage import Batch, InputRecord, Output, Outputs, Pace
from streams.standing.closing import NONE_CLOSED, last_closed_week
from streams.standing.judging import standings_of
from streams.standing.pair import PairWatch
from streams.standing.weeks import WeekStore

INPUT, BREAKS, DEAD_LETTERS = "trends", "breaks", "dead-letters"
#: A round ends with the first pair that reaches this: short enough for the next batch not to wait.
ROUND_SECONDS, BUSY_ROUND_SECONDS = 0.25, 3.0
#: Detector states held in memory (16 kB each); pairs judged longest ago are let go, and are stepped from their first week when asked for.
MOST_STATES = 6_000
#: Running weeks that an early word looks at.
RUNNING_WEEKS = 3


@dataclass(slots=True)
class _Partition:
    """One partition: its weeks, what stands on `breaks` (digests by pair and key), and which pairs wait since when."""

    weeks: WeekStore
    said: dict[str, dict[bytes, bytes]]
    pace: Pace
    closed: int = NONE_CLOSED
    waiting: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def wait(self, pairs: Iterable[str]) -> None:
        for pair in sorted(pairs):
            self.waiting.setdefault(pair)

    def close_weeks(self, lateness: timedelta) -> None:
        """Every pair waits when a week has closed (or was opened again by an edit)."""
        closed = last_closed_week(self.weeks.watermark(), lateness)
        if closed != self.closed:
            self.closed = closed
            self.wait(self.weeks.pairs())


class BreaksStage:
    """The stage over its weeks. See `streams.stage.Postponing` for the contract.

    Args:
        open_weeks: opens the weeks of a partition, up to the end of `trends`.
        read_said: key and value of every record that stands on `breaks` in a partition.
        lateness: how long after its end a week closes.
        seconds: a clock for the pauses and the length of rounds.
    """

    name = "breaks"

    def __init__(
        self, open_weeks: Callable[[int], WeekStore], read_said: Callable[[int], Iterable[tuple[bytes, bytes]]], lateness: timedelta,
        *, clock: Clock = utc_now, seconds: Callable[[], float] = monotonic_seconds,
    ) -> None:  # fmt: skip
        self._open_weeks = open_weeks
        self._read_said = read_said
        self._lateness = lateness
        self._clock = clock
        self._seconds = seconds
        self._partitions: dict[int, _Partition] = {}
        self._watches: OrderedDict[tuple[int, str], PairWatch] = OrderedDict()
        self._buried: dict[int, list[Output]] = {}

    def open(self, partition: int) -> int | None:
        """Opens the weeks; every pair waits to be judged, and so does every pair of which something stands on `breaks`."""
        self.close(partition)
        weeks = self._open_weeks(partition)
        said: dict[str, dict[bytes, bytes]] = {}
        for key, value in self._read_said(partition):
            said.setdefault(_pair_of(key), {})[key] = _digest(value)
        opened = self._partitions[partition] = _Partition(weeks, said, Pace(heard_at=float("-inf"), worked_at=self._seconds()))
        opened.closed = last_closed_week(weeks.watermark(), self._lateness)
        opened.wait(weeks.pairs() | set(said))
        self._buried[partition] = self._bury(f"{INPUT}/{partition}", weeks.not_trends)
        return weeks.applied_offset

    def close(self, partition: int) -> None:
        """Closes the weeks and forgets the detectors."""
        if partition in self._partitions:
            self._partitions.pop(partition).weeks.close()
        for key in [key for key in self._watches if key[0] == partition]:
            del self._watches[key]

    def commit(self, partition: int) -> None:
        """Makes the weeks durable."""
        self._partitions[partition].weeks.commit()

    def process(self, batch: Batch) -> Outputs:
        """Takes the weeks in; judging is left to `refresh`."""
        here = self._partitions[batch.partition]
        changes = here.weeks.apply(batch.records)
        here.weeks.set_applied_offset(batch.next_offset)
        for pair, week in changes.counts.items():
            self._take_back(batch.partition, pair, week)
        if not here.waiting:
            here.pace.worked_at = self._seconds()
        here.wait(changes.pairs)
        here.close_weeks(self._lateness)
        here.pace.heard_at = self._seconds()
        return Outputs([self._bury(f"{batch.topic}/{batch.partition}", changes.bad)])

    def _take_back(self, partition: int, pair: str, week: int) -> None:
        watch = self._watches.get((partition, pair))
        if watch is None:
            return
        if week < watch.first or week == watch.first:
            del self._watches[partition, pair]
        else:
            watch.rewind(week)

    def waiting(self, partition: int) -> int:
        """How many pairs wait to be judged."""
        return len(self._partitions[partition].waiting)

    def is_due(self, partition: int) -> bool:
        """Whether pairs wait, and the input is quiet or they have waited for long."""
        here = self._partitions[partition]
        return bool(here.waiting) and here.pace.allows(self._seconds())

    def refresh(self, partition: int) -> Outputs:
        """One round: judges the pairs that wait, the longest waiting first, for a bounded time, at least one of them."""
        here = self._partitions[partition]
        now = self._seconds()
        end = now + (ROUND_SECONDS if here.pace.is_quiet(now) else BUSY_ROUND_SECONDS)
        outputs = self._buried.pop(partition, [])
        while here.waiting:
            pair, _ = here.waiting.popitem(last=False)
            outputs += self._say(here, pair, self._judge(partition, here, pair))
            if self._seconds() >= end:
                break
        here.pace.worked_at = self._seconds()
        return Outputs([outputs])

    def _judge(self, partition: int, here: _Partition, pair: str) -> dict[bytes, bytes]:
        """Key and value of each record of a pair, as it has to stand; empty without a closed week."""
        first, newest = here.weeks.first_week(pair), here.weeks.newest_week(pair)
        if first is None or newest is None or first > here.closed:
            self._watches.pop((partition, pair), None)
            return {}
        watch = self._watch(partition, pair, first)
        watch.rewind(here.closed + 1)
        if watch.next_week <= here.closed:
            watch.extend(here.weeks.counts(pair, watch.next_week, here.closed))
        running = here.weeks.counts(pair, here.closed + 1, min(newest, here.closed + RUNNING_WEEKS))
        records = standings_of(pair, watch, running, lambda start, end: here.weeks.articles(pair, start, end))
        found = {standing_key(pair, record.signal, record.domain): encode(record) for record in records}
        self._let_go()
        return found

    def _watch(self, partition: int, pair: str, first: int) -> PairWatch:
        key = (partition, pair)
        watch = self._watches.get(key)
        if watch is None or watch.first != first:
            watch = self._watches[key] = PairWatch(first)
        self._watches.move_to_end(key)
        return watch

    def _let_go(self) -> None:
        held = sum(watch.cost for watch in self._watches.values())
        while held > MOST_STATES and len(self._watches) > 1:
            _, watch = self._watches.popitem(last=False)
            held -= watch.cost

    def _say(self, here: _Partition, pair: str, found: dict[bytes, bytes]) -> list[Output]:
        """What differs from what stands on `breaks`; tombstones of what has to go."""
        said = here.said.get(pair, {})
        outputs = [Output(BREAKS, key, value, pair.encode()) for key, value in found.items() if said.get(key) != _digest(value)]
        outputs += [Output(BREAKS, key, None, pair.encode()) for key in sorted(said.keys() - found.keys())]
        here.said[pair] = {key: _digest(value) for key, value in found.items()}
        if not found:
            del here.said[pair]
        return outputs

    def _bury(self, place: str, bad: Iterable[tuple[InputRecord, RecordError]]) -> list[Output]:
        outputs = []
        for record, error in bad:
            where = f"{place}/{record.offset}"
            letter = refused(error, where=where, content=record.value or b"", at=format_utc(self._clock()))
            outputs.append(Output(DEAD_LETTERS, where.encode(), encode(letter)))
        return outputs


def _pair_of(key: bytes) -> str:
    return key.decode("utf-8", "replace").partition("|")[0]


def _digest(value: bytes) -> bytes:
    return hashlib.blake2b(value, digest_size=8).digest()
