"""Sketches: what they keep of a text, whatever its language, and what they leave out."""

from __future__ import annotations

import pytest

from streams.classify.facts import facts_of
from streams.classify.sketch import sketch_of
from streams.records import SKETCH_HASHES, SKETCH_TITLE_HASHES, Signal, Sketch, decode, encode
from tests.helpers.builders import article, classified, fact

SHORT = "Minsk and Moscow open a joint exercise of 3,000 soldiers near Brest, the ministry said on 2 August."
GOLDEN_LEAD = "1ea3e58b261f5e55265e740e4eb1ec9d5ff7fc5a8e0d8308d08cb700f23e091bf2eabc55"
GOLDEN_TITLE = "e22db7fee30c09ce"
GOLDEN_NUMBERS = "5539971c"
LONG = " ".join(f"{SHORT} Sentence {number} adds more words of its own about matter {number * 7}." for number in range(40))


def of(title: str, text: str) -> Sketch:
    sketch = sketch_of(title, text)
    assert sketch is not None
    return sketch


def test_the_sketch_of_a_text_stays_what_it_is_over_versions_and_machines() -> None:
    # Sketches of years ago stand on the topics: another function would tear their stories apart.
    sketch = of("Exercise opens", "Minsk and Moscow open a joint exercise of 3,000 soldiers.")
    assert sketch.lead.hex() == GOLDEN_LEAD
    assert (sketch.title.hex(), sketch.numbers.hex(), sketch.whole) == (GOLDEN_TITLE, GOLDEN_NUMBERS, b"")


@pytest.mark.parametrize("text", [SHORT, LONG, "x" * 1_000_000, "слово " * 200_000, "a b c d " * 50_000])
def test_a_sketch_is_small_whatever_the_text(text: str) -> None:
    sketch = of("Title of the item", text)
    assert len(sketch.lead) <= 4 * SKETCH_HASHES
    assert len(sketch.whole) <= 4 * SKETCH_HASHES
    assert len(sketch.numbers) <= 4 * SKETCH_HASHES
    assert len(sketch.title) <= 4 * SKETCH_TITLE_HASHES


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Минск и Москва начинают совместное учение.", "МИНСК — и Москва начинают «совместное» учение"),
        ("Мінск і Масква пачынаюць супольныя вучэнні.", "мінск і масква пачынаюць супольныя вучэнні"),
        ("Ankara ile Moskova ortak tatbikata başlıyor", "Ankara, ile Moskova (ortak) tatbikata başlıyor!"),
        ("中国和俄罗斯开始联合军事演习", "中国 和 俄罗斯 开始 联合 军事 演习。"),
        ("กองทัพไทยเริ่มการฝึกร่วม", "กองทัพไทย เริ่มการฝึก ร่วม"),
    ],
)
def test_case_punctuation_and_spacing_do_not_matter_in_any_script(one: str, other: str) -> None:
    assert of("", one).lead == of("", other).lead


def test_the_headline_is_no_part_of_what_is_compared_where_there_is_a_text() -> None:
    one, other = of("Exercise opens", SHORT), of("Two armies train", SHORT)
    assert (one.lead, one.whole, one.numbers) == (other.lead, other.whole, other.numbers)
    assert one.title != other.title


def test_an_item_of_a_headline_only_is_known_by_its_headline() -> None:
    assert of("Minsk and Moscow open exercise", "").lead == of("", "Minsk and Moscow open exercise").lead
    assert of("Minsk and Moscow open exercise", "Read more").lead != of("Yerevan leaves the alliance", "Read more").lead


@pytest.mark.parametrize(("title", "text"), [("", ""), ("Minsk", "says no"), ("...", "—  !"), ("", "\ud800 \u0301")])
def test_too_few_words_have_no_sketch(title: str, text: str) -> None:
    assert sketch_of(title, text) is None


def test_only_words_with_digits_are_numbers() -> None:
    assert of("2017", "Minsk and Moscow open a joint exercise today").numbers == b""
    assert len(of("", "Minsk sent 3,000 men, 25 tanks and 25 guns in 2017").numbers) == 4 * 3


def test_only_a_long_text_has_a_sketch_of_its_whole() -> None:
    words = [f"word{number}" for number in range(60)]
    assert of("", " ".join(words[:59])).whole == b""
    assert len(of("", " ".join(words)).whole) == 4 * SKETCH_HASHES


def test_every_fact_of_an_article_carries_its_sketch() -> None:
    facts = facts_of(article(title="Exercise opens", text=SHORT), classified(), "1-test")
    assert [(found.source, found.sketch) for found in facts] == [(state, of("Exercise opens", SHORT)) for state in ("BLR", "RUS")]
    assert [decode(Signal, encode(found)) for found in facts] == facts


def test_a_fact_written_before_there_were_sketches_can_be_read() -> None:
    old = encode(fact(1)).replace(b',"sketch":null', b"")
    assert b"sketch" not in old
    assert decode(Signal, old) == fact(1)
