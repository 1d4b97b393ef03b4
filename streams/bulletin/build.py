"""From what stands on `trends` and `breaks` to the figures of a week. Pure: the same records give the same figures.

A past week is told with the counts as they stand now (late articles included) and with the status as the closed weeks up to it give it:
what came after is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from models.labels import LABELS, LEANS_TOWARDS
from streams.bulletin.articles import RECENT_WEEKS, counter_of, items_of
from streams.bulletin.figures import Against, Bulletin, PairFigures, Rival, SignalFigures, Span, State
from streams.bulletin.outlook import turns_of
from streams.bulletin.past import PairWeeks, closed_until, standings_after, week_label
from streams.bulletin.revisions import Earlier, revisions_since
from streams.clock import week_number
from streams.records import ALL_DOMAINS, Count, Trend, TrendStanding, pair_key, split_pair
from streams.standing.pair import PairWatch
from streams.standing.weeks import SERIES_DOMAINS, Counts
from streams.trends.status import HALF_YEAR, share_interval

PAST_WEEKS, YEAR_WEEKS = 52, 52
#: Fewer stories than this in either span, and their shares are not compared.
LEAST_COMPARED = 10
#: Eventful pairs of a bulletin about all pairs.
MOST_PAIRS = 40
_DOMAINS = len(SERIES_DOMAINS)


@dataclass(frozen=True)
class Stands:
    """What stands on the topics.

    Attributes:
        pairs: by key.
        closed: key -> number of the last closed week.
        alarms: key -> the weeks in which a break of the pair was said, all domains together.
        rivals: source, partner -> codes that the partner regards as rivals.
    """

    pairs: Mapping[str, PairWeeks]
    closed: Mapping[str, int]
    alarms: Mapping[str, frozenset[str]]
    rivals: Mapping[tuple[str, str], Sequence[str]] = field(default_factory=dict)

    @property
    def newest(self) -> int:
        """The number of the newest week that has been read; -1 where there is none."""
        return max((weeks.newest for weeks in self.pairs.values()), default=-1)

    @property
    def last_closed(self) -> int:
        """The newest week that is closed for some pair; -1 where there is none."""
        return max(self.closed.values(), default=-1)

    def is_closed(self, number: int) -> bool:
        """Whether a week is closed for every pair with news in it."""
        return number <= min(
            (self.closed[key] for key, weeks in self.pairs.items() if number in weeks.by_week), default=self.last_closed
        )


def stands_of(
    trends: Iterable[Trend], standings: Iterable[TrendStanding], rivals: Mapping[tuple[str, str], Sequence[str]] | None = None
) -> Stands:
    """Puts the records together by pair."""
    by_pair: dict[str, list[Trend]] = {}
    for trend in trends:
        by_pair.setdefault(pair_key(trend.source, trend.partner), []).append(trend)
    said: dict[str, list[TrendStanding]] = {}
    for one in standings:
        said.setdefault(pair_key(one.source, one.partner), []).append(one)
    closed = {pair: closed_until(said.get(pair, ())) for pair in by_pair}
    alarms = {
        pair: frozenset(each.alarm for one in said.get(pair, ()) if one.domain == ALL_DOMAINS for each in one.breaks)
        for pair in by_pair
    }
    return Stands({pair: PairWeeks(found) for pair, found in sorted(by_pair.items())}, closed, alarms, rivals or {})


def build(stands: Stands, week: str = "", pair: str = "", earlier: Earlier | None = None) -> Bulletin:
    """The figures of a week.

    Args:
        week: an ISO week; empty for the last closed one (of the pair, or of all), or the newest where none is closed.
        pair: only this pair; empty for all.
        earlier: a bulletin to tell the revisions since.
    """
    found = _bulletin(stands, week, pair)
    if earlier is None:
        return found
    return replace(found, since=earlier.week, revisions=revisions_since(stands.pairs, earlier, pair))


def _bulletin(stands: Stands, week: str, pair: str) -> Bulletin:
    number = week_number(week) if week else _usual_week(stands, pair)
    if pair:
        found = _figures(stands, pair, number)
        return Bulletin(week_label(number), found.state, week_label(stands.newest), pair, (found,))
    eventful, quiet = _divided(stands, number)
    return Bulletin(
        week_label(number), _state_of_all(stands, number), week_label(stands.newest), "",
        tuple(_figures(stands, key, number) for key in eventful[:MOST_PAIRS]), tuple(quiet), max(0, len(eventful) - MOST_PAIRS),
    )  # fmt: skip


def _usual_week(stands: Stands, pair: str) -> int:
    closed = stands.closed.get(pair, -1) if pair else stands.last_closed
    return closed if closed >= 0 else stands.newest


def _divided(stands: Stands, number: int) -> tuple[list[str], list[str]]:
    """(keys of the pairs with a signal or a new break in the week, the most signals first; those of the others)."""
    ranked = []
    for key, weeks in stands.pairs.items():
        counts = weeks.counts(number, number)[0, :, 0].tolist()
        said = week_label(number) in stands.alarms[key]
        ranked.append((-sum(counts[1:]), -counts[0], key, bool(sum(counts[1:]) or said)))
    ranked.sort()
    return [key for _, _, key, told in ranked if told], sorted(key for *_, key, told in ranked if not told)


def _state_of_all(stands: Stands, number: int) -> State:
    if number < 0 or number > max(stands.newest, stands.last_closed):
        return "ahead"
    if number < min(weeks.first for weeks in stands.pairs.values()):
        return "before"
    return "closed" if stands.is_closed(number) else "running"


def _state(weeks: PairWeeks, closed: int, newest: int, number: int) -> State:
    if number < weeks.first:
        return "before"
    if number <= closed:
        return "closed"
    return "ahead" if number > newest else "running"


def _figures(stands: Stands, pair: str, number: int) -> PairFigures:
    weeks = stands.pairs.get(pair)
    source, partner = split_pair(pair)
    if weeks is None or number < weeks.first:
        state: State = "unknown" if weeks is None else "before"
        return PairFigures(source, partner, week_label(number), state, 0, 0, None, "", 0, 0, 0, (), (), None, None)
    closed = stands.closed[pair]
    as_of = min(closed, number)
    watch = weeks.watch(as_of)
    counts = weeks.counts(number - YEAR_WEEKS + 1, number)
    known = min(YEAR_WEEKS, number - weeks.first + 1)
    trend = weeks.by_week.get(number)
    about = trend.exposure.get(ALL_DOMAINS, Count()) if trend else Count()
    signals = _signals(weeks, watch, as_of, number)
    leading = _leading(counts[-RECENT_WEEKS:])
    return PairFigures(
        source=source, partner=partner, week=week_label(number), state=_state(weeks, closed, stands.newest, number), stories=about.stories,
        articles=about.articles, usual=_usual(weeks, number), as_of=week_label(as_of) if as_of >= weeks.first else "",
        base_weeks=number - max(weeks.first, min(as_of, number) - RECENT_WEEKS - PAST_WEEKS + 1) + 1,
        silent_weeks=int((counts[-known:, 1:, 0].sum(axis=1) == 0).sum()), known_weeks=known, signals=signals,
        items=tuple(items_of(trend)), counter=counter_of(weeks, number, leading), leading=leading, rivals=_rivals(stands, source, partner, number),
    )  # fmt: skip


def _usual(weeks: PairWeeks, number: int) -> float | None:
    first = max(weeks.first, number - HALF_YEAR)
    before = weeks.counts(first, number - 1)[:, 0, 0]
    return round(float(before.mean()), 2) if len(before) else None


def _signals(weeks: PairWeeks, watch: PairWatch, as_of: int, number: int) -> tuple[SignalFigures, ...]:
    standings = standings_after(weeks, as_of, number, watch)
    turns = turns_of(watch) if standings else {}
    week = week_label(number)
    found = []
    for at, label in enumerate(LABELS):
        cells = trend.counts.get(label, {}) if (trend := weeks.by_week.get(number)) else {}
        of_all = cells.get(ALL_DOMAINS, Count())
        domains = sorted(
            ((name, one.stories) for name, one in cells.items() if name in SERIES_DOMAINS[1:]), key=lambda e: (-e[1], e[0])
        )
        one = standings.get((label, ALL_DOMAINS))
        recent = _span(weeks, as_of - RECENT_WEEKS + 1, as_of, 1 + at)
        past = _span(weeks, as_of - RECENT_WEEKS - PAST_WEEKS + 1, as_of - RECENT_WEEKS, 1 + at)
        said = tuple(each for each in one.breaks if each.alarm == week) if one else ()
        found.append(
            SignalFigures(
                str(label), of_all.stories, of_all.articles, tuple(domains), recent, past, _against(recent, past), one, turns.get(str(label), ()), said,
            )
        )  # fmt: skip
    return tuple(found)


def _span(weeks: PairWeeks, first: int, last: int, row: int) -> Span:
    first = max(first, weeks.first)
    if last < first:
        return Span("", "", 0, 0)
    counts = weeks.counts(first, last)[:, :, 0].astype(np.float64)
    seen = counts[counts[:, 0] > 0]
    names = week_label(first), week_label(last)
    if not len(seen):
        return Span(*names, 0, 0)
    share, low, high = share_interval(seen[:, row], seen[:, 0])
    stories, exposure = int(seen[:, row].sum()), int(seen[:, 0].sum())
    return Span(*names, stories, exposure, round(share, 6), round(low, 6), round(min(high, 1.0), 6))


def _against(recent: Span, past: Span) -> Against:
    if recent.low is None or recent.high is None or past.low is None or past.high is None:
        return "unclear"
    if min(recent.exposure, past.exposure) < LEAST_COMPARED:
        return "unclear"
    return "above" if recent.low > past.high else "below" if recent.high < past.low else "usual"


def _leading(counts: Counts) -> bool | None:
    """Whether most signals of these weeks lean towards the partner."""
    stories = counts[:, 1:, 0].sum(axis=0).tolist()
    towards = sum(n for label, n in zip(LABELS, stories, strict=True) if LEANS_TOWARDS[label])
    away = sum(stories) - towards
    return towards >= away if towards + away else None


def _rivals(stands: Stands, source: str, partner: str, number: int) -> tuple[Rival, ...]:
    found = []
    for code in stands.rivals.get((source, partner), ()):
        weeks = stands.pairs.get(pair_key(source, code))
        if weeks is None or number not in weeks.by_week:
            continue
        counts = weeks.counts(number, number)[0, :, 0].tolist()
        signals = [(str(label), n) for label, n in zip(LABELS, counts[1:], strict=True) if n]
        if signals:
            found.append(Rival(code, counts[0], tuple(sorted(signals, key=lambda one: -one[1]))))
    return tuple(found)
