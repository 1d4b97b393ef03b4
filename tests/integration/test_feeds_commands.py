"""`bellwether feeds`: a list made, looked at, handed on; by a real process against a real server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.ingest.feed_file import add_feeds
from streams.ingest.feeds import Feed, FeedList, load_feeds
from streams.ingest.fetch import Timeouts
from streams.ingest.poll import PollOptions, run_feeds
from streams.settings import child_environment, load_settings
from tests.helpers.ingesting import FakeProducer, FeedServer, Page, fake_publisher, feed_server, rss
from tests.helpers.stack import REPOSITORY

ONE = rss(("1", "One", "First"))
PAGE = b'<html><head><link rel="alternate" type="application/rss+xml" title="World" href="/rss"></head></html>'


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with feed_server() as served:
        yield served


def feeds(folder: Path, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
    """Runs `bellwether feeds ...` with the list and the data of a folder."""
    settings = load_settings(data_dir=folder / "data", feeds=folder / "feeds.toml")
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", "feeds", *arguments], input=stdin, capture_output=True, cwd=REPOSITORY, timeout=60, check=False,
        env=child_environment(settings),
    )  # fmt: skip
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def test_a_feed_is_added_by_its_address_with_its_own_title(server: FeedServer, tmp_path: Path) -> None:
    server.pages["/rss"] = Page(ONE)
    done = feeds(tmp_path, "add", "--allow-private", "--language", "en", server.url("/rss"))
    assert done.returncode == 0, done.stderr
    (feed,) = load_feeds(tmp_path / "feeds.toml").feeds
    assert (feed.url, feed.outlet, feed.language, feed.allow_private) == (server.url("/rss"), "Courier", "en", True)
    assert "already" in feeds(tmp_path, "add", "--allow-private", server.url("/rss")).stdout


def test_a_sites_page_leads_to_its_feed_and_to_a_choice_when_there_are_several(server: FeedServer, tmp_path: Path) -> None:
    server.pages["/"] = Page(PAGE)
    server.pages["/rss"] = Page(ONE)
    assert feeds(tmp_path, "add", "--allow-private", server.url("/")).returncode == 0
    assert [feed.outlet for feed in load_feeds(tmp_path / "feeds.toml").feeds] == ["World"]
    server.pages["/two"] = Page(ONE)
    server.pages["/"] = Page(PAGE.replace(b"</head>", b'<link rel="alternate" type="text/xml" href="/two"></head>'))
    done = feeds(tmp_path, "add", "--allow-private", server.url("/"))
    assert done.returncode == 1
    assert "names 2 feeds" in done.stderr
    assert feeds(tmp_path, "add", "--all", "--allow-private", server.url("/")).returncode == 0
    assert len(load_feeds(tmp_path / "feeds.toml").feeds) == 2


def test_without_a_word_on_the_page_the_usual_places_are_tried(server: FeedServer, tmp_path: Path) -> None:
    server.pages["/"] = Page(b"<html></html>")
    server.pages["/feed.json"] = Page(b'{"version": "https://jsonfeed.org/version/1.1", "title": "J", "items": []}')
    assert feeds(tmp_path, "add", "--allow-private", server.url("/")).returncode == 0
    assert load_feeds(tmp_path / "feeds.toml").feeds[0].url == server.url("/feed.json")


def test_where_no_feed_is_the_list_stays_as_it_was(server: FeedServer, tmp_path: Path) -> None:
    server.pages["/"] = Page(b"<html></html>")
    for url in (server.url("/"), "ftp://a.invalid/", server.url("/gone")):
        done = feeds(tmp_path, "add", "--allow-private", url)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
    private = feeds(tmp_path, "add", server.url("/"))
    assert "not a public address" in private.stderr
    assert not (tmp_path / "feeds.toml").exists()


def test_a_check_says_of_each_feed_what_is_there_and_fails_when_one_cannot_be_read(server: FeedServer, tmp_path: Path) -> None:
    server.pages["/rss"] = Page(ONE)
    add_feeds(tmp_path / "feeds.toml", [Feed(server.url(path), path, allow_private=True) for path in ("/rss", "/gone")])
    done = feeds(tmp_path, "check", "--json")
    assert done.returncode == 1
    good, gone = (json.loads(line) for line in done.stdout.splitlines())
    assert (good["url"], good["entries"], good["newest"], good["error"]) == (server.url("/rss"), 1, "2017-08-02T09:30:00Z", None)
    assert (gone["error_kind"], gone["error"]) == ("client-error", "the server answered 404")
    shown = feeds(tmp_path, "check", "--allow-private", server.url("/rss"))
    assert shown.returncode == 0
    assert shown.stdout.startswith("good    ")


def test_the_list_is_shown_with_how_each_feed_is(server: FeedServer, tmp_path: Path) -> None:
    server.pages["/rss"] = Page(ONE)
    listed = [
        Feed(server.url(path), path, allow_private=True, enabled=path != "/off") for path in ("/rss", "/gone", "/new", "/off")
    ]
    add_feeds(tmp_path / "feeds.toml", listed)
    settings = load_settings(data_dir=tmp_path / "data", kafka_servers="127.0.0.1:1")
    options = PollOptions(host_spacing_seconds=0.0, timeouts=Timeouts(total=4.0))
    run_feeds(settings, FeedList(tuple(listed[:2])), fake_publisher(FakeProducer(), name="feeds"), once=True, options=options)
    states = [json.loads(line) for line in feeds(tmp_path, "list", "--json").stdout.splitlines()]
    assert [(state["state"], state["silent"]) for state in states] == [
        ("good", True),
        ("failing", False),
        ("waiting", False),
        ("off", False),
    ]
    table = feeds(tmp_path, "list").stdout.splitlines()
    assert len(table) == 5
    assert "the server answered 404" in table[2]


def test_a_list_goes_out_as_opml_and_comes_in_again(tmp_path: Path) -> None:
    add_feeds(tmp_path / "feeds.toml", [Feed("https://a.invalid/", "A & B", group="G"), Feed("https://b.invalid/", "B")])
    exported = feeds(tmp_path, "export")
    assert exported.returncode == 0
    other = tmp_path / "other"
    other.mkdir()
    report = feeds(other, "import", "--json", "-", stdin=exported.stdout.encode())
    assert json.loads(report.stdout)["added"] == ["https://a.invalid/", "https://b.invalid/"]
    assert [feed.outlet for feed in load_feeds(other / "feeds.toml").feeds] == ["A & B", "B"]
    bomb = feeds(other, "import", "-", stdin=b'<!DOCTYPE o [<!ENTITY a "x">]><opml/>')
    assert (bomb.returncode, "declares a document type" in bomb.stderr) == (1, True)
    assert feeds(other, "import", str(tmp_path / "gone.opml")).returncode == 1


def test_without_a_list_the_reader_is_told_how_to_get_one(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", "feeds", "list"], capture_output=True, text=True, cwd=REPOSITORY, timeout=60, check=False,
        env=child_environment(settings),
    )  # fmt: skip
    assert done.returncode == 2
    assert "feeds add" in done.stderr
