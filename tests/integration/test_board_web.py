"""The board over HTTP, without Kafka: pages, API, events, health, metrics, headers, errors."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from html import unescape
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.parser import text_string_to_metric_families

from models.labels import LABELS
from streams.board import live
from streams.board.app import run_board
from streams.board.context import BOARD
from streams.board.exporter import BoardCollector
from streams.board.model import BoardModel
from streams.board.pair_page import EVIDENCE_WEEKS
from streams.board.queries import newest_week
from streams.board.status import ReplayStatus
from streams.board.web import SECURITY_HEADERS, build_app
from streams.board.weeks import week_name
from streams.errors import ConfigError
from streams.listening import what_listens
from streams.metrics import BOARD_ROUTES, add_build_info
from streams.records import Evidence
from streams.settings import load_settings
from tests.helpers.board_data import WATCHED, evidence, feed, feed_progress, full_model, ready, trend, watchlist

Client = TestClient[web.Request, web.Application]
Connect = Callable[..., Any]


@dataclass
class Status:
    """A status that a test can change."""

    now: ReplayStatus

    def __call__(self) -> ReplayStatus:
        return self.now


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    clients: list[Client] = []

    async def start(model: BoardModel, status: Callable[[], ReplayStatus] = ready) -> Client:
        registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=registry)
        add_build_info(registry, process="board")
        registry.register(BoardCollector(model, status))
        client = TestClient(TestServer(build_app(model, status, registry)))
        await client.start_server()
        clients.append(client)
        return client

    yield start
    for client in clients:
        await client.close()


@pytest.fixture(scope="module")
def full() -> BoardModel:
    return full_model(others=4, first="2018-W01")


def small() -> BoardModel:
    """Two weeks of BLR-RUS, written by hand."""
    model = BoardModel(watchlist([("BLR", "RUS"), ("ARM", "RUS")]))
    feed(model, trend("BLR-RUS", "2017-W30", {"hedging": 1}, about=6))
    proof = {"cooperation": [evidence(1, "cooperation", "2017-W31", 0.91)]}
    feed(model, trend("BLR-RUS", "2017-W31", {"cooperation": 3}, about=14, evidence=proof))
    feed_progress(model, 0, 100, 7, 2)
    return model


async def text_of(client: Client, path: str, status: int = 200) -> str:
    async with client.get(path) as response:
        assert response.status == status, await response.text()
        return await response.text()


async def json_of(client: Client, path: str, status: int = 200) -> Any:
    async with client.get(path) as response:
        assert response.status == status, await response.text()
        assert response.content_type == "application/json"
        return await response.json()


def figures(page: str, pair: str) -> dict[str, tuple[float | None, int]]:
    """(share, total) of each signal in a pair's row."""
    row = page[page.index(f'<tr id="pair-{pair}"') :].split("</tr>")[0]
    found: dict[str, tuple[float | None, int]] = {}
    for cell in row.split("<td")[1:]:
        name = re.search(r'data-signal="([^"]+)"', cell)
        ratio, total = re.search(r'class="ratio" value="([^"]+)"', cell), re.search(r'class="total-number" value="(\d+)"', cell)
        assert name
        assert total
        found[name[1]] = (float(ratio[1]) if ratio else None, int(total[1]))
    return found


async def test_the_overview_shows_the_numbers_of_the_records(connect: Connect) -> None:
    page = await text_of(await connect(small()), "/")
    assert figures(page, "BLR-RUS") == {"cooperation": (3 / 20, 3), "symbolic-allegiance": (0.0, 0), "hedging": (1 / 20, 1)}
    assert figures(page, "ARM-RUS")["hedging"] == (None, 0)
    for key, shown in (
        ("read", "109"),
        ("classified", "100"),
        ("duplicates", "7"),
        ("dead_letters", "2"),
        ("newest_week", "2017-W31"),
    ):
        assert f'data-counter="{key}">{shown}<' in page
    assert "Ministries settle next year’s joint exercises" in page or "Gas contract extended to 2030" in page


async def test_the_domain_and_the_week_can_be_chosen_by_links_alone(connect: Connect) -> None:
    client = await connect(small())
    assert figures(await text_of(client, "/?domain=economy"), "BLR-RUS")["cooperation"] == (None, 0)
    earlier = await text_of(client, "/?domain=security&until=2017-W30")
    assert figures(earlier, "BLR-RUS")["hedging"] == (1 / 6, 1)
    links = re.findall(r'href="(/\?[^"]*)"', earlier)
    assert "/?domain=economy&amp;until=2017-W30" in links
    for link in links:
        await text_of(client, unescape(link))


