"""Which pairs the overview shows and in which order: the choice of a reader, and what is kept between readers."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import pytest

from models.labels import LABELS
from streams.board.ages import age_text
from streams.board.choosing import SORTS, Choice, read_choice, without_standing
from streams.board.memo import Memo
from streams.board.model import BoardModel
from streams.board.ranking import BY_URGENCY, SummaryCache, chosen_pairs, tally
from streams.board.settling import settle
from streams.board.view import BadRequestError, View, shorter
from streams.board.weeks import week_number
from streams.metrics import STATUS_NAMES
from streams.records import TrendStanding
from tests.helpers.board_data import feed, trend, watchlist
from tests.helpers.judged_board import break_of, judge
from tests.helpers.standings import a_standing

W31 = week_number("2017-W31")
NEWEST = View("all", W31, is_newest=True)
PAIRS = [("BLR", "RUS"), ("ARM", "RUS"), ("SRB", "EU"), ("IND", "USA")]


def board() -> BoardModel:
    """Four pairs: (stories about it, of them with cooperation) this quarter, and twice as many the quarter before."""
    model = BoardModel(watchlist(PAIRS))
    for pair, about, told, told_before in (
        ("BLR-RUS", 40, 10, 30),
        ("ARM-RUS", 20, 15, 30),
        ("SRB-EU", 5, 5, 1),
        ("IND-USA", 30, 3, 7),
    ):
        feed(model, trend(pair, "2017-W30", {"cooperation": told}, about=about))
        feed(model, trend(pair, "2017-W15", {"cooperation": told_before}, about=2 * about))
    judge(model, a_standing("ARM-RUS", "hedging", status="broken", breaks=[break_of(W31 - 2)]))
    judge(model, a_standing("BLR-RUS", "cooperation", status="weakening", breaks=[break_of(W31 - 30)]))
    judge(model, a_standing("IND-USA", "cooperation", "security", status="broken", breaks=[break_of(W31)]))
    return model


def chosen(choice: Choice, model: BoardModel | None = None) -> list[str]:
    """The pairs that a choice gives, without what follows the partner."""
    model = model or board()
    cache = SummaryCache(model)
    return chosen_pairs([cache.get(pair, "all", W31) for pair in model.pairs_shown()], choice)


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("list", ["BLR-RUS", "ARM-RUS", "SRB-EU", "IND-USA"]),
        ("name", ["ARM-RUS", "BLR-RUS", "IND-USA", "SRB-EU"]),
        ("stories", ["BLR-RUS", "IND-USA", "ARM-RUS", "SRB-EU"]),
        # All five stories of Serbia carry the signal, which says little: five are too few for a share.
        ("share", ["ARM-RUS", "BLR-RUS", "IND-USA", "SRB-EU"]),
        ("change", ["BLR-RUS", "IND-USA", "ARM-RUS", "SRB-EU"]),
        ("break", ["ARM-RUS", "BLR-RUS", "SRB-EU", "IND-USA"]),
    ],
)
def test_each_order_puts_first_what_its_name_says(sort: str, order: list[str]) -> None:
    assert chosen(Choice(sort=sort)) == order
    assert sort in SORTS


@pytest.mark.parametrize(
    ("choice", "pairs"),
    [
        (Choice(status="broken"), ["ARM-RUS"]),
        (Choice(status="broken", signal="hedging"), ["ARM-RUS"]),
        (Choice(status="broken", signal="cooperation"), []),
        (Choice(find="rus"), ["BLR-RUS", "ARM-RUS"]),
        (Choice(find="bela russ"), ["BLR-RUS"]),
        (Choice(find="BLR-RUS"), ["BLR-RUS"]),
        (Choice(find="united states"), ["IND-USA"]),
        (Choice(find="→"), ["BLR-RUS", "ARM-RUS", "SRB-EU", "IND-USA"]),
        (Choice(find="elarus"), []),
        (Choice(find="rus", status="weakening"), ["BLR-RUS"]),
    ],
)
def test_a_choice_shows_the_pairs_that_it_means_and_no_other(choice: Choice, pairs: list[str]) -> None:
    assert chosen(choice) == pairs


def test_every_choice_can_be_written_into_a_link_and_read_back() -> None:
    from urllib.parse import parse_qsl

    choice = Choice(find="rus & co", signal="hedging", status="too-sparse", sort="change", page=3)
    link = choice.link(NEWEST, page=3)
    assert read_choice(dict(parse_qsl(link.partition("?")[2]))) == choice
    assert read_choice({}) == Choice()
    assert Choice().link(NEWEST) == "/"


def test_another_choice_begins_at_its_first_page_and_keeps_domain_and_week() -> None:
    view = View("security", W31, is_newest=False)
    assert Choice(page=4, sort="name").link(view, status="stable") == "/?domain=security&until=2017-W31&status=stable&sort=name"


@pytest.mark.parametrize("name", ["signal", "status", "sort", "page"])
def test_a_choice_that_there_is_not_is_refused_by_name(name: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        read_choice({name: "nonsense"})
    assert caught.value.where == name
    assert caught.value.expected


def test_a_past_week_knows_no_status() -> None:
    assert without_standing(Choice(status="broken", sort="break", find="rus")) == Choice(find="rus")


def test_what_a_form_left_empty_is_left_out_of_the_address() -> None:
    assert shorter({"find": "", "sort": "name", "status": ""}) == "sort=name"
    assert shorter({"find": ""}) == ""
    assert shorter({"sort": "name"}) is None


def test_the_tally_counts_each_series_of_a_domain_once() -> None:
    found = tally(board(), "all")
    assert found.judged == 2
    assert found.counts["broken"] == {label: int(label == "hedging") for label in LABELS}
    assert tally(board(), "security").counts["broken"]["cooperation"] == 1
    assert set(BY_URGENCY) == set(STATUS_NAMES)


def test_a_summary_is_made_anew_once_its_pair_changed_and_not_before() -> None:
    model = board()
    cache = SummaryCache(model, at_most=2)
    before = cache.get("BLR-RUS", "all", W31)
    feed(model, trend("ARM-RUS", "2017-W31", {}, about=9))
    assert cache.get("BLR-RUS", "all", W31) is before
    judge(model, a_standing("BLR-RUS", "cooperation", status="stable"))
    assert cache.get("BLR-RUS", "all", W31).statuses["cooperation"] == "stable"


def change_counts(model: BoardModel) -> None:
    feed(model, trend("ARM-RUS", "2017-W31", {}, about=9))


def change_standing(model: BoardModel) -> None:
    judge(model, one_standing())


def one_standing() -> TrendStanding:
    return a_standing("SRB-EU", "hedging", status="emerging")


def new_pair(model: BoardModel) -> None:
    feed(model, trend("KAZ-CHN", "2017-W31", {"cooperation": 40}, about=60))


@pytest.mark.parametrize(
    ("change", "by_model", "by_standings"), [(change_counts, 2, 1), (change_standing, 2, 2), (new_pair, 2, 2)]
)
def test_a_value_is_kept_until_what_it_depends_on_changes(
    change: Callable[[BoardModel], None], by_model: int, by_standings: int
) -> None:
    model = board()
    made: list[str] = []
    whole = Memo[str, None](model, lambda _, key: made.append(key))
    judged = Memo[str, None](
        model, lambda _, key: made.append(key), revision=lambda model: (model.standing_revision, model.members_shown())
    )
    for _ in range(2):
        whole.get("whole")
        judged.get("judged")
    assert made == ["whole", "judged"]
    change(model)
    whole.get("whole")
    judged.get("judged")
    assert (made.count("whole"), made.count("judged")) == (by_model, by_standings)


def test_the_breaks_that_are_reported_follow_the_pairs_that_are_shown() -> None:
    model = BoardModel(watchlist([("BLR", "RUS")], max_pairs=1))
    judge(model, a_standing("KAZ-CHN", "hedging", status="broken", breaks=[break_of(W31)]))
    assert model.reported() == set()
    new_pair(model)
    assert model.reported() == {("KAZ-CHN", ("hedging", "all"))}


def test_what_was_there_before_is_left_out_of_later_collections_and_freed_all_the_same() -> None:
    gone: list[bool] = []
    kept = board()
    weakref.finalize(kept, gone.append, True)
    settle()
    try:
        assert not any(one is kept for one in gc.get_objects())
        del kept
        assert gone == [True]
    finally:
        gc.unfreeze()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "less than a minute"), (60, "1 minute"), (7_199, "119 minutes"), (7_200, "2 hours"), (172_800, "2 days"), (86_400 * 13, "13 days"),
     (86_400 * 14, "2 weeks"), (86_400 * 90, "2 months"), (86_400 * 731, "2 years")],
)  # fmt: skip
def test_an_age_is_said_in_the_largest_unit_that_says_it_well(seconds: float, text: str) -> None:
    assert age_text(seconds) == text
