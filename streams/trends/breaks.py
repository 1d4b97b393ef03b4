"""When a break is said: the alarm over what the filters know, online, for weekly shares and for plain series. Pure; numpy.

What comes in: row after row (a count and its exposure, or a value). What goes out: a `Break` in the row whose data made it
likely enough. Row `i` uses rows up to `i` alone, and a series that is filtered again gives the same answer as one filtered as it
came: a late article that revises a week is handled by running the series again (about 20 ms for four years).

What it does not do: say how long the new level will last (`status.py`, `survival.py`), or choose among many pairs at once
(`streams/selection.py` does).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from streams.trends.evidence import Shift, describe_steps, describe_values, find_start
from streams.trends.plain import PlainFilter
from streams.trends.share_model import EVENT
from streams.trends.switching import ShareFilter

Direction = Literal["up", "down"]
Doubles = NDArray[np.float64]
RECENT_ROWS = 40


@dataclass(frozen=True)
class Break:
    """One break, as it was known in the row of its alarm.

    Attributes:
        start: first row of the new regime, estimated; `alarm`: the row whose data raised it. Rows are counted from 0.
        probability: of the filter, that the level has jumped two to about twenty rows ago; above the alarm's threshold.
        size, size_low, size_high: after / before for shares, after - before for plain values, with a 90 % interval.
        rows_for, rows_against: rows since `start` that lie on the new side of the middle, and those that don't.
    """

    start: int
    alarm: int
    direction: Direction
    probability: float
    size: float
    size_low: float
    size_high: float
    rows_for: int
    rows_against: int


@dataclass(frozen=True)
class AlarmRule:
    """When an alarm is raised, and when the next one may be.

    Attributes:
        alarm: probability of a jump above which it is said. It is low since the filter's hazard is low: most are right.
        rearm: probability under which the watch is ready again for the next one.
        again: probability of a second jump, younger than the alarm, which is said without waiting for that.
        unsteady: weight of probability under noise that makes shifts of its own (echoing, wandering): they often fade.
        sparse: no alarm where fewer than this many counts a week are expected: nothing could be told apart there.
    """

    alarm: float
    rearm: float
    again: float
    unsteady: float
    sparse: float = 0.0


SHARE_RULE = AlarmRule(alarm=0.22, rearm=0.07, again=0.6, unsteady=0.55, sparse=1.0)
PLAIN_RULE = AlarmRule(alarm=0.7, rearm=0.2, again=0.7, unsteady=0.8)
PLAIN_RUNS = 20
EARLY_WORD = 0.6


class _Watch:
    """What both watches share: which series are armed, and the last rows of each."""

    def __init__(self, series: int, rule: AlarmRule, columns: int) -> None:
        self.rule = rule
        self.row = -1
        self.armed = np.ones(series, bool)
        self.alarm_rows = np.full(series, -1)
        self.start_rows = np.full(series, 0)
        self.recent = np.full((series, RECENT_ROWS, columns), np.nan)

    def _remember(self, *columns: Doubles) -> None:
        self.row += 1
        self.recent[:, :-1] = self.recent[:, 1:]
        self.recent[:, -1] = np.stack(columns, axis=1)

    def _due(self, probability: Doubles, by_age: Doubles, oldest: NDArray[np.int64]) -> list[int]:
        """Numbers of the series that alarm in this row, and the bookkeeping of who is armed. A row without data never alarms.

        Args:
            by_age: `(series, slots)` probabilities, youngest first, of jumps at least two rows old.
            oldest: the greatest age in each slot.
        """
        due = []
        seen = np.isfinite(self.recent[:, -1]).all(axis=1) & (self.recent[:, -1, -1] != 0 if self.recent.shape[2] > 1 else True)
        for number in np.flatnonzero(seen & ((probability > self.rule.alarm) | ~self.armed)):
            if self.armed[number]:
                due.append(int(number))
                self.armed[number] = False
                self.alarm_rows[number] = -1
                continue
            since = self.row - self.alarm_rows[number]
            if by_age[number, oldest <= since].sum() > self.rule.again:
                due.append(int(number))
            elif probability[number] < self.rule.rearm:
                self.armed[number] = True
        return due

    def _record(self, number: int, start: int, probability: float, shift: Shift) -> Break:
        self.alarm_rows[number], self.start_rows[number] = self.row, start
        direction: Direction = "up" if shift.upwards else "down"
        return Break(start, self.row, direction, round(probability, 4), *shift.numbers())


class ShareWatch(_Watch):
    """Watches `series` weekly shares, row by row. One in the stream; many at once in a back-test, with the same answers."""

    def __init__(self, series: int = 1, *, share_filter: ShareFilter | None = None, rule: AlarmRule = SHARE_RULE) -> None:
        super().__init__(series, rule, columns=2)
        self.filter = share_filter or ShareFilter(series)
        self.typical_exposure = np.zeros(series)
        self.probability = np.zeros(series)
        ages = np.cumsum(self.filter.model.ages)
        self._oldest = ages[1:]

    def update(self, counts: Doubles, exposure: Doubles) -> list[tuple[int, Break]]:
        """Takes in one closed week of each series, shapes `(series,)`; (number of the series, break) of the alarms in it."""
        self._remember(counts, exposure)
        self.filter.update(counts, exposure)
        known = np.where(np.isfinite(exposure), exposure, 0.0)
        first = self.typical_exposure == 0
        self.typical_exposure = np.where(first, known, self.typical_exposure + 0.1 * (known - self.typical_exposure))
        steady, echoing = (part[:, 1:] for part in self.filter.ages())
        by_age = (steady + self.rule.unsteady * echoing).astype(np.float64)
        expected = np.nan_to_num(self.filter.shares()) * self.typical_exposure
        self.probability = np.where(expected < self.rule.sparse, 0.0, by_age.sum(axis=1))
        due = self._due(self.probability, by_age, self._oldest) if self.row >= self.filter.model.ages[-1] else []
        return [(number, self._break(number)) for number in due]

    def _break(self, number: int) -> Break:
        since = max(0, RECENT_ROWS - 1 - self.row + self.start_rows[number])
        counts, exposure = self.recent[number, since:].T
        at = find_start(counts, exposure)
        shift = describe_steps(counts, exposure, at)
        start = self.row - (len(counts) - 1 - at)
        return self._record(number, start, float(self.probability[number]), shift)

    def early_word(self, count: float, exposure: float) -> float:
        """`early_words` of a watch of one series."""
        return float(self.early_words(np.array([count]), np.array([exposure]))[0])

    def early_words(self, counts: Doubles, exposure: Doubles) -> Doubles:
        """Probability that the running week is out of the ordinary, by what has come of it so far; nothing changes.

        Out of the ordinary is a jump or an event: one week alone cannot tell which. It never raises an alarm; say it from
        `EARLY_WORD` on (0.75 is the most: some weeks fit nothing and mean nothing). Half a week has half the exposure, so that
        only a large departure gets there.
        """
        trial = copy.deepcopy(self.filter)
        trial.update(counts, exposure)
        steady, echoing = trial.ages()
        event = trial.weights[:, :, EVENT].sum(axis=(1, 2))
        return np.asarray(steady[:, 0] + echoing[:, 0] + event, np.float64)


class PlainWatch(_Watch):
    """Watches `series` plain series of real numbers, row by row."""

    def __init__(self, series: int = 1, *, plain_filter: PlainFilter | None = None, rule: AlarmRule = PLAIN_RULE) -> None:
        super().__init__(series, rule, columns=1)
        self.filter = plain_filter or PlainFilter(series)
        self.probability = np.zeros(series)
        self._oldest = np.arange(2, PLAIN_RUNS + 1)

    def update(self, values: Doubles) -> list[tuple[int, Break]]:
        """Takes in one row of each series, shape `(series,)`; (number of the series, break) of the alarms in it."""
        self._remember(values)
        self.filter.update(values)
        level, wandering = (part[:, 1:PLAIN_RUNS] for part in self.filter.runs())
        by_age = level + self.rule.unsteady * wandering
        self.probability = by_age.sum(axis=1)
        due = self._due(self.probability, by_age, self._oldest)
        return [(number, self._break(number, by_age[number])) for number in due]

    def _break(self, number: int, by_age: Doubles) -> Break:
        again = self.alarm_rows[number] >= 0
        allowed = by_age[self._oldest <= self.row - self.alarm_rows[number]] if again else by_age
        age = int(np.argmax(allowed)) + 2
        values = self.recent[number, :, 0]
        seen = np.flatnonzero(np.isfinite(values))
        age = min(age, len(seen) - 4)  # the warm-up is longer than that
        steady, wandering = self.filter.runs()
        shift = describe_values(values[seen], age, wandering=float(wandering[number].sum()) > steady[number].sum())
        start = self.row - (RECENT_ROWS - 1 - int(seen[-age]))
        return self._record(number, start, float(self.probability[number]), shift)


def find_share_breaks(counts: Sequence[Doubles], exposure: Sequence[Doubles]) -> list[list[Break]]:
    """The breaks of each series, in order of their alarms. Series may differ in length; a NaN or 0 exposure is a silent week."""
    found: list[list[Break]] = [[] for _ in counts]
    for rows, numbers in _batches([len(series) for series in counts]):
        watch = ShareWatch(len(numbers))
        padded_counts, padded_exposure = (_pad([part[number] for number in numbers], rows) for part in (counts, exposure))
        for row in range(rows):
            for number, one in watch.update(padded_counts[:, row], padded_exposure[:, row]):
                found[numbers[number]].append(one)
    return found


def find_plain_breaks(values: Sequence[Doubles]) -> list[list[Break]]:
    """The breaks of each plain series, in order of their alarms; a value that is not finite is a row that did not happen."""
    found: list[list[Break]] = [[] for _ in values]
    for rows, numbers in _batches([len(series) for series in values]):
        watch = PlainWatch(len(numbers))
        padded = _pad([values[number] for number in numbers], rows)
        for row in range(rows):
            for number, one in watch.update(padded[:, row]):
                found[numbers[number]].append(one)
    return found


def _batches(lengths: Sequence[int], size: int = 64) -> list[tuple[int, list[int]]]:
    """(rows of the longest, numbers of its series) of batches of about equal length, small enough for the processor's cache."""
    order = sorted(range(len(lengths)), key=lambda number: lengths[number])
    groups = [order[start : start + size] for start in range(0, len(order), size)]
    return [(max(lengths[number] for number in group), group) for group in groups]


def _pad(series: Sequence[Doubles], rows: int) -> Doubles:
    padded = np.full((len(series), rows), np.nan)
    for number, values in enumerate(series):
        padded[number, : len(values)] = values
    return padded
