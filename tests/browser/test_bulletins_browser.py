"""The bulletins on the board in a real Chromium: the list, a bulletin, and the list before the first one, at every size, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from streams.board.bulletins import add_bulletins
from streams.board.model import BoardModel
from streams.clock import shift_week
from streams.delivery.rounds import Wish
from tests.helpers.board_browser import MISPLACED, POOR_CONTRAST, SCHEMES, SCREENSHOTS, SIZES, Board, found_by_axe
from tests.helpers.board_data import ready, watchlist
from tests.helpers.board_server import serving
from tests.helpers.bulletins import EVENTFUL, LAST, QUIET, eventful
from tests.helpers.delivering import rounds_in, targets_of

pytestmark = pytest.mark.browser

NEWS = '[[target]]\nname = "news"\nkind = "feed"\naddress = "https://board.invalid/bulletins"\n'
PAGES = {"bulletins": "/bulletins", "bulletin": f"/bulletins/{EVENTFUL}.html", "bulletin-quiet": f"/bulletins/{QUIET}.html"}


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    folder = tmp_path_factory.mktemp("news")
    with rounds_in(folder) as rounds:
        for week in (LAST, shift_week(LAST, -1), EVENTFUL, QUIET):
            rounds.deliver(eventful(), targets_of(folder, NEWS), Wish(week))
    model = BoardModel(watchlist())
    with serving(model, ready, prepare=lambda app: add_bulletins(app, folder / "bulletins")) as address:
        yield Board(address, model)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES)
def test_bulletins_are_whole_readable_and_without_serious_findings_at_every_size(
    chromium: Browser, board: Board, size: str, scheme: Any
) -> None:
    width, height = SIZES[size]
    SCREENSHOTS.mkdir(exist_ok=True)
    with chromium.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
    ) as context:
        for name, path in PAGES.items():
            page = board.open(context, path, live=False)
            page.screenshot(path=SCREENSHOTS / f"{name}-{width}x{height}-{scheme}.png")
            assert page.evaluate(MISPLACED) == [], name
            assert page.evaluate(POOR_CONTRAST) == [], name
            assert size != "laptop" or found_by_axe(page) == [], name
            page.close()
    assert board.complaints == []


def test_a_reader_without_script_comes_from_any_page_to_a_bulletin_by_the_keyboard(chromium: Browser, board: Board) -> None:
    with chromium.new_context(java_script_enabled=False) as context:
        page = board.open(context, "/about", live=False)
        page.get_by_role("navigation", name="Bellwether").get_by_role("link", name="Bulletins").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Bulletins")
        page.locator(f'a[href$="{EVENTFUL}.html"]').focus()
        page.keyboard.press("Enter")
        expect(page).to_have_url(f"{board.address}/bulletins/{EVENTFUL}.html")
        expect(page.get_by_role("heading", level=1)).to_contain_text(EVENTFUL)


@pytest.mark.parametrize("width", [390, 1366])
def test_before_the_first_bulletin_the_page_says_how_to_get_one(chromium: Browser, tmp_path: Path, width: int) -> None:
    with (
        serving(BoardModel(watchlist()), ready, prepare=lambda app: add_bulletins(app, tmp_path / "none")) as address,
        chromium.new_context(viewport={"width": width, "height": 844}) as context,
    ):
        page = context.new_page()
        page.goto(f"{address}/bulletins")
        page.screenshot(path=SCREENSHOTS / f"bulletins-empty-{width}-light.png")
        expect(page.locator(".empty")).to_contain_text("delivery.toml")
        assert page.evaluate(MISPLACED) == []
