"""Which way a pair leans, and what is shown against it."""

from __future__ import annotations

from streams.board.leaning import MOST_COUNTER, counter_evidence, lean_of
from streams.board.model import BoardModel
from streams.board.queries import evidence_of_pair
from streams.board.weeks import week_number
from tests.helpers.board_data import evidence, feed, trend, watchlist

W31 = week_number("2017-W31")


def model_of(**weeks: dict[str, int]) -> BoardModel:
    """BLR-RUS with stories by label of weeks of 2017, by `w05`; each label of a week has an article, the surer the later the week."""
    model = BoardModel(watchlist([("BLR", "RUS")]))
    for name, told in weeks.items():
        week = f"2017-W{name[1:]}"
        proof = {
            label: [evidence(int(name[1:]) * 10 + at, label, week, 0.5 + int(name[1:]) / 100)] for at, label in enumerate(told)
        }
        feed(model, trend("BLR-RUS", week, told, about=20, evidence=proof))
    return model


def test_a_pair_leans_the_way_of_most_signals_of_13_weeks_and_no_older_one_counts() -> None:
    lean = lean_of(
        model_of(w18={"hedging": 9}, w19={"symbolic-allegiance": 1}, w31={"cooperation": 2, "hedging": 2}), "BLR-RUS", W31
    )
    assert (lean.towards, lean.away, lean.is_towards) == (3, 2, True)
    assert lean.is_thin
    away = lean_of(model_of(w20={"hedging": 9}, w31={"cooperation": 4}), "BLR-RUS", W31)
    assert (away.is_towards, away.leading, away.signals, away.is_thin) == (False, 9, 13, False)


def test_without_a_signal_there_is_no_lean_and_nothing_speaks_against_it() -> None:
    model = model_of(w10={"hedging": 2}, w31={})
    lean = lean_of(model, "BLR-RUS", W31)
    assert lean.is_towards is None
    assert counter_evidence(evidence_of_pair(model, "BLR-RUS", W31, 13), lean) == []


def test_the_surest_stories_of_the_other_direction_in_those_weeks_speak_against_it() -> None:
    quiet = {f"w{week}": {"hedging": 1} for week in range(17, 24)}
    model = model_of(**quiet, w31={"cooperation": 30})
    stories = evidence_of_pair(model, "BLR-RUS", W31, 20)
    found = counter_evidence(stories, lean_of(model, "BLR-RUS", W31))
    assert len(found) == MOST_COUNTER
    assert [story.week for story in found] == [week_number(f"2017-W{week}") for week in (23, 22, 21)]
    assert all(set(story.labels) == {"hedging"} for story in found)


def test_a_story_that_points_both_ways_speaks_against_the_lean_by_its_other_label_alone() -> None:
    model = BoardModel(watchlist([("BLR", "RUS")]))
    both = {label: [evidence(1, label, "2017-W31", p)] for label, p in (("cooperation", 0.9), ("hedging", 0.6))}
    feed(model, trend("BLR-RUS", "2017-W31", {"cooperation": 2, "hedging": 1}, about=3, evidence=both))
    lean = lean_of(model, "BLR-RUS", W31)
    (story,) = counter_evidence(evidence_of_pair(model, "BLR-RUS", W31, 1), lean)
    assert lean.against(story) == {"hedging": 0.6}
