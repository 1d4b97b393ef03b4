"""Every page of the board held against axe-core's rules in a real Chromium, light and dark; and what a page does when the board is away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from streams.board.context import BOARD, MOST_STREAMS
from streams.board.model import BoardModel
from streams.board.status import ReplayStatus
from streams.clock import utc_now
from tests.helpers.board_browser import MISPLACED, POOR_CONTRAST, SCHEMES, Board, found_by_axe
from tests.helpers.board_data import feed, ready, trend, watchlist
from tests.helpers.board_server import serving
from tests.helpers.judged_board import judged_model

pytestmark = pytest.mark.browser

PAGES = {
    "overview": "/", "overview of the past": "/?until=2021-W40&domain=economy", "overview, nothing found": "/?find=zzz", "pair": "/pairs/BLR-RUS",
    "breaks": "/breaks", "breaks, none found": "/breaks?pair=QQQ-RUS", "feeds": "/feeds", "feeds, chosen": "/feeds?state=failing",
    "about": "/about", "unknown pair": "/pairs/RUS-BLR", "unknown address": "/nowhere", "unanswerable": "/?domain=sport",
}  # fmt: skip


@pytest.fixture(scope="module")
def judged() -> Iterator[Board]:
    model = judged_model(first="2021-W01")
    with serving(model, ready) as address:
        yield Board(address, model)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_no_page_has_a_serious_finding_of_axe(chromium: Browser, judged: Board, scheme: Any) -> None:
    found: dict[str, list[str]] = {}
    for name, path in PAGES.items():
        with chromium.new_context(
            viewport={"width": 1366, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
        ) as context:
            page = context.new_page()
            page.goto(judged.address + path)
            found[name] = found_by_axe(page)
    assert {name: findings for name, findings in found.items() if findings} == {}


def test_axe_would_find_something_on_a_page_that_is_hard_to_read(chromium: Browser) -> None:
    with chromium.new_context() as context:
        page = context.new_page()
        page.set_content("<html lang=en><title>t</title><main><h1>h</h1><input><p style='color:#ccc'>pale</p></main>")
        assert {one.split(":")[0] for one in found_by_axe(page)} == {"color-contrast", "label"}


@pytest.mark.parametrize("width", [390, 2560])
def test_error_pages_and_empty_answers_are_whole_on_a_phone_and_on_a_wall(chromium: Browser, judged: Board, width: int) -> None:
    with chromium.new_context(viewport={"width": width, "height": 900}, color_scheme="dark") as context:
        for path in ("/pairs/RUS-BLR", "/?domain=sport", "/?find=zzz", "/breaks?pair=QQQ-RUS"):
            page = context.new_page()
            page.goto(judged.address + path)
            assert page.evaluate(MISPLACED) == [], path
            assert page.evaluate(POOR_CONTRAST) == [], path


def test_the_breaks_open_their_evidence_and_lead_to_their_pair_by_the_keyboard_alone(chromium: Browser, judged: Board) -> None:
    with chromium.new_context() as context:
        page = judged.open(context, "/breaks?pair=BLR-RUS")
        page.locator(".proof summary").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("link", name="No base on our soil, says the minister")).to_be_visible()
        page.locator(".break-table th a").focus()
        page.keyboard.press("Enter")
        expect(page).to_have_title("Belarus towards Russia · Bellwether")


def test_a_count_in_the_table_of_statuses_leads_to_exactly_those_pairs(chromium: Browser, judged: Board) -> None:
    with chromium.new_context(java_script_enabled=False) as context:
        page = judged.open(context, "/", live=False)
        link = page.get_by_role("link", name="1 Hedging broken")
        link.click()
        assert [row.get_attribute("data-pair") for row in page.locator("tr[data-pair]").all()] == ["BLR-RUS"]
        expect(page.locator(".said")).to_contain_text("1 pair with hedging broken")


def test_kafka_that_went_away_is_told_with_its_age_and_taken_back_without_a_reload(chromium: Browser) -> None:
    model = BoardModel(watchlist([("BLR", "RUS")]))
    feed(model, trend("BLR-RUS", "2017-W31", {"cooperation": 3}, about=14))
    good = replace(ready(), as_of=utc_now() - timedelta(minutes=12, seconds=30))
    status: list[ReplayStatus] = [good]
    with serving(model, lambda: status[0]) as address, chromium.new_context() as context:
        page = Board(address, model).open(context)
        expect(page.locator("#problem")).to_be_hidden()
        status[0] = replace(good, reachable=False, problem="Kafka can't be read: timed out")
        expect(page.locator("#problem")).to_contain_text("Kafka has not answered for 12 minutes.", timeout=20_000)
        expect(Board(address, model).open(context).locator("#problem")).to_contain_text("for 12 minutes")
        status[0] = good
        expect(page.locator("#problem")).to_be_hidden(timeout=20_000)


def test_a_page_that_found_every_place_taken_gets_one_when_one_is_free(chromium: Browser) -> None:
    model = BoardModel(watchlist([("BLR", "RUS")]))
    feed(model, trend("BLR-RUS", "2017-W31", {"cooperation": 3}, about=14))
    boards: list[Any] = []
    with serving(model, ready, prepare=lambda app: boards.append(app[BOARD])) as address, chromium.new_context() as context:
        boards[0].streams = MOST_STREAMS
        page = Board(address, model).open(context, live=False)
        page.clock.install()
        page.reload()
        expect(page.locator("#live")).to_have_attribute("data-state", "lost", timeout=20_000)
        page.clock.run_for(12_000)
        expect(page.locator("#away")).to_be_visible()
        boards[0].streams = 0
        page.clock.run_for(30_000)
        expect(page.locator("#live")).to_have_attribute("data-state", "on", timeout=20_000)
        expect(page.locator("#away")).to_be_hidden()


def test_on_paper_there_are_no_buttons_and_the_addresses_of_the_evidence_stand_beside_it(
    chromium: Browser, judged: Board
) -> None:
    with chromium.new_context() as context:
        page = judged.open(context)
        page.emulate_media(media="print")
        expect(page.locator("#controls")).to_be_hidden()
        expect(page.locator(".sections")).to_be_hidden()
        shown = page.evaluate("getComputedStyle(document.querySelector('.story h4 a[href^=http]'), '::after').content")
        assert "https://news.example/" in shown
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
