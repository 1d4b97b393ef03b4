"""The form for corrections in a real Chromium: what is typed is what is written, by keyboard alone, and nothing complains."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from playwright.sync_api import Browser, Page, expect

from streams.board.correcting import Correcting, CorrectionDesk, add_corrections
from streams.board.model import BoardModel
from streams.push.tokens import TokenCheck, TokenFile
from tests.helpers.board_browser import MISPLACED, POOR_CONTRAST
from tests.helpers.board_data import ready, watchlist
from tests.helpers.board_server import serving
from tests.helpers.corrections import OneArticle, WrittenCorrections

pytestmark = pytest.mark.browser


@dataclass
class Desk:
    """A served board that takes corrections, a token for it, and what was written."""

    address: str
    token: str
    topic: WrittenCorrections
    complaints: list[str] = field(default_factory=list)

    def open(self, browser: Browser, width: int = 1366) -> Page:
        """The article's page with the form unfolded."""
        page = browser.new_page(viewport={"width": width, "height": 900}, reduced_motion="reduce")
        page.on("console", lambda message: self.complaints.append(message.text) if message.type in ("error", "warning") else None)
        page.goto(f"{self.address}/article?id=article-1")
        page.get_by_text("The model is wrong about it").click()
        return page


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    tokens, topic, articles = TokenFile(tmp_path / "tokens.json"), WrittenCorrections(), OneArticle()

    def take_corrections(app: web.Application) -> None:
        add_corrections(app, CorrectionDesk(articles, Correcting(TokenCheck(tokens), topic)))

    with serving(BoardModel(watchlist()), ready, articles=articles, prepare=take_corrections) as address:
        yield Desk(address, tokens.add("Ann", ["correct"]), topic)


def test_what_is_typed_is_written_in_the_name_of_the_token_and_the_page_says_so(chromium: Browser, desk: Desk) -> None:
    page = desk.open(chromium)
    page.get_by_label("Of the pair", exact=True).select_option("BLR-RUS")
    page.get_by_label("these labels").check()
    page.locator("input[value=hedging]").check()
    page.get_by_label("Why").fill("it declines the base")
    page.get_by_label("Your token").fill(desk.token)
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_be_visible()
    [written] = desk.topic.written
    assert (written.by, written.pair, written.labels, written.why) == ("Ann", "BLR-RUS", ["hedging"], "it declines the base")
    assert desk.token not in page.content()
    assert desk.complaints == []
    page.close()


def test_a_wrong_token_leads_to_a_page_that_says_how_to_get_one_and_writes_nothing(chromium: Browser, desk: Desk) -> None:
    page = desk.open(chromium)
    page.get_by_label("no label", exact=True).check()
    page.get_by_label("Why").fill("so")
    page.get_by_label("Your token").fill("bwt_wrong")
    page.get_by_role("button", name="Correct it").click()
    expect(page.locator("body")).to_contain_text("--role correct")
    assert desk.topic.written == []
    page.close()


@pytest.mark.parametrize("width", [390, 1366])
def test_the_form_is_whole_and_readable(chromium: Browser, desk: Desk, width: int) -> None:
    page = desk.open(chromium, width)
    assert page.evaluate(MISPLACED) == []
    assert page.evaluate(POOR_CONTRAST) == []
    assert page.locator("form[action='/article/correction'] input:not([type=hidden])").evaluate_all(
        "all => all.every((one) => one.labels.length)"
    )
    page.close()
