"""Labels are read from a title that tells something, and not from a topic or the name of a page."""

from __future__ import annotations

import pytest

from models.reading import Reading, read
from models.results import Text

BODY = "Belarus signed a pact with Russia. Minsk will host two radars."


def told(title: str, body: str = BODY) -> Reading:
    return read(Text(title, body, language="en"))


@pytest.mark.parametrize("title", ["Belarus–Russia relations", "Events of 2010 March 8", "Uncategorized"])
def test_a_title_without_a_cue_leaves_no_trace_in_what_is_scored(title: str) -> None:
    reading, bare = told(title), told("")
    assert [reading.masked_window(window) for window in reading.windows] == [bare.masked.strip()]
    assert [reading.plain_window(window) for window in reading.windows] == [bare.plain_window(bare.told).strip()]


def test_a_headline_is_scored_with_its_text() -> None:
    reading = told("Belarus refuses Russian base")
    assert reading.told.start == 0
    assert "refuses" in reading.masked


def test_a_title_that_alone_names_the_partner_stays() -> None:
    reading = told("Belarus–Russia relations", "Minsk signs a pact.")
    assert reading.told.start == 0
    assert reading.masked.count("actorx") == 3


def test_a_title_without_a_text_stays() -> None:
    assert list(told("Belarus–Russia relations", "").told) == [0]


def test_no_window_of_a_long_item_begins_with_a_silent_title() -> None:
    reading = told("Belarus–Russia relations", " ".join([BODY] * 20))
    assert len(reading.windows) > 1
    assert all(window.start > 0 for window in reading.windows)
