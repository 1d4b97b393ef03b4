"""The board in a real Chromium: numbers, layout, colours, keyboard, live updates; with screenshots in `screenshots/`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from models.labels import LABELS
from streams.board.model import BoardModel
from streams.board.queries import FEW_STORIES, newest_week, pair_row
from streams.board.status import ReplayStatus
from streams.board.weeks import week_name, week_number
from tests.helpers.board_browser import MISPLACED, POOR_CONTRAST, SCHEMES, SCREENSHOTS, SIZES, Board
from tests.helpers.board_data import evidence, feed, feed_progress, ready, trend, watchlist
from tests.helpers.board_server import serving
from tests.helpers.judged_board import judged_model

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def full() -> Iterator[Board]:
    model = judged_model()
    with serving(model, ready) as address:
        yield Board(address, model)


@pytest.fixture
def small() -> Iterator[Board]:
    model = BoardModel(watchlist([("BLR", "RUS"), ("ARM", "RUS"), ("SRB", "EU")]))
    for week in ("2017-W30", "2017-W31"):
        proof = {"cooperation": [evidence(1, "cooperation", week, 0.91)]}
        feed(model, trend("BLR-RUS", week, {"cooperation": 3, "hedging": 1}, about=14, evidence=proof))
    feed_progress(model, 0, 100, 7, 2)
    with serving(model, ready) as address:
        board = Board(address, model)
        yield board
        assert board.complaints == []


def rows_of(page: Page) -> dict[str, dict[str, tuple[str, str]]]:
    """(share, total) as they can be read, by pair and signal."""
    found: dict[str, dict[str, tuple[str, str]]] = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll('tr[data-pair]')].map((row) => [row.dataset.pair,
        Object.fromEntries([...row.querySelectorAll('td')].map((cell) => [cell.dataset.signal,
        [cell.querySelector('.ratio').innerText, cell.querySelector('.total-number').innerText]]))]))"""
    )
    return {pair: {label: (share, total) for label, (share, total) in row.items()} for pair, row in found.items()}


