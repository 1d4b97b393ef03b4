"""A site's page names its feeds, in whatever way pages do."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.ingest.discovery import FoundFeed, find_feeds, usual_addresses

URL = "https://courier.invalid/world/"


def head(*lines: str) -> bytes:
    return f"<!doctype html><html><head>{''.join(lines)}</head><body></body></html>".encode()


@pytest.mark.parametrize(
    ("line", "url"),
    [
        ('<link rel="alternate" type="application/rss+xml" href="/rss.xml">', "https://courier.invalid/rss.xml"),
        (
            '<LINK REL="Alternate Stylesheet" TYPE="Application/Atom+XML; charset=utf-8" HREF="atom">',
            "https://courier.invalid/world/atom",
        ),
        ("<link rel=alternate type=application/feed+json href=//cdn.invalid/feed.json>", "https://cdn.invalid/feed.json"),
        ('<link rel="alternate" type="application/json" href="/feed.json">', "https://courier.invalid/feed.json"),
        ('<link rel="alternate" type="application/rss+xml" href="feed:https://a.invalid/x">', "https://a.invalid/x"),
        ('<link rel="alternate" type="application/rss+xml" href="feed://a.invalid/x">', "https://a.invalid/x"),
        ('<base href="https://other.invalid/"><link rel="alternate" type="text/xml" href="x">', "https://other.invalid/x"),
        ('<link rel="alternate" type="application/rss+xml" href="/r&amp;s">', "https://courier.invalid/r&s"),
        ('<a href="/feeds/world.xml">RSS</a>', "https://courier.invalid/feeds/world.xml"),
        ('<a href="/abc" type="application/rss+xml">x</a>', "https://courier.invalid/abc"),
    ],
)
def test_a_feed_is_found(line: str, url: str) -> None:
    assert [found.url for found in find_feeds(head(line), URL)] == [url]


@pytest.mark.parametrize(
    "line",
    [
        '<!-- <link rel="alternate" type="application/rss+xml" href="/x"> -->', '<linkage rel="alternate" type="application/rss+xml" href="/x">',
        '<link rel="alternate" type="text/html" hreflang="de" href="/de">', '<link rel="alternate" type="application/json" href="/api/posts/7">',
        '<link rel="stylesheet" type="application/rss+xml" href="/x">', '<link rel="alternate" type="application/rss+xml" href="javascript:x">',
        '<link rel="alternate" type="application/rss+xml">', '<a href="/feedback">x</a>', '<a href="/about#rss">x</a>',
    ],
)  # fmt: skip
def test_what_is_no_feed_is_not_found(line: str) -> None:
    assert find_feeds(head(line), URL) == []


def test_declared_feeds_come_in_their_order_each_once_with_titles_and_before_mere_links() -> None:
    page = head(
        '<link rel="alternate" type="application/rss+xml" title="All &amp; more" href="/a">',
        '<link rel="alternate" type="application/atom+xml" title="Atom" href="/b">',
        '<link rel="alternate" type="application/rss+xml" href="/a"><a href="/rss">x</a>',
    )
    assert find_feeds(page, URL) == [
        FoundFeed("https://courier.invalid/a", "All & more"),
        FoundFeed("https://courier.invalid/b", "Atom"),
    ]


@pytest.mark.parametrize(
    ("page", "content_type"),
    [
        (
            head('<link rel="alternate" type="application/rss+xml" title="Вести" href="/a">').decode().encode("koi8-r"),
            "text/html; charset=koi8-r",
        ),
        (
            head("<meta charset=windows-1251>", '<link rel="alternate" type="application/rss+xml" title="Вести" href="/a">')
            .decode()
            .encode("cp1251"),
            "",
        ),
        (head('<link rel="alternate" type="application/rss+xml" title="Вести" href="/a">').decode().encode("utf-16"), ""),
        (head('<link rel="alternate" type="application/rss+xml" title="Вести" href="/a">'), "text/html; charset=punycode"),
    ],
)
def test_the_charset_is_the_servers_or_the_pages(page: bytes, content_type: str) -> None:
    assert find_feeds(page, URL, content_type) == [FoundFeed("https://courier.invalid/a", "Вести")]


@pytest.mark.parametrize(
    "page", [b"<" * 2_000_000, b"<a href='" * 200_000, b"<!" * 500_000, b"<link " * 300_000, b"&" * 2_000_000, b"<![" * 100_000]
)
def test_hostile_pages_end_in_bounded_time(page: bytes) -> None:
    started = time.monotonic()
    find_feeds(page, URL)
    assert time.monotonic() - started < 5


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=100, deadline=None)
@given(
    st.binary(max_size=300)
    | st.text(max_size=200).map(lambda text: head(f'<link rel="alternate" type="text/xml" href="{text}">'))
)
def test_any_page_gives_addresses_that_may_be_fetched(page: bytes) -> None:
    for found in find_feeds(page, URL):
        assert found.url.startswith(("http://", "https://"))
        assert found.url.isascii()


def test_the_usual_places_are_of_the_same_site() -> None:
    assert usual_addresses(URL)[:2] == ["https://courier.invalid/feed", "https://courier.invalid/rss"]
