"""What pages and answers show: windows, shares, evidence, charts, links, events."""

from __future__ import annotations

import pytest

from models.labels import DEFINITIONS, LABELS
from streams.board.changes import MOST_PAIRS, ChangeFeed
from streams.board.charts import MOST_BARS, RANGES, pair_charts
from streams.board.context import percent, points, safe_link
from streams.board.model import BoardModel
from streams.board.names import name_of
from streams.board.queries import (
    LABEL_TITLES,
    binned,
    counters,
    evidence_of_pair,
    latest_evidence,
    latest_of_all,
    newest_week,
    overview,
    pair_row,
)  # fmt: skip
from streams.board.status import ReplayStatus
from streams.board.svg import area_path, bars_path, line_path, round_up
from streams.board.view import BadRequestError, View, read_view, read_whole
from streams.board.weeks import month_name, week_end, week_name, week_number, week_span, year_starts
from tests.helpers.board_data import WATCHED, evidence, feed, feed_progress, full_model, ready, trend, watchlist
from tests.helpers.standings import a_break, a_standing, standing_record

W31 = week_number("2017-W31")


def model_of(**weeks: tuple[int, int]) -> BoardModel:
    """BLR-RUS with (stories of cooperation, stories about the pair) of weeks of 2017, by `w05`."""
    model = BoardModel(watchlist([("BLR", "RUS"), ("ARM", "RUS")]))
    for name, (told, about) in weeks.items():
        feed(model, trend("BLR-RUS", f"2017-W{name[1:]}", {"cooperation": told} if told else {}, about=about))
    return model


def test_the_share_is_of_13_weeks_and_is_held_against_the_13_before() -> None:
    row = pair_row(model_of(w05=(9, 10), w06=(1, 10), w18=(1, 10), w19=(3, 10), w31=(7, 10)), "BLR-RUS", "all", W31)
    share = row.strips[0].share
    assert (share.stories, share.exposure, share.ratio) == (10, 20, 0.5)
    assert share.before == pytest.approx(2 / 20)
    assert share.change == pytest.approx(0.4)
    assert row.strips[0].total == 21
    assert row.exposure_total == 50


def test_without_stories_there_is_no_share_rather_than_a_share_of_zero() -> None:
    share = pair_row(model_of(w05=(1, 10)), "BLR-RUS", "all", W31).strips[0].share
    assert share.ratio is None
    assert share.change is None
    assert share.is_thin


def test_a_domain_without_stories_shows_none_while_all_domains_do() -> None:
    model = model_of(w31=(2, 8))
    assert pair_row(model, "BLR-RUS", "security", W31).strips[0].total == 2
    assert pair_row(model, "BLR-RUS", "economy", W31).strips[0].total == 0


def test_strips_end_at_the_week_asked_for() -> None:
    model = model_of(w05=(1, 10), w31=(7, 10))
    assert pair_row(model, "BLR-RUS", "all", week_number("2017-W30")).strips[0].in_window == 1
    assert pair_row(model, "BLR-RUS", "all", week_number("2018-W30")).strips[0].in_window == 7


def test_one_week_full_of_news_does_not_press_the_others_flat() -> None:
    model = BoardModel(watchlist([("BLR", "RUS")]))
    for number in range(1, 52):
        feed(model, trend("BLR-RUS", f"2017-W{number:02d}", {"cooperation": 4}, about=500 if number == 20 else 8))
    row = pair_row(model, "BLR-RUS", "all", week_number("2017-W51"))
    assert row.peak == 500
    assert "v-20h" in row.strips[0].bars


def test_the_newest_week_is_that_of_any_shown_pair_so_that_an_old_archive_is_shown_at_its_end() -> None:
    model = model_of(w05=(1, 1))
    feed(model, trend("ARM-RUS", "2016-W50", {}, about=1))
    assert newest_week(model) == week_number("2017-W05")
    assert newest_week(BoardModel(watchlist())) == -1


def test_counters_add_up_what_is_shown() -> None:
    model = model_of(w05=(1, 3))
    feed(model, trend("KAZ-CHN", "2017-W05", {"hedging": 1}, about=4))
    feed_progress(model, 0, 20, 3, 1)
    found = counters(model)
    assert (found.articles.read, found.stories, found.pairs, found.left_out, week_name(found.newest_week)) == (
        24,
        7,
        3,
        0,
        "2017-W05",
    )


