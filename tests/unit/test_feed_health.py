"""Silence is judged by the feed's own past and weekends; errors fall into a closed set of classes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from streams.errors import FeedError
from streams.ingest.answers import FETCH_PROBLEMS, FetchError
from streams.ingest.health import Cadence, add_hours, cadence_of, error_kind, silence_limit_seconds, silent_at
from streams.metrics import FEED_ERROR_KINDS

#: A Monday.
START = datetime(2017, 6, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)


def past(publishes: Callable[[datetime], bool], *, days: int = 42) -> tuple[list[int], datetime]:
    """The hours of a feed that publishes in the hours that `publishes` says, and the moment after them, a Monday."""
    moments = [START + HOUR * number for number in range(days * 24)]
    end = START + timedelta(days=days)
    return add_hours([], [moment for moment in moments if publishes(moment)], end), end


def office(moment: datetime) -> bool:
    return moment.weekday() < 5 and 8 <= moment.hour < 18


def test_a_paper_that_rests_at_the_weekend_is_not_silent_on_monday_morning_but_on_monday_night() -> None:
    hours, end = past(office)
    cadence = cadence_of(hours, end)
    friday = end - timedelta(days=3) + timedelta(hours=17)
    expected = silent_at(friday, cadence, None)
    assert cadence.weights[5:] == (0.0, 0.0)
    assert expected is not None
    assert end + timedelta(hours=10) < expected < end + timedelta(hours=24)


def test_the_same_silence_inside_the_week_is_found_within_a_day() -> None:
    hours, end = past(office)
    tuesday = end - timedelta(days=6) + timedelta(hours=17)
    expected = silent_at(tuesday, cadence_of(hours, end), None)
    assert expected is not None
    assert expected - tuesday < timedelta(hours=24)


def test_a_weekend_may_be_any_two_days() -> None:
    hours, end = past(lambda moment: moment.weekday() not in (4, 5) and 6 <= moment.hour < 20)
    cadence = cadence_of(hours, end)
    assert (cadence.weights[4], cadence.weights[5], cadence.weights[6]) == (0.0, 0.0, 1.0)
    thursday = end - timedelta(days=4) + timedelta(hours=19)
    expected = silent_at(thursday, cadence, None)
    assert expected is not None
    assert expected > thursday + timedelta(days=2, hours=12)


def test_an_agency_that_never_rests_is_silent_after_six_hours() -> None:
    hours, end = past(lambda _moment: True)
    assert silent_at(end, cadence_of(hours, end), None) == end + timedelta(hours=6)


def test_a_weekly_is_not_silent_before_its_next_day() -> None:
    hours, end = past(lambda moment: moment.weekday() == 3 and 9 <= moment.hour < 12, days=56)
    thursday = end - timedelta(days=4) + timedelta(hours=11)
    expected = silent_at(thursday, cadence_of(hours, end), None)
    assert expected is not None
    assert timedelta(days=7) < expected - thursday < timedelta(days=15)


def test_of_a_feed_that_is_hardly_known_three_days_are_silence_and_the_weekend_does_not_count() -> None:
    tuesday = START + timedelta(days=1)
    assert cadence_of([1, 2, 3], tuesday) == Cadence()
    assert silent_at(tuesday, Cadence(), None) == tuesday + timedelta(days=3)
    friday = START + timedelta(days=4)
    assert silent_at(friday, Cadence(), None) == friday + timedelta(days=5)


def test_one_outage_in_the_past_does_not_make_the_next_one_normal() -> None:
    hours, end = past(lambda moment: not START + timedelta(days=10) <= moment < START + timedelta(days=14))
    assert silence_limit_seconds(cadence_of(hours, end)) == 6 * 3_600


def test_what_a_person_sets_stands_above_the_past() -> None:
    assert silent_at(START, Cadence(), 2.5) == START + timedelta(hours=2.5)
    assert silent_at(START, Cadence(), 0) is None


def test_only_the_last_eight_weeks_count_and_the_future_does_not() -> None:
    hours, end = past(lambda _moment: True, days=90)
    assert len(hours) == 56 * 24 - 1
    assert add_hours(hours, [end + timedelta(days=2)], end) == hours


@pytest.mark.parametrize("weights", [(0.0,) * 7, (0.1, 0, 0, 0, 0, 0, 0)])
def test_silence_ends_somewhere_whatever_the_weights_are(weights: tuple[float, ...]) -> None:
    expected = silent_at(START, Cadence(weights, 40 * 86_400.0), None)
    assert expected is not None
    assert expected > START + timedelta(days=59)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (FetchError("x", kind="status", where="", status=410), "gone"),
        (FetchError("x", kind="status", where="", status=429), "busy"),
        (FetchError("x", kind="status", where="", status=503), "busy"),
        (FetchError("x", kind="status", where="", status=500), "server-error"),
        (FetchError("x", kind="status", where="", status=404), "client-error"),
        (FetchError("x", kind="timeout", where=""), "timeout"),
        (FeedError("not a feed"), "not-a-feed"),
        (ZeroDivisionError(), "fault"),
    ],
)
def test_an_error_has_one_class(error: Exception, kind: str) -> None:
    assert error_kind(error) == kind


def test_every_class_of_error_has_its_series() -> None:
    assert {error_kind(FetchError("x", kind=kind, where="", status=404)) for kind in FETCH_PROBLEMS} <= set(FEED_ERROR_KINDS)
