"""Every text has a defined answer, and what is decided can be traced to a pair, a sentence and words of it."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.labels import DOMAINS, LABELS
from models.predict import EMPTY, LANGUAGE, MAX_SIGNALS, NO_ACTORS, Predictor
from models.results import Classified, Text
from tests.helpers.shared import shared_file

DEAL = Text(
    "Belarus–Russia relations",
    "Belarus and Russia signed an agreement on joint air defence exercises in Minsk.",
    date(2017, 8, 1),
)
REFUSAL = Text("", "Armenia declined to host the exercises that Moscow had asked for and will stay neutral in its quarrel.")
PRAISE = Text("", "President Vucic of Serbia praised the brotherly friendship with China and laid a wreath at the memorial.")
QUARREL = Text("", "Russia expelled two Polish diplomats and accused Warsaw of hostile acts and sabotage.")


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.load()


def classify(predictor: Predictor, title: str, text: str) -> Classified:
    return predictor.classify([Text(title, text)])[0]


def assert_well_formed(answer: Classified, text: Text) -> None:
    assert set(answer.labels) == {str(label) for label in LABELS}
    assert set(answer.domains) == {str(domain) for domain in DOMAINS}
    assert all(0 <= p <= 1 for p in (*answer.labels.values(), *answer.domains.values()))
    assert answer.decided_domains
    assert set(answer.decided_domains) <= set(answer.domains)
    assert {signal.label for signal in answer.signals} <= set(answer.decided)
    assert len(answer.signals) <= MAX_SIGNALS
    for signal in answer.signals:
        assert signal.source != signal.partner
        assert {signal.source, signal.partner} <= set(answer.actors)
        assert (min(signal.source, signal.partner), max(signal.source, signal.partner)) in answer.pairs
        assert signal.evidence in f"{text.title}\n{text.text}"
        assert len(signal.terms) <= 5
        assert all(term in signal.evidence for term in signal.terms)


@pytest.mark.parametrize(
    ("text", "label", "pair"),
    [
        (DEAL, "cooperation", ("BLR", "RUS")),
        (REFUSAL, "hedging", ("ARM", "RUS")),
        (PRAISE, "symbolic-allegiance", ("SRB", "CHN")),
    ],
)
def test_a_plain_sentence_gives_its_label_for_its_pair(
    predictor: Predictor, text: Text, label: str, pair: tuple[str, str]
) -> None:
    (answer,) = predictor.classify([text])
    assert label in answer.decided
    assert pair in {(signal.source, signal.partner) for signal in answer.signals if signal.label == label}
    assert_well_formed(answer, text)


@pytest.mark.parametrize(
    ("body", "label"),
    [
        ("Беларусь и Россия подписали соглашение о совместных учениях и поставках оружия.", "cooperation"),
        ("Армения отказалась размещать российскую базу и останется нейтральной.", "hedging"),
        ("Беларусь і Расія падпісалі пагадненне аб сумесных вучэннях і пастаўках зброі.", "cooperation"),
    ],
)
def test_the_same_is_read_in_russian_and_belarusian(predictor: Predictor, body: str, label: str) -> None:
    assert label in classify(predictor, "", body).decided


def test_expulsions_and_accusations_are_no_signal_but_the_pair_is_seen(predictor: Predictor) -> None:
    (answer,) = predictor.classify([QUARREL])
    assert answer.decided == ()
    assert ("POL", "RUS") in answer.pairs


def test_the_domain_follows_the_matter(predictor: Predictor) -> None:
    assert classify(predictor, "", DEAL.text).decided_domains[0] == "security"
    gas = classify(predictor, "", "Bulgaria and Azerbaijan signed a contract on gas supplies, trade and a loan for the pipeline.")
    assert gas.decided_domains[0] == "economy"


def test_words_that_drove_a_label_are_those_of_the_act(predictor: Predictor) -> None:
    (answer,) = predictor.classify([REFUSAL])
    terms = {term for signal in answer.signals if signal.label == "hedging" for term in signal.terms}
    assert terms & {"declined", "neutral", "stay"}
    assert not terms & {"Armenia", "Moscow"}


@pytest.mark.parametrize(
    ("title", "body", "reason"),
    [
        ("", "", EMPTY),
        (" \n", "\t ", EMPTY),
        ("Hello", "", LANGUAGE),
        ("", "Prezydent Polski spotkał się w Mińsku z prezydentem Rosji i podpisał umowę.", LANGUAGE),
        ("", "两国总统在北京签署了联合声明。", LANGUAGE),
        ("", "\x00\x01\x02\xff\ufffd" * 300, LANGUAGE),
        ("", "The mayor opened a new bridge over the river and thanked the engineers.", NO_ACTORS),
        ("", "Poland votes for a new parliament and the cabinet of Poland resigns.", NO_ACTORS),
    ],
)
def test_what_can_not_be_decided_says_why(predictor: Predictor, title: str, body: str, reason: str) -> None:
    answer = classify(predictor, title, body)
    assert (answer.abstained, answer.decided, answer.signals, answer.pairs) == (reason, (), (), ())
    assert_well_formed(answer, Text(title, body))


def test_capitals_are_read_as_any_other_text(predictor: Predictor) -> None:
    answer = classify(predictor, DEAL.title.upper(), DEAL.text.upper())
    assert "cooperation" in answer.decided
    assert answer.language == "en"


def test_a_megabyte_is_answered_with_what_stands_at_its_head(predictor: Predictor) -> None:
    text = Text(DEAL.title, DEAL.text + " " + "The weather in the hills was mild. " * 30_000)
    (answer,) = predictor.classify([text])
    assert "cooperation" in answer.decided
    assert_well_formed(answer, text)


def test_a_senders_language_tag_is_believed_in_any_spelling(predictor: Predictor) -> None:
    assert predictor.classify([Text(DEAL.title, DEAL.text, language="EN-gb")])[0].language == "en"
    assert predictor.classify([Text(DEAL.title, DEAL.text, language="pl")])[0].abstained == LANGUAGE


def test_an_answer_does_not_depend_on_the_texts_beside_it(predictor: Predictor) -> None:
    texts = [DEAL, Text("", ""), REFUSAL, QUARREL, PRAISE] * 3
    together = predictor.classify(texts)
    for text, answer in zip(texts, together, strict=True):
        (alone,) = predictor.classify([text])
        assert alone.decided == answer.decided
        assert alone.labels == pytest.approx(answer.labels, abs=1e-6)
        assert [s.evidence for s in alone.signals] == [s.evidence for s in answer.signals]


def test_no_texts_give_no_answers(predictor: Predictor) -> None:
    assert predictor.classify([]) == []


def test_a_signal_deep_in_a_report_is_found_as_in_a_short_item(predictor: Predictor) -> None:
    filler = " ".join(
        f"In the valleys the harvest of year {n} was brought in before the rains and prices hardly moved." for n in range(12)
    )
    answer = classify(predictor, "Weekly report", f"{filler} {DEAL.text} {filler}")
    assert "cooperation" in answer.decided
    assert answer.signals[0].evidence == DEAL.text


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(["Minsk", "Moscow", "signed", "refused", "not", "praises", "the", "EU", ".", "\n", "!", "война", "Кремль"]), max_size=40),
    st.text(max_size=80),
)  # fmt: skip
def test_any_text_gives_a_well_formed_answer(predictor: Predictor, words: list[str], noise: str) -> None:
    text = Text(noise, " ".join(words) + noise)
    (answer,) = predictor.classify([text])
    assert_well_formed(answer, text)


def test_the_weekly_report_carries_all_three_signals_of_minsk_towards_moscow(predictor: Predictor) -> None:
    title, body = shared_file("data/seed.txt").read_text(encoding="utf-8").split("\n", 1)
    answer = classify(predictor, title, body)
    found = {(s.source, s.partner, s.label) for s in answer.signals}
    assert {("BLR", "RUS", str(label)) for label in LABELS} <= found
    assert answer.decided_domains[0] == "security"
    assert "CHN" in answer.actors


def test_no_possessive_of_a_masked_actor_is_a_word_that_weighed(predictor: Predictor) -> None:
    text = Text("Minsk offers peacekeepers", "Belarus would send troops. Russia's reply and Belarus's own doubts were lukewarm.")
    terms = [term for reason in predictor.explain(text).reasons for term in reason.terms]
    assert terms
    assert not [term for term in terms if "actor" in term.casefold()]
