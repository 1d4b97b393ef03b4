"""Whatever comes in, nothing but the answers that there are comes out. Bounded here; `make fuzz` goes on for as long as it is told.

`FUZZ_EXAMPLES` in the environment sets the examples of each property.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from streams.clock import parse_utc
from streams.errors import RecordError
from streams.ingest.archive_reading import read_archive
from streams.ingest.article import to_article
from streams.ingest.entries import find_changes
from streams.ingest.feeds import Feed
from streams.ingest.parsed import ParsedFeed
from streams.ingest.parsers import parse_feed
from streams.ingest.text import clean_text
from streams.json_text import JsonTextError, read_json, read_json_bytes
from streams.marks import bounded_marks
from streams.printable import printable_line
from streams.push.items import BodyKind, Reading, read_items
from streams.push.problems import PushError
from streams.records import DEAD_LETTER_REASONS, Article, decode, encode
from streams.settings import Settings
from tests.hostile.strategies import FEEDS, JSON_BODIES, LINE_BODIES, ODD_TEXT, RAW

NOW = parse_utc("2017-08-02T12:00:00Z")
FEED = Feed("https://courier.invalid/rss", "Courier")
FUZZ = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "100")), deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)  # fmt: skip


def assert_is_sound(article: Article) -> None:
    """It goes over the wire and back, and nothing in its id or title can steer anything."""
    assert decode(Article, encode(article)) == article
    assert article.id
    assert printable_line(article.id) == article.id
    assert printable_line(article.title) == article.title


@FUZZ
@given(RAW)
def test_a_mapping_is_an_article_or_an_error_with_a_reason(raw: dict[str, object]) -> None:
    try:
        found: Article | RecordError = to_article(raw, now=NOW, settings=Settings())
    except RecordError as error:
        found = error
    if isinstance(found, Article):
        assert_is_sound(found)
    else:
        assert found.reason in DEAD_LETTER_REASONS


@pytest.mark.parametrize("kind", ["json", "json-lines"])
@FUZZ
@given(body=JSON_BODIES | LINE_BODIES)
def test_a_body_is_articles_and_faults_by_item_or_a_problem(kind: BodyKind, body: bytes) -> None:
    try:
        found: Reading | PushError = read_items(body, kind, now=NOW, settings=Settings())
    except PushError as error:
        found = error
    if isinstance(found, PushError):
        assert found.status in (400, 413)
        msgspec.json.encode(found.to_json())
        return
    for article in found.articles:
        assert_is_sound(article)
    assert all(error.reason in DEAD_LETTER_REASONS for error in found.errors)


@pytest.mark.parametrize("ending", [".jsonl", ".csv"])
@FUZZ
@given(body=LINE_BODIES)
def test_every_line_of_an_archive_is_a_mapping_or_an_error(tmp_path: Path, ending: str, body: bytes) -> None:
    path = tmp_path / f"news{ending}"
    path.write_bytes(body if ending == ".jsonl" else b"id,title,text\n" + body)
    for line in read_archive(path):
        assert (line.raw is None) != (line.error is None)
        assert line.error is None or line.error.reason in DEAD_LETTER_REASONS


@FUZZ
@given(FEEDS)
def test_a_feed_is_entries_or_an_error_and_entries_are_articles_or_dead_letters(document: bytes) -> None:
    try:
        found = parse_feed(document, FEED.url)
    except (ValueError, LookupError, RecursionError, AssertionError):
        return  # what the library raises for broken documents is told as an error by the process that it runs in
    if found.error is None:
        changes = find_changes(ParsedFeed(entries=found.entries), FEED, {}, now=NOW, settings=Settings())
        for article in changes.articles:
            assert_is_sound(article)


@FUZZ
@given(ODD_TEXT)
def test_clean_text_is_stable_and_fit_for_the_wire(raw: str) -> None:
    cleaned = clean_text(raw)
    cleaned.encode()
    assert bounded_marks(cleaned) == cleaned


@FUZZ
@given(JSON_BODIES)
def test_json_is_read_as_the_standard_says_or_refused(body: bytes) -> None:
    try:
        found = read_json_bytes(body)
    except (JsonTextError, UnicodeDecodeError):
        return
    assert read_json(json.dumps(found)) == found
