"""Steps an archive's weeks through BREAKS: each closed week is judged with what was known when it closed.

What comes in: the facts of each week. What goes out: for each series, how it stood after each closed week, and the breaks as they were
said. Counting is `trends/windows.py`, judging is the stage itself, and what is reported of many is chosen as on the board.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from streams.backtest.history import History
from streams.board.standings import Series, Standings
from streams.clock import format_utc, week_name, week_number
from streams.records import ALL_DOMAINS, Count, Signal, Trend, TrendBreak, TrendStanding, decode, encode, pair_key, trend_key
from streams.stage import Batch, InputRecord
from streams.standing.closing import closing_time
from streams.standing.stage import BREAKS, INPUT, BreaksStage
from streams.standing.weeks import SCHEMA, WeekStore
from streams.state import PartitionStore
from streams.trends.stories import story_ids
from streams.trends.windows import count_week
from streams.watchlist import Watchlist

#: The pair whose news makes time pass; no state or bloc has such codes.
PASSING = "0-0"


@dataclass(frozen=True, slots=True)
class Week:
    """How one series stood after one closed week, and what had been counted in it."""

    number: int
    status: str
    persistence: float
    share: float
    stories: int
    exposure: int


@dataclass(slots=True)
class Alarm:
    """One break, as it was said.

    Attributes:
        at: event time at which the week of the alarm closed.
        share: of the new level, as known then.
        reported: when it was reported when all pairs were looked at together; None for never.
        later: the closed weeks of its series since.
    """

    pair: str
    series: Series
    said: TrendBreak
    at: datetime
    share: float
    reported: datetime | None = None
    later: list[Week] = field(default_factory=list)


@dataclass(slots=True)
class BackTest:
    """What came of it.

    Attributes:
        weeks: pair -> signal -> its closed weeks, all domains together.
        alarms: every break, in the order in which they were said.
    """

    weeks: dict[str, dict[str, list[Week]]] = field(default_factory=dict)
    alarms: list[Alarm] = field(default_factory=list)
    first: int = -1
    last: int = -1


class Stepper:
    """The weeks of a history, one after the other.

    Args:
        folder: for the stage's store.
        watchlist: which pairs are shown from the start, and after how many stories with a signal others are.
    """

    def __init__(self, history: History, folder: Path, watchlist: Watchlist, lateness: timedelta, false_share: float) -> None:
        self._history = history
        self._watchlist = watchlist
        self._lateness = lateness
        self._false_share = false_share
        self._stage = BreaksStage(
            lambda _: WeekStore(PartitionStore(folder / "weeks.sqlite", SCHEMA, "backtest"), lambda _: []), _nothing, lateness
        )
        self._stage.open(0)
        self._offset = 0
        self._shown: set[str] = set(watchlist.keys)
        self._told: Counter[str] = Counter()
        self._standings = Standings()
        self._counts: dict[tuple[str, Series, int], tuple[int, int]] = {}
        self._alarms: dict[tuple[str, Series, str], Alarm] = {}
        self.found = BackTest()

    def run(self, show: Callable[[int, int], None]) -> BackTest:
        """Steps through all weeks; `show` is told (weeks done, weeks)."""
        known = self._history.weeks()
        weeks = range(known[0], known[-1] + 1) if known else range(0)
        for done, week in enumerate(weeks, 1):
            self._give([*self._trends_of(week), _passing(week)])
            show(done, len(weeks))
        self._stage.close(0)
        self.found.first, self.found.last = (weeks[0], weeks[-1]) if known else (-1, -1)
        self.found.alarms = sorted(self._alarms.values(), key=lambda alarm: (alarm.at, alarm.pair, alarm.series))
        return self.found

    def _trends_of(self, week: int) -> Iterator[Trend]:
        for pair, facts in self._history.facts(week).items():
            if pair not in self._shown and self._is_discovered(pair, facts):
                self._shown.add(pair)
                for earlier, known in self._history.facts_of_pair(pair, week):
                    yield self._count(pair, earlier, known)
            if pair in self._shown:
                yield self._count(pair, week, facts)

    def _is_discovered(self, pair: str, facts: list[Signal]) -> bool:
        stories = story_ids(facts)
        self._told[pair] += len({stories[fact.article_id] for fact in facts if fact.labels})
        return self._told[pair] >= self._watchlist.discover_min_stories

    def _count(self, pair: str, week: int, facts: list[Signal]) -> Trend:
        trend = count_week(pair, facts[0].week, facts)
        for domain, about in trend.exposure.items():
            for label, by_domain in trend.counts.items():
                self._counts[pair, (label, domain), week] = (
                    by_domain[domain].stories if domain in by_domain else 0,
                    about.stories,
                )
            self._counts[pair, ("", domain), week] = (0, about.stories)
        return trend

    def _give(self, trends: list[Trend]) -> None:
        records = []
        for trend in trends:
            records.append(InputRecord(self._offset, trend_key(pair_key(trend.source, trend.partner), trend.week), encode(trend)))
            self._offset += 1
        self._stage.process(Batch(INPUT, 0, records))
        closed: set[int] = set()
        while self._stage.waiting(0):
            for output in self._stage.refresh(0):
                if output.route == BREAKS:
                    closed.add(self._note(output.key, output.value))
        self._stage.commit(0)
        if max(closed, default=-1) >= 0:
            self._report(closing_time(max(closed), self._lateness))

    def _note(self, key: bytes, value: bytes | None) -> int:
        """Takes a record in; the number of the week that it is about."""
        if value is None or key.startswith(PASSING.encode()):
            return -1
        self._standings.apply(key, value)
        one = decode(TrendStanding, value)
        pair, series, week = pair_key(one.source, one.partner), (one.signal, one.domain), week_number(one.week)
        now = Week(week, one.status, one.persistence_4, one.share, *self._counted(pair, series, week))
        if one.domain == ALL_DOMAINS:
            told = self.found.weeks.setdefault(pair, {}).setdefault(one.signal, [])
            if not told or told[-1].number < week:
                told.append(now)
        for each in one.breaks:
            at = closing_time(week_number(each.alarm), self._lateness)
            alarm = self._alarms.setdefault((pair, series, each.alarm), Alarm(pair, series, each, at, one.share))
            if week > week_number(each.alarm) and (not alarm.later or alarm.later[-1].number < week):
                alarm.later.append(now)
        return week

    def _counted(self, pair: str, series: Series, week: int) -> tuple[int, int]:
        found = self._counts.get((pair, series, week))
        return found if found is not None else self._counts.get((pair, ("", series[1]), week), (0, 0))

    def _report(self, now: datetime) -> None:
        for pair, series in self._standings.reported(sorted(self._shown), self._false_share):
            newest = self._standings.of(pair)[series].breaks[-1]
            alarm = self._alarms[pair, series, newest.alarm]
            alarm.reported = alarm.reported or now


def _passing(week: int) -> Trend:
    """News of somebody else at the week's end: time passes for pairs of which there is none."""
    name = week_name(week)
    end = format_utc(closing_time(week, timedelta(seconds=-1)))
    source, partner = PASSING.split("-")
    return Trend(
        source=source, partner=partner, week=name, exposure={ALL_DOMAINS: Count(1, 1)}, counts={}, evidence={}, latest=end
    )


def _nothing(_: int) -> list[tuple[bytes, bytes]]:
    return []