async def test_every_link_of_the_pages_leads_somewhere(connect: Connect, full: BoardModel) -> None:
    client = await connect(full)
    seen: set[str] = set()
    for page in ("/", "/pairs/BLR-RUS", "/pairs/SRB-EU?weeks=all&domain=politics"):
        text = await text_of(client, page)
        seen |= {unescape(link).split("#")[0] for link in re.findall(r'(?:href|src)="([^"#][^"]*)"', text)}
    inside = sorted(link for link in seen if link.startswith("/"))
    assert len(inside) > 30
    for link in inside:
        await text_of(client, link)


async def test_a_pair_page_shows_its_series_and_its_evidence_by_week(connect: Connect) -> None:
    page = await text_of(await connect(small()), "/pairs/BLR-RUS")
    assert "<h1>Belarus" in page
    assert "2017-W31 (31 Jul – 6 Aug 2017): 3 of 14 stories" in page
    assert page.count('<article class="story told">') == 1
    assert re.search(r"<th scope=\"row\">2017-W31</th><td>14</td><td>3</td><td>15%", page)
    assert 'href="https://news.example/2017-W31/1" rel="noopener noreferrer external"' in page


async def test_older_evidence_is_a_link_away(connect: Connect) -> None:
    model = BoardModel(watchlist([("BLR", "RUS")]))
    for number in range(1, 41):
        week = f"2017-W{number:02d}"
        feed(
            model, trend("BLR-RUS", week, {"hedging": 1}, about=3, evidence={"hedging": [evidence(number, "hedging", week, 0.9)]})
        )
    client = await connect(model)
    first = await text_of(client, "/pairs/BLR-RUS")
    week_heads = re.findall(r'<h3 id="w\d+">(2017-W\d\d)', first)
    assert len(week_heads) == EVIDENCE_WEEKS
    link = re.search(rf'href="([^"]+)#evidence">Older evidence: up to 2017-W{40 - EVIDENCE_WEEKS}<', first)
    assert link
    older = re.findall(r'<h3 id="w\d+">(2017-W\d\d)', await text_of(client, unescape(link[1])))
    assert len(older) == EVIDENCE_WEEKS
    assert max(older) < min(week_heads)


async def test_what_a_feed_says_stays_text(connect: Connect) -> None:
    nasty = Evidence(
        article_id="x", title="<script>alert(1)</script>", outlet='"><img src=x onerror=alert(1)>', url="javascript:alert(1)",
        published="2017-08-02T00:00:00Z", probability=0.9, sentence="</blockquote><script>alert(2)</script>", terms=["<b>joint</b>"],
    )  # fmt: skip
    model = BoardModel(watchlist([("BLR", "RUS")]))
    feed(model, trend("BLR-RUS", "2017-W31", {"cooperation": 1}, about=1, evidence={"cooperation": [nasty]}))
    client = await connect(model)
    for path in ("/", "/pairs/BLR-RUS"):
        page = await text_of(client, path)
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        for forbidden in ("<script>", "<img", "<b>", "javascript:alert"):
            assert forbidden not in page
    page = await text_of(client, "/nothing/%3Cscript%3Ealert(1)%3C/script%3E", 404)
    assert "<script>" not in page


async def test_pages_have_no_inline_script_or_style_and_nothing_from_elsewhere(connect: Connect, full: BoardModel) -> None:
    client = await connect(full)
    for path in ("/", "/pairs/BLR-RUS"):
        page = await text_of(client, path)
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", page)
        assert not re.search(r'(?:src|data|action)="(?:https?:)?//', page)
        assert re.findall(r'<link [^>]*href="([^"]+)"', page)
        assert all(
            link.startswith("/static/") for link in re.findall(r'<link rel="(?:icon|stylesheet)" [^>]*href="([^"]+)"', page)
        )


