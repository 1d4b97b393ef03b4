"""How feeds are, as the board keeps and shows it: the newest record of each, silence by the reader's clock, what needs a look first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from streams.board import feed_table
from streams.board.feed_table import FeedTable
from streams.board.model import BoardModel
from streams.board.status import ReplayStatus
from streams.board.web import build_app
from streams.errors import RecordError
from streams.records import FeedStatus, encode
from streams.settings import SHIPPED_WATCHLIST
from streams.watchlist import load_watchlist

NOW = datetime(2017, 8, 2, 12, 0, tzinfo=UTC)


def record(name: str, state: str = "good", **changes: Any) -> tuple[bytes, bytes]:
    fields: dict[str, Any] = {
        "url": f"https://{name}.invalid/rss",
        "name": name,
        "outlet": name.title(),
        "state": state,
        **changes,
    }
    return fields["url"].encode(), encode(FeedStatus(**fields))


def states(table: FeedTable) -> list[tuple[str, str]]:
    return [(feed.status.name, feed.state) for feed in table.shown(lambda: NOW)]


def test_the_newest_record_of_a_feed_counts_and_what_needs_a_look_comes_first() -> None:
    table = FeedTable()
    for key, value in (
        record("b", silent_at="2017-08-03T00:00:00Z"), record("a"), record("c", "failing"), record("d", silent_at="2017-08-02T12:00:00Z"),
        record("a", "gone"),
    ):  # fmt: skip
        table.apply(key, value)
    assert states(table) == [("d", "silent"), ("c", "failing"), ("a", "gone"), ("b", "good")]


def test_a_feed_that_is_off_or_taken_away_is_shown_no_more() -> None:
    table = FeedTable()
    for name in ("a", "b"):
        table.apply(*record(name))
    table.apply(*record("a", "off"))
    table.apply(record("b")[0], None)
    assert states(table) == []


def test_a_record_that_is_none_changes_nothing_and_says_so() -> None:
    table = FeedTable()
    table.apply(*record("a"))
    for key, value in ((b"https://other.invalid/", record("a")[1]), (record("a")[0], b"{}"), (None, b"nonsense")):
        with pytest.raises(RecordError):
            table.apply(key, value)
    assert states(table) == [("a", "good")]


def test_the_table_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_table, "MOST_FEEDS", 2)
    table = FeedTable()
    for name in ("a", "b", "c"):
        table.apply(*record(name))
    table.apply(*record("b", "failing"))
    assert states(table) == [("b", "failing"), ("a", "good")]


async def test_the_page_and_the_json_show_each_feed_and_no_strangers_markup() -> None:
    model = BoardModel(load_watchlist(SHIPPED_WATCHLIST))
    app = build_app(model, lambda: ReplayStatus(alive=True, caught_up=True), CollectorRegistry(), clock=lambda: NOW)
    async with TestClient(TestServer(app)) as client:
        assert "No feeds yet" in await (await client.get("/feeds")).text()
        model.feeds.apply(*record("a", read=5, new=3, duplicates=2))
        model.feeds.apply(*record("b", "failing", error="<script>alert(1)</script>", failures=7))
        page = await client.get("/feeds")
        text = await page.text()
        answer = await (await client.get("/api/v1/feeds")).json()
    assert page.status == 200
    assert "&lt;script&gt;" in text
    assert "<script>alert" not in text
    assert answer["states"] == {"failing": 1, "good": 1}
    assert [(feed["name"], feed["failures"], feed["silent"]) for feed in answer["feeds"]] == [("b", 7, False), ("a", 0, False)]
    model.clear()
    assert model.feeds.shown(lambda: NOW) == []
