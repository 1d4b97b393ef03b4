"""Whom an outlet has a text from."""

from __future__ import annotations

import time

import pytest

from streams.ingest.origins import find_origin


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("MINSK, Aug 2 (Reuters) - Belarus and Russia agreed on Wednesday.", "Reuters"),
        ("MINSK (AP) — Belarus and Russia agreed on Wednesday.", "Associated Press"),
        ("МИНСК, 2 августа. /ТАСС/. Учение начнётся в сентябре.", "TASS"),
        ("МИНСК, 2 авг — РИА Новости. Учение начнётся в сентябре.", "RIA Novosti"),
        ("Interfax - The exercise begins in September.", "Interfax"),
        ("The exercise begins in September. (AFP)", "AFP"),
        ("The exercise begins in September.\nSource: BelTA", "BelTA"),
        ("Учение начнётся в сентябре. Источник: Интерфакс.", "Interfax"),
        ("The exercise begins in September, Reuters reported on Monday.", ""),
        ("Sputnik was the first satellite. It flew in 1957.", ""),
        ("The AP exam is over.", ""),
        ("", ""),
    ],
)
def test_a_dateline_or_a_credit_names_the_agency_and_a_mention_does_not(text: str, origin: str) -> None:
    assert find_origin("", "", text, "Courier") == origin


@pytest.mark.parametrize(
    ("author", "origin"),
    [
        ("Reuters", "Reuters"),
        ("By Reuters Staff", "Reuters"),
        ("Jane Doe, Associated Press", "Associated Press"),
        ("AP", "Associated Press"),
        ("РИА Новости", "RIA Novosti"),
        ("Ann Apter", ""),
        ("Ani Petrosyan", ""),
    ],
)
def test_a_by_line_names_the_agency(author: str, origin: str) -> None:
    assert find_origin("", author, "Words.", "Courier") == origin


def test_what_the_feed_says_goes_first_and_an_outlet_is_not_its_own_origin() -> None:
    assert find_origin("Northern Gazette", "Reuters", "Words.", "Courier") == "Northern Gazette"
    assert find_origin("agence france-presse", "", "Words.", "Courier") == "AFP"
    assert find_origin("Courier", "", "Words.", "Courier") == ""
    assert find_origin("", "", "MINSK (Reuters) - Words.", "Reuters") == ""


@pytest.mark.parametrize("unit", ["(", "- ", "—", "(a", "Source: ", "/ТАСС", "x"])
def test_the_search_costs_little_whatever_the_text(unit: str) -> None:
    text = unit * 500_000
    started = time.process_time()
    find_origin(text, text, text, "Courier")
    assert time.process_time() - started < 0.5
