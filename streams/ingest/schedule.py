"""When a feed is asked again. Pure: times and chance are handed in; seconds throughout.

The interval follows the feed's own rhythm, between 5 minutes and a day. Whatever the interval, what the server asks for (ttl, max-age,
Retry-After) is a lower bound, and a feed that fails is asked later and later, but for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from random import Random

import msgspec

MIN_INTERVAL_SECONDS = 300.0
MAX_INTERVAL_SECONDS = 86_400.0
#: Of a feed whose rhythm nobody knows yet.
FIRST_INTERVAL_SECONDS = 1_800.0
MAX_BACKOFF_SECONDS = 86_400.0
GONE_INTERVAL_SECONDS = 7 * 86_400.0
#: How long a host is left alone that says 429 without saying for how long.
BUSY_SECONDS = 900.0
#: What a feed's next request may be planned ahead at most: the longest Retry-After with its jitter. More is a clock that was wrong.
FARTHEST_SECONDS = 9 * 86_400.0
JITTER = 0.1
RHYTHM_ITEMS = 30
_MAX_DOUBLINGS = 20


class Rhythm(msgspec.Struct, frozen=True):
    """So many items came since a moment: the newest 30 that are known of a feed. None: too few to say anything."""

    items: int = 0
    since: datetime | None = None


def rhythm_of(moments: Iterable[datetime], now: datetime) -> Rhythm:
    """The rhythm of items that came at such moments; those that lie ahead don't count."""
    newest = sorted({moment for moment in moments if moment <= now}, reverse=True)[:RHYTHM_ITEMS]
    return Rhythm(len(newest), newest[-1]) if len(newest) > 1 else Rhythm()


def rhythmic_interval(rhythm: Rhythm, now: datetime) -> float:
    """Half of the mean time between two items, within the bounds; so of two items one is there at half of their distance.

    The time since the last item counts: a feed that falls silent is asked less and less often.
    """
    if rhythm.since is None:
        return FIRST_INTERVAL_SECONDS
    mean_gap = (now - rhythm.since).total_seconds() / rhythm.items
    return min(max(mean_gap / 2, MIN_INTERVAL_SECONDS), MAX_INTERVAL_SECONDS)


def delay_after_success(interval_seconds: float, at_least_seconds: float, random: Random) -> float:
    """Seconds to the next fetch: the interval, 10 % more or less, so that feeds that start together drift apart.

    Args:
        at_least_seconds: what the feed or its server asks for; at most a day of it is granted.
    """
    wanted = interval_seconds * random.uniform(1 - JITTER, 1 + JITTER)
    return max(wanted, min(at_least_seconds, MAX_INTERVAL_SECONDS) * random.uniform(1.0, 1 + JITTER))


def delay_after_failure(interval_seconds: float, failures: int, retry_after_seconds: float, random: Random) -> float:
    """Seconds to the next try after `failures` in a row: twice as long each time, at most a day, and for ever.

    What the server asked for (Retry-After) is a lower bound, and may be longer than a day.
    """
    backoff = min(MAX_BACKOFF_SECONDS, interval_seconds * 2.0 ** min(failures, _MAX_DOUBLINGS))
    return max(backoff * random.uniform(0.8, 1.0), retry_after_seconds * random.uniform(1.0, 1 + JITTER))


def delay_when_gone(random: Random) -> float:
    """Seconds to the next look at a feed that its server calls gone for good: a week, 10 % more or less."""
    return GONE_INTERVAL_SECONDS * random.uniform(1 - JITTER, 1 + JITTER)


def delay_after_quiet(quiet_seconds: float, interval_seconds: float, random: Random) -> float:
    """Seconds to the next try of a feed whose host wants to be left alone for `quiet_seconds` more.

    The feeds of such a host come back one by one, over a minute at least and an hour at most.
    """
    return quiet_seconds + random.uniform(1.0, min(max(interval_seconds / 4, 60.0), 3_600.0))


def start_spacing_seconds(feeds: int) -> float:
    """Least time between two requests, to whatever hosts: all feeds within a minute, and never more than 1.7 % of them in a second.

    Of fewer than 480 feeds eight are asked in a second.
    """
    return 60.0 / max(feeds, 480)
