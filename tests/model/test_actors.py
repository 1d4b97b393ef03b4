"""The actor lexicon finds the states and blocs that a text names, and none in phrases that only look so."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.actors import Mention, article_pairs, find_actors, lexicon, mask_actors, mentions_in
from models.errors import ModelError
from models.passages import MAX_TEXT_CHARS, split_passages

SENTENCES = Path(__file__).parents[1] / "data" / "actors" / "sentences.jsonl"
CASES: list[dict[str, Any]] = [json.loads(line) for line in SENTENCES.read_text(encoding="utf-8").splitlines()]
STATE_COLUMNS = ("code", "names", "capitals", "demonyms", "people")
PRECISION_FLOOR, RECALL_FLOOR = 0.95, 0.90


def codes(text: str, published: date | None = None) -> list[str]:
    return list(dict.fromkeys(mention.code for mention in find_actors(text, published)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"][:50])
def test_the_actors_of_a_sentence_are_found(case: dict[str, Any]) -> None:
    assert set(codes(case["text"])) == set(case["actors"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"][:50])
def test_the_pairs_of_a_sentence_are_those_that_it_is_about(case: dict[str, Any]) -> None:
    mentions = find_actors("\n" + case["text"])
    assert sorted(map(list, article_pairs(split_passages("", case["text"]), mentions))) == case["pairs"]


@pytest.mark.parametrize("language", ["en", "ru", "be"])
def test_precision_and_recall_hold_in_every_language(language: str) -> None:
    counts: Counter[str] = Counter()
    for case in CASES:
        if case["language"] == language:
            found, expected = set(codes(case["text"])), set(case["actors"])
            counts.update(right=len(found & expected), found=len(found), expected=len(expected))
    assert counts["right"] / counts["found"] >= PRECISION_FLOOR
    assert counts["right"] / counts["expected"] >= RECALL_FLOOR


def test_every_language_lists_every_state_once() -> None:
    tables = [
        [row["code"] for row in lexicon.read_table(f"states_{language}.tsv", STATE_COLUMNS)] for language in ("en", "ru", "be")
    ]
    assert all(len(table) == len(set(table)) for table in tables)
    assert len(tables[0]) >= 250, "249 of ISO 3166-1, and Kosovo"
    assert set(tables[0]) == set(tables[1]) == set(tables[2])
    assert {"TWN", "HKG", "PSE", "XKX", "VAT", "SSD", "TLS"} <= set(tables[0])


def test_the_blocs_of_the_guide_are_known() -> None:
    assert {"EU", "NATO", "CSTO", "EAEU", "CIS", "SCO", "BRICS", "UN", "ASEAN", "AU", "OPEC", "GCC", "G7", "G20", "OSCE", "ECOWAS",
            "MERCOSUR", "OAS", "ARAB", "QUAD", "IAEA", "WTO", "IMF"} <= lexicon.lexicon().codes  # fmt: skip


def test_no_form_is_both_a_name_and_a_stop_phrase() -> None:
    both = [entries for entries in lexicon.lexicon().entries if len({entry.code == "" for entry in entries}) > 1]
    assert both == []


def test_no_form_but_a_leaders_stands_for_two_states_except_the_two_koreas() -> None:
    shared = {
        frozenset(entry.code for entry in entries)
        for entries in lexicon.lexicon().entries
        if len({entry.code for entry in entries}) > 1 and all(entry.kind != "leader" for entry in entries)
    }
    assert shared <= {frozenset({"KOR", "PRK"})}


@pytest.mark.parametrize(
    ("text", "published", "expected"),
    [
        ("Reagan spoke at the wall.", date(1987, 6, 12), ["USA"]),
        ("Reagan is remembered by his party.", date(2014, 6, 12), []),
        ("Trump spoke in Ohio.", date(2018, 3, 1), ["USA"]),
        ("Trump spoke in Ohio.", date(2022, 3, 1), []),
        ("Trump spoke in Ohio.", None, ["USA"]),
        ("Donald Tusk warned against it.", date(2013, 5, 1), ["POL"]),
        ("Donald Tusk warned against it.", date(2016, 5, 1), ["EU"]),
        ("Rutte signed it.", date(2015, 5, 1), ["NLD"]),
        ("Rutte signed it.", date(2025, 5, 1), ["NATO"]),
        ("Soviet officers inspected the silo.", date(1988, 5, 1), ["RUS"]),
        ("A Soviet song was played.", date(2008, 5, 1), []),
        ("Горбачёва встретили в аэропорту.", date(1989, 5, 1), ["RUS"]),
        ("Tony Blair rang Kyiv.", date(1999, 5, 1), ["GBR", "UKR"]),
        ("Blair gave a lecture.", date(2016, 5, 1), []),
        ("Sunak rang Kyiv.", date(2023, 5, 1), ["GBR", "UKR"]),
        ("Scholz spoke in Hamburg.", date(2015, 5, 1), []),
        ("Mahathir sailed home.", date(1990, 5, 1), ["MYS"]),
        ("Mahathir sailed home.", date(2010, 5, 1), []),
        ("Mahathir sailed home.", date(2019, 5, 1), ["MYS"]),
        ("Zelensky told jokes.", date(2015, 5, 1), []),
        ("Yugoslavia shut its airspace.", date(1999, 5, 1), ["SRB"]),
        ("A film about Yugoslavia was shown.", date(2012, 5, 1), []),
        ("Ельцина вспоминали друзья.", date(2010, 5, 1), []),
        ("Санду прыняла пасла.", date(2022, 5, 1), ["MDA"]),
    ],
)
def test_leaders_and_gone_states_count_in_their_years(text: str, published: date | None, expected: list[str]) -> None:
    assert codes(text, published) == expected


def test_a_name_inside_a_longer_word_is_no_mention() -> None:
    assert codes("The Iranology chair and Chinatown, a Cubanesque bar, Malinois dogs and Омандол") == []


def test_a_mention_says_where_and_what_it_is() -> None:
    text = "Minsk and the Kremlin sign; Sino-Belarusian trade."
    assert find_actors(text) == [
        Mention("BLR", 0, 5, "capital", "Minsk"),
        Mention("RUS", 14, 21, "metonym", "Kremlin"),
        Mention("CHN", 28, 32, "demonym", "Sino"),
        Mention("BLR", 33, 43, "demonym", "Belarusian"),
    ]


def test_a_surname_of_two_states_at_once_says_nothing_without_a_date() -> None:
    assert codes("Papandreou spoke.") == ["GRC"]
    assert codes("Rutte spoke.") == []


def test_a_surname_inside_a_hyphenated_name_is_someone_elses_but_two_leaders_may_be_joined() -> None:
    assert codes("Levi Ernest-Morrison ran.", date(2021, 5, 1)) == []
    assert codes("The Putin-Lukashenko talks", date(2021, 5, 1)) == ["RUS", "BLR"]


def test_only_the_first_part_of_a_huge_text_is_read() -> None:
    text = "x" * MAX_TEXT_CHARS + " Minsk"
    assert find_actors(text) == []


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\x00\ufffd", "A", "🙂" * 50, "MINSK, Aug 2 (BelTA) - "])
def test_text_without_actors_gives_none(text: str) -> None:
    assert find_actors(text) == []


@given(
    st.lists(
        st.sampled_from(["Minsk", "U.S.", "JAPAN", "россияне", "Georgia", "Jordan", "-", "’s", "\n", "ß", "🙂", "NATO", "said"])
    )
)
def test_mentions_are_in_order_and_are_what_stands_there(words: list[str]) -> None:
    text = " ".join(words)
    mentions = find_actors(text)
    assert all(text[m.start : m.end] == m.surface for m in mentions)
    assert [m.start for m in mentions] == sorted(m.start for m in mentions)


def test_a_table_with_a_wrong_row_is_reported_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t.tsv").write_text("# why\na\tb\n1\t2\n1\n", encoding="utf-8")
    monkeypatch.setattr(lexicon, "DATA", tmp_path)
    with pytest.raises(ModelError, match=r"t\.tsv:4"):
        lexicon.read_table("t.tsv", ("a", "b"))
    with pytest.raises(ModelError, match="wrong header"):
        lexicon.read_table("t.tsv", ("a", "c"))
    with pytest.raises(ModelError, match="missing"):
        lexicon.read_table("none.tsv", ("a",))


def test_masking_hides_every_name_and_keeps_the_rest() -> None:
    text = "Minsk told NATO and Moscow that Belarus stays out of the Sino-American quarrel."
    assert mask_actors(text, find_actors(text)) == (
        "actorxa told blocx and actorxb that actorxa stays out of the actorxc-actorxd quarrel."
    )


def test_masking_by_role_says_who_is_who() -> None:
    text = "Minsk buys oil from Norway to need Russia less."
    roles = {"BLR": "source", "RUS": "partner", "NOR": "rival"}
    assert mask_actors(text, find_actors(text), roles) == "sourcex buys oil from rivalx to need partnerx less."


def test_masking_a_form_of_two_states_replaces_it_once() -> None:
    text = "The two Koreas talk."
    assert mask_actors(text, find_actors(text)).count("actorx") == 1


def test_mentions_in_a_passage_count_from_its_start() -> None:
    title, body = "Minsk", "Rain fell. Moscow paid."
    mentions = find_actors(f"{title}\n{body}")
    last = split_passages(title, body)[-1]
    assert [(m.code, last.text[m.start : m.end]) for m in mentions_in(last, mentions)] == [("RUS", "Moscow")]