def test_the_overview_has_watched_pairs_first_in_the_order_of_the_watchlist() -> None:
    model = full_model(others=3, first="2021-W01")
    rows = overview(model, "all", newest_week(model))
    assert [(row.source, row.partner) for row in rows[: len(WATCHED)]] == list(WATCHED)
    assert [row.is_watched for row in rows[len(WATCHED) :]] == [False] * 3


def test_evidence_of_a_week_is_one_entry_an_article_with_all_its_labels() -> None:
    model = BoardModel(watchlist([("BLR", "RUS")]))
    both = evidence(1, "cooperation", "2017-W31", 0.7)
    proof = {
        "cooperation": [both, evidence(2, "cooperation", "2017-W31", 0.6)],
        "hedging": [evidence(1, "hedging", "2017-W31", 0.9)],
    }
    feed(model, trend("BLR-RUS", "2017-W31", {"cooperation": 2, "hedging": 1}, about=3, evidence=proof))
    found = evidence_of_pair(model, "BLR-RUS", W31, 5)
    assert [(story.evidence.article_id, story.labels) for story in found] == [
        ("a1", {"cooperation": 0.7, "hedging": 0.9}), ("a2", {"cooperation": 0.6}),
    ]  # fmt: skip


def test_the_latest_evidence_shows_each_label_before_a_second_story_of_one() -> None:
    model = BoardModel(watchlist([("BLR", "RUS")]))
    many = [evidence(number, "cooperation", "2017-W31", 0.9) for number in range(3)]
    feed(model, trend("BLR-RUS", "2017-W31", {"cooperation": 3}, about=3, evidence={"cooperation": many}))
    feed(
        model,
        trend("BLR-RUS", "2017-W30", {"hedging": 1}, about=3, evidence={"hedging": [evidence(9, "hedging", "2017-W30", 0.6)]}),
    )
    found = latest_evidence(model, "BLR-RUS", W31)
    assert [list(story.labels) for story in found.stories] == [["cooperation"], ["cooperation"], ["hedging"]]
    assert [entry.key for entry in latest_of_all(model, week_number("2017-W29"))] == []


def test_a_chart_shows_the_share_of_13_weeks_that_end_in_each_week_within_its_band() -> None:
    model = model_of(w10=(2, 4), w20=(1, 4))
    slots = pair_charts(model, "BLR-RUS", "all", week_number("2017-W24"), "52").signals[0].slots
    shares = {week_name(slot.week): slot.level.share if slot.level else None for slot in slots}
    assert (shares["2017-W09"], shares["2017-W12"], shares["2017-W20"], shares["2017-W24"]) == (None, 0.5, 3 / 8, 1 / 4)
    levels = [slot.level for slot in slots if slot.level]
    assert len(levels) == 15
    assert all(level.low < level.share < level.high for level in levels)


def test_a_chart_marks_the_breaks_that_were_known_at_its_end_and_begin_inside_it() -> None:
    model = model_of(w01=(2, 4), w40=(1, 4))
    breaks = [a_break(start="2014-W02", alarm="2014-W05"), a_break(), a_break(start="2017-W35", alarm="2017-W38")]
    model.apply_standing(*standing_record(a_standing(week="2017-W40", breaks=breaks)))
    chart = pair_charts(model, "BLR-RUS", "all", week_number("2017-W37"), "52").signals[0]
    assert [one.start for one in chart.breaks] == ["2017-W31", "2014-W02"]
    assert [(mark.start, mark.x, mark.said_x) for mark in chart.marks] == [("2017-W31", 45 * 4, 48 * 4)]
    assert chart.standing is None
    now = pair_charts(model, "BLR-RUS", "all", week_number("2017-W40"), "52").signals[0]
    assert now.standing is not None
    assert [mark.start for mark in now.marks] == ["2017-W31", "2017-W35"]


def test_copies_of_a_story_are_folded_whichever_of_them_carries_a_label() -> None:
    model = BoardModel(watchlist([("BLR", "RUS")]))
    first, second = (
        evidence(number, "cooperation", "2017-W31", probability, story_id="a1", articles=4)
        for number, probability in ((1, 0.7), (2, 0.9))
    )
    other = evidence(1, "hedging", "2017-W31", 0.8, story_id="a1", articles=4)
    proof = {"cooperation": [second, first], "hedging": [other]}
    feed(model, trend("BLR-RUS", "2017-W31", {"cooperation": 1, "hedging": 1}, about=1, evidence=proof))
    (story,) = evidence_of_pair(model, "BLR-RUS", W31, 1)
    assert story.labels == {"cooperation": 0.9, "hedging": 0.8}
    assert story.by_label == {"cooperation": second, "hedging": other}
    assert (story.evidence.article_id, [one.article_id for one in story.others]) == ("a2", ["a1"])