@pytest.mark.parametrize("path", ["/", "/nowhere", "/api/v1/pairs", "/static/board.css", "/metrics", "/healthz", "/favicon.ico"])
async def test_every_answer_has_the_headers_that_keep_it_safe(connect: Connect, path: str) -> None:
    client = await connect(small())
    async with client.get(path, allow_redirects=False) as response:
        assert {name: response.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert "unsafe" not in SECURITY_HEADERS["Content-Security-Policy"]


async def test_static_files_are_kept_by_browsers_and_nothing_else_is_served(connect: Connect) -> None:
    client = await connect(small())
    page = await text_of(client, "/")
    link = re.search(r'href="(/static/board\.css\?v=[0-9a-f]+)"', page)
    assert link
    async with client.get(link[1]) as response:
        assert response.content_type == "text/css"
        assert "immutable" in response.headers["Cache-Control"]
    await text_of(client, "/static/..%2fapp.py", 404)
    await text_of(client, "/static/app.py", 404)


async def test_an_empty_board_says_how_to_feed_it(connect: Connect) -> None:
    page = await text_of(await connect(BoardModel(watchlist())), "/")
    assert "No articles yet" in page
    assert "bellwether ingest archive" in page
    assert "<table" not in page
    assert f"{len(WATCHED)} pairs are watched" in page


async def test_a_board_that_read_articles_without_pairs_says_so(connect: Connect) -> None:
    model = BoardModel(watchlist())
    feed_progress(model, 0, 12)
    assert "No story about a pair yet" in await text_of(await connect(model), "/")


async def test_a_board_that_still_reads_says_how_far_it_is(connect: Connect) -> None:
    status = Status(ReplayStatus(alive=True, caught_up=False, done=30, total=120))
    page = await text_of(await connect(small(), status), "/")
    assert re.search(r'<div class="notice" id="loading">', page)
    assert "reading the history: 30 of 120 offsets" in page
    status.now = ready()
    assert re.search(r'id="loading" hidden', await text_of(await connect(small(), status), "/"))


async def test_pages_work_for_a_pair_without_any_news(connect: Connect) -> None:
    client = await connect(BoardModel(watchlist()))
    assert "There is none up to" in await text_of(client, "/pairs/BLR-RUS?weeks=all")
    assert (await json_of(client, "/api/v1/pairs"))["pairs"] == []
    assert len((await json_of(client, "/api/v1/pairs/BLR-RUS"))["weeks"]) == 52


@pytest.mark.parametrize(
    ("path", "status", "where"),
    [
        ("/api/v1/pairs?domain=sport", 400, "domain"),
        ("/api/v1/pairs?until=yesterday", 400, "until"),
        ("/api/v1/pairs/BLR-RUS?from=2017-W31&until=2017-W01", 400, "from, until"),
        ("/api/v1/pairs/BLR-RUS?from=1850-W01", 400, "from, until"),
        ("/api/v1/pairs/QQQ-RUS", 404, "/api/v1/pairs/QQQ-RUS"),
        ("/api/v1/trends?limit=100000", 400, "limit"),
        ("/api/v1/nothing", 404, "/api/v1/nothing"),
        ("/fragments/pair/QQQ-RUS", 404, "the address"),
    ],
)
async def test_errors_of_the_api_say_what_where_what_was_expected_and_what_to_do(
    connect: Connect, path: str, status: int, where: str
) -> None:
    error = (await json_of(await connect(small()), path, status))["error"]
    assert set(error) == {"what", "where", "expected", "todo"}
    assert error["where"] == where
    assert all(error.values())


async def test_errors_for_people_are_pages(connect: Connect) -> None:
    client = await connect(small())
    assert "No such domain: &#39;sport&#39;" in await text_of(client, "/?domain=sport", 400)
    assert "2017-W31" in await text_of(client, "/?until=2017-31", 400)
    assert "Back to all pairs" in await text_of(client, "/pairs/QQQ-RUS", 404)
    async with client.post("/") as response:
        assert response.status == 405


async def test_a_fault_of_the_board_is_an_answer_a_log_line_and_a_metric_but_no_trace(connect: Connect) -> None:
    model = small()
    client = await connect(model)
    model.pairs_held = None  # type: ignore[assignment, method-assign]
    error = (await json_of(client, "/api/v1/trends", 500))["error"]
    assert error["what"] == "the board failed to answer"
    assert 'bellwether_board_errors_total{route="api"} 1.0' in await text_of(client, "/metrics")


async def test_the_api_gives_the_weekly_series_of_a_pair_with_zeros_where_there_was_nothing(connect: Connect) -> None:
    answer = await json_of(await connect(small()), "/api/v1/pairs/BLR-RUS?from=2017-W29&until=2017-W32&domain=security")
    assert [week["week"] for week in answer["weeks"]] == ["2017-W29", "2017-W30", "2017-W31", "2017-W32"]
    assert [week["exposure"]["stories"] for week in answer["weeks"]] == [0, 6, 14, 0]
    assert answer["weeks"][2]["cooperation"] == {"stories": 3, "articles": 4}
    assert answer["totals"]["exposure"] == {"stories": 20, "articles": 40}
    assert [(found["week"], found["labels"]) for found in answer["evidence"]] == [("2017-W31", {"cooperation": 0.91})]
    assert (answer["source_name"], answer["partner_name"]) == ("Belarus", "Russia")


async def test_the_api_lists_every_pair_with_the_shares_of_the_page(connect: Connect, full: BoardModel) -> None:
    client = await connect(full)
    answer = await json_of(client, "/api/v1/pairs?domain=politics")
    page = await text_of(client, "/?domain=politics")
    assert [row["pair"] for row in answer["pairs"]] == list(full.pairs_shown())
    assert answer["until"] == week_name(newest_week(full))
    for row in answer["pairs"]:
        shown = figures(page, row["pair"])
        assert {name: (found["share_13_weeks"], found["stories"]) for name, found in row["signals"].items()} == shown


async def test_all_cells_can_be_paged_through_and_add_up_to_the_counters(connect: Connect, full: BoardModel) -> None:
    client = await connect(full)
    address: str | None = "/api/v1/trends?limit=700"
    keys: list[str] = []
    stories = dict.fromkeys(LABELS, 0)
    while address:
        answer = await json_of(client, address)
        keys += [record["key"] for record in answer["trends"]]
        for record in answer["trends"]:
            for label in LABELS:
                stories[label] += record["counts"][label].get("all", {"stories": 0})["stories"]
        address = answer["next"]
    assert keys == sorted(set(keys))
    assert len(keys) == sum(len(full.weeks(pair)) for pair in full.pairs_held())
    for row, label in enumerate(LABELS, 1):
        assert stories[label] == sum(int(full.totals(pair)[row, 0, 0]) for pair in full.pairs_held())


async def test_paging_goes_on_behind_a_record_that_was_taken_back_meanwhile(connect: Connect) -> None:
    client = await connect(small())
    assert [found["key"] for found in (await json_of(client, "/api/v1/trends?after=BLR-RUS|2017-W30"))["trends"]] == [
        "BLR-RUS|2017-W31"
    ]
    assert (
        next(found["key"] for found in (await json_of(client, "/api/v1/trends?after=AAA-BBB|2017-W30"))["trends"])
        == "BLR-RUS|2017-W30"
    )
    assert (await json_of(client, "/api/v1/trends?after=ZZZ"))["trends"] == []


async def test_progress_tells_what_became_of_the_articles(connect: Connect) -> None:
    answer = await json_of(await connect(small()), "/api/v1/progress")
    assert answer["articles"] == {"read": 109, "classified": 100, "duplicates": 7, "dead_letters": 2}
    assert (answer["ready"], answer["newest_week"], answer["partitions"][0]["offset"]) == (True, "2017-W31", 109)


async def test_health_is_of_the_process_and_readiness_of_the_replay(connect: Connect) -> None:
    status = Status(ReplayStatus(alive=True, caught_up=False, done=1, total=4))
    client = await connect(small(), status)
    assert await json_of(client, "/healthz") == {"status": "alive"}
    assert await json_of(client, "/readyz", 503) == {
        "ready": False,
        "reason": "reading the history: 1 of 4 offsets",
        "percent": 25,
    }
    status.now = ready()
    assert (await json_of(client, "/readyz"))["ready"] is True
    status.now = ReplayStatus(alive=False, caught_up=True)
    assert (await json_of(client, "/readyz", 503))["reason"] == "the replay of `trends` is not running"


async def test_metrics_come_in_the_format_that_is_asked_for(connect: Connect) -> None:
    client = await connect(small())
    text = await text_of(client, "/metrics")
    names = {family.name for family in text_string_to_metric_families(text)}
    assert {
        "bellwether_signal_stories",
        "bellwether_build_info",
        "process_resident_memory_bytes",
        "bellwether_board_request_seconds",
    } <= names
    assert 'bellwether_signal_stories_total{domain="all",partner="RUS",signal="cooperation",source="BLR"} 3.0' in text
    async with client.get(
        "/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"}
    ) as response:
        assert response.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
        assert (await response.text()).endswith("# EOF\n")


