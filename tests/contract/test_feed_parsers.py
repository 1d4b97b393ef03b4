"""One suite over all feed parsers: each document of `tests/data/feeds/<type>/` gives what its `.json` says, in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.ingest import sources
from streams.ingest.parsed import ParsedFeed
from streams.ingest.parsers import PARSERS, parse_feed
from streams.ingest.parsing import FeedParser, ParserPool
from streams.ingest.sources import parse_file_or_url, parse_sources
from tests.helpers.ingesting import Page, feed_server, rss

DOCUMENTS = Path(__file__).parents[1] / "data" / "feeds"
FILES = sorted(path for path in DOCUMENTS.glob("*/*") if path.suffix != ".json")


@pytest.fixture(scope="module")
def parser() -> Iterator[FeedParser]:
    with FeedParser() as parser:
        yield parser


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_document_gives_what_its_json_says(path: Path, parser: FeedParser) -> None:
    found = json.loads(parse_file_or_url(str(path), parser).to_json())
    found["file"] = f"{path.parent.name}/{path.name}"
    assert found == json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))


def test_every_type_of_feed_has_documents_and_every_parser_takes_some() -> None:
    assert {path.parent.name for path in FILES} >= {"rss", "atom", "rdf", "cdf", "jsonfeed"}
    takers = [
        next(parse for is_mine, parse in PARSERS if is_mine(path.read_bytes(), "")) for path in FILES if path.stat().st_size
    ]
    assert {parse for _, parse in PARSERS} == set(takers)


@pytest.mark.parametrize(
    "data",
    [
        b"", b" \n", b"\x00" * 1_000, b'{"version": "https://jsonfeed.org/version/1.1"}', b"[" * 100_000, b"plain words", b"\xff\xfe\x00\x01",
        b'{"version": "https://jsonfeed.org/version/1.1", "items": {}}', b'{"items": ["x"]}', b'{"a":' * 100_000, b'[1e999, NaN]',
        b'{"items": [' + b"9" * 10_000 + b"]}", b"<" * 100_000, b"<rss>" * 50_000, b"%PDF-1.4",
    ],
)  # fmt: skip
def test_what_is_no_feed_is_told_as_a_value(data: bytes, parser: FeedParser) -> None:
    found = parser.parse(data, "https://a.invalid/")
    assert found.entries == []
    assert found.error


def test_what_a_feed_says_of_itself_and_of_its_entries_sources_comes_through(parser: FeedParser) -> None:
    wire = parser.parse((DOCUMENTS / "rss" / "wire_copy.xml").read_bytes(), "")
    assert (wire.title, wire.site, wire.ttl_seconds) == ("The Courier", "https://courier.invalid/", 7_200)
    assert (wire.entries[0].author, wire.entries[0].source) == ("A. Writer", "Example Agency")
    plain = parser.parse((DOCUMENTS / "jsonfeed" / "plain.feed").read_bytes(), "")
    assert (plain.title, plain.site, plain.language) == ("The Courier", "https://courier.invalid/", "en")
    assert [entry.author for entry in plain.entries] == ["A. Writer", "The Courier's desk"]
    odd = parser.parse((DOCUMENTS / "jsonfeed" / "odd_items.feed").read_bytes(), "")
    assert (odd.left_out, odd.title) == (4, "7")


@pytest.mark.parametrize(
    ("asks", "seconds"),
    [
        ("<ttl>60</ttl>", 3_600), ("<ttl>999999</ttl>", 86_400), ("<ttl>-5</ttl>", 0), ("<ttl>soon</ttl>", 0),
        ("<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency>", 1_800),
        ("<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>0</sy:updateFrequency>", 86_400),
        ("<sy:updatePeriod>always</sy:updatePeriod>", 0),
    ],
)  # fmt: skip
def test_how_long_a_feed_asks_to_be_left_alone(asks: str, seconds: float, parser: FeedParser) -> None:
    opened = b'<rss xmlns:sy="http://purl.org/rss/1.0/modules/syndication/" version="2.0"><channel>' + asks.encode()
    assert parser.parse(rss(("1", "T", "x")).replace(b'<rss version="2.0"><channel>', opened), "").ttl_seconds == seconds


def test_entries_beyond_the_bound_are_counted_as_left_out(parser: FeedParser) -> None:
    many = parser.parse(rss(*((str(number), "T", "x") for number in range(2_100))), "")
    assert (len(many.entries), many.left_out) == (2_000, 100)
    items = ",".join(f'{{"id": "{number}", "title": "T"}}' for number in range(2_100))
    many = parser.parse(f'{{"version": "https://jsonfeed.org/version/1", "items": [{items}]}}'.encode(), "")
    assert (len(many.entries), many.left_out) == (2_000, 100)


def test_fifty_thousand_entries_are_two_thousand_and_a_count_in_time_and_the_document_stays_whole(parser: FeedParser) -> None:
    data = rss(*((str(number), f"T{number}", "x") for number in range(50_000)))
    many = parser.parse(data, "")
    assert (len(many.entries), many.left_out, many.title) == (2_000, 48_000, "Courier")
    assert many.warnings == ["50000 entries, only the first 2000 were taken"]
    assert many.entries[-1].title == "T1999"


def test_a_date_that_only_the_library_makes_something_of_is_none(parser: FeedParser) -> None:
    for stated, published in (("1501664400", "2017-08-02T09:00:00Z"), ("12017-08-02", None), ("2560 สิงหาคม 2", None)):
        document = rss(("1", "T", "x")).replace(b"Wed, 02 Aug 2017 09:30:00 GMT", stated.encode())
        (found,) = parser.parse(document, "").entries
        assert found.published == published
        assert found.unreadable_date == (None if published else stated)


def test_a_file_is_parsed_without_loading_what_only_addresses_and_settings_need() -> None:
    heavy = {"aiohttp", "pydantic", "structlog", "feedparser"}
    code = f"import sys, streams.cli, streams.ingest.sources; print(sorted({heavy!r} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_time_that_the_start_took_is_no_longer_there_for_the_first_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float | None] = []

    def parse(_self: FeedParser, _data: bytes, _url: str, _type: str = "", *, timeout_seconds: float | None = None) -> ParsedFeed:
        given.append(timeout_seconds)
        return ParsedFeed()

    monkeypatch.setattr(FeedParser, "parse", parse)
    monkeypatch.setattr(FeedParser, "warm_up", lambda _self: None)
    monkeypatch.setattr(sources, "process_seconds", lambda: 60.0)
    path = tmp_path / "feed.xml"
    path.write_bytes(rss(("1", "T", "x")))
    assert len(list(parse_sources([str(path)] * 2))) == 2
    assert given[0] == sources.LEAST_PARSE_SECONDS
    assert sources.SOURCE_SECONDS - 1 < (given[1] or 0.0) <= sources.SOURCE_SECONDS


def test_a_document_may_cost_its_parser_no_more_than_a_hundred_megabytes(parser: FeedParser) -> None:
    bloat = b'{"version": "https://jsonfeed.org/version/1", "items": [' + b"[]," * 3_000_000 + b"[]]}"
    assert parser.parse(bloat, "").error == "the parser ran out of memory on this document"
    assert parser.parse(rss(("1", "T", "x")), "").error is None


async def test_documents_that_take_all_of_their_time_keep_no_other_feed_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    def parse(self: FeedParser, data: bytes, url: str, content_type: str = "") -> ParsedFeed:
        if data == b"slow":
            held.wait(20)
        return ParsedFeed(title=data.decode())

    held = threading.Event()
    monkeypatch.setattr(FeedParser, "parse", parse)
    monkeypatch.setattr(FeedParser, "warm_up", lambda _self: None)
    pool = ParserPool(2, slow_seconds=0.05)
    try:
        slow = [asyncio.create_task(pool.parse(b"slow", "")) for _ in range(3)]
        async with asyncio.timeout(5):
            assert (await pool.parse(b"quick", "")).title == "quick"
        assert not any(task.done() for task in slow)
        held.set()
        assert [feed.title for feed in await asyncio.gather(*slow)] == ["slow"] * 3
        assert pool._free.qsize() == 2
    finally:
        held.set()
        pool.close()


@pytest.mark.parametrize(
    "source", ["/dev/zero", "bad\x00name", "x" * 5_000, "http://", "http://[", "https://exa mple.invalid/\udcff"]
)
def test_odd_sources_give_an_error_in_time_and_a_line_of_json(source: str, parser: FeedParser) -> None:
    started = time.monotonic()
    line = parse_file_or_url(source, parser).to_json()
    assert json.loads(line)["error"].startswith("it can't be read: ")
    assert time.monotonic() - started < 5


def test_a_server_that_never_answers_is_given_up_within_five_seconds(parser: FeedParser) -> None:
    with feed_server() as server:
        hold = threading.Event()
        server.pages["/slow"] = Page(rss(("1", "T", "x")), hold=hold)
        started = time.monotonic()
        document = parse_file_or_url(server.url("/slow"), parser)
        hold.set()
    assert document.error == "it can't be read: no whole answer in time"
    assert time.monotonic() - started < 5


def test_a_pipe_that_nobody_writes_to_is_not_waited_for(tmp_path: Path, parser: FeedParser) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "not a file" in str(parse_file_or_url(str(tmp_path / "pipe"), parser).error)


def test_a_document_that_names_a_local_file_does_not_open_it(tmp_path: Path, parser: FeedParser) -> None:
    inner = tmp_path / "inner.xml"
    inner.write_bytes(rss(("1", "Secret", "Text")))
    assert parser.parse(str(inner).encode(), "").error


def test_the_servers_charset_counts(parser: FeedParser) -> None:
    data = rss(("1", "Вести", "Текст")).decode().encode("koi8-r")
    found = parser.parse(data, "https://a.invalid/", "application/rss+xml; charset=koi8-r")
    assert found.entries[0].title == "Вести"


def test_relative_links_are_resolved_against_the_address(parser: FeedParser) -> None:
    data = b'<rss version="2.0"><channel><item><title>T</title><link>news/1</link></item></channel></rss>'
    assert parser.parse(data, "https://a.invalid/feeds/rss").entries[0].url == "https://a.invalid/feeds/news/1"


def test_the_number_of_entries_taken_from_a_document_is_bounded(parser: FeedParser) -> None:
    found = parser.parse(rss(*((str(n), f"T{n}", "x") for n in range(2_005))), "")
    assert len(found.entries) == 2_000
    assert any("2005 entries" in warning for warning in found.warnings)


def test_a_parser_that_hangs_costs_its_own_answer_only(monkeypatch: pytest.MonkeyPatch) -> None:
    with FeedParser() as parser:
        assert not parser.parse(rss(("1", "T", "x")), "").error
        process = parser._process
        assert process is not None
        assert process.pid is not None
        os.kill(process.pid, signal.SIGSTOP)
        monkeypatch.setattr(parser, "_timeout_seconds", 0.2)
        assert parser.parse(b"<rss/>", "").error == "the parser found no end within 0.2 s"
        monkeypatch.undo()
        assert parser.parse(rss(("1", "T", "x")), "").entries[0].title == "T"


def test_a_parser_that_dies_costs_its_own_answer_only(monkeypatch: pytest.MonkeyPatch) -> None:
    with FeedParser() as parser:
        assert not parser.parse(rss(("1", "T", "x")), "").error
        process = parser._process
        assert process is not None
        started = parser._started()

        def die_first() -> Connection:
            process.kill()
            process.join()
            return started

        monkeypatch.setattr(parser, "_started", die_first)
        assert parser.parse(rss(("1", "T", "x")), "").error == "the parser died on this document"
        monkeypatch.undo()
        assert parser.parse(rss(("1", "T", "x")), "").entries[0].title == "T"


async def test_a_pool_parses_several_documents_at_once() -> None:
    pool = ParserPool(2)
    try:
        import asyncio

        found = await asyncio.gather(*(pool.parse(rss((str(n), f"T{n}", "x")), "") for n in range(6)))
        assert [feed.entries[0].title for feed in found] == [f"T{n}" for n in range(6)]
    finally:
        pool.close()


def test_sources_may_be_files_compressed_files_and_addresses(tmp_path: Path) -> None:
    import gzip

    data = rss(("1", "T", "x"))
    (tmp_path / "feed.xml.gz").write_bytes(gzip.compress(data))
    with feed_server() as server:
        server.pages["/rss"] = Page(data)
        sources = [
            str(tmp_path / "feed.xml.gz"),
            server.url("/rss"),
            server.url("/gone"),
            str(tmp_path / "gone.xml"),
            str(tmp_path),
        ]
        found = list(parse_sources(sources))
    assert [document.file for document in found] == sources
    assert [len(document.entries) for document in found] == [1, 1, 0, 0, 0]
    assert [document.error for document in found[:2]] == [None, None]
    assert found[2].error == "it can't be read: the server answered 404"
    assert found[3].error == "it can't be read: No such file or directory"


def test_a_file_over_the_bound_is_refused(tmp_path: Path, parser: FeedParser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_BODY_BYTES", 1_000)
    path = tmp_path / "big.xml"
    path.write_bytes(b" " * 1_001)
    assert "more than 1000 bytes" in str(parse_file_or_url(str(path), parser).error)


@pytest.mark.parametrize("nesting", ["<div>" * 20_000, "&lt;b&gt;" * 20_000, "<![CDATA[" * 2_000, "<a href='" * 5_000])
def test_hostile_nesting_ends_in_bounded_time(nesting: str, parser: FeedParser) -> None:
    started = time.monotonic()
    parser.parse(rss(("1", "T", nesting)), "https://a.invalid/")
    assert time.monotonic() - started < 30


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=60, deadline=None)
@given(data=st.binary(max_size=300) | st.binary(max_size=100).map(lambda noise: rss(("1", "T", "x"))[:200] + noise))
def test_any_bytes_give_a_feed_that_can_be_written_as_json(data: bytes) -> None:
    found = parse_feed(data, "https://a.invalid/", "")
    assert msgspec.json.decode(msgspec.json.encode(found), type=ParsedFeed) == found
    assert found.error is None or found.entries == []


def test_a_document_is_described_for_people_in_one_line_an_entry(parser: FeedParser) -> None:
    lines = parse_file_or_url(str(DOCUMENTS / "rss" / "odd_dates.xml"), parser).describe().splitlines()
    assert lines[0].endswith("odd_dates.xml: 3 entries")
    assert lines[1:4] == ["  2017-08-02T10:00  Long month", "  no date           Unreadable", "  no date           None at all"]
    assert lines[4].startswith("  warning: entry 2: unreadable published date")
