"""One target of atheris, in a process of its own: `python -m tests.hostile.fuzz_target TARGET [options of libFuzzer]`."""

from __future__ import annotations

import sys
from collections.abc import Callable

import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore]

with atheris.instrument_imports(include=["streams.ingest", "streams.json_text", "streams.push", "feedparser"]):
    from streams.clock import parse_utc
    from streams.errors import RecordError
    from streams.ingest.article import to_article
    from streams.ingest.parsers import parse_feed
    from streams.ingest.text import clean_text
    from streams.push.items import read_items
    from streams.push.problems import PushError
    from streams.records import Article, decode, encode
    from streams.settings import Settings

NOW = parse_utc("2017-08-02T12:00:00Z")
SETTINGS = Settings()
#: What feedparser raises for broken documents: its process tells each as an error of the feed.
OF_THE_LIBRARY = (ValueError, LookupError, RecursionError, AssertionError, TypeError, AttributeError)


def feeds(data: bytes) -> None:
    """Any bytes as a feed; its entries as articles."""
    try:
        found = parse_feed(data, "https://courier.invalid/rss")
    except OF_THE_LIBRARY:
        return
    for entry in found.entries:
        _article({"id": entry.id, "title": entry.title, "text": entry.content or entry.summary, "published": entry.published})


def json(data: bytes) -> None:
    """Any bytes as the body of a push."""
    _body(data, lines=False)


def lines(data: bytes) -> None:
    """The same as JSON Lines."""
    _body(data, lines=True)


def text(data: bytes) -> None:
    """Any text as a title and a text, as its own id and date, too."""
    given = data.decode("utf-8", "surrogateescape")
    clean_text(given).encode()
    _article({"id": given, "title": given, "text": given, "published": given, "url": given, "language": given})


def _body(data: bytes, *, lines: bool) -> None:
    try:
        reading = read_items(data, "json-lines" if lines else "json", now=NOW, settings=SETTINGS)
    except PushError:
        return
    for article in reading.articles:
        assert decode(Article, encode(article)) == article


def _article(raw: dict[str, object]) -> None:
    try:
        article = to_article(raw, now=NOW, settings=SETTINGS)
    except RecordError:
        return
    assert decode(Article, encode(article)) == article


TARGETS: dict[str, Callable[[bytes], None]] = {"feeds": feeds, "json": json, "lines": lines, "text": text}

if __name__ == "__main__":
    target = TARGETS[sys.argv[1]]
    atheris.Setup([sys.argv[0], *sys.argv[2:]], target)
    atheris.Fuzz()
