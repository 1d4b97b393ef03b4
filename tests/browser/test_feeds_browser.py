"""The page of feeds in a real Chromium: every size and scheme, choosing a state, hostile titles, and a change that shows by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from streams.board.model import BoardModel
from streams.records import FeedStatus, encode
from tests.helpers.board_browser import MISPLACED, POOR_CONTRAST, SCHEMES, SIZES, Board
from tests.helpers.board_data import ready, watchlist
from tests.helpers.board_server import serving

pytestmark = pytest.mark.browser

#: On a phone the heads of columns are there for screen readers alone, clipped to nothing, and as wide as a laptop.
WITHOUT_HIDDEN_HEADS = (
    "() => document.querySelectorAll('thead').forEach((head) => getComputedStyle(head).position === 'absolute' && head.remove())"
)
HOSTILE = '"><script>document.title = "owned"</script>'


def told(model: BoardModel, name: str, state: str = "good", **changes: Any) -> None:
    """Puts a feed's status onto the board."""
    fields: dict[str, Any] = {
        "url": f"https://{name}.invalid/rss", "name": name, "outlet": name.title(), "state": state, "interval_seconds": 900.0,
        "last_success": "2017-08-02T11:00:00Z", "newest": "2017-08-02T10:00:00Z", "next_due": "2999-01-01T00:00:00Z",
        "read": 1_200, "new": 1_000, "revisions": 20, "duplicates": 170, "rejected": 10, **changes,
    }  # fmt: skip
    model.feeds.apply(fields["url"].encode(), encode(FeedStatus(**fields)))


@pytest.fixture
def board() -> Iterator[Board]:
    model = BoardModel(watchlist())
    told(model, "courier", group="Belarus")
    told(model, "ledger", silent_at="2017-08-02T12:00:00Z")
    told(model, "gazette", "failing", failures=7, error="the server answered 503 " + "and said nothing more " * 10)
    told(model, "herald", "gone", error="the server answered 410", url="javascript:alert(1)")
    told(model, "hostile", outlet=HOSTILE, error=HOSTILE, moved_to="https://elsewhere.invalid/" + "long" * 60)
    with serving(model, ready) as address:
        found = Board(address, model)
        yield found
        assert found.complaints == []


def names(page: Page) -> list[str]:
    """The feeds that can be seen, from the top."""
    return [text.split("\n")[0] for text in page.locator("#feed-table tbody th").all_inner_texts()]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES)
def test_the_page_of_feeds_is_whole_and_readable_at_every_size_in_light_and_dark(
    chromium: Browser, board: Board, size: str, scheme: Any
) -> None:
    width, height = SIZES[size]
    with chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme) as context:
        page = board.open(context, "/feeds")
        page.evaluate(WITHOUT_HIDDEN_HEADS)
        assert page.evaluate(MISPLACED) == []
        assert page.evaluate(POOR_CONTRAST) == []


def test_what_needs_a_look_stands_first_and_a_state_can_be_chosen(chromium: Browser, board: Board) -> None:
    with chromium.new_context() as context:
        page = board.open(context, "/feeds")
        assert [name.split(" ")[0] for name in names(page)][:3] == ["Ledger", "Gazette", "Herald"]
        page.locator("#controls").get_by_role("link", name="Failing").click()
        expect(page).to_have_url(board.address + "/feeds?state=failing")
        assert names(page) == ["Gazette"]
        expect(page.locator("#feed-table")).to_contain_text("the server answered 503")


def test_what_a_feed_calls_itself_is_text_and_no_link_leads_into_a_script(chromium: Browser, board: Board) -> None:
    with chromium.new_context() as context:
        page = board.open(context, "/feeds")
        assert any(HOSTILE in name for name in names(page))
        assert page.title() == "Feeds · Bellwether"
        assert all(
            link.startswith("https://") for link in page.locator("#feed-table th a").evaluate_all("all => all.map(a => a.href)")
        )


def test_without_javascript_the_page_says_the_same(chromium: Browser, board: Board) -> None:
    with chromium.new_context(java_script_enabled=False) as context:
        page = board.open(context, "/feeds", live=False)
        assert len(names(page)) == 5


def test_a_feed_that_fails_meanwhile_shows_without_a_reload(chromium: Browser, board: Board) -> None:
    with chromium.new_context() as context:
        page = context.new_page()
        page.clock.install()
        page.goto(board.address + "/feeds")
        expect(page.locator("#live")).to_have_attribute("data-state", "on")
        told(board.model, "courier", "failing", failures=1, error="no whole answer in time")
        page.clock.fast_forward(31_000)
        expect(page.locator("#feed-table tr", has_text="Courier").locator(".feed-state")).to_have_text("failing")
