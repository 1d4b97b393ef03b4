"""The calendar of event time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.clock import format_utc, iso_week, parse_utc, shift_week, week_start, weeks_between


def test_a_week_begins_on_monday_in_utc() -> None:
    assert iso_week(datetime(2017, 8, 6, 23, 59, tzinfo=UTC)) == "2017-W31"
    assert iso_week(datetime(2017, 8, 7, 1, 0, tzinfo=timezone(timedelta(hours=3)))) == "2017-W31"


def test_days_around_new_year_belong_to_the_iso_year() -> None:
    assert iso_week(datetime(2021, 1, 1, tzinfo=UTC)) == "2020-W53"
    assert iso_week(datetime(2018, 12, 31, tzinfo=UTC)) == "2019-W01"


def test_weeks_between_counts_both_ends_over_a_long_year() -> None:
    assert weeks_between("2020-W52", "2021-W01") == ["2020-W52", "2020-W53", "2021-W01"]
    assert weeks_between("2021-W02", "2021-W01") == []


@given(st.dates(date(1950, 1, 1), date(2090, 1, 1)), st.integers(-200, 200))
def test_shifting_weeks_there_and_back_is_nothing(day: date, by: int) -> None:
    week = iso_week(datetime(day.year, day.month, day.day, tzinfo=UTC))
    assert shift_week(shift_week(week, by), -by) == week


@pytest.mark.parametrize("wrong", ["", "2017", "2017-W60", "2017-31", "x-W01"])
def test_what_is_no_week_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the message is Python's
        week_start(wrong)


def test_times_are_written_in_utc_and_read_back() -> None:
    moment = datetime(2017, 8, 2, 12, 30, tzinfo=timezone(timedelta(hours=3)))
    assert format_utc(moment) == "2017-08-02T09:30:00Z"
    assert parse_utc("2017-08-02T09:30:00Z") == moment


def test_a_time_without_a_zone_is_not_written() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        format_utc(datetime(2017, 8, 2))  # noqa: DTZ001 - the point of the test
