"""One suite over all feed parsers: each document of `tests/data/feeds/<type>/` gives what its `.json` says, in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.ingest import parsing
from streams.ingest.parsers import ParsedFeed, parse_feed
from streams.ingest.parsing import FeedParser, ParserPool, parse_file_or_url, parse_sources
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


def test_every_type_of_feed_has_documents() -> None:
    assert {path.parent.name for path in FILES} >= {"rss", "atom", "rdf"}


@pytest.mark.parametrize(
    "data",
    [
        b"", b" \n", b"\x00" * 1_000, b'{"version": "https://jsonfeed.org/version/1.1"}', b"[" * 100_000, b"plain words", b"\xff\xfe\x00\x01",
        b"<" * 100_000, b"<rss>" * 50_000, b"%PDF-1.4",
    ],
)  # fmt: skip
def test_what_is_no_feed_is_told_as_a_value(data: bytes, parser: FeedParser) -> None:
    found = parser.parse(data, "https://a.invalid/")
    assert found.entries == []
    assert found.error


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
    monkeypatch.setattr(parsing, "MAX_BODY_BYTES", 1_000)
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