async def test_the_label_of_a_route_is_never_an_address(connect: Connect) -> None:
    client = await connect(small())
    for number in range(30):
        await text_of(client, f"/nowhere/{number}", 404)
        await text_of(client, f"/pairs/X{number}-Y", 404)
    routes = set(re.findall(r'bellwether_board_request_seconds_count\{route="([^"]+)"\}', await text_of(client, "/metrics")))
    assert routes == set(BOARD_ROUTES)


async def test_a_fragment_is_the_row_of_the_page(connect: Connect, full: BoardModel) -> None:
    client = await connect(full)
    row = await text_of(client, "/fragments/pair/TUR-RUS?domain=economy&until=2021-W10")
    assert row.strip() in await text_of(client, "/?domain=economy&until=2021-W10")


async def test_a_row_is_rendered_anew_once_its_pair_changed(connect: Connect) -> None:
    model = small()
    client = await connect(model)
    await text_of(client, "/")
    feed(model, trend("BLR-RUS", "2017-W31", {"cooperation": 9}, about=14))
    assert figures(await text_of(client, "/"), "BLR-RUS")["cooperation"] == (9 / 20, 9)


async def next_event(response: ClientResponse) -> dict[str, Any]:
    """The data of the next event of a stream."""
    while True:
        line = (await asyncio.wait_for(response.content.readline(), 20)).decode()
        if line.startswith("data: "):
            found: dict[str, Any] = json.loads(line[6:])
            return found


