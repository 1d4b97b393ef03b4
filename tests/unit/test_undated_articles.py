"""From an entry's date to the watermark: a date that can't be used puts an article into the week of its arrival, and closes no week."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from streams.classify.facts import facts_of
from streams.ingest.article import to_article
from streams.records import UNDATED
from streams.settings import load_settings
from streams.trends.windows import count_week
from tests.helpers.builders import classified, pair_signal

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def latest_of(published: object) -> str:
    """What the week of such an article says of the watermark."""
    raw = {"id": "1", "title": "Title", "text": "Text", "published": published}
    facts = facts_of(to_article(raw, now=NOW, settings=load_settings()), classified(pair_signal()), "1-test")
    assert facts
    return count_week(f"{facts[0].source}-{facts[0].partner}", facts[0].week, facts[:1]).latest


@pytest.mark.parametrize(
    "published",
    [None, "", "a while ago", "2031-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", 0],
)
def test_a_date_that_cannot_be_used_moves_no_watermark(published: object) -> None:
    assert latest_of(published) == UNDATED


@pytest.mark.parametrize("published", ["2026-11-20T09:00:00Z", "2017-08-02", "2026-11-25T11:00:00Z"])
def test_a_date_that_can_be_used_moves_it(published: str) -> None:
    assert latest_of(published).startswith(published)
