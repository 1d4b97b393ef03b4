"""The only place that asks what time it is, and the calendar of event time.

Times are aware UTC. Weeks are ISO 8601 weeks in UTC, written `2017-W31`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The current time, aware, in UTC."""
    return datetime.now(UTC)


def monotonic_seconds() -> float:
    """Seconds of a clock that never goes back; only differences mean anything."""
    return time.monotonic()


def process_seconds() -> float:
    """For how many seconds this process has been running, its start included."""
    import psutil

    return max(0.0, time.time() - psutil.Process().create_time())


def format_utc(moment: datetime) -> str:
    """`2017-08-02T09:30:00Z`: the wire form of every time.

    Raises:
        ValueError: if `moment` has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone: {moment!r}")
    return moment.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")


def parse_utc(text: str) -> datetime:
    """The aware UTC time of an ISO 8601 date or time; a time without a zone counts as UTC.

    Raises:
        ValueError: if `text` is not ISO 8601.
    """
    moment = datetime.fromisoformat(text.strip())
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC)


def iso_week(moment: datetime) -> str:
    """The ISO week that an aware time falls in, in UTC.

    >>> iso_week(datetime(2017, 8, 2, tzinfo=UTC))
    '2017-W31'
    """
    year, week, _ = moment.astimezone(UTC).isocalendar()
    return f"{year:04d}-W{week:02d}"


def week_start(week: str) -> date:
    """The Monday of an ISO week.

    >>> week_start("2017-W31")
    datetime.date(2017, 7, 31)

    Raises:
        ValueError: if `week` is not of the form `YYYY-Www` or there is no such week.
    """
    year, _, number = week.partition("-W")
    return date.fromisocalendar(int(year), int(number), 1)


def weeks_between(first: str, last: str) -> list[str]:
    """Every ISO week from `first` to `last`, both included; empty when `last` comes before `first`."""
    monday, end = week_start(first), week_start(last)
    weeks = []
    while monday <= end:
        year, number, _ = monday.isocalendar()
        weeks.append(f"{year:04d}-W{number:02d}")
        monday += timedelta(weeks=1)
    return weeks


def shift_week(week: str, by: int) -> str:
    """The ISO week `by` weeks after `week` (before it, when negative)."""
    year, number, _ = (week_start(week) + timedelta(weeks=by)).isocalendar()
    return f"{year:04d}-W{number:02d}"


@lru_cache(maxsize=8192)
def week_number(week: str) -> int:
    """The number of `2017-W31`: weeks since that of 0001-01-01, which is week 0, so that spans of weeks are ranges.

    Raises:
        ValueError: if there is no such week, or it is not written in that way.
    """
    number = (week_start(week).toordinal() - 1) // 7
    if week_name(number) != week:
        raise ValueError(f"not an ISO week: {week!r}")
    return number


@lru_cache(maxsize=8192)
def week_name(number: int) -> str:
    """`2017-W31` of a number."""
    year, week, _ = date.fromordinal(number * 7 + 1).isocalendar()
    return f"{year:04d}-W{week:02d}"
