"""The list of breaks: what became of each, what a reader chose, and the same as Atom, RSS and JSON Feed for any reader."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import parse_qsl
from xml.etree import ElementTree as ET

import feedparser
import pytest

from streams.board.break_list import BreakChoice, all_breaks, early_news, of_domains, read_break_choice
from streams.board.model import BoardModel
from streams.board.queries import newest_week
from streams.board.syndication import FORMATS, Item, NewsFeed, listed_links, paragraph
from streams.board.view import BadRequestError
from streams.board.whisker import WIDTH, whisker
from tests.helpers.board_data import feed, trend, watchlist
from tests.helpers.judged_board import broken, judge, judged_model
from tests.helpers.standings import a_break, a_standing


@pytest.fixture(scope="module")
def judged() -> BoardModel:
    return judged_model(first="2022-W01")


def test_a_break_is_reported_active_or_past(judged: BoardModel) -> None:
    states = {(one.pair, one.domain): one.state for one in all_breaks(judged)}
    assert states == {
        ("BLR-RUS", "all"): "reported", ("SRB-EU", "security"): "reported", ("ARM-RUS", "all"): "active", ("TUR-RUS", "all"): "past",
    }  # fmt: skip
    assert {(pair, series) for pair, series in judged.reported()} == {
        ("BLR-RUS", ("hedging", "all")), ("SRB-EU", ("cooperation", "security")),
    }  # fmt: skip


def test_a_series_that_broke_again_has_one_past_break_and_one_that_is_not() -> None:
    model = BoardModel(watchlist([("BLR", "RUS")]))
    judge(model, a_standing("BLR-RUS", "hedging", status="broken", breaks=[a_break(alarm="2016-W10"), a_break(alarm="2017-W33")]))
    assert [(one.found.alarm, one.state, one.is_newest) for one in all_breaks(model)] == [
        ("2017-W33", "reported", True), ("2016-W10", "past", False),
    ]  # fmt: skip


def test_those_told_last_come_first(judged: BoardModel) -> None:
    alarms = [one.found.alarm for one in all_breaks(judged)]
    assert alarms == sorted(alarms, reverse=True)


@pytest.mark.parametrize(
    ("choice", "pairs"),
    [
        (BreakChoice(), ["ARM-RUS", "BLR-RUS", "TUR-RUS"]),
        (BreakChoice(domain="security"), ["SRB-EU"]),
        (BreakChoice(state="now"), ["ARM-RUS", "BLR-RUS"]),
        (BreakChoice(state="reported"), ["BLR-RUS"]),
        (BreakChoice(state="past"), ["TUR-RUS"]),
        (BreakChoice(direction="down"), ["ARM-RUS"]),
        (BreakChoice(signal="hedging"), ["BLR-RUS"]),
        (BreakChoice(pair="TUR-RUS"), ["TUR-RUS"]),
        (BreakChoice(pair="QQQ-RUS"), []),
    ],
)
def test_a_choice_means_the_breaks_that_it_names(judged: BoardModel, choice: BreakChoice, pairs: list[str]) -> None:
    assert sorted(one.pair for one in all_breaks(judged) if choice.means(one)) == pairs


def test_every_choice_can_be_written_into_a_link_and_read_back() -> None:
    choice = BreakChoice(domain="economy", signal="hedging", state="now", direction="up", pair="BLR-RUS", page=2)
    assert read_break_choice(dict(parse_qsl(choice.link(page=2).partition("?")[2]))) == choice
    assert read_break_choice({"pair": " blr-rus "}).pair == "BLR-RUS"
    assert BreakChoice().link() == "/breaks"


@pytest.mark.parametrize("name", ["domain", "signal", "state", "direction", "page"])
def test_a_choice_that_there_is_not_is_refused_by_name(name: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        read_break_choice({name: "nonsense"})
    assert caught.value.where == name


def test_the_words_say_which_way_and_how_far(judged: BoardModel) -> None:
    headlines = {one.pair: one.headline for one in all_breaks(judged)}
    assert headlines["BLR-RUS"] == "Belarus → Russia: hedging rose to 2.1 times its level"
    assert headlines["ARM-RUS"] == "Armenia → Russia: cooperation fell to 0.4 times its level"
    assert headlines["SRB-EU"] == "Serbia → European Union: cooperation (security) rose to 2.1 times its level"


def test_a_week_that_is_out_of_the_ordinary_is_told_apart_from_breaks(judged: BoardModel) -> None:
    assert [one.pair for one in early_news(judged, "all")] == ["KAZ-RUS"]
    assert early_news(judged, "security") == []


def test_reported_breaks_are_counted_by_domain(judged: BoardModel) -> None:
    assert of_domains(all_breaks(judged)) == {"all": 1, "security": 1, "economy": 0, "politics": 0, "society": 0}


def test_doubling_and_halving_are_drawn_equally_far_from_no_change() -> None:
    double, half = whisker(a_break(size=2.0)), whisker(a_break(size=0.5))
    assert double.size - WIDTH / 2 == pytest.approx(WIDTH / 2 - half.size, abs=0.11)
    beyond = whisker(a_break(size=100.0, size_low=0.0, size_high=float("inf")))
    assert (beyond.low, beyond.size, beyond.high) == (0.0, WIDTH, WIDTH)


def test_a_break_keeps_its_key_when_its_size_is_estimated_anew() -> None:
    model = BoardModel(watchlist([("BLR", "RUS")]))
    feed(model, trend("BLR-RUS", "2017-W31", {"hedging": 3}, about=14))
    keys = []
    for size in (2.0, 2.4):
        judge(model, broken(newest_week(model), "BLR-RUS", "hedging", sure=0.9, size=size))
        keys += [one.key for one in all_breaks(model)]
    assert keys[0] == keys[1]


MOMENT = datetime(2017, 8, 21, tzinfo=UTC)
HOSTILE = 'A & B <script>alert("x")</script> \x00\x0b]]> “Ж”'


def news(*items: Item) -> NewsFeed:
    """A feed of some items."""
    return NewsFeed("Breaks & alerts", "What broke", "https://b.example/breaks", "https://b.example/breaks.atom", MOMENT, items)


def hostile_item() -> Item:
    """An item whose evidence a stranger titled."""
    html = paragraph(HOSTILE) + listed_links([(HOSTILE, 'https://n.example/?a="1"&b', ", Post"), ("plain", "", "")])
    return Item(
        "BLR-RUS|hedging|all|2017-W33", HOSTILE, "https://b.example/pairs/BLR-RUS?a=1&b=2", html, MOMENT, ("BLR-RUS", "up")
    )


@pytest.mark.parametrize("name", ["atom", "rss"])
def test_a_reader_of_feeds_gets_what_was_put_in_and_no_markup_of_strangers(name: str) -> None:
    found = feedparser.parse(news(hostile_item()).to(name))
    assert not found.bozo, found.get("bozo_exception")
    entry = found.entries[0]
    assert entry.title.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").startswith("A & B <script>")
    assert entry.link == "https://b.example/pairs/BLR-RUS?a=1&b=2"
    assert entry.id == hostile_item().urn
    body = entry.content[0].value if name == "atom" else entry.summary
    assert "<script" not in body
    assert 'href="https://n.example/' in body
    assert [tag.term for tag in entry.tags] == ["BLR-RUS", "up"]
    assert entry.updated_parsed[:5] == (2017, 8, 21, 0, 0) if name == "atom" else entry.published_parsed[:3] == (2017, 8, 21)


@pytest.mark.parametrize("name", ["atom", "rss"])
def test_the_xml_is_well_formed_with_any_characters_in_it(name: str) -> None:
    root = ET.fromstring(news(hostile_item()).to(name))
    assert root.tag == {"atom": "{http://www.w3.org/2005/Atom}feed", "rss": "rss"}[name]


def test_a_json_feed_has_the_members_that_its_version_asks_for() -> None:
    found = json.loads(news(hostile_item()).to("json"))
    assert found["version"] == "https://jsonfeed.org/version/1.1"
    assert {"title", "home_page_url", "feed_url", "items"} <= set(found)
    assert {"id", "url", "content_html", "date_published"} <= set(found["items"][0])


def test_our_own_reader_of_feeds_reads_every_format() -> None:
    from streams.ingest.parsers import parse_feed

    for name in FORMATS:
        result = parse_feed(news(hostile_item()).to(name), "https://b.example/", FORMATS[name])
        assert [entry.id for entry in result.entries] == [hostile_item().urn], name


def test_an_empty_feed_is_a_feed() -> None:
    for name in ("atom", "rss"):
        assert feedparser.parse(news().to(name)).feed.title == "Breaks & alerts"
    assert json.loads(news().to("json"))["items"] == []


def test_two_items_of_one_key_are_one_and_of_two_keys_two() -> None:
    one, other = hostile_item(), Item("other", "t", "l", "h", MOMENT)
    assert one.urn == hostile_item().urn != other.urn
