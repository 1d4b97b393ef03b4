"""The pair's and the article's pages in a real Chromium: whole at every size, read without script, with the keyboard, by a screen reader."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from models.explanation import Explanation, LabelReason, Mark
from models.labels import LABELS
from models.results import Text
from streams.board.article.found import FoundArticle, GoneError
from streams.board.view import NotFoundError
from streams.records import BreakEvidence, Classification
from tests.helpers.board_browser import MISPLACED, POOR_CONTRAST, SCHEMES, SCREENSHOTS, SIZES, Board, found_by_axe
from tests.helpers.board_data import feed_correction, full_model, ready
from tests.helpers.board_server import serving
from tests.helpers.builders import article, classified, pair_signal
from tests.helpers.standings import a_break, a_standing, standing_record

pytestmark = pytest.mark.browser

PAGES = [("pair-broken", "/pairs/BLR-RUS"), ("pair-broken-all", "/pairs/TUR-RUS?weeks=all&domain=security"), ("article", "/article?id=article-1"),
         ("article-stored", "/article?id=stored"), ("article-corrected", "/article?id=corrected"), ("article-forgotten", "/article?id=forgotten"),
         ("article-missing", "/article?id=nothing")]  # fmt: skip
SENTENCE = "Belarus and Russia begin a joint exercise near Brest, with eight thousand soldiers."


class Shelf:
    """`article-1` is explained; `stored` was labelled by another model; `corrected` is the first one, with another id, and people spoke of it."""

    async def find(self, article_id: str) -> FoundArticle:
        if article_id.startswith("a") and article_id != "article-1":
            article_id = "stored"
        if article_id == "forgotten":
            raise GoneError("the article was forgotten: its text, its facts and what people said of it are erased")
        if article_id not in ("article-1", "stored", "corrected"):
            raise NotFoundError(
                f"there is no article {article_id!r}", where="the articles that were read", todo="start at a pair"
            )
        text = f"{SENTENCE} It rained.\n\n" + "The ministers met the press and spoke of the weather. " * 12
        one = article(
            4 if article_id == "corrected" else 1,
            text=text,
            title="Belarus and Russia hold their largest exercise in years",
            author="A. Reporter",
        )
        stored = Classification(
            article_id=one.id, digest="d", offset=0, pairs=["BLR-RUS", "RUS-BLR"], language="en",
            labels={"cooperation": 0.93, "symbolic-allegiance": 0.21, "hedging": 0.04}, decided=["cooperation"],
            domains={"security": 0.97, "politics": 0.2}, model="1-test", correction="c" * 16 if article_id == "corrected" else "",
        )  # fmt: skip
        if article_id == "stored":
            return FoundArticle(one, stored, "other-model", "2-newer")
        start = len(one.title) + 1
        reasons = tuple(
            LabelReason(
                str(label), stored.labels[label], 0.4, decided=label in stored.decided, unsure=False, passage=SENTENCE, alone=0.5,
                terms=("joint", "exercise"), tied=label in stored.decided,
            )
            for label in LABELS
        )  # fmt: skip
        marks = (Mark(start, start + len(SENTENCE), "cooperation"),)
        return FoundArticle(one, stored, Explanation(Text(one.title, text), classified(pair_signal()), reasons, marks), "1-test")


@pytest.fixture(scope="module")
def board() -> Iterator[Board]:
    model = full_model(others=0, first="2019-W01")
    looked_at = BreakEvidence(
        week="2021-W09", side="after", article_id="a1", title="Joint crew for the radar station", url="https://news.example/1",
        outlet="Wire One", probability=0.93,
    )  # fmt: skip
    breaks = [
        a_break(start="2020-W10", alarm="2020-W14", direction="down", size=0.5, size_low=0.4, size_high=0.7),
        a_break(start="2021-W08", alarm="2021-W11", evidence=[looked_at]),
    ]
    model.apply_standing(*standing_record(a_standing(week="2022-W29", status="broken", age_weeks=3, breaks=breaks)))
    feed_correction(model, "article-4", sentence=SENTENCE)
    feed_correction(
        model, "article-4", "RUS-BLR", labels=[], by="ann.of-the-desk", why="Nothing is said of what Moscow does.", digest="older"
    )
    with serving(model, ready, articles=Shelf()) as address:
        yield Board(address, model)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", SIZES)
def test_both_pages_are_whole_readable_and_without_serious_findings_at_every_size(
    chromium: Browser, board: Board, size: str, scheme: Any
) -> None:
    width, height = SIZES[size]
    SCREENSHOTS.mkdir(exist_ok=True)
    with chromium.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
    ) as context:
        for name, path in PAGES:
            page = board.open(context, path, live=False)
            page.screenshot(path=SCREENSHOTS / f"{name}-{width}x{height}-{scheme}.png")
            assert page.evaluate(MISPLACED) == []
            assert page.evaluate(POOR_CONTRAST) == []
            if size == "laptop" and name in ("pair-broken", "article", "article-stored", "article-corrected"):
                assert found_by_axe(page) == []
            page.close()
    # The browser complains of the pages that are not there, and no longer there.
    assert [one for one in board.complaints if "404" not in one and "410" not in one] == []


def test_a_reader_without_script_comes_from_a_break_to_its_article_and_back_to_the_pair(chromium: Browser, board: Board) -> None:
    with chromium.new_context(java_script_enabled=False) as context:
        page = board.open(context, "/pairs/BLR-RUS", live=False)
        page.get_by_role("link", name="up in 2021-W08").click()
        page.locator("#breaks summary").click()
        page.locator("#breaks").get_by_role("link", name="Joint crew for the radar station").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Belarus and Russia hold their largest exercise in years")
        page.locator(".pair-list").get_by_role("link").first.click()
        expect(page).to_have_url(f"{board.address}/pairs/BLR-RUS?until=2017-W31#evidence")


def test_the_passage_and_its_words_are_marked_and_the_form_for_corrections_is_absent_where_nobody_may_correct(
    chromium: Browser, board: Board
) -> None:
    with chromium.new_context() as context:
        page = board.open(context, "/article?id=article-1", live=False)
        expect(page.locator("mark.passage.tone-1")).to_have_text(SENTENCE)
        assert page.locator("mark .weighed").all_inner_texts() == ["joint", "exercise"]
        assert page.locator("form").count() == 0
        names = [one.get_attribute("aria-label") for one in page.locator(".scale-bar").all()]
        assert names == [
            "Probability 0.93, threshold 0.40",
            "Probability 0.21, threshold 0.40",
            "Probability 0.04, threshold 0.40",
        ]


def test_a_chart_is_told_to_a_screen_reader_and_has_a_table(chromium: Browser, board: Board) -> None:
    with chromium.new_context() as context:
        page = board.open(context, "/pairs/BLR-RUS?weeks=52")
        share = page.get_by_role("img", name="Cooperation: share over 13 weeks with its credible band")
        assert "with 90% probability" in (share.locator("desc").text_content() or "")
        bars = page.get_by_role("img", name="Cooperation: stories by week")
        assert "stories from 2021-W31 to 2022-W30" in (bars.locator("desc").text_content() or "")
        page.locator("#numbers summary").click()
        table = page.locator("#numbers").get_by_role("table")
        assert table.get_by_role("rowheader").count() == 52
        drawn = page.locator("figure[data-signal=cooperation] .plot .hit title").all_text_contents()
        about = [row.split("\t")[1] for row in table.inner_text().splitlines() if row.startswith("20")]
        assert [text.split(" of ")[1].split()[0] for text in reversed(drawn)] == about


def test_the_band_encloses_the_line_in_every_week(chromium: Browser, board: Board) -> None:
    with chromium.new_context() as context:
        page = board.open(context, "/pairs/BLR-RUS?weeks=52")
        outside = page.evaluate(
            """() => { const chart = document.querySelector('figure[data-signal=cooperation] .share-line');
            const band = chart.querySelector('.band'), line = chart.querySelector('.line');
            const points = line.getAttribute('d').match(/[ML][0-9.]+ [0-9.]+/g).map((p) => p.slice(1).split(' ').map(Number));
            return points.slice(1, -1).filter(([x, y]) => !band.isPointInFill(new DOMPoint(x, y))).length; }"""
        )
        assert outside == 0
