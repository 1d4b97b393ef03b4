"""Two editions against each other: what is counted as different, and what is shown of it."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from streams.comparison.agreement import AgreementCounter, kappa_of
from streams.comparison.changed import HELD, ChangedLabels, with_probabilities
from streams.comparison.compare import ARTICLES, Comparison, LabelChange, Side, furthest, with_articles
from streams.comparison.counts import count_changes
from streams.comparison.outlooks import break_changes, status_changes
from streams.comparison.report import to_html, to_markdown
from streams.records import Signal, Trend, TrendStanding, pair_key
from tests.helpers.builders import fact
from tests.helpers.standings import a_break, a_standing, week_of_pair

SERIES = ("BLR-RUS", "cooperation")
WEEK = 1_000


def test_agreement_is_counted_label_by_label() -> None:
    counter = AgreementCounter()
    for old, new in ((["cooperation"], ["cooperation"]), (["cooperation"], ["hedging"]), ([], [])):
        counter.add(old, new)
    cooperation, _, hedging = counter.results()
    assert (cooperation.both, cooperation.old_only, cooperation.new_only, cooperation.neither) == (1, 1, 0, 1)
    assert (hedging.both, hedging.old_only, hedging.new_only, hedging.neither) == (0, 0, 1, 2)


@pytest.mark.parametrize(
    ("table", "expected"),
    [((50, 0, 0, 50), 1.0), ((0, 50, 50, 0), -1.0), ((25, 25, 25, 25), 0.0), ((20, 5, 10, 15), 0.4), ((0, 0, 0, 9), None), ((0, 0, 0, 0), None)],
)  # fmt: skip
def test_kappa_is_agreement_beyond_chance(table: tuple[int, int, int, int], expected: float | None) -> None:
    assert kappa_of(*table) == expected


def weeks(**told: int) -> list[Trend]:
    """Of each pair (its hyphen written as an underscore) one week with so many of ten stories labelled."""
    return [week_of_pair(pair.replace("_", "-"), WEEK, 10, count) for pair, count in told.items()]


def test_counts_are_compared_over_the_pairs_that_both_show_and_the_others_are_named() -> None:
    found = count_changes(weeks(BLR_RUS=3, ARM_RUS=5), weeks(BLR_RUS=7, SRB_EU=4), since="", at_most=9)
    assert [(one.label, one.old, one.new, one.change) for one in found.labels] == [("cooperation", 3, 7, 4)]
    assert [(one.of, one.change) for one in found.pairs] == [("BLR-RUS", 4)]
    assert (found.pairs_old_only, found.pairs_new_only) == (["ARM-RUS"], ["SRB-EU"])
    assert (found.cells, found.cells_changed) == (1, 1)


def test_weeks_before_the_first_that_both_count_are_left_out() -> None:
    old = [week_of_pair("BLR-RUS", WEEK, 10, 3), week_of_pair("BLR-RUS", WEEK + 1, 10, 2)]
    new = [week_of_pair("BLR-RUS", WEEK + 1, 10, 2)]
    found = count_changes(old, new, since=old[1].week, at_most=9)
    assert (found.cells, found.cells_changed, found.pairs) == (1, 0, [])


def standing(status: str, *breaks: object) -> dict[tuple[str, str], TrendStanding]:
    return {SERIES: a_standing(status=status, breaks=list(breaks))}


def test_a_series_that_stands_otherwise_is_told_with_both_probabilities_of_lasting() -> None:
    [change] = status_changes(standing("stable"), standing("weakening"))
    assert (change.pair, change.old, change.new) == ("BLR-RUS", "stable", "weakening")
    assert status_changes(standing("stable"), standing("stable")) == []


def test_a_series_that_is_too_sparse_and_one_that_is_not_there_say_the_same() -> None:
    assert status_changes(standing("too-sparse"), {}) == []
    assert [change.new for change in status_changes(standing("stable"), {})] == [""]


def at(start: str, alarm: str, direction: str = "up") -> object:
    return msgspec.structs.replace(a_break(), start=start, alarm=alarm, direction=direction)


@pytest.mark.parametrize(
    ("old", "new", "kinds", "same"),
    [
        ([at("2017-W10", "2017-W14")], [at("2017-W10", "2017-W14")], [], 1),
        ([at("2017-W10", "2017-W14")], [at("2017-W12", "2017-W15")], ["moves"], 0),
        ([at("2017-W10", "2017-W14")], [], ["vanishes"], 0),
        ([], [at("2017-W10", "2017-W14")], ["appears"], 0),
        ([at("2017-W10", "2017-W14")], [at("2017-W10", "2017-W14", "down")], ["vanishes", "appears"], 0),
        ([at("2016-W10", "2016-W14")], [at("2017-W10", "2017-W14")], ["vanishes", "appears"], 0),
        ([at("2017-W10", "2017-W14"), at("2017-W20", "2017-W24")], [at("2017-W19", "2017-W24")], ["vanishes", "moves"], 0),
    ],
)
def test_a_break_appears_vanishes_or_moves(old: list[object], new: list[object], kinds: list[str], same: int) -> None:
    changes, unchanged = break_changes(standing("broken", *old), standing("broken", *new), since="")
    assert ([change.kind for change in changes], unchanged) == (kinds, same)


def test_breaks_that_began_before_the_first_week_are_left_out_of_both() -> None:
    assert break_changes(standing("broken", at("2016-W50", "2017-W03")), standing("broken"), since="2017-W01") == ([], 0)


def by_key(*facts: Signal) -> dict[tuple[str, str], Signal]:
    return {(pair_key(one.source, one.partner), one.article_id): one for one in facts}


def test_a_fact_gains_and_loses_labels_and_tells_the_sentence_of_the_model_that_gives_them() -> None:
    changed = ChangedLabels("")
    changed.add(by_key(fact(1, labels=("hedging",), probability=0.6)), by_key(fact(1, labels=("cooperation",), probability=0.8)))
    gained, lost = changed.held()
    assert (gained.label, gained.change, gained.old, gained.new) == ("cooperation", "gained", None, 0.8)
    assert (lost.label, lost.change, lost.old, lost.new) == ("hedging", "lost", 0.6, None)
    assert gained.sentence == "sentence 1"
    both = with_probabilities(gained, {"cooperation": 0.2}, {"cooperation": 0.8})
    assert (both.old, both.new, round(both.step, 2)) == (0.2, 0.8, 0.6)


def test_all_changes_are_counted_and_the_surest_of_each_series_are_held() -> None:
    changed = ChangedLabels("")
    changed.add({}, by_key(*(fact(number, probability=number / 100) for number in range(1, HELD + 11))))
    held = list(changed.held())
    assert changed.totals == Counter({("cooperation", "gained"): HELD + 10})
    assert [one.new for one in held] == [number / 100 for number in range(HELD + 10, 10, -1)]


def test_facts_before_the_first_week_change_nothing() -> None:
    changed = ChangedLabels("2017-W32")
    changed.add(by_key(fact(1)), {})
    assert (changed.labelled, list(changed.held())) == (0, [])


def gains(count: int, change: str = "gained") -> list[object]:
    changed = ChangedLabels("")
    some = by_key(*(fact(number, probability=number / 100, source=f"A{number:02}") for number in range(1, count + 1)))
    changed.add(*(({}, some) if change == "gained" else (some, {})))
    return list(changed.held())


def test_the_articles_shown_are_half_of_labels_gained_and_half_of_labels_lost() -> None:
    shown = furthest([*gains(ARTICLES), *gains(ARTICLES, "lost")])  # type: ignore[list-item]
    assert Counter(one.change for one in shown) == {"gained": ARTICLES // 2, "lost": ARTICLES // 2}
    assert shown[0].new == ARTICLES / 100


def test_a_break_is_told_with_the_articles_of_its_series_that_make_the_difference() -> None:
    changed = ChangedLabels("")
    near, far, other = fact(1), fact(2, week="2012-W01"), fact(3, labels=("hedging",))
    changed.add({}, by_key(near, far, other))
    [change], _ = break_changes(standing("stable"), standing("broken", at("2017-W30", "2017-W33")), since="")
    assert with_articles(change, list(changed.held())).articles == [near.article_id]


def comparison(title: str, url: str) -> Comparison:
    changed = ChangedLabels("")
    changed.add({}, by_key(fact(1, title=title, url=url)))
    breaks, same = break_changes(standing("stable"), standing("broken", at("2017-W30", "2017-W33")), since="")
    side = {"outcomes": {"classified": 3}, "left": {"classify": 0}, "dead_letters": {"not-json": 1}, "series": {"stable": 1}}
    return Comparison(
        old=Side(edition="live", model="", **side), new=Side(edition="b", model="1-new", **{**side, "left": {"classify": 7}}),
        since="", shared=3, old_only=0, new_only=0, other_revision=0, agreement=AgreementCounter().results(), labelled=1,
        labels=[LabelChange(label="cooperation", gained=1, lost=0)], counts=count_changes(weeks(BLR_RUS=3), weeks(BLR_RUS=7), since="", at_most=9),
        statuses=status_changes(standing("stable"), standing("weakening")), breaks=breaks, breaks_same=same, articles=furthest(changed.held()),
    )  # fmt: skip


def test_what_an_outlet_writes_can_become_no_markup_in_either_form() -> None:
    found = comparison("[a](http://b) <script>", "javascript:alert(1)")
    page, text = to_html(found), to_markdown(found)
    assert "<script>" not in page
    assert "javascript:" not in page
    assert "\\[a\\](http\\://b) \\<script\\>" in text


def test_both_forms_say_what_changes_and_that_one_side_is_behind() -> None:
    for text in (
        to_markdown(comparison("A title", "https://news.invalid/1")),
        to_html(comparison("A title", "https://news.invalid/1")),
    ):
        for said in ("BLR-RUS", "stable", "weakening", "appears", "2017-W33", "7 records before classify", "A title", "not-json"):
            assert said in text.replace("\\", "")


def test_a_comparison_is_json_and_comes_back_the_same() -> None:
    found = comparison("A title", "https://news.invalid/1")
    assert msgspec.json.decode(msgspec.json.encode(found), type=Comparison) == found
