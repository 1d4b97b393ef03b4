"""What `Predictor.explain` says of an item, and how it shows itself: the same answer as `classify`, with reasons for every label."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from models.explanation_page import page_end, page_item, page_start
from models.labels import LABELS
from models.predict import Predictor
from models.results import Text

EXERCISE = Text(
    "Minsk and Moscow agree on a joint exercise",
    "Belarus and Russia began a joint military exercise. Lukashenka declined to host a Russian air base. It rained.",
)
HOSTILE = Text(
    '<script>alert(1)</script> Minsk & Moscow', 'Belarus and Russia signed an agreement on "<img src=x onerror=y>" joint arms \x1b[31m production.'
)  # fmt: skip


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.load()


class Tags(HTMLParser):
    """Collects the tags that a browser would see, and checks that they close."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag != "meta":
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag


def test_an_explanation_holds_the_answer_of_classify_and_a_reason_for_every_label(predictor: Predictor) -> None:
    found = predictor.explain(EXERCISE)
    assert found.classified == predictor.classify([EXERCISE])[0]
    assert [reason.label for reason in found.reasons] == list(LABELS)
    for reason in found.reasons:
        assert reason.decided == (reason.probability >= reason.threshold) == (reason.label in found.classified.decided)
        assert reason.passage in f"{EXERCISE.title}\n{EXERCISE.text}"


def test_a_decided_label_is_explained_by_the_passage_and_the_words_of_its_signal(predictor: Predictor) -> None:
    found = predictor.explain(EXERCISE)
    signal = next(one for one in found.classified.signals if one.label == "cooperation")
    reason = found.reasons[0]
    assert (reason.passage, reason.terms, reason.tied) == (signal.evidence, signal.terms, True)
    assert "exercise" in reason.terms


def test_a_label_that_is_not_decided_says_how_far_it_is_from_its_threshold(predictor: Predictor) -> None:
    reason = next(one for one in predictor.explain(EXERCISE).reasons if not one.decided)
    assert reason.verdict.startswith("not decided: ")
    assert f"{reason.threshold - reason.probability:.2f} short of {reason.threshold:.2f}" in reason.verdict


def test_the_pieces_join_to_the_text_and_those_with_signals_are_marked(predictor: Predictor) -> None:
    found = predictor.explain(EXERCISE)
    assert "".join(piece for piece, _ in found.pieces()) == EXERCISE.text
    assert "".join(piece for piece, _ in found.title_pieces()) == EXERCISE.title
    assert ("Belarus and Russia began a joint military exercise.", "cooperation") in list(found.pieces())
    assert any("It rained" in piece and not label for piece, label in found.pieces())


@pytest.mark.parametrize(
    "text", [Text("", ""), Text("It rained", "All day."), Text("", "Der Bundestag berät über Russland und Polen heute Abend.")]
)
def test_an_item_that_is_not_scored_has_no_reasons_and_still_shows_why(predictor: Predictor, text: Text) -> None:
    found = predictor.explain(text)
    assert found.reasons == ()
    assert f"nothing decided: {found.classified.abstained}" in found._repr_html_()


def test_what_a_stranger_wrote_is_text_in_the_notebook_and_on_the_page(predictor: Predictor) -> None:
    found = predictor.explain(HOSTILE)
    for page in (found._repr_html_(), page_start("<b>why</b>") + page_item(found) + page_item(found) + page_end()):
        tags = Tags(page)
        assert not {"script", "img", "b"} & set(tags.seen)
        assert "\x1b" not in page
        assert not re.search(r"(src|href)=", page.replace("src=x", ""))
