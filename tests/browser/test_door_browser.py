"""Signing in and out in a real Chromium: without script, by the keyboard, held against axe-core's rules; and what an open page does when it is over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from playwright.sync_api import Browser, BrowserContext, Page, expect

from streams.board.door import add_door
from streams.board.model import BoardModel
from streams.push.tokens import TokenFile
from tests.helpers.board_browser import MISPLACED, POOR_CONTRAST, SCHEMES, SCREENSHOTS, SIZES, Board, found_by_axe
from tests.helpers.board_data import feed, ready, trend, watchlist
from tests.helpers.board_door import a_door, token_file
from tests.helpers.board_server import serving

pytestmark = pytest.mark.browser


@dataclass
class Shut:
    """A board that asks for tokens, and one that opens it."""

    board: Board
    tokens: TokenFile
    token: str

    def sign_in(self, context: BrowserContext, path: str = "/") -> Page:
        """Asks for a page, and gives the token where it is asked for it, by the keyboard alone."""
        page = self.board.open(context, path, live=False)
        expect(page.get_by_label("Your token")).to_be_focused()
        page.keyboard.type(self.token)
        page.keyboard.press("Enter")
        return page


@pytest.fixture
def shut(tmp_path: Path) -> Iterator[Shut]:
    tokens, model = token_file(tmp_path), BoardModel(watchlist([("BLR", "RUS")]))
    feed(model, trend("BLR-RUS", "2017-W31", {"cooperation": 3}, about=14))

    def close(app: web.Application) -> None:
        add_door(app, a_door(tokens))

    with serving(model, ready, prepare=close) as address:
        yield Shut(Board(address, model), tokens, tokens.add("bob", ["read"]))


@pytest.mark.parametrize("scripted", [True, False], ids=["with script", "without script"])
def test_a_reader_comes_to_what_was_asked_for_and_leaves_again(chromium: Browser, shut: Shut, scripted: bool) -> None:
    with chromium.new_context(java_script_enabled=scripted) as context:
        page = shut.sign_in(context, "/pairs/BLR-RUS?domain=security")
        expect(page).to_have_url(f"{shut.board.address}/pairs/BLR-RUS?domain=security")
        expect(page.locator(".signed-in")).to_have_text("bob")
        if scripted:
            expect(page.locator("#live")).to_have_attribute("data-state", "on")
            assert page.evaluate("document.cookie") == ""
        page.get_by_role("button", name="Sign out").focus()
        page.keyboard.press("Enter")
        expect(page).to_have_url(f"{shut.board.address}/sign-in")
        page.goto(f"{shut.board.address}/pairs/BLR-RUS")
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_wrong_token_is_told_beside_its_field_and_kept_nowhere(chromium: Browser, shut: Shut) -> None:
    with chromium.new_context() as context:
        page = context.new_page()
        page.goto(f"{shut.board.address}/breaks")
        page.get_by_label("Your token").fill("bwt_wrong")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_contain_text("This token is not good for reading")
        assert page.get_by_label("Your token").get_attribute("aria-invalid") == "true"
        assert "bwt_wrong" not in page.content()
        assert context.cookies() == []
        page.get_by_label("Your token").fill(shut.token)
        page.get_by_role("button", name="Sign in").click()
        expect(page).to_have_url(f"{shut.board.address}/breaks")


def test_an_open_page_leads_to_the_form_when_its_token_is_revoked_and_back_when_there_is_another(
    chromium: Browser, shut: Shut
) -> None:
    with chromium.new_context() as context:
        page = shut.sign_in(context, "/?domain=security")
        expect(page.locator("#live")).to_have_attribute("data-state", "on")
        shut.tokens.revoke("bob")
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in", timeout=20_000)
        page.get_by_label("Your token").fill(shut.tokens.add("bob", ["read"]))
        page.keyboard.press("Enter")
        expect(page).to_have_url(f"{shut.board.address}/?domain=security")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES)
def test_the_form_and_the_head_of_a_page_are_whole_and_readable(chromium: Browser, shut: Shut, size: str, scheme: Any) -> None:
    width, height = SIZES[size]
    SCREENSHOTS.mkdir(exist_ok=True)
    with chromium.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
    ) as context:
        page = shut.board.open(context, "/", live=False)
        _check(page, f"sign-in-{width}x{height}-{scheme}.png")
        page.get_by_label("Your token").fill("bwt_wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_be_visible()
        _check(page, f"sign-in-wrong-{width}x{height}-{scheme}.png")
        page.get_by_label("Your token").fill(shut.token)
        page.keyboard.press("Enter")
        expect(page.locator(".signed-in")).to_be_visible()
        _check(page, f"signed-in-{width}x{height}-{scheme}.png")


def _check(page: Page, screenshot: str) -> None:
    page.screenshot(path=SCREENSHOTS / screenshot)
    assert page.evaluate(MISPLACED) == []
    assert page.evaluate(POOR_CONTRAST) == []
    assert found_by_axe(page) == []
