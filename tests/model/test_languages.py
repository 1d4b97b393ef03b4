"""The language of short items: by letters where they tell, by words and n-grams elsewhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.languages import UNDETERMINED, detect_language, detect_languages

SHORT = [
    ("Minsk and Moscow agree on the price of gas", "en"),
    ("JAPAN TO HELP U.S.", "en"),
    ("Chief of staff says café talks over", "en"),
    ("Мінск і Масква дамовіліся аб цане на газ", "be"),
    ("Урад адмовіўся", "be"),
    ("Кіраўнік дзяржавы прыняў пасла", "be"),
    ("Минск и Москва договорились о цене на газ", "ru"),
    ("Страны подписали договор об учениях", "ru"),
    ("Уряд України підписав угоду з Польщею", "uk"),
    ("Президент Зеленський зустрівся з міністром", "uk"),
    ("Влада Србије одбила је предлог", "sr"),
    ("Warszawa i Mińsk podpisały umowę o granicy", "pl"),
    ("Die Regierung in Berlin lehnt den Vorschlag ab", "de"),
    ("Le gouvernement français a signé un accord", "fr"),
    ("El gobierno de Chile firmó un acuerdo con Perú", "es"),
    ("Il governo italiano ha firmato un accordo", "it"),
    ("O governo do Brasil assinou um acordo com a Argentina", "pt"),
    ("Türkiye ile Rusya arasında anlaşma imzalandı", "tr"),
    ("中国与白俄罗斯签署协议", "zh"),
    ("日本とロシアは会談を行った", "ja"),
    ("한국과 미국이 훈련을 시작했다", "ko"),
    ("وقعت مصر وروسيا اتفاقا", "ar"),
    ("ایران و روسیه پیمان چهارجانبه را امضا کردند", "fa"),
    ("საქართველო და რუსეთი", "ka"),
]


@pytest.mark.parametrize(("text", "expected"), SHORT, ids=[text[:30] for text, _ in SHORT])
def test_a_short_item_is_told(text: str, expected: str) -> None:
    assert detect_language(text) == expected


@pytest.mark.parametrize("text", ["", "  ", "12.5 %", "ok", "\x00\x01", "🙂🙂", "-- ??"])
def test_too_few_letters_are_undetermined(text: str) -> None:
    assert detect_language(text) == UNDETERMINED


def test_a_foreign_name_does_not_change_the_language() -> None:
    assert (
        detect_language("Министр встретился с коллегой Іванком в Минске, где они обсудили экспорт калия и новые тарифы") == "ru"
    )
    assert detect_language("The premier quoted Горбачёв and left the hall without a word") == "en"


def test_many_texts_are_answered_in_order() -> None:
    texts = [text for text, _ in SHORT]
    assert detect_languages(texts) == [expected for _, expected in SHORT]


@given(st.text(max_size=300))
def test_any_text_has_an_answer_of_two_letters_or_none(text: str) -> None:
    answer = detect_language(text)
    assert answer == UNDETERMINED or (len(answer) == 2 and answer.islower())
