"""When a week is closed: pure arithmetic of event time.

The *watermark* of a partition is the newest publication in any week that stands on it. A week is *closed* when the watermark has
passed its end by the *allowed lateness*; weeks after the last closed one are *running*. So closing is a function of what stands
on `trends`, not of when it was read: an archive of 2017 closes its weeks as it is read in, and a feed that has died closes none.
An article without a date that can be used counts in the week of its arrival, but says nothing of the time: read in with an archive, one
of them would close every week that the archive has yet to bring.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from streams.clock import format_utc, parse_utc, week_name, week_start
from streams.records import UNDATED

#: The number of the last closed week where none is closed.
NONE_CLOSED = -1


def newest_publication(week: str, latest: str) -> str:
    """What a pair's week says of the watermark: its newest publication, or its Monday where that is not said or not in it.

    Nothing ("") where no article of the week has a date of its own.
    """
    if latest == UNDATED:
        return ""
    monday = datetime.combine(week_start(week), time(), UTC)
    try:
        moment = parse_utc(latest)
    except ValueError:
        return format_utc(monday)
    return format_utc(moment if monday <= moment < monday + timedelta(weeks=1) else monday)


def last_closed_week(watermark: str, lateness: timedelta) -> int:
    """The number of the last closed week; `NONE_CLOSED` without a watermark.

    >>> week_name(last_closed_week("2017-08-09T00:00:00Z", timedelta(hours=48)))
    '2017-W31'
    >>> week_name(last_closed_week("2017-08-08T23:59:59Z", timedelta(hours=48)))
    '2017-W30'
    """
    if not watermark:
        return NONE_CLOSED
    return ((parse_utc(watermark) - lateness).date().toordinal() - 1) // 7 - 1


def closing_time(week: int, lateness: timedelta) -> datetime:
    """The event time at which a week closes."""
    return datetime.combine(week_start(week_name(week)), time(), UTC) + timedelta(weeks=1) + lateness