async def test_events_name_the_pairs_that_changed_and_carry_the_figures(connect: Connect) -> None:
    model = small()
    client = await connect(model)
    async with client.get("/events") as response:
        assert response.content_type == "text/event-stream"
        assert (await next_event(response))["pairs"] == []
        feed(model, trend("ARM-RUS", "2017-W31", {"hedging": 2}, about=5))
        feed_progress(model, 0, 150)
        event = await next_event(response)
        while event["pairs"] != ["ARM-RUS"]:
            event = await next_event(response)
        assert event["counters"]["stories"] == "25"


async def test_many_changes_make_few_events(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    assert 1 / live.TICK_SECONDS <= 2
    monkeypatch.setattr(live, "TICK_SECONDS", 0.05)
    model = small()
    client = await connect(model)
    async with client.get("/events") as response:
        await next_event(response)
        for number in range(500):
            feed_progress(model, 0, 1_000 + number)
        event = await next_event(response)
        assert event["counters"]["read"] == "1,499"


async def test_streams_are_bounded_and_given_back(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST_STREAMS", 1)
    monkeypatch.setattr(live, "TICK_SECONDS", 0.05)
    model = small()
    client = await connect(model)
    async with client.get("/events") as response:
        await next_event(response)
        assert (await json_of(client, "/events", 503))["error"]["where"] == "/events"
    board = client.app[BOARD]
    feed_progress(model, 0, 999)
    async with asyncio.timeout(20):
        while board.streams:
            feed_progress(model, 0, board.model.revision + 1_000)
            await asyncio.sleep(0)
    async with client.get("/events") as response:
        assert response.status == 200


async def test_open_streams_do_not_hold_up_the_end(connect: Connect) -> None:
    client = await connect(small())
    async with client.get("/events") as response:
        await next_event(response)
        await asyncio.wait_for(client.server.close(), 5)


def test_a_port_in_use_is_told_with_what_listens_there_and_what_to_do(unused_tcp_port_factory: Callable[[], int]) -> None:
    port = unused_tcp_port_factory()
    settings = load_settings(kafka_servers="127.0.0.1:1", board_port=port)
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with pytest.raises(ConfigError) as caught:
            run_board(
                settings, watchlist(), topics={"trends": "trends", "breaks": "breaks", "progress": "progress", "feeds": "feeds"}
            )
    assert what_listens(port) == "another process"
    assert str(caught.value.where) == f"127.0.0.1:{port}"
    assert re.search(r"the board can't listen: .*\(process \d+\) listens there already", caught.value.what)
    assert "BELLWETHER_BOARD_PORT" in caught.value.todo


def test_a_board_without_a_broker_says_what_to_set() -> None:
    with pytest.raises(ConfigError, match="BELLWETHER_KAFKA_SERVERS"):
        run_board(
            load_settings(kafka_servers=""),
            watchlist(),
            topics={"trends": "trends", "breaks": "breaks", "progress": "progress", "feeds": "feeds"},
        )
