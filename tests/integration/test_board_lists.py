"""The board's lists over HTTP, without Kafka: breaks and their feeds, feeds, the method, choices, and how nothing and failures are told."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from html import unescape

import feedparser
import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from streams.board.article.found import FoundArticle
from streams.board.model import BoardModel
from streams.board.status import ReplayStatus
from streams.board.view import NotFoundError
from streams.board.web import SECURITY_HEADERS, build_app
from streams.clock import utc_now
from tests.helpers.board_data import feed, feed_progress, ready, trend, watchlist
from tests.helpers.judged_board import break_of, judge, judged_model
from tests.helpers.standings import a_standing

Client = TestClient[web.Request, web.Application]
Status = Callable[[], ReplayStatus]


@pytest.fixture(scope="module")
def judged() -> BoardModel:
    return judged_model(first="2022-W01")


@pytest.fixture
async def client(judged: BoardModel) -> AsyncIterator[Client]:
    async with TestClient(TestServer(build_app(judged, ready, CollectorRegistry()))) as found:
        yield found


async def get(client: Client, path: str, status: int = 200, headers: Mapping[str, str] | None = None) -> str:
    async with client.get(path, headers=headers) as response:
        assert response.status == status, await response.text()
        return await response.text()


async def page_of(model: BoardModel, path: str = "/", status: Status = ready, answer: int = 200) -> str:
    async with TestClient(TestServer(build_app(model, status, CollectorRegistry()))) as client:
        return await get(client, path, answer)


def pairs_on(page: str) -> list[str]:
    return re.findall(r'<tr id="pair-([^"]+)"', page)


async def test_the_overview_tells_what_has_changed_before_anything_else(client: Client) -> None:
    page = await get(client, "/")
    told = page[page.index('id="stand"') : page.index('id="controls"')]
    assert "What has changed" in told
    assert re.search(r"hedging</span> rose to 2.1 times its level in 20\d\d-W\d\d, 97% sure", told)
    assert 'aria-label="1 Hedging broken"' in told
    assert "Armenia" not in told, "a break that is not reported is no headline"


async def test_where_nothing_is_reported_the_last_breaks_are_named(client: Client) -> None:
    page = await get(client, "/?domain=politics")
    assert "No week of news is closed yet" in page
    model = BoardModel(watchlist([("BLR", "RUS"), ("ARM", "RUS")]))
    feed(model, trend("BLR-RUS", "2017-W31", {"cooperation": 3}, about=14))
    judge(model, a_standing("BLR-RUS", "hedging", status="too-sparse"))
    assert "Each of the 1 trends is too sparse to judge" in await page_of(model)
    judge(model, a_standing("BLR-RUS", "cooperation", breaks=[break_of(105_250)]))
    told = await page_of(model)
    assert "No break is reported now. Of 2 trends 1 is stable; 1 is too sparse to judge." in told
    assert "The last ones told:" in told
    assert "cooperation</span> rose to 3.0 times its level" in told


async def test_pairs_can_be_found_chosen_and_sorted_by_an_address_alone(client: Client, judged: BoardModel) -> None:
    assert pairs_on(await get(client, "/?status=broken")) == ["BLR-RUS", "ARM-RUS"]
    assert pairs_on(await get(client, "/?status=broken&sort=name")) == ["ARM-RUS", "BLR-RUS"]
    assert set(pairs_on(await get(client, "/?find=tur"))) == {"TUR-RUS", "TUR-NATO"}
    assert pairs_on(await get(client, "/?sort=break"))[:2] == ["BLR-RUS", "ARM-RUS"]
    assert "No pair is like that" in await get(client, "/?find=zzz")
    assert "No pair is like that" in await get(client, "/?find=%3Cscript%3E&status=broken")


async def test_a_form_leads_to_the_short_address(client: Client) -> None:
    async with client.get("/?find=&signal=&status=broken&sort=&until=", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (302, "/?status=broken")
    async with client.get("/breaks?pair=&state=", allow_redirects=False) as response:
        assert response.headers["Location"] == "/breaks"


async def test_the_status_is_of_the_newest_week_and_a_past_one_says_so(client: Client) -> None:
    page = await get(client, "/?until=2022-W10&status=broken&find=rus")
    assert "the choice of a status is left out" in page
    assert len(pairs_on(page)) > 2
    assert 'name="status"' not in page
    assert 'class="standing"' not in page


async def test_many_pairs_come_in_pages_that_lead_to_each_other() -> None:
    model = BoardModel(watchlist([("BLR", "RUS")]))
    for number in range(60):
        code = f"{chr(65 + number // 26)}{chr(65 + number % 26)}Q"
        feed(model, trend(f"{code}-RUS", "2017-W31", {"cooperation": 60 - number}, about=70))
    first = await page_of(model)
    assert len(pairs_on(first)) == 50
    following = unescape(re.findall(r'rel="next" href="([^"]+)"', first)[0])
    rest = await page_of(model, following)
    assert len(pairs_on(rest)) == 11
    assert not set(pairs_on(first)) & set(pairs_on(rest))
    assert pairs_on(await page_of(model, "/?page=9")) == pairs_on(rest), "a page beyond the last is the last"


async def test_the_breaks_say_how_large_how_sure_since_when_and_by_what(client: Client) -> None:
    page = await get(client, "/breaks?pair=BLR-RUS")
    row = page[page.index('data-state="reported"') :].split("</tr>")[0]
    for told in ("2.1×", "(1.5–3.2)", "60%", "97%", "<b>reported</b>", "2 articles", "https://news.example/b1", "Border Post"):
        assert told in row, told
    assert "1 of 4 breaks" in await get(client, "/breaks?state=past")


async def test_a_title_leads_to_the_articles_page_where_there_is_one_and_its_outlet_out(judged: BoardModel) -> None:
    class Finder:
        async def find(self, article_id: str) -> FoundArticle:
            raise NotFoundError(article_id)

    async with TestClient(TestServer(build_app(judged, ready, CollectorRegistry(), articles=Finder()))) as client:
        for path in ("/", "/breaks"):
            page = await get(client, path)
            assert 'href="/article?id=' in page
            assert re.search(r'<a class="outlet" href="https://news.example/[^"]*" rel="noopener noreferrer external">', page)
            assert not re.search(r'<h4><a href="https?:', page)


async def test_titles_and_addresses_of_strangers_stay_text() -> None:
    model = BoardModel(watchlist([("BLR", "RUS")]))
    feed(model, trend("BLR-RUS", "2017-W31", {"cooperation": 3}, about=14))
    found = break_of(105_300)
    article = msgspec.structs.replace(found.evidence[0], title="<img src=x onerror=alert(1)>", url="javascript:alert(1)")
    judge(model, a_standing(status="broken", breaks=[msgspec.structs.replace(found, evidence=[article])]))
    for path in ("/breaks", "/breaks.atom", "/breaks.rss", "/breaks.json", "/"):
        page = await page_of(model, path)
        assert "<img" not in page
        assert "javascript:" not in page


@pytest.mark.parametrize("name", ["atom", "rss"])
async def test_the_breaks_are_a_feed_with_the_choices_of_the_page(client: Client, name: str) -> None:
    every = feedparser.parse(await get(client, f"/breaks.{name}"))
    assert not every.bozo
    assert len(every.entries) == 3
    alerts = feedparser.parse(await get(client, f"/breaks.{name}?state=reported"))
    assert [entry.title for entry in alerts.entries] == ["Belarus → Russia: hedging rose to 2.1 times its level"]
    assert alerts.entries[0].id in {entry.id for entry in every.entries}
    assert alerts.entries[0].link.startswith("http://127.0.0.1")
    await get(client, "/pairs" + alerts.entries[0].link.partition("/pairs")[2])


async def test_a_reader_that_has_the_feed_is_told_that_nothing_changed(client: Client) -> None:
    async with client.get("/breaks.atom") as response:
        tag = response.headers["ETag"]
        assert response.headers["Content-Type"].startswith("application/atom+xml")
    async with client.get("/breaks.atom", headers={"If-None-Match": f'"other", W/{tag}'}) as response:
        assert (response.status, await response.read()) == (304, b"")
    async with client.get("/breaks.atom?state=past", headers={"If-None-Match": tag}) as response:
        assert response.status == 200


async def test_behind_a_proxy_the_addresses_in_the_feed_are_those_of_the_reader(client: Client) -> None:
    body = await get(client, "/breaks.json", headers={"X-Forwarded-Proto": "https", "Host": "board.example"})
    assert '"feed_url": "https://board.example/breaks.json"' in body
    assert "javascript" not in await get(client, "/breaks.json", headers={"X-Forwarded-Proto": "javascript"})


async def test_the_feeds_that_need_a_look_come_first_and_can_be_chosen(client: Client) -> None:
    page = await get(client, "/feeds")
    assert re.findall(r'<tr role="row" data-state="([^"]+)"', page) == ["silent", "failing", "gone", "waiting", "good"]
    assert "HTTP 503: &lt;b&gt;unavailable&lt;/b&gt;" in page
    chosen = await get(client, "/feeds?state=failing")
    assert "The Failing Post" in chosen
    assert "The Good Post" not in chosen
    await get(client, "/feeds?state=lost", 400)


async def test_the_method_shows_figures_of_the_model_and_of_the_docs(client: Client) -> None:
    from streams.board.method import measured_tables, model_figures

    page = await get(client, "/about")
    assert model_figures(None).version in page
    for table in measured_tables().values():
        for row in table.rows:
            assert "".join(f"<td>{cell}</td>" for cell in row[1:]) in page, row


@pytest.mark.parametrize(
    "path", ["/", "/breaks", "/feeds", "/about", "/nowhere", "/pairs/QQQ-RUS", "/?find=zzz", "/breaks?pair=QQQ"]
)
async def test_no_page_has_anything_inline_or_from_elsewhere(client: Client, path: str) -> None:
    async with client.get(path) as response:
        page = await response.text()
        assert {name: response.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert "unsafe" not in SECURITY_HEADERS["Content-Security-Policy"]
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", page)
    assert not re.search(r'(?:src|data|action)="(?:https?:)?//', page)
    assert all(link.startswith(("/static/", "/breaks.atom")) for link in re.findall(r'<link [^>]*href="([^"]+)"', page))


async def test_every_link_of_the_lists_leads_somewhere(client: Client) -> None:
    seen: set[str] = set()
    for path in ("/", "/breaks", "/breaks?domain=security&state=now", "/feeds", "/about", "/nowhere"):
        async with client.get(path) as response:
            seen |= {unescape(link).split("#")[0] for link in re.findall(r'(?:href|src)="([^"#][^"]*)"', await response.text())}
    inside = sorted(link for link in seen if link.startswith("/"))
    assert len(inside) > 60
    for link in inside:
        await get(client, link)


async def test_where_one_is_in_the_board_is_marked_once(client: Client) -> None:
    for path, name in (
        ("/", "Pairs"),
        ("/breaks", "Breaks"),
        ("/feeds", "Feeds"),
        ("/about", "About"),
        ("/pairs/BLR-RUS", "Pairs"),
    ):
        page = await get(client, path)
        sections = page[page.index('class="sections"') :].split("</nav>")[0]
        assert re.findall(r'aria-current="[a-z]+">(\w+)<', sections) == [name]


async def test_an_unknown_pair_names_those_of_the_same_states(client: Client) -> None:
    page = await get(client, "/pairs/rus-blr", 404)
    assert page.index('href="/pairs/BLR-RUS"') < page.index('href="/pairs/BLR-CHN"')
    assert 'href="/pairs/SRB-EU"' not in page
    assert "Pairs that are shown" not in await get(client, "/pairs/QQQ-ZZZ", 404)


async def test_a_fault_of_the_board_is_a_page_that_says_so_and_shows_no_trace(
    client: Client, judged: BoardModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.board.break_page.early_news", None)
    page = await get(client, "/breaks", 500)
    assert "This is not your doing" in page
    assert "Traceback" not in page
    assert "NoneType" not in page


async def test_a_board_without_kafka_says_what_it_waits_for() -> None:
    waiting = ReplayStatus(alive=True, caught_up=False, reachable=False, problem="the broker has not been asked yet")
    page = await page_of(BoardModel(watchlist()), status=lambda: waiting)
    assert "Waiting for Kafka" in page
    assert "bellwether up" in page
    assert "No news yet" in await page_of(BoardModel(watchlist()), "/breaks")
    assert "No feeds yet" in await page_of(BoardModel(watchlist()), "/feeds")


async def test_a_board_on_which_nothing_has_broken_says_that_this_is_usual() -> None:
    model = BoardModel(watchlist())
    feed(model, trend("BLR-RUS", "2017-W31", {"cooperation": 3}, about=14))
    assert "Nothing has broken" in await page_of(model, "/breaks")


async def test_kafka_that_went_away_is_told_with_the_age_of_what_is_shown() -> None:
    model = BoardModel(watchlist())
    feed(model, trend("BLR-RUS", "2017-W31", {"cooperation": 3}, about=14))
    gone = replace(ready(), reachable=False, problem="timed out", as_of=utc_now() - timedelta(hours=3))
    page = await page_of(model, status=lambda: gone)
    banner = page[page.index('id="problem"') :].split("</div>")[0]
    assert not banner.startswith('id="problem" hidden')
    assert " for 3 hours</span>" in banner
    assert 'id="problem" hidden' in await page_of(model)


async def test_news_that_ended_long_ago_is_told_with_its_age_and_fresh_news_is_not() -> None:
    model = BoardModel(watchlist())
    feed_progress(model, 0, 10)
    feed(model, trend("BLR-RUS", "2017-W31", {"cooperation": 3}, about=14))
    old = await page_of(model)
    assert re.search(r"The news ends \d+ years ago</strong>, with the week to 6 Aug 2017", old)
    week = utc_now().isocalendar()
    feed(model, trend("BLR-RUS", f"{week.year}-W{week.week:02d}", {"cooperation": 3}, about=14))
    assert 'id="old-news"' not in await page_of(model)
