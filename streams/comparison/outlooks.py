"""Which trends stand otherwise in another edition, and which breaks appear, vanish or move. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from streams.clock import week_number
from streams.records import ALL_DOMAINS, TrendBreak, TrendStanding

#: Breaks of one direction whose starts are no further apart than so many weeks are the same break, seen otherwise.
SAME_BREAK_WEEKS = 8
#: Statuses that say nothing of a series.
SILENT = {"", "too-sparse"}
#: Pair and signal, all domains together.
Series = tuple[str, str]


class StatusChange(msgspec.Struct, frozen=True, kw_only=True):
    """A series whose status differs; the persistence is the probability that the status still holds four weeks on. Empty: no closed week."""

    pair: str
    signal: str
    old: str
    new: str
    old_persistence: float | None
    new_persistence: float | None


class BreakChange(msgspec.Struct, frozen=True, kw_only=True):
    """A break that only one edition has, or that both have in other weeks.

    Attributes:
        old_start, old_alarm, new_start, new_alarm: ISO weeks; empty where the edition has no such break.
        size: share after / share before, by the edition that has it; by the new one where both have.
        articles: ids of articles to look at, whose labels differ (`streams.comparison.changed`).
    """

    pair: str
    signal: str
    kind: Literal["appears", "vanishes", "moves"]
    direction: str
    old_start: str = ""
    old_alarm: str = ""
    new_start: str = ""
    new_alarm: str = ""
    size: float
    articles: list[str] = []


def status_changes(old: Mapping[Series, TrendStanding], new: Mapping[Series, TrendStanding]) -> list[StatusChange]:
    """Every series that stands otherwise, by pair and signal; one that is too sparse and one that is not there say the same: nothing."""
    return [
        StatusChange(
            pair=series[0], signal=series[1], old=_status(old.get(series)), new=_status(new.get(series)),
            old_persistence=_persistence(old.get(series)), new_persistence=_persistence(new.get(series)),
        )
        for series in sorted(old.keys() | new.keys())
        if {_status(old.get(series)), _status(new.get(series))} - SILENT and _status(old.get(series)) != _status(new.get(series))
    ]  # fmt: skip


def break_changes(
    old: Mapping[Series, TrendStanding], new: Mapping[Series, TrendStanding], *, since: str
) -> tuple[list[BreakChange], int]:
    """The breaks that differ, by pair, signal and week; and how many are the same.

    Args:
        since: breaks that began before this week are left out of both.
    """
    found: list[BreakChange] = []
    same = 0
    for series in sorted(old.keys() | new.keys()):
        matched = _matched(_breaks(old.get(series), since), _breaks(new.get(series), since))
        same += sum(1 for before, after in matched if _is_same(before, after))
        found += [_change(series, before, after) for before, after in matched if not _is_same(before, after)]
    return found, same


def _matched(old: list[TrendBreak], new: list[TrendBreak]) -> list[tuple[TrendBreak | None, TrendBreak | None]]:
    """Each break with the one it is in the other edition: the nearest of its direction, each but once; in the order of their weeks."""
    near = sorted(
        (distance, a, b)
        for a, before in enumerate(old)
        for b, after in enumerate(new)
        if before.direction == after.direction
        and (distance := abs(week_number(before.start) - week_number(after.start))) <= SAME_BREAK_WEEKS
    )
    of_old: dict[int, int] = {}
    for _, a, b in near:
        if a not in of_old and b not in of_old.values():
            of_old[a] = b
    pairs: list[tuple[TrendBreak | None, TrendBreak | None]] = [
        (before, new[of_old[a]] if a in of_old else None) for a, before in enumerate(old)
    ]
    pairs += [(None, after) for b, after in enumerate(new) if b not in of_old.values()]
    return sorted(pairs, key=lambda pair: max(one.alarm for one in pair if one is not None))


def _is_same(old: TrendBreak | None, new: TrendBreak | None) -> bool:
    return old is not None and new is not None and (old.start, old.alarm) == (new.start, new.alarm)


def _change(series: Series, old: TrendBreak | None, new: TrendBreak | None) -> BreakChange:
    kind: Literal["appears", "vanishes", "moves"] = "appears" if old is None else "vanishes" if new is None else "moves"
    one = new or old
    assert one is not None
    return BreakChange(
        pair=series[0], signal=series[1], kind=kind, direction=one.direction, size=one.size,
        old_start=old.start if old else "", old_alarm=old.alarm if old else "",
        new_start=new.start if new else "", new_alarm=new.alarm if new else "",
    )  # fmt: skip


def _breaks(standing: TrendStanding | None, since: str) -> list[TrendBreak]:
    return [one for one in standing.breaks if one.start >= since] if standing is not None else []


def _status(standing: TrendStanding | None) -> str:
    return standing.status if standing is not None else ""


def _persistence(standing: TrendStanding | None) -> float | None:
    return round(standing.persistence_4, 4) if standing is not None else None


def whole_series(standings: Mapping[str, Mapping[tuple[str, str], TrendStanding]]) -> dict[Series, TrendStanding]:
    """Of all series those of all domains together.

    Args:
        standings: pair -> (signal, domain) -> how the series stands.
    """
    return {
        (pair, signal): one
        for pair, found in standings.items()
        for (signal, domain), one in found.items()
        if domain == ALL_DOMAINS
    }
