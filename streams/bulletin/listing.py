"""`bellwether trends --week`: the counts of a past week, and how each trend stood after it, without a look ahead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from streams.board.listing import Listed, ListedStanding
from streams.board.standings import Series, as_fields
from streams.bulletin.past import PairWeeks, closed_until, standings_after
from streams.clock import shift_week, week_number
from streams.records import ALL_DOMAINS, Trend, TrendStanding, pair_key

Said = Mapping[str, Mapping[Series, ListedStanding]]


def standings_at(rows: Sequence[Listed], said: Said, week: str) -> Iterator[TrendStanding]:
    """How each signal of each pair stood after `week`, or after the last closed week before it; all domains together."""
    for weeks in _by_pair(rows):
        closed = closed_until(one.record for one in said.get(weeks.key, {}).values())
        found = standings_after(weeks, min(closed, week_number(week)))
        yield from (one for (_, domain), one in found.items() if domain == ALL_DOMAINS)


def lines_at(rows: Sequence[Listed], said: Said, week: str, back: int) -> Iterator[Listed]:
    """The counts of `back` weeks up to `week`, by pair; the line of `week` itself (also without news) has the standings after it."""
    first = shift_week(week, 1 - back)
    stood: dict[str, dict[str, dict[str, object]]] = {}
    for one in standings_at(rows, said, week):
        stood.setdefault(pair_key(one.source, one.partner), {})[one.signal] = as_fields(one)
    for weeks in _by_pair(rows):
        if weeks.first > week_number(week):
            continue
        empty = Trend(source=weeks.source, partner=weeks.partner, week=week, exposure={}, counts={}, evidence={})
        trends = {trend.week: trend for trend in (empty, *weeks.by_week.values())}
        for name in sorted(name for name in trends if first <= name <= week):
            yield Listed(trends[name], stood.get(weeks.key, {}) if name == week else {})


def _by_pair(rows: Iterable[Listed]) -> Iterator[PairWeeks]:
    trends: dict[str, list[Trend]] = {}
    for row in rows:
        trends.setdefault(row.pair, []).append(row.trend)
    return (PairWeeks(trends[pair]) for pair in sorted(trends))
