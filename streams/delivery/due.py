"""Which weeks are due, for whom. Pure: a function of what stands on the topics, of the ledger and of the date.

A week is due when it is closed (`streams/standing/closing.py`) for every pair with news in it; or, so that a pair whose news has ended
holds nothing up, when the week after it is closed for some pair.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from streams.bulletin.build import Stands
from streams.clock import week_name, week_start

#: Weeks that are made up for after a pause; older ones are left.
CATCH_UP_WEEKS = 4
NONE_DUE = -1


def newest_due(stands: Stands) -> int:
    """The number of the newest week that is due; `NONE_DUE` where none is."""
    last = stands.last_closed
    if last < 0 or stands.is_closed(last):
        return last
    return last - 1


def weeks_to_send(newest: int, known: Mapping[int, bool], *, today: date, oldest_weeks: int) -> list[int]:
    """The weeks that a recipient waits for, the oldest first.

    Args:
        newest: the newest week that is due.
        known: weeks that the ledger knows of -> whether they are done with; a recipient without any is new, and gets the newest week only.
        oldest_weeks: a week that ended more weeks ago is not sent; 0: no limit.
    """
    if newest < 0:
        return []
    first = max(min(known), newest - CATCH_UP_WEEKS + 1) if known else newest
    return [
        week
        for week in range(first, newest + 1)
        if not known.get(week, False) and not _is_old(week, today=today, limit=oldest_weeks)
    ]


def _is_old(week: int, *, today: date, limit: int) -> bool:
    return limit > 0 and (today - week_start(week_name(week))).days // 7 - 1 > limit
