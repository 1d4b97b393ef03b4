"""Passages are the title and the sentences, exactly as the source wrote them, with their places; everything is bounded."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.passages import MAX_PASSAGE_CHARS, MAX_PASSAGES, MAX_TEXT_CHARS, dateline_end, split_passages


def sentences(text: str) -> list[str]:
    return [passage.text for passage in split_passages("", text)]


@pytest.mark.parametrize(
    "text",
    [
        "Gen. John H. Smith met Mr. Lukashenka in the U.S. Senate on Monday.",
        "The U.S. President and the U.K. Prime Minister spoke.",
        "Output rose 3.5 percent, or $1.2 bn, at No. 4 plant near St. Petersburg.",
        "He said: wait, e.g. until Jan. 5, Sen. Lugar will come.",
        "В 2017 г. Минск подписал соглашение с А. С. Петровым, т. е. с соседом.",
        "Завод на ул. Ленина выпустил 5 тыс. Машин больше нет, сказал ген. Иванов.",
        "У 2017 г. Мінск падпісаў дамову.",
    ],
)
def test_an_abbreviation_does_not_end_a_sentence(text: str) -> None:
    assert sentences(text) == [text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One came. Two left! Did three stay? Four…", ["One came.", "Two left!", "Did three stay?", "Four…"]),
        ('"We agree." He left the hall.', ['"We agree."', "He left the hall."]),
        ("They met in the U.S. The talks went on.", ["They met in the U.S.", "The talks went on."]),
        ("«Мы согласны». Он уехал.", ["«Мы согласны».", "Он уехал."]),
        ("First line without a stop\n\nSecond line", ["First line without a stop", "Second line"]),
        ("It fell to 12. Prices rose.", ["It fell to 12.", "Prices rose."]),
    ],
)
def test_a_sentence_ends_where_it_ends(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_a_title_is_a_passage_of_its_own_kind_with_its_place() -> None:
    title, body = "Minsk signs. Moscow pays.", "Rain fell. It stopped."
    passages = split_passages(title, body)
    whole = f"{title}\n{body}"
    assert [(p.kind, whole[p.start : p.end]) for p in passages] == [
        ("title", title),
        ("body", "Rain fell."),
        ("body", "It stopped."),
    ]


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("MINSK, Aug 2 (BelTA) - The army took part.", "The army took part."),
        ("MOSCOW (Reuters) -- Talks ended.", "Talks ended."),
        ("WASHINGTON, D.C., March 3, 2014 (AP) — It rained.", "It rained."),
        ("Minsk, 5 May. /BelTA/. Rye grew.", "Rye grew."),
        ("BEIJING - The envoy came.", "The envoy came."),
        ("МОСКВА, 5 мая — РИА Новости. Дождь.", "РИА Новости. Дождь."),
        ("МИНСК, 2 августа (БелТА) — Дождь.", "Дождь."),
        ("МІНСК, 2 жніўня (БелТА) — Дождж.", "Дождж."),
    ],
)
def test_a_dateline_is_told_from_the_sentence(text: str, rest: str) -> None:
    assert text[dateline_end(text) :] == rest


@pytest.mark.parametrize(
    "text", ["Minsk and Moscow agreed.", "Belarus - a neighbour - agreed.", "JAPAN TO HELP U.S.", "", "China (PRC) agreed."]
)
def test_a_sentence_without_a_dateline_keeps_its_start(text: str) -> None:
    assert dateline_end(text) == 0


def test_a_dateline_stays_in_its_passage() -> None:
    text = "MINSK, Aug. 2 (BelTA) - The army took part. It won."
    assert sentences(text) == ["MINSK, Aug. 2 (BelTA) - The army took part.", "It won."]


def test_the_number_of_passages_is_bounded() -> None:
    assert len(split_passages("Title", "It rained. " * 5_000)) == MAX_PASSAGES


def test_a_sentence_without_an_end_is_cut_at_white_space() -> None:
    passages = split_passages("", "word " * 1_000)
    assert all(len(p.text) <= MAX_PASSAGE_CHARS and not p.text.startswith("ord") for p in passages)
    assert len(split_passages("", "x" * 3_500)) == 4


def test_what_lies_beyond_the_bound_is_not_read() -> None:
    passages = split_passages("", "x" * (MAX_TEXT_CHARS - 1) + ". Minsk.")
    assert all("Minsk" not in passage.text for passage in passages)


@given(st.text(alphabet="aB. !?\n\"'«»U.S—0я", max_size=200), st.text(alphabet="aB. !?\n\"'«»U.S—0я", max_size=400))
def test_passages_are_slices_in_order_that_lose_no_letter(title: str, body: str) -> None:
    whole = f"{title}\n{body}"
    passages = split_passages(title, body)
    assert all(whole[p.start : p.end] == p.text and p.text for p in passages)
    assert all(a.end <= b.start for a, b in pairwise(passages))
    assert "".join(whole.split()) == "".join("".join(p.text for p in passages).split())
