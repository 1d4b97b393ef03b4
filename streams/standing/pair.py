"""The detectors of one pair, stepped week by week: what its series have said so far, and how to take it back. Pure; numpy.

What comes in: closed weeks, in order. What goes out: the breaks of each series. A revised week takes the detectors back to the last
state saved before it and steps them again; they give the answer of a series that was right from the start.

A series is *followed* from the week on in which 13 weeks running hold at least `LEAST_STORIES` stories: before that nothing could be
told from its counts, and most series of most pairs never get there. What its detector would have said before is not said afterwards.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streams.standing.weeks import SERIES_DOMAINS, WEEK_SHAPE, Counts
from streams.trends.breaks import Break, ShareWatch
from streams.trends.status import Standing, Status, standing
from streams.trends.survival import LONGEST_AGE

LEAST_STORIES, FOLLOW_WEEKS = 5, 13
#: The detectors are saved every so many weeks, and the last two saves are kept.
SAVE_WEEKS, SAVES = 26, 2
#: Series of a pair: labels by domains, the label varying slowest.
SERIES = (WEEK_SHAPE[0] - 1) * WEEK_SHAPE[1]

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Step:
    """What one week gave: the breaks that were said in it, by series, and the probability of each followed series."""

    breaks: tuple[tuple[int, Break], ...]
    probability: NDArray[np.float32]


class PairWatch:
    """The series of one pair from its first week on. Rows are weeks, counted from 0.

    Args:
        first: number of the pair's first week.
    """

    def __init__(self, first: int) -> None:
        self.first = first
        self.rows: Counts = np.zeros((0, *WEEK_SHAPE), np.uint32)
        self.followed: tuple[int, ...] = ()
        self._begun = np.full(SERIES, -1)
        self._watch: ShareWatch | None = None
        self._steps: list[_Step] = []
        self._saved: list[tuple[int, ShareWatch]] = []
        self._statuses: dict[int, list[Status]] = {}

    @property
    def next_week(self) -> int:
        """The number of the week that comes next."""
        return self.first + len(self.rows)

    @property
    def cost(self) -> int:
        """Detector states that are held."""
        return len(self.followed) * (1 + len(self._saved))

    def rewind(self, week: int) -> None:
        """Takes back the weeks from `week` on. It must not lie before the first."""
        row = max(0, week - self.first)
        if row >= len(self.rows):
            return
        self.rows = self.rows[:row]
        self._statuses = {at: found for at, found in self._statuses.items() if at < row}
        if len(self._steps) > row:
            self._restore(row)

    def _restore(self, row: int) -> None:
        self._saved = [(at, watch) for at, watch in self._saved if at <= row]
        at, self._watch = (self._saved[-1][0], copy.deepcopy(self._saved[-1][1])) if self._saved else (0, None)
        del self._steps[at:]

    def extend(self, rows: Counts) -> None:
        """Takes in the closed weeks that follow."""
        self.rows = np.concatenate([self.rows, rows])
        self._begun = _first_followed(self.rows[:, 1:].reshape(len(self.rows), SERIES))
        wanted = {int(number) for number in np.flatnonzero(self._begun >= 0)}
        if not wanted <= set(self.followed):
            self.followed = tuple(sorted(wanted | set(self.followed)))
            self._saved.clear()
            self._restore(0)
        # A week without news never alarms: what lies after the last one with news is stepped when there is some again.
        seen = np.flatnonzero(self.rows[:, 0, 0])
        for row in range(len(self._steps), int(seen[-1]) + 1 if len(seen) and self.followed else 0):
            self._step(row)

    def _step(self, row: int) -> None:
        self._watch = self._watch or ShareWatch(len(self.followed))
        found = self._watch.update(*self._of_followed(self.rows[row]))
        breaks = tuple((self.followed[number], one) for number, one in found)
        self._steps.append(_Step(breaks, self._watch.probability.astype(np.float32)))
        if len(self._steps) % SAVE_WEEKS == 0:
            self._saved = [*self._saved[1 - SAVES :], (len(self._steps), copy.deepcopy(self._watch))]

    def _of_followed(self, week: Counts) -> tuple[Doubles, Doubles]:
        series = np.array(self.followed, np.intp)
        counts = week[1:].reshape(SERIES)[series].astype(np.float64)
        return counts, week[0][series % len(SERIES_DOMAINS)].astype(np.float64)

    def series(self, number: int) -> tuple[Doubles, Doubles]:
        """(counts, exposure) of a series."""
        label, domain = divmod(number, len(SERIES_DOMAINS))
        return self.rows[:, 1 + label, domain].astype(np.float64), self.rows[:, 0, domain].astype(np.float64)

    def breaks(self) -> list[list[Break]]:
        """The breaks of each series, by alarm."""
        found: list[list[Break]] = [[] for _ in range(SERIES)]
        for step in self._steps:
            for number, one in step.breaks:
                if 0 <= self._begun[number] <= one.alarm:
                    found[number].append(one)
        return found

    def probability(self, number: int, row: int) -> float:
        """Of a followed series: that its level has jumped two to about twenty weeks before `row`, or before the last week with news."""
        return float(self._steps[min(row, len(self._steps) - 1)].probability[self.followed.index(number)])

    def standings(self, breaks: list[list[Break]]) -> list[Standing]:
        """How each series stands in the last row."""
        found = [standing(*self.series(number), breaks[number]) for number in range(SERIES)]
        last = len(self.rows) - 1
        self._statuses = {at: known for at, known in self._statuses.items() if last - LONGEST_AGE < at}
        self._statuses[last] = [one.status for one in found]
        return found

    def age(self, number: int, breaks: list[list[Break]]) -> int:
        """For how many weeks a series has had its status without a pause, at most 12; asked after `standings`."""
        last = len(self.rows) - 1
        now = self._statuses[last][number]
        for back in range(1, LONGEST_AGE):
            if last - back < 0 or self._status_at(last - back, breaks)[number] != now:
                return back
        return LONGEST_AGE

    def _status_at(self, row: int, breaks: list[list[Break]]) -> list[Status]:
        if row not in self._statuses:
            self._statuses[row] = [_status_in(row, *self.series(number), breaks[number]) for number in range(SERIES)]
        return self._statuses[row]

    def early_words(self, running: Counts) -> dict[int, tuple[int, float]]:
        """Of each followed series: (running week, counted from 0, that is most out of the ordinary; how likely it is)."""
        if self._watch is None:
            return {}
        trial = copy.deepcopy(self._watch)
        for row in range(len(self._steps), len(self.rows)):
            trial.filter.update(*self._of_followed(self.rows[row]))
        said = np.zeros((len(running), len(self.followed)))
        for at, week in enumerate(running):
            counts, exposure = self._of_followed(week)
            said[at] = np.where(exposure > 0, trial.early_words(counts, exposure), 0.0)
            trial.filter.update(counts, exposure)
        best = said.argmax(axis=0)
        return {number: (int(best[at]), float(said[best[at], at])) for at, number in enumerate(self.followed)}


def _status_in(row: int, counts: Doubles, exposure: Doubles, breaks: list[Break]) -> Status:
    return standing(counts[: row + 1], exposure[: row + 1], breaks).status


def _first_followed(counts: Counts) -> NDArray[np.int64]:
    """The row from which on each series is followed; -1 where it is not. `counts`: `(rows, series)`."""
    sums = np.cumsum(counts, axis=0, dtype=np.int64)
    sums[FOLLOW_WEEKS:] -= sums[:-FOLLOW_WEEKS].copy()
    enough = sums >= LEAST_STORIES
    return np.where(enough.any(axis=0), enough.argmax(axis=0), -1) if len(counts) else np.full(counts.shape[1], -1)