def test_bins_are_full_at_the_end_where_the_newest_weeks_are() -> None:
    assert binned([1, 2, 3, 4, 5], 2) == [1, 5, 9]
    assert sum(binned(list(range(100)), 13)) == sum(range(100))


@pytest.mark.parametrize("chosen", list(RANGES))
def test_a_chart_of_any_range_holds_every_story_once_in_bars_that_can_be_told_apart(chosen: str) -> None:
    model = full_model(others=0, first="2000-W01", last="2022-W30")
    until = newest_week(model)
    charts = pair_charts(model, "BLR-RUS", "all", until, chosen)
    assert charts.width // 4 <= MOST_BARS
    for chart in charts.signals:
        assert sum(slot.stories for slot in chart.slots) == chart.in_window
        if chosen == "all":
            assert chart.in_window == chart.total


def test_a_chart_of_a_pair_without_news_is_empty_but_whole() -> None:
    charts = pair_charts(BoardModel(watchlist()), "BLR-RUS", "all", W31, "all")
    assert [chart.bars for chart in charts.signals] == [""] * len(LABELS)
    assert charts.first_week == W31 - 51


def test_paths_draw_each_value_within_the_height() -> None:
    assert bars_path([0, 1, 4, 9], 4) == "M4 40v-10h3v10zM8 40v-40h3v40zM12 40v-40h3v40z"
    assert bars_path([0.01], 1000) == "M0 40v-1.5h3v1.5z"
    assert area_path([2, 2, 0], 4) == "M0 40V20H8V40H12V40z"
    assert (bars_path([1], 0), area_path([0, 0], 1)) == ("", "")
    assert line_path([0.0, None, 0.5, 1.0], 1, 48) == "M2 48h.1M10 24h.1L14 0"


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (1, 1), (3, 3), (7, 8), (81, 100), (41, 50), (0.13, 0.2), (0.04, 0.04), (1000, 1000)]
)
def test_an_axis_ends_at_a_round_number(value: float, top: float) -> None:
    assert round_up(value) == pytest.approx(top)


def test_weeks_are_numbered_and_named_without_gaps_over_years_of_53_weeks() -> None:
    number = week_number("2020-W52")
    assert [week_name(number + step) for step in range(3)] == ["2020-W52", "2020-W53", "2021-W01"]
    assert week_span(week_number("2017-W31")) == "31 Jul – 6 Aug 2017"
    assert week_span(week_number("2020-W53")) == "28 Dec 2020 – 3 Jan 2021"
    assert (week_end(W31), month_name(W31)) == ("6 Aug 2017", "Aug 2017")
    assert year_starts(number, number + 60) == [(week_number("2021-W01"), 2021), (week_number("2022-W01"), 2022)]


@pytest.mark.parametrize(
    "text", ["2017-W60", "2017-31", "2021-W53", "W31", "2017-W1", "0001-W01", "１２３４-W01", "2017-W31 OR 1=1"]
)
def test_a_week_that_there_is_not_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadRequestError, match="2017-W31"):
        read_view({"until": text}, W31)


def test_a_view_is_read_from_a_query_and_written_into_links_without_what_goes_without_saying() -> None:
    view = read_view({"domain": "security", "until": "2017-W31", "weeks": "260"}, W31 + 5)
    assert view == View("security", W31, False, "260")
    assert view.link("/pairs/BLR-RUS") == "/pairs/BLR-RUS?domain=security&until=2017-W31&weeks=260"
    assert view.link("/", domain="all", until="", chart_range="156") == "/"
    assert read_view({}, W31).link("/", until=W31) == "/?until=2017-W31"
    assert read_view({"until": " "}, W31).is_newest


@pytest.mark.parametrize(("name", "value"), [("domain", "sport"), ("weeks", "7")])
def test_a_choice_that_there_is_not_is_refused_with_those_that_there_are(name: str, value: str) -> None:
    with pytest.raises(BadRequestError, match="no such"):
        read_view({name: value}, W31)


@pytest.mark.parametrize("text", ["0", "-1", "1001", "ten", "²", "9" * 5_000])
def test_a_number_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(BadRequestError, match="1 to 1000"):
        read_whole({"limit": text}, "limit", 200, 1_000)


