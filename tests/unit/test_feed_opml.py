"""Feed lists of other readers come in whole or are refused; nothing in them can grow, look elsewhere or break the list."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.errors import ConfigError, FeedError
from streams.ingest.feed_file import Watched, add_feeds
from streams.ingest.feeds import Feed, FeedList, load_feeds
from streams.ingest.opml import read_opml, write_opml

OPML = b"""<?xml version="1.0"?>
<opml version="2.0"><head><title>Mine</title></head><body>
  <outline text="Europe"><outline text="Baltic"><outline type="rss" text="Courier &amp; Co" xmlUrl="https://courier.invalid/rss" language="en-GB"/></outline></outline>
  <outline TITLE="Ledger" xmlurl="HTTPS://ledger.invalid/atom"/>
  <outline type="rss" xmlUrl="https://courier.invalid/rss" text="again"/>
  <outline text="A note"/>
  <outline type="link" url="https://ledger.invalid/page" text="A page"/>
  <outline text="Odd" xmlUrl="javascript:alert(1)"/>
  <outline xmlUrl="https://nameless.invalid/feed"/>
</body></opml>"""
BOMB = b'<!DOCTYPE o [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><opml><body><outline text="&b;"/></body></opml>'


def test_feeds_come_with_their_outermost_folder_each_once_and_the_rest_is_told() -> None:
    imported = read_opml(OPML)
    assert imported.feeds == [
        Feed("https://courier.invalid/rss", "Courier & Co", "en", group="Europe"),
        Feed("HTTPS://ledger.invalid/atom".replace("HTTPS", "https"), "Ledger"),
        Feed("https://nameless.invalid/feed", "nameless.invalid"),
    ]
    assert len(imported.warnings) == 2
    assert "more than once" in imported.warnings[0]
    assert "not an http or https address" in imported.warnings[1]


def test_what_goes_out_comes_in_again() -> None:
    feeds = [
        Feed("https://a.invalid/?x=1&y=%22", 'Quotes " and <tags> & more', "be", group="East & West"), Feed("https://b.invalid/", "Вести"),
        Feed("https://c.invalid/", "C", group="East & West"),
    ]  # fmt: skip
    again = read_opml(write_opml(feeds).encode()).feeds
    assert sorted(again, key=lambda feed: feed.url) == feeds


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (BOMB, "declares a document type"),
        (b'<!DOCTYPE o SYSTEM "file:///etc/hostname"><opml/>', "declares a document type"),
        (b"<opml>" + b"<outline>" * 100_000, "nested more than 50 deep"),
        (b"<opml><body>", "not well-formed"),
        (b"", "not well-formed"),
        (b"\xff\xfe<", "not well-formed"),
        (b"<html><body/></html>", "no OPML"),
        (b'<?xml version="1.0" encoding="punycode"?><opml/>', "not well-formed"),
        (b'<?xml version="1.0" encoding="no-such"?><opml/>', "not well-formed"),
        (b"<opml><body>" + b'<outline xmlUrl="https://a.invalid/' * 1, "not well-formed"),
        (b"x" * 11_000_000, "more than"),
    ],
)
def test_hostile_documents_are_refused_at_once(data: bytes, message: str) -> None:
    started = time.monotonic()
    with pytest.raises(FeedError, match=message):
        read_opml(data)
    assert time.monotonic() - started < 2


def test_a_list_without_end_is_refused() -> None:
    outlines = b"".join(b'<outline xmlUrl="https://a.invalid/%d"/>' % number for number in range(10_001))
    with pytest.raises(FeedError, match="more than 10000 feeds"):
        read_opml(b"<opml><body>" + outlines + b"</body></opml>")


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=100, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: OPML.replace(b"Ledger", text.encode("utf-8", "replace"))))
def test_any_bytes_give_feeds_that_the_list_can_hold_or_an_error(data: bytes) -> None:
    try:
        imported = read_opml(data)
    except FeedError:
        return
    for feed in imported.feeds:
        assert feed.url.isascii()
        assert feed.outlet.isprintable()


def test_feeds_are_added_beneath_what_a_person_wrote_and_each_only_once(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "feeds.toml"
    one = Feed("https://a.invalid/", 'A "quoted" \\ name', group="G", interval_minutes=5)
    assert add_feeds(path, [one]) == [one]
    path.write_text("# mine\n" + path.read_text().rstrip())
    two = Feed("https://b.invalid/", "B", enabled=False)
    assert add_feeds(path, [one, two, two]) == [two]
    assert add_feeds(path, [two]) == []
    assert path.read_text().startswith("# mine\n[[feed]]\n")
    found = load_feeds(path).feeds
    assert [(feed.url, feed.outlet, feed.group, feed.interval_minutes, feed.enabled) for feed in found] == [
        ("https://a.invalid/", one.outlet, "G", 5, True),
        ("https://b.invalid/", "B", "", None, False),
    ]
    assert [file.name for file in path.parent.iterdir()] == ["feeds.toml"]


def test_a_feed_that_the_list_cannot_hold_leaves_the_list_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "feeds.toml"
    add_feeds(path, [Feed("https://a.invalid/", "A")])
    before = path.read_text()
    with pytest.raises(ConfigError):
        add_feeds(path, [Feed("https://b.invalid/", "")])
    assert path.read_text() == before
    assert [file.name for file in tmp_path.iterdir()] == ["feeds.toml"]


def test_a_list_on_disk_tells_when_it_was_edited_and_a_wrong_edit_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "feeds.toml"
    add_feeds(path, [Feed("https://a.invalid/", "A")])
    watched = Watched(path)
    assert watched.changed() is None
    path.write_text("this is no list")
    assert watched.changed() is None
    add_text = '[[feed]]\nurl = "https://b.invalid/"\noutlet = "B"\n'
    path.write_text(add_text)
    assert watched.changed() == FeedList((Feed("https://b.invalid/", "B", name="b"),))
    path.unlink()
    assert watched.changed() is None
    assert [feed.outlet for feed in watched.feeds.feeds] == ["B"]
