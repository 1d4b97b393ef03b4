"""The pair's and the article's pages over HTTP, without Kafka: hostile texts, links, what is missing, what can't be said now."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from models.explanation import Explanation
from models.results import Text
from streams.board.article.found import ArticleFinder, FoundArticle, GoneError, NotNowError
from streams.board.model import BoardModel
from streams.board.view import NotFoundError
from streams.board.web import SECURITY_HEADERS, build_app
from streams.errors import BellwetherError
from streams.records import BreakEvidence, Classification
from tests.helpers.board_data import evidence, feed, feed_correction, feed_progress, ready, trend, watchlist
from tests.helpers.builders import article, classified
from tests.helpers.standings import a_break, a_standing, standing_record

Connect = Callable[..., Any]
NASTY = "</blockquote><script>alert(1)</script>"


class Tags(HTMLParser):
    """The tags that a browser would see, with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, {name: value or "" for name, value in attrs}))


class Shelf:
    """Articles by id; an error is raised."""

    def __init__(self, **articles: FoundArticle | BellwetherError) -> None:
        self._articles = articles

    async def find(self, article_id: str) -> FoundArticle:
        found = self._articles.get(article_id, NotFoundError(f"there is no article {article_id!r}"))
        if isinstance(found, BellwetherError):
            raise found
        return found


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    clients: list[TestClient[web.Request, web.Application]] = []

    async def start(model: BoardModel, articles: ArticleFinder | None = None) -> TestClient[web.Request, web.Application]:
        client = TestClient(TestServer(build_app(model, ready, CollectorRegistry(), articles=articles)))
        await client.start_server()
        clients.append(client)
        return client

    yield start
    for client in clients:
        await client.close()


