"""ISO weeks as whole numbers, so that windows of weeks are ranges: week 0 begins on the Monday of 0001-01-01. Pure."""

from __future__ import annotations

from datetime import date, timedelta

from streams.clock import week_name as week_name
from streams.clock import week_number as week_number

#: Weeks that a strip shows, and weeks that a share looks back over.
STRIP_WEEKS = 52
SHARE_WEEKS = 13
#: The last week that can be named: that of 9999-12-31.
LAST_WEEK = (date.max.toordinal() - 1) // 7


def week_monday(number: int) -> date:
    """The Monday that a week begins on."""
    return date.fromordinal(number * 7 + 1)


def week_span(number: int) -> str:
    """`31 Jul - 6 Aug 2017`, with an en dash: the days of a week as a reader says them."""
    first = week_monday(number)
    last = first + timedelta(days=6)
    head = f"{first.day}" if first.month == last.month else f"{first.day} {first:%b}"
    if first.year != last.year:
        head = f"{first.day} {first:%b %Y}"
    return f"{head} – {last.day} {last:%b %Y}"


def week_end(number: int) -> str:
    """`6 Aug 2017`: the Sunday that a week ends on."""
    last = week_monday(number) + timedelta(days=6)
    return f"{last.day} {last:%b %Y}"


def month_name(number: int) -> str:
    """`Aug 2016`: the month that a week's Thursday falls in, which is the month that most of its days are of."""
    return f"{week_monday(number) + timedelta(days=3):%b %Y}"


def year_starts(first: int, last: int) -> list[tuple[int, int]]:
    """(week number, year) of the first week of each ISO year that begins inside the weeks `first` to `last`."""
    starts = []
    for year in range(week_monday(first).isocalendar().year, week_monday(last).isocalendar().year + 1):
        number = (date.fromisocalendar(year, 1, 1).toordinal() - 1) // 7
        if first <= number <= last:
            starts.append((number, year))
    return starts