def expected_rows(model: BoardModel, domain: str, until: int) -> dict[str, dict[str, tuple[str, str]]]:
    """What `rows_of` should give, from the records' counts by plain loops."""
    at = ("all", "security", "economy", "politics", "society").index(domain)
    rows: dict[str, dict[str, tuple[str, str]]] = {}
    for pair in model.pairs_shown():
        rows[pair] = {}
        weeks = [week for week in model.weeks(pair) if until - 13 < week <= until]
        about = sum(int(model.window(pair, week, 1)[0, 0, at, 0]) for week in weeks)
        for number, label in enumerate(LABELS, 1):
            told = sum(int(model.window(pair, week, 1)[0, number, at, 0]) for week in weeks)
            total = sum(int(model.window(pair, week, 1)[0, number, at, 0]) for week in model.weeks(pair))
            ratio = told / about if about else None
            share = "–" if ratio is None else f"{ratio:.1%}" if 0 < ratio < 0.01 else f"{ratio * 100:.0f}%"
            if 0 < about < FEW_STORIES:
                share = f"{told} of {about}"
            rows[pair][label] = (share, f"{total:,}")
    return rows


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("overview", "/"),
        ("chosen", "/?find=rus&status=stable&sort=change"),
        ("breaks", "/breaks"),
        ("feeds", "/feeds"),
        ("about", "/about"),
        ("pair", "/pairs/BLR-RUS"),
        ("long", "/pairs/TUR-RUS?weeks=all&domain=security"),
    ],
)
def test_a_page_is_whole_readable_and_without_complaints_at_every_size_in_light_and_dark(
    chromium: Browser, full: Board, name: str, path: str, size: str, scheme: Any
) -> None:
    width, height = SIZES[size]
    with chromium.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
    ) as context:
        page = full.open(context, path)
        SCREENSHOTS.mkdir(exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{name}-{width}x{height}-{scheme}.png")
        assert page.evaluate(MISPLACED) == []
        assert page.evaluate(POOR_CONTRAST) == []
    assert full.complaints == []


@pytest.mark.parametrize("domain", ["all", "economy"])
def test_the_numbers_on_the_page_are_those_of_the_records(chromium: Browser, full: Board, domain: str) -> None:
    with chromium.new_context() as context:
        page = full.open(context, f"/?domain={domain}")
        until = newest_week(full.model)
        assert rows_of(page) == expected_rows(full.model, domain, until)
        assert page.locator("[data-counter=read]").inner_text() == f"{full.model.articles().read:,}"
        assert page.locator("[data-counter=newest_week]").inner_text() == week_name(until)


def test_the_bars_that_are_painted_are_the_stories_of_the_weeks(chromium: Browser, full: Board) -> None:
    with chromium.new_context() as context:
        page = full.open(context, "/")
        drawn = page.locator("#pair-BLR-RUS td[data-signal=cooperation] path.bars").get_attribute("d") or ""
    window = full.model.window("BLR-RUS", newest_week(full.model), 52)
    weeks = [number for number, count in enumerate(window[:, 1, 0, 0].tolist()) if count]
    assert [int(x) // 4 for x in re.findall(r"M(\d+) 40", drawn)] == weeks


def test_a_pair_page_says_the_same_as_the_overview_and_shows_its_evidence(chromium: Browser, full: Board) -> None:
    with chromium.new_context() as context:
        page = full.open(context, "/")
        page.locator("#pair-SRB-EU th a").click()
        expect(page).to_have_title("Serbia towards European Union · Bellwether")
        row = pair_row(full.model, "SRB-EU", "all", newest_week(full.model))
        for strip in row.strips:
            chart = page.locator(f"figure[data-signal={strip.label}]")
            assert chart.locator(".total-number").inner_text() == f"{strip.total:,}"
            assert float(chart.locator("data.ratio").get_attribute("value") or "nan") == strip.share.ratio
        assert page.locator("#evidence .story").count() > 26


def test_without_javascript_the_page_is_whole_and_every_choice_works(chromium: Browser, full: Board) -> None:
    with chromium.new_context(java_script_enabled=False) as context:
        page = full.open(context, "/", live=False)
        page.get_by_role("navigation", name="Domain").get_by_role("link", name="Security").click()
        page.get_by_label("Weeks up to").fill("2019-W20")
        page.get_by_role("button", name="Show").click()
        assert page.url.endswith("/?domain=security&until=2019-W20#controls")
        shown = page.locator("#pair-BLR-RUS td[data-signal=cooperation] svg").get_attribute("aria-label") or ""
        strip = pair_row(full.model, "BLR-RUS", "security", week_number("2019-W20")).strips[0]
        assert f"{strip.in_window} stories in the 52 weeks to 2019-W20" in shown
        page.get_by_role("link", name="13 weeks later").click()
        assert page.url.endswith("until=2019-W33#controls")


def test_a_change_shows_in_its_row_alone_without_a_reload(chromium: Browser, small: Board) -> None:
    with chromium.new_context() as context:
        page = small.open(context)
        page.evaluate("document.getElementById('pair-SRB-EU').dataset.mark = 'old'; window.mark = 'same page'")
        feed(small.model, trend("ARM-RUS", "2017-W31", {"hedging": 1234}, about=2000))
        feed_progress(small.model, 0, 5_000)
        cell = page.locator("#pair-ARM-RUS td[data-signal=hedging]")
        expect(cell.locator(".total-number")).to_have_text("1,234", timeout=20_000)
        expect(cell.locator(".ratio")).to_have_text("62%")
        expect(page.locator("[data-counter=read]")).to_have_text("5,000")
        assert page.locator("#pair-SRB-EU").get_attribute("data-mark") == "old"
        assert page.evaluate("window.mark") == "same page"


def test_a_newer_week_moves_the_strips_of_a_page_that_follows_and_of_no_other(chromium: Browser, small: Board) -> None:
    with chromium.new_context() as context:
        follows, stays = small.open(context), small.open(context, "/?until=2017-W31")
        follows.bring_to_front()
        feed(small.model, trend("ARM-RUS", "2017-W40", {"hedging": 1}, about=2))
        expect(follows.locator("table .period").first).to_have_text("52 weeks to 8 Oct 2017", timeout=20_000)
        stays.bring_to_front()
        expect(stays.locator("#pair-ARM-RUS .total-number").last).to_have_text("1", timeout=20_000)
        expect(stays.locator("table .period").first).to_have_text("52 weeks to 6 Aug 2017")


def test_a_pair_page_follows_its_pair(chromium: Browser, small: Board) -> None:
    with chromium.new_context() as context:
        page = small.open(context, "/pairs/BLR-RUS")
        page.locator("#numbers summary").click()
        feed(small.model, trend("BLR-RUS", "2017-W29", {"cooperation": 4}, about=9))
        expect(page.locator("figure[data-signal=cooperation] .total-number")).to_have_text("10", timeout=20_000)
        expect(page.locator("#numbers")).to_have_attribute("open", "")


def test_a_pair_that_appears_by_itself_appears_on_an_open_page(chromium: Browser, small: Board) -> None:
    with chromium.new_context() as context:
        page = small.open(context)
        feed(small.model, trend("KAZ-CHN", "2017-W31", {"cooperation": 40}, about=60))
        expect(page.locator("#pair-KAZ-CHN .total-number").first).to_have_text("40", timeout=20_000)
        expect(page.get_by_role("rowheader", name="Appeared by themselves")).to_be_visible()


def test_focus_stays_where_it_is_when_its_row_is_replaced(chromium: Browser, small: Board) -> None:
    with chromium.new_context() as context:
        page = small.open(context)
        page.locator("#pair-BLR-RUS th a").focus()
        feed(small.model, trend("BLR-RUS", "2017-W31", {"cooperation": 30}, about=60))
        expect(page.locator("#pair-BLR-RUS .total-number").first).to_have_text("33", timeout=20_000)
        expect(page.locator("#pair-BLR-RUS th a")).to_be_focused()


def test_a_board_that_goes_away_is_told_and_comes_back_by_itself(chromium: Browser) -> None:
    model = BoardModel(watchlist([("BLR", "RUS")]))
    feed(model, trend("BLR-RUS", "2017-W31", {"cooperation": 3}, about=14))
    with ExitStack() as stack, chromium.new_context() as context:
        server: AbstractContextManager[str] = serving(model, ready)
        address = server.__enter__()
        page = Board(address, model).open(context)
        server.__exit__(None, None, None)
        expect(page.locator("#live")).to_have_attribute("data-state", "lost", timeout=20_000)
        feed(model, trend("BLR-RUS", "2017-W31", {"cooperation": 5}, about=14))
        stack.enter_context(serving(model, ready, port=int(address.rsplit(":", 1)[1])))
        expect(page.locator("#live")).to_have_attribute("data-state", "on", timeout=30_000)
        expect(page.locator("#pair-BLR-RUS .total-number").first).to_have_text("5", timeout=20_000)


def test_an_empty_board_fills_before_the_readers_eyes(chromium: Browser) -> None:
    model, status = BoardModel(watchlist()), [ReplayStatus(alive=True, caught_up=False, done=10, total=40)]
    with serving(model, lambda: status[0]) as address, chromium.new_context(viewport={"width": 1366, "height": 900}) as context:
        page = Board(address, model).open(context)
        expect(page.locator("#loading")).to_be_visible()
        SCREENSHOTS.mkdir(exist_ok=True)
        page.screenshot(path=SCREENSHOTS / "loading-1366x900-light.png")
        status[0] = ready()
        expect(page.locator("#loading")).to_be_hidden(timeout=20_000)
        page.reload()
        expect(page.get_by_text("bellwether ingest archive")).to_be_visible()
        page.screenshot(path=SCREENSHOTS / "empty-1366x900-light.png")
        assert page.evaluate(POOR_CONTRAST) == []
        feed(model, trend("BLR-RUS", "2017-W31", {"cooperation": 3}, about=14))
        expect(page.locator("#pair-BLR-RUS .total-number").first).to_have_text("3", timeout=20_000)


def test_the_keyboard_reaches_the_content_first_and_every_link_shows_where_it_is(chromium: Browser, full: Board) -> None:
    with chromium.new_context(viewport={"width": 1366, "height": 900}) as context:
        page = full.open(context)
        page.keyboard.press("Tab")
        skip = page.get_by_role("link", name="Skip to the content")
        expect(skip).to_be_focused()
        assert skip.bounding_box()["x"] >= 0  # type: ignore[index]
        page.keyboard.press("Enter")
        expect(page.locator("#main")).to_be_focused()
        for _ in range(12):
            page.keyboard.press("Tab")
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


@pytest.mark.parametrize("size", SIZES)
def test_a_screen_reader_finds_one_table_with_headers_and_a_sentence_for_each_strip(
    chromium: Browser, full: Board, size: str
) -> None:
    width, height = SIZES[size]
    with chromium.new_context(viewport={"width": width, "height": height}) as context:
        page = full.open(context)
        table = page.get_by_role("table", name="Pairs and signals")
        assert table.get_by_role("columnheader").count() == 1 + len(LABELS)
        shown = len(full.model.pairs_shown())
        assert table.get_by_role("row").count() == shown + 2
        assert table.get_by_role("rowheader", name=re.compile(" towards ")).count() == shown
        assert table.get_by_role("img", name=re.compile(r"stories in the 52 weeks to 20\d\d-W\d\d\.$")).count() == shown * len(
            LABELS
        )
        assert page.get_by_role("main").count() == page.get_by_role("heading", level=1).count() == 1
        assert page.evaluate(
            "document.querySelectorAll('[id]').length === new Set([...document.querySelectorAll('[id]')].map((n) => n.id)).size"
        )


def test_nothing_moves_for_a_reader_who_asked_for_that(chromium: Browser, full: Board) -> None:
    for motion, moving in (("reduce", False), ("no-preference", True)):
        with chromium.new_context(reduced_motion=motion) as context:  # type: ignore[arg-type]
            page = full.open(context)
            assert page.evaluate("document.getAnimations().length > 0") is moving
