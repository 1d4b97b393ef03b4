"""How a feed is: what silence to expect of it, learnt from its past, and which kind its errors are of. Pure.

Silence is counted in the feed's own time: an hour of a weekday on which it publishes little counts little. A paper that is quiet from
Friday evening to Monday morning has been silent for one night, whichever days its weekend is made of.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec

from streams.errors import FeedError
from streams.ingest.answers import FetchError
from streams.metrics import FEED_ERROR_KINDS

HISTORY_DAYS = 56
HOUR = 3_600
#: Until a weekday was seen twice, nobody knows; then Saturday and Sunday do not count.
_USUAL_WEIGHTS = (1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0)
_LEAST_HOURS_KNOWN = 10
#: Silence shorter than this is never worth a word; of a feed that is hardly known, three days are.
LEAST_SILENCE_SECONDS = 6.0 * HOUR
UNKNOWN_SILENCE_SECONDS = 72.0 * HOUR
LONGEST_SILENCE_SECONDS = 60 * 86_400.0
#: From so many gaps on, the longest one is left out: it may have been an outage.
_GAPS_FOR_TRIMMING = 50
#: A weekday with less than this of the usual does not count at all.
_LEAST_WEIGHT = 0.1
_DAY = 86_400


class Cadence(msgspec.Struct, frozen=True):
    """What a feed's past says: how much an hour of each weekday counts (Monday first), and how long it is silent at times.

    `longest_gap_seconds` is in the feed's own time; 0 while too little is known.
    """

    weights: tuple[float, ...] = _USUAL_WEIGHTS
    longest_gap_seconds: float = 0.0


def add_hours(known: Sequence[int], moments: Iterable[datetime], now: datetime) -> list[int]:
    """The hours (since 1970) of the last 8 weeks in which something was published, ascending, each once."""
    newest = int(now.timestamp()) // HOUR
    found = set(known) | {int(moment.timestamp()) // HOUR for moment in moments}
    return sorted(hour for hour in found if newest - HISTORY_DAYS * 24 < hour <= newest)


def cadence_of(hours: Sequence[int], now: datetime) -> Cadence:
    """What such a past says; see `add_hours`."""
    if len(hours) < _LEAST_HOURS_KNOWN:
        return Cadence()
    weights = _weights(hours, now)
    edges = [hour * HOUR for hour in hours]
    gaps = sorted(_own_seconds(start, end, weights) for start, end in pairwise(edges))
    longest = gaps[-2] if len(gaps) >= _GAPS_FOR_TRIMMING else gaps[-1]
    return Cadence(weights, round(longest, 1))


def _weights(hours: Sequence[int], now: datetime) -> tuple[float, ...]:
    first, last = hours[0] // 24, int(now.timestamp()) // _DAY
    days, active = [0] * 7, [0] * 7
    # Today is not over yet, so that it can't be compared.
    for day in range(first, last):
        days[_weekday(day)] += 1
    for hour in hours:
        active[_weekday(hour // 24)] += hour // 24 < last
    rates = [found / seen if seen else 0.0 for found, seen in zip(active, days, strict=True)]
    usual = sorted(rates)[3] or max(rates) or 1.0
    return tuple(
        _weight(rate / usual) if seen >= 2 else _USUAL_WEIGHTS[weekday]
        for weekday, (rate, seen) in enumerate(zip(rates, days, strict=True))
    )


def _weight(ratio: float) -> float:
    return 0.0 if ratio < _LEAST_WEIGHT else min(1.0, round(ratio, 3))


def _weekday(day: int) -> int:
    # The first of January 1970 was a Thursday.
    return (day + 3) % 7


def _own_seconds(start: float, end: float, weights: Sequence[float]) -> float:
    """The time between two moments (seconds since 1970) in which each weekday counts by its weight."""
    total, moment = 0.0, start
    while moment < end:
        day = int(moment // _DAY)
        until = min(end, (day + 1) * _DAY)
        total += (until - moment) * weights[_weekday(day)]
        moment = until
    return total


def silence_limit_seconds(cadence: Cadence) -> float:
    """How long, in its own time, the feed may be silent before it is worth a word: half as long again as it ever was."""
    if not cadence.longest_gap_seconds:
        return UNKNOWN_SILENCE_SECONDS
    return min(max(1.5 * cadence.longest_gap_seconds, LEAST_SILENCE_SECONDS), LONGEST_SILENCE_SECONDS)


def silent_at(last: datetime, cadence: Cadence, silent_after_hours: float | None) -> datetime | None:
    """When the feed counts as silent, unless something is published before; None for never.

    Args:
        last: when it last published something.
        silent_after_hours: what a person has set; None: its past decides; 0: never.
    """
    if silent_after_hours is not None:
        return last + timedelta(hours=silent_after_hours) if silent_after_hours else None
    left, moment = silence_limit_seconds(cadence), last.timestamp()
    if not any(cadence.weights):
        return last + timedelta(seconds=left)
    while True:
        day = int(moment // _DAY)
        weight, until = cadence.weights[_weekday(day)], float((day + 1) * _DAY)
        if (until - moment) * weight >= left:
            return datetime.fromtimestamp(moment + left / weight, UTC)
        left -= (until - moment) * weight
        moment = until


def error_kind(error: Exception) -> str:
    """The class of an error: one of `FEED_ERROR_KINDS`."""
    if isinstance(error, FetchError):
        if error.kind != "status":
            return error.kind
        return {410: "gone", 429: "busy", 503: "busy"}.get(
            error.status, "server-error" if error.status >= 500 else "client-error"
        )
    return "not-a-feed" if isinstance(error, FeedError) else FEED_ERROR_KINDS[-1]
