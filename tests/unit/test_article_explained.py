"""Explanations for the pages: bounded in number and time, kept, and never of a model that did not make the labels."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from models.explanation import Explanation, LabelReason, Mark
from models.labels import LABELS
from models.results import Text
from streams.board.article.explaining import MOST_KEPT, Explainer, Explanations
from streams.board.article.found import FoundArticle, Without
from streams.board.article.shown import MOST_CHARS, Piece, show
from streams.board.model import BoardModel
from streams.records import Article, Classification
from tests.helpers.board_data import evidence, feed, trend, watchlist
from tests.helpers.builders import article, classified, pair_signal

SENTENCE = "Belarus and Russia begin a joint exercise."


class SlowModel:
    """A model that answers when it is let go; counts what it is asked."""

    def __init__(self, version: str = "1-test") -> None:
        self.version = version
        self.asked: list[str] = []
        self.loads = 0
        self.go = threading.Event()

    def open(self) -> Explainer:
        self.loads += 1
        return Explainer(self.version, self._explain)

    def _explain(self, one: Article) -> Explanation:
        self.asked.append(one.id)
        assert self.go.wait(20)
        if one.id == "article-13":
            raise ValueError("unlucky")
        return Explanation(Text(one.title, one.text), classified())


@pytest.fixture
def model() -> Iterator[SlowModel]:
    found = SlowModel()
    yield found
    found.go.set()


async def test_a_page_does_not_wait_for_ever_and_finds_the_explanation_when_it_comes_again(model: SlowModel) -> None:
    explanations = Explanations(model.open, wait_seconds=0.05)
    assert await explanations.of(article(1), "1-test") == "slow"
    assert await explanations.of(article(1), "1-test") == "slow"
    model.go.set()
    patient = Explanations(model.open)
    assert isinstance(await patient.of(article(1), "1-test"), Explanation)
    async with asyncio.timeout(20):
        while await explanations.of(article(1), "1-test") == "slow":
            pass
    assert isinstance(await explanations.of(article(1), "1-test"), Explanation)
    assert model.asked == ["article-1", "article-1"]


async def test_no_more_are_in_work_than_may_be(model: SlowModel) -> None:
    explanations = Explanations(model.open, wait_seconds=0.02, most_waiting=2)
    assert [await explanations.of(article(number), "1-test") for number in (1, 2, 3, 1)] == ["slow", "slow", "busy", "slow"]


async def test_a_model_explains_its_own_labels_alone_and_is_loaded_once(model: SlowModel) -> None:
    model.go.set()
    explanations = Explanations(model.open)
    assert (await explanations.of(article(1), "0-older"), explanations.version) == ("other-model", "1-test")
    assert await explanations.of(article(2), "0-older") == "other-model"
    assert (model.asked, model.loads) == ([], 1)


async def test_a_model_that_fails_costs_the_explanation_and_not_the_page_and_the_next_is_made(model: SlowModel) -> None:
    model.go.set()
    explanations = Explanations(model.open)
    assert await explanations.of(article(13), "1-test") == "failed"
    assert isinstance(await explanations.of(article(1), "1-test"), Explanation)


async def test_the_newest_are_kept_and_an_edit_is_explained_anew(model: SlowModel) -> None:
    model.go.set()
    explanations = Explanations(model.open)
    for number in range(20, 20 + MOST_KEPT + 1):
        await explanations.of(article(number), "1-test")
    await explanations.of(article(20 + MOST_KEPT), "1-test")
    await explanations.of(article(20), "1-test")
    await explanations.of(article(20, text="edited"), "1-test")
    assert model.asked[MOST_KEPT + 1 :] == ["article-20", "article-20"]


def found_article(explanation: Explanation | Without, *, text: str = f"{SENTENCE} It rained.", **changes: object) -> FoundArticle:
    """An article of 2017-W31 that cooperates, as `classifications` holds it."""
    fields: dict[str, object] = {
        "article_id": "article-1", "digest": "d", "offset": 0, "pairs": ["BLR-RUS", "RUS-BLR"], "language": "en",
        "labels": {"cooperation": 0.9, "symbolic-allegiance": 0.1, "hedging": 0.1}, "decided": ["cooperation"], "domains": {"security": 0.9},
        "model": "1-test",
    }  # fmt: skip
    return FoundArticle(article(1, text=text), Classification(**{**fields, **changes}), explanation, "1-test")  # type: ignore[arg-type]


def explained(found: FoundArticle) -> FoundArticle:
    """The same with what the model says: its sentence is the passage, and `exercise` weighed."""
    start = len(found.article.title) + 1
    reason = LabelReason(
        "cooperation", 0.9, 0.4, decided=True, unsure=False, passage=SENTENCE, alone=0.9, terms=("exercise",), tied=True
    )
    explanation = Explanation(
        Text(found.article.title, found.article.text), classified(pair_signal()), (reason,),
        (Mark(start, start + len(SENTENCE), "cooperation"),),
    )  # fmt: skip
    return FoundArticle(found.article, found.classification, explanation, "1-test")


MARKED = (
    Piece("cooperation", (("Belarus and Russia begin a joint ", False), ("exercise", True), (".", False))),
    Piece("", ((" It rained.", False),)),
)


def test_the_passage_the_words_and_the_pair_of_a_label_are_the_models_where_it_explains() -> None:
    shown = show(BoardModel(watchlist([("BLR", "RUS")])), explained(found_article("slow")))
    assert shown.body == MARKED
    assert [one.label for one in shown.labels] == list(LABELS)
    assert [(one.decided, one.reason is not None) for one in shown.labels] == [(True, True), (False, False), (False, False)]
    assert [(pair.key, pair.is_shown, [told.label for told in pair.labels]) for pair in shown.pairs] == [
        ("BLR-RUS", True, ["cooperation"]),
        ("RUS-BLR", False, []),
    ]
    assert shown.week == "2017-W31"


@pytest.mark.parametrize("why", ["other-model", "slow", "busy", "failed"])
def test_where_the_model_does_not_explain_the_stored_probabilities_and_the_evidence_of_the_week_are_shown(why: Without) -> None:
    board = BoardModel(watchlist([("BLR", "RUS")]))
    kept = evidence(1, "cooperation", "2017-W31", 0.88, article_id="article-1", sentence=SENTENCE, terms=["exercise"])
    other = evidence(2, "hedging", "2017-W31", 0.8, sentence="It rained.")
    proof = {"cooperation": [kept], "hedging": [other]}
    feed(board, trend("BLR-RUS", "2017-W31", {"cooperation": 1, "hedging": 1}, about=2, evidence=proof))
    shown = show(board, found_article(why))
    assert shown.body == MARKED
    assert [one.probability for one in shown.labels] == [0.9, 0.1, 0.1]
    assert [told.probability for pair in shown.pairs for told in pair.labels] == [0.88]
    assert shown.actors == ("BLR", "RUS")


def test_without_evidence_nothing_is_marked_and_the_text_is_whole() -> None:
    shown = show(BoardModel(watchlist()), found_article("other-model"))
    assert "".join(word for piece in shown.body for word, _ in piece.words) == f"{SENTENCE} It rained."
    assert not any(piece.label for piece in shown.body)


def test_a_text_is_cut_and_what_is_left_out_is_counted() -> None:
    shown = show(BoardModel(watchlist()), found_article("slow", text="x" * (MOST_CHARS + 5)))
    assert sum(len(word) for piece in shown.body for word, _ in piece.words) == MOST_CHARS
    assert shown.left_out == 5
