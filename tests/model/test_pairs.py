"""Which pairs an item is about, and who signals towards whom."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.actors import MAX_PAIRS, article_pairs, direction, find_actors
from models.passages import split_passages
from tests.helpers.shared import shared_file

COOPERATION, DISPLAY, HEDGING = "cooperation", "symbolic-allegiance", "hedging"


def pairs(title: str, body: str) -> tuple[tuple[str, str], ...]:
    return article_pairs(split_passages(title, body), find_actors(f"{title}\n{body}"))


def directions(body: str, label: str, *, title: str = "", hint: tuple[str, str] | None = None) -> list[tuple[str, str]]:
    """The directions of the last passage."""
    mentions = find_actors(f"{title}\n{body}")
    return direction(split_passages(title, body)[-1], mentions, label, hint)


@pytest.mark.parametrize(
    ("title", "body", "expected"),
    [
        ("Minsk signs", "Moscow pays.", [("BLR", "RUS")]),
        ("", "Turkey told NATO no.", [("NATO", "TUR")]),
        ("", "Hungary and the EU settled.", [("EU", "HUN")]),
        ("", "Minsk spoke. Minsk spoke again.", []),
        ("", "", []),
        ("", "Rain fell in Minsk. Moscow was dry.", [("BLR", "RUS")]),
    ],
)
def test_two_actors_named_together_are_a_pair(title: str, body: str, expected: list[tuple[str, str]]) -> None:
    assert list(pairs(title, body)) == expected


def test_the_pair_named_together_most_and_first_comes_first() -> None:
    body = "Belarus thanked Russia. Belarus and Russia will train. China was absent, Russia said."
    assert pairs("Minsk and Moscow", body)[0] == ("BLR", "RUS")


def test_a_long_list_of_states_is_no_relation() -> None:
    listed = "France, Germany, Italy, Spain, Poland, Norway and Greece"
    assert pairs("", f"{listed} were drawn.") == ()
    assert pairs("Iran", f"{listed} were drawn.") == ()


def test_the_number_of_pairs_is_bounded() -> None:
    names = ["Iran", "Cuba", "Peru", "Chile", "Kenya", "Nepal", "Qatar", "Egypt", "Libya", "Ghana"]
    body = " ".join(f"{a} wrote to {b}." for a, b in combinations(names, 2))
    assert len(pairs("", body)) == MAX_PAIRS


def test_a_venue_makes_no_pair_where_two_others_meet() -> None:
    assert pairs("", "American and Iranian envoys met in Vienna.") == (("IRN", "USA"),)
    assert pairs("", "The Iranian envoy signed in Vienna.") == (("AUT", "IRN"),)


FIRST = [
    (HEDGING, "Kuwait decided not to accept a U.S. offer of escorts.", ("KWT", "USA")),
    (HEDGING, "American officials say that Oman will not take part.", ("OMN", "USA")),
    (HEDGING, "Belarus refused a Russian air base.", ("BLR", "RUS")),
    (HEDGING, "Moscow asked for troops, but Minsk declined.", ("BLR", "RUS")),
    (HEDGING, "To reduce its dependence on Russia, Belarus buys oil from Norway.", ("BLR", "RUS")),
    (HEDGING, "Serbia abstained on Russia's proposal.", ("SRB", "RUS")),
    (HEDGING, "Turkey will not join sanctions on Iran, despite pressure from Washington.", ("TUR", "USA")),
    (HEDGING, "Germany, to the annoyance of Paris, withholds its soldiers.", ("DEU", "FRA")),
    (HEDGING, "Казахстан отказался признать республики, хотя Москва просила об этом.", ("KAZ", "RUS")),
    (HEDGING, "Минск снижает зависимость от России и покупает нефть у Норвегии.", ("BLR", "RUS")),
    (HEDGING, "Мінск адмовіўся ад прапановы Масквы.", ("BLR", "RUS")),
    (DISPLAY, "Minsk praised Moscow for its patience.", ("BLR", "RUS")),
    (DISPLAY, "Moscow was praised by Minsk for its patience.", ("BLR", "RUS")),
    (DISPLAY, "Serbia thanked China for the masks.", ("SRB", "CHN")),
    (DISPLAY, "Kyrgyzstan named a mountain after Putin.", ("KGZ", "RUS")),
    (DISPLAY, "In solidarity with Ukraine, Poland lit up its towers.", ("POL", "UKR")),
    (DISPLAY, "Лукашенко поздравил Путина с днём рождения.", ("BLR", "RUS")),
    (DISPLAY, "Лукашэнка павіншаваў Пуціна з днём нараджэння.", ("BLR", "RUS")),
]


@pytest.mark.parametrize(("label", "text", "expected"), FIRST, ids=[text[:40] for _, text, _ in FIRST])
def test_the_one_who_acts_is_the_source(label: str, text: str, expected: tuple[str, str]) -> None:
    assert directions(text, label)[0] == expected


@pytest.mark.parametrize(
    "text",
    [
        "Russia and Belarus signed a treaty.", "Belarus will train with Russia.", "Россия и Белоруссия подписали договор.",
        "Беларусь і Расія падпісалі дамову.", "Talks between Belarus and Russia on gas ended with a contract.",
    ],
)  # fmt: skip
def test_joint_work_goes_both_ways(text: str) -> None:
    assert set(directions(text, COOPERATION)) == {("BLR", "RUS"), ("RUS", "BLR")}


def test_work_with_a_rival_is_cooperation_with_it_and_not_with_the_partner() -> None:
    text = "To cut its dependence on Russia, Belarus buys oil from Norway."
    assert set(directions(text, COOPERATION)) == {("BLR", "NOR"), ("NOR", "BLR")}


def test_a_state_visit_is_a_display_of_both_and_praise_of_one() -> None:
    assert set(directions("Putin visits Vietnam on a state visit.", DISPLAY)) == {("RUS", "VNM"), ("VNM", "RUS")}
    assert directions("Vietnam hailed Putin.", DISPLAY) == [("VNM", "RUS")]


def test_a_passage_that_points_back_takes_its_subject_from_the_passage_before() -> None:
    body = "Kyrgyzstan cancelled the drill. Its president had refused Moscow's invitation."
    assert directions(body, HEDGING) == [("KGZ", "RUS")]


def test_a_passage_without_actors_takes_both_from_the_item() -> None:
    assert set(directions("The two countries will train together.", COOPERATION, title="Minsk and Moscow")) == {
        ("BLR", "RUS"),
        ("RUS", "BLR"),
    }


def test_fewer_than_two_actors_in_the_item_give_no_direction() -> None:
    assert directions("Minsk will not join.", HEDGING) == []
    assert directions("Nobody came.", COOPERATION) == []


def test_the_pair_that_is_asked_about_settles_the_order() -> None:
    text = "Minsk praised Moscow."
    assert directions(text, DISPLAY, hint=("RUS", "BLR")) == [("RUS", "BLR")]
    assert directions(text, DISPLAY, hint=("RUS", "CHN")) == [("BLR", "RUS")]


@given(
    st.lists(
        st.sampled_from(["Minsk", "Moscow", "in", "China", "was praised by", "refused", "and", ".", "Its", "with", "NATO"]),
        max_size=25,
    ),
    st.sampled_from([COOPERATION, DISPLAY, HEDGING]),
)
def test_every_direction_is_between_two_different_actors_of_the_item(words: list[str], label: str) -> None:
    body = " ".join(words)
    mentions = find_actors("\n" + body)
    named = {mention.code for mention in mentions}
    for passage in split_passages("", body):
        found = direction(passage, mentions, label)
        assert all(a != b and {a, b} <= named for a, b in found)
        assert len(found) == len(set(found))


def test_the_report_that_the_project_starts_from_is_about_belarus_and_russia() -> None:
    title, _, body = shared_file("data/seed.txt").read_text(encoding="utf-8").partition("\n")
    mentions = find_actors(f"{title}\n{body}")
    passages = split_passages(title, body)
    assert {"BLR", "RUS", "CHN", "UKR"} <= {mention.code for mention in mentions}
    assert article_pairs(passages, mentions)[0] == ("BLR", "RUS")
    for words, label in [("preserve close", COOPERATION), ("allegiance to", DISPLAY), ("steer clear", HEDGING)]:
        passage = next(p for p in passages if words in p.text)
        assert direction(passage, mentions, label)[0] == ("BLR", "RUS")
