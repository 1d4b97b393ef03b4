"""Floors of what is reported when many series are watched at once (docs/breaks.md has the figures): few false ones, most sure ones."""

from __future__ import annotations

import pytest

from tests.helpers.reporting_figures import is_true, mixture, watch

pytestmark = pytest.mark.timeout(240)


def test_of_two_hundred_quiet_series_over_four_years_hardly_any_break_is_reported() -> None:
    series = mixture(301, 200, 0.0)
    seen = watch(series)
    assert len(seen.active) >= 10, "each series for itself does raise false alarms: otherwise nothing is tested here"
    assert len(seen.reported) <= 2


def test_where_one_series_in_four_jumps_few_of_the_reported_are_false_and_half_of_the_jumps_are_reported() -> None:
    series = mixture(302, 160, 0.25)
    seen = watch(series)
    false = sum(not is_true(series, one) for one in seen.reported)
    true = len(seen.reported) - false
    assert false <= 0.2 * len(seen.reported)
    assert true >= 0.4 * sum(one.change >= 0 for one in series)


def test_accepting_more_false_ones_reports_more() -> None:
    series = mixture(303, 80, 0.25)
    assert len(watch(series, 0.05).reported) < len(watch(series, 0.5).reported)
