"""How a pair stood after any closed week: the detectors of `streams/standing` over the weeks up to it, without a look ahead. Pure; numpy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from models.labels import LABELS
from streams.clock import week_name, week_number
from streams.records import Count, Trend, TrendStanding, pair_key
from streams.standing.judging import standings_of
from streams.standing.pair import PairWatch
from streams.standing.stage import RUNNING_WEEKS
from streams.standing.weeks import SERIES_DOMAINS, TITLE_CHARS, WEEK_SHAPE, Counts, KnownArticle

#: (signal, domain) of a series.
Series = tuple[str, str]


class PairWeeks:
    """The weeks of one pair that stand on `trends`.

    Args:
        trends: of one pair, in any order, at least one.
    """

    def __init__(self, trends: Iterable[Trend]) -> None:
        self.by_week: dict[int, Trend] = {week_number(trend.week): trend for trend in trends}
        one = next(iter(self.by_week.values()))
        self.source, self.partner = one.source, one.partner
        self.first, self.newest = min(self.by_week), max(self.by_week)

    @property
    def key(self) -> str:
        """`BLR-RUS`."""
        return pair_key(self.source, self.partner)

    def counts(self, first: int, last: int) -> Counts:
        """Stories of the weeks `first` to `last`: `(weeks, *WEEK_SHAPE)`; zero where nothing stands."""
        rows = np.zeros((max(0, last - first + 1), *WEEK_SHAPE), np.uint32)
        for week, trend in self.by_week.items():
            if first <= week <= last:
                rows[week - first] = _row(trend)
        return rows

    def articles(self, first: int, last: int) -> Sequence[tuple[int, KnownArticle]]:
        """(week, article) of the evidence of a span of weeks, by week."""
        return [
            (week, KnownArticle(label, item.article_id, item.title[:TITLE_CHARS], item.url, item.outlet, item.probability))
            for week in sorted(self.by_week)
            if first <= week <= last
            for label in LABELS
            for item in self.by_week[week].evidence.get(label, ())
        ]

    def watch(self, until: int) -> PairWatch:
        """The detectors after the closed weeks up to `until`."""
        watch = PairWatch(self.first)
        if until >= self.first:
            watch.extend(self.counts(self.first, until))
        return watch


def standings_after(
    weeks: PairWeeks, until: int, running_to: int = -1, watch: PairWatch | None = None
) -> dict[Series, TrendStanding]:
    """How each series stood after week number `until`, the last closed one; empty where it lies before the pair's first week.

    Args:
        running_to: the last running week that an early word may be said of; none where it is not after `until`.
        watch: the detectors after `until`, if they are at hand.
    """
    if until < weeks.first:
        return {}
    watch = watch or weeks.watch(until)
    running = weeks.counts(until + 1, min(running_to, weeks.newest, until + RUNNING_WEEKS))
    found = standings_of(weeks.key, watch, running, weeks.articles)
    return {(one.signal, one.domain): one for one in found}


def closed_until(standings: Iterable[TrendStanding]) -> int:
    """The number of the last closed week that what stands on `breaks` of a pair is about; -1 where nothing stands."""
    return max((week_number(one.week) for one in standings), default=-1)


def week_label(number: int) -> str:
    """`2017-W31`; empty for a week that there is not."""
    return week_name(number) if number >= 0 else ""


def _row(trend: Trend) -> list[list[int]]:
    none = Count()
    rows = (trend.exposure, *(trend.counts.get(label, {}) for label in LABELS))
    return [[by_domain.get(domain, none).stories for domain in SERIES_DOMAINS] for by_domain in rows]