@pytest.mark.parametrize(
    ("url", "is_link"),
    [("https://a.example/x", True), ("http://a.example", True), ("javascript:alert(1)", False), (" javascript:alert(1)", False),
     ("data:text/html,x", False), ("//a.example", False), ("https:", False), ("", False), ("http://[broken", False)],
)  # fmt: skip
def test_only_web_addresses_become_links(url: str, is_link: bool) -> None:
    assert bool(safe_link(url)) is is_link


def test_figures_read_as_a_person_writes_them() -> None:
    assert [percent(value) for value in (0, 0.004, 0.234, 1)] == ["0%", "0.4%", "23%", "100%"]
    assert [points(value) for value in (0.051, -0.051, 0.001, 0)] == ["+5", "−5", "±0", "±0"]


def test_codes_read_as_names_and_an_unknown_one_as_itself() -> None:
    assert [name_of(code) for code in ("BLR", "RUS", "EU", "NATO", "QQQ")] == [
        "Belarus",
        "Russia",
        "European Union",
        "NATO",
        "QQQ",
    ]


def test_every_label_has_a_heading_and_a_definition() -> None:
    assert set(LABEL_TITLES) == set(LABELS) == set(DEFINITIONS)


def test_the_first_event_is_always_given_and_then_only_news() -> None:
    model = model_of(w05=(1, 3))
    stream = ChangeFeed(model, ready, lambda: counters(model), boot="b")
    first = stream.poll()
    assert first is not None
    assert (first["pairs"], first["all"]) == ([], False)
    assert stream.poll() is None
    feed(model, trend("BLR-RUS", "2017-W06", {"cooperation": 1}, about=2))
    event = stream.poll()
    assert event is not None
    assert (event["pairs"], event["all"], event["counters"]["stories"]) == (["BLR-RUS"], False, "5")  # type: ignore[index]
    assert stream.poll() is None


def test_progress_alone_is_news_without_pairs() -> None:
    model = model_of(w05=(1, 3))
    stream = ChangeFeed(model, ready, lambda: counters(model), boot="b")
    stream.poll()
    feed_progress(model, 0, 7)
    event = stream.poll()
    assert event is not None
    assert (event["pairs"], event["counters"]["read"]) == ([], "7")  # type: ignore[index]


def test_a_reader_who_comes_back_hears_of_what_changed_meanwhile() -> None:
    model = model_of(w05=(1, 3))
    seen = f"b-{model.revision}"
    feed(model, trend("ARM-RUS", "2017-W06", {"cooperation": 1}, about=2))
    event = ChangeFeed(model, ready, lambda: counters(model), boot="b", last_id=seen).poll()
    assert event is not None
    assert (event["pairs"], event["all"]) == (["ARM-RUS"], False)


@pytest.mark.parametrize("last_id", ["other-5", "nonsense", "b-x", "b-" + "9" * 400])
def test_a_reader_of_another_process_is_told_to_fetch_everything(last_id: str) -> None:
    event = ChangeFeed((model := model_of(w05=(1, 3))), ready, lambda: counters(model), boot="b", last_id=last_id).poll()
    assert event is not None
    assert event["all"] is True


def test_a_new_pair_or_very_many_changed_ones_mean_everything() -> None:
    model = full_model(others=MOST_PAIRS + 1, first="2022-W01")
    stream = ChangeFeed(model, ready, lambda: counters(model), boot="b")
    stream.poll()
    feed(model, trend("KAZ-CHN", "2022-W06", {"cooperation": 1}, about=2))
    event = stream.poll()
    assert event is not None
    assert (event["pairs"], event["all"]) == ([], True)
    for pair in model.pairs_shown()[: MOST_PAIRS + 1]:
        feed(model, trend(pair, "2021-W06", {}, about=2))
    event = stream.poll()
    assert event is not None
    assert event["all"] is True


def test_a_status_says_why_it_is_not_ready() -> None:
    reading = ReplayStatus(alive=True, caught_up=False, done=25, total=100)
    assert (reading.percent, reading.reason, reading.is_ready) == (25, "reading the history: 25 of 100 offsets", False)
    dead = ReplayStatus(alive=False, caught_up=True)
    assert (dead.is_ready, dead.reason) == (False, "the replay of `trends` is not running")
    assert (ready().percent, ready().reason) == (100, "")