async def text_of(client: TestClient[web.Request, web.Application], path: str, status: int = 200) -> str:
    async with client.get(path) as response:
        assert response.status == status, await response.text()
        assert {name: response.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
        return await response.text()


def found(**changes: object) -> FoundArticle:
    """An article of BLR-RUS that the model explains."""
    one = article(1, **changes)
    stored = Classification(
        article_id=one.id, digest="d", offset=0, pairs=["BLR-RUS"], language="en", labels={"cooperation": 0.9}, decided=["cooperation"],
        domains={"security": 0.9}, model="1-test",
    )  # fmt: skip
    return FoundArticle(one, stored, Explanation(Text(one.title, one.text), classified()), "1-test")


def told_model() -> BoardModel:
    """BLR-RUS in 2017-W31: two copies of a story that cooperates, one that hedges, a break."""
    model = BoardModel(watchlist([("BLR", "RUS")]))
    copies = [
        evidence(number, "cooperation", "2017-W31", p, story_id="a1", articles=3, outlet=f"Outlet {number}")
        for number, p in ((1, 0.9), (2, 0.8))
    ]
    proof = {"cooperation": copies, "hedging": [evidence(3, "hedging", "2017-W31", 0.7, article_id="a?b&c=<d>/é")]}
    feed(model, trend("BLR-RUS", "2017-W31", {"cooperation": 12, "hedging": 1}, about=40, evidence=proof))
    looked_at = BreakEvidence(
        week="2017-W31", side="after", article_id="a1", title=NASTY, url="javascript:alert(1)", outlet="Wire", probability=0.9
    )
    model.apply_standing(*standing_record(a_standing(week="2017-W34", breaks=[a_break(evidence=[looked_at])])))
    return model


async def test_a_pair_page_says_how_it_leans_where_it_broke_and_what_speaks_against_it(connect: Connect) -> None:
    page = await text_of(await connect(told_model()), "/pairs/BLR-RUS")
    assert "<strong>Belarus leans towards Russia</strong>: 12 of 13 signals in the last 13 weeks." in page
    counter = page[page.index('id="counter"') : page.index('id="evidence"')]
    assert counter.count('<article class="story told">') == 1
    assert "1 of 13 signals of the 13 weeks to 2017-W31 point the other way" in counter
    assert "told by 3 articles" in page
    assert page[page.index('id="evidence"') :].count('<article class="story told">') == 2
    assert re.search(
        r"<th scope=\"row\">2017-W31</th><td>40</td><td>12</td><td>30% <span class=\"interval\">\(\d+% to \d+%\)", page
    )


async def test_a_break_is_marked_in_its_chart_once_it_was_told_and_never_before(connect: Connect) -> None:
    client = await connect(told_model())
    assert "Broke up in 2017-W31, told after 2017-W33." in await text_of(client, "/pairs/BLR-RUS?until=2017-W33")
    early = await text_of(client, "/pairs/BLR-RUS?until=2017-W32")
    assert 'class="break"' not in early
    assert 'id="breaks"' not in early


async def test_titles_lead_to_articles_where_there_are_any_and_to_the_outlet_where_not(connect: Connect) -> None:
    plain = await text_of(await connect(told_model()), "/pairs/BLR-RUS")
    assert "/article?" not in plain
    assert 'href="https://news.example/2017-W31/1" rel="noopener noreferrer external"' in plain
    client = await connect(told_model(), Shelf(**{"a1": found(), "a2": found(), "a?b&c=<d>/é": found()}))
    page = await text_of(client, "/pairs/BLR-RUS")
    links = {unescape(link) for link in re.findall(r'href="(/article\?[^"]+)"', page)}
    assert len(links) == 3
    for link in links:
        await text_of(client, link)


async def test_what_an_outlet_writes_stays_text_on_both_pages(connect: Connect) -> None:
    hostile = found(
        title=NASTY, text=f"{NASTY}\n<img src=x onerror=y>", url="javascript:alert(1)", outlet='"><b>', author=NASTY, origin=NASTY
    )
    client = await connect(told_model(), Shelf(x=hostile))
    for path in ("/article?id=x", "/pairs/BLR-RUS?until=2017-W33"):
        page = await text_of(client, path)
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert "<img" not in page
        for tag, attributes in Tags(page).seen:
            assert tag != "script" or attributes.get("src", "").startswith("/static/")
            assert not any(name == "style" or name.startswith("on") for name in attributes)
            assert not attributes.get("href", "").startswith("javascript")
        assert re.findall(r'<link rel="stylesheet" href="(/static/[^"]+)"', page)


@pytest.mark.parametrize(
    ("asked", "status", "says"),
    [
        ("id=gone", 410, "It was erased"),
        ("id=later", 503, "The index is not complete"),
        ("id=nothing", 404, "There is no article"),
        ("", 400, "No article is named"),
        ("id=" + "x" * 2_001, 400, "No article is named"),
    ],
)
async def test_an_article_that_can_not_be_shown_has_a_page_that_says_why(
    connect: Connect, asked: str, status: int, says: str
) -> None:
    shelf = Shelf(gone=GoneError("it was erased"), later=NotNowError("the index is not complete"))
    page = await text_of(await connect(BoardModel(watchlist()), shelf), f"/article?{asked}", status)
    assert says in page
    assert 'href="/"' in page


@pytest.mark.parametrize(
    ("why", "says"),
    [
        ("other-model", "The labels were made by model <code>1-test</code>"),
        ("slow", "The explanation is still being made"),
        ("busy", "Many explanations are being made"),
        ("failed", "The model could not explain"),
    ],
)
async def test_a_page_without_an_explanation_says_why_and_shows_the_stored_probabilities(
    connect: Connect, why: Any, says: str
) -> None:
    one = found()
    page = await text_of(
        await connect(BoardModel(watchlist()), Shelf(x=FoundArticle(one.article, one.classification, why, "2-newer"))),
        "/article?id=x",
    )
    assert says in page
    assert 'value="0.9">p 0.90<' in page
    if why in ("slow", "busy"):
        assert 'href="/article?id=x">Look again</a>' in page


async def test_a_corrected_article_says_who_said_what_when_and_why_beside_what_the_model_found(connect: Connect) -> None:
    model, one = BoardModel(watchlist([("BLR", "RUS")])), found()
    said = feed_correction(model, one.article.id, sentence="Minsk declines the base.")
    shown = replace(one, classification=msgspec.structs.replace(one.classification, correction="c" * 16))
    page = await text_of(await connect(model, Shelf(x=shown)), "/article?id=x")
    people, model_part = page.split('id="corrected"')[1].split("What the model found")
    for told in ("It counts so", said.by, said.why, said.sentence, "2017-08-05 09:30 UTC", "Hedging", "/pairs/BLR-RUS?until="):
        assert told in people, told
    assert "Cooperation" not in people
    assert 'value="0.9">p 0.90<' in model_part


async def test_a_correction_that_the_facts_do_not_follow_yet_says_so_and_one_of_an_earlier_revision_too(connect: Connect) -> None:
    model, one = BoardModel(watchlist([("BLR", "RUS")])), found()
    client = await connect(model, Shelf(x=one))
    assert "What people say" not in await text_of(client, "/article?id=x")
    feed_correction(model, one.article.id, labels=[], digest="of another text")
    page = await text_of(client, "/article?id=x")
    assert "The facts follow within seconds" in page
    assert "<strong>no label</strong>" in page
    assert "said of an earlier revision" in page


async def test_what_a_corrector_writes_stays_text(connect: Connect) -> None:
    model, one = BoardModel(watchlist([("BLR", "RUS")])), found()
    feed_correction(model, one.article.id, why=NASTY, sentence=NASTY, by=NASTY[:70])
    page = await text_of(await connect(model, Shelf(x=one)), "/article?id=x")
    assert NASTY not in page
    assert page.count("&lt;script&gt;") == 3


async def test_the_method_s_page_counts_what_people_corrected_and_erased(connect: Connect) -> None:
    model = BoardModel(watchlist())
    feed_progress(model, 0, 1_000, 30, 2, forgotten=3)
    feed_correction(model, "article-1")
    page = await text_of(await connect(model), "/about")
    assert "Of 1,032 articles that were read, 1,000 were classified, 30 had come before, and 2 could not be used." in page
    assert "People have corrected 1 of them; 3 were erased" in page
