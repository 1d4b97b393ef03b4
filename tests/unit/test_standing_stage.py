"""Claims about BREAKS: when weeks close, what is said once, what a late article changes, what waits and for how long."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from streams.clock import week_name
from streams.records import UNDATED, DeadLetter, TrendStanding, decode
from streams.stage import LONGEST_WAIT_SECONDS, QUIET_SECONDS, Batch, InputRecord, Output, Outputs, Postponing
from streams.standing import stage as breaks_stage_module
from streams.standing.closing import closing_time, last_closed_week, newest_publication
from streams.standing.pair import LEAST_STORIES, PairWatch
from streams.trends.breaks import find_share_breaks
from tests.helpers.standings import (
    FIRST,
    Seconds,
    article_of,
    breaks_stage,
    judge_all,
    standing_record,
    stepped,
    trend_record,
    trend_records,
    week_of_pair,
)

SERIES = b"BLR-RUS|cooperation|all"


def newest(outputs: Outputs, key: bytes = SERIES) -> TrendStanding:
    """The last record of a series."""
    return decode(TrendStanding, [output.value for output in outputs if output.key == key][-1] or b"")


def said(outputs: Outputs) -> list[Output]:
    return [output for output in outputs if output.route == "breaks"]


# -- closing ---------------------------------------------------------------------------------------------------------------


def test_a_week_closes_when_the_watermark_passes_its_end_by_the_allowed_lateness() -> None:
    lateness = timedelta(hours=48)
    assert week_name(last_closed_week("2017-08-08T23:59:59Z", lateness)) == "2017-W30"
    assert week_name(last_closed_week("2017-08-09T00:00:00Z", lateness)) == "2017-W31"
    assert closing_time(last_closed_week("2017-08-09T00:00:00Z", lateness), lateness).isoformat() == "2017-08-09T00:00:00+00:00"


def test_nothing_is_closed_without_a_watermark() -> None:
    assert last_closed_week("", timedelta(0)) == -1


@pytest.mark.parametrize("latest", ["", "yesterday", "2017-08-12T00:00:00Z", "2016-08-02T00:00:00Z"])
def test_a_week_that_does_not_say_when_its_newest_article_came_counts_from_its_monday(latest: str) -> None:
    assert newest_publication("2017-W31", latest) == "2017-07-31T00:00:00Z"


def test_a_week_of_articles_without_dates_says_nothing_of_the_time() -> None:
    assert newest_publication("2026-W48", UNDATED) == ""
    assert UNDATED < "0001-01-01T00:00:00Z"


def test_articles_without_dates_that_arrive_with_an_archive_close_none_of_its_weeks(tmp_path: Path) -> None:
    stage = breaks_stage(tmp_path)
    archive = [week_of_pair("BLR-RUS", FIRST + at, 10, 2) for at in range(4)]
    arrived_years_later = week_of_pair("BLR-RUS", FIRST + 500, 3, 1, latest=UNDATED)
    found = judge_all(stage, trend_records([arrived_years_later, *archive]))
    assert newest(found).week == week_name(FIRST + 2)


def test_a_pair_is_judged_by_the_news_of_its_neighbours_too(tmp_path: Path) -> None:
    stage = breaks_stage(tmp_path)
    silent = [week_of_pair("BLR-RUS", FIRST + at, 10, 2) for at in range(3)]
    others = [week_of_pair("ARM-RUS", FIRST + at, 10, 2) for at in range(8)]
    found = judge_all(stage, trend_records([*silent, *others]))
    assert newest(found).week == week_name(FIRST + 6)
    assert newest(found).status == "too-sparse"


def test_a_feed_that_has_died_closes_no_week(tmp_path: Path) -> None:
    stage = breaks_stage(tmp_path)
    judge_all(stage, trend_records(stepped(weeks=20)))
    assert said(judge_all(stage)) == []


# -- the answer ------------------------------------------------------------------------------------------------------------


def test_a_jump_is_said_with_its_weeks_its_size_and_the_articles_of_the_new_level(tmp_path: Path) -> None:
    stage = breaks_stage(tmp_path)
    now = newest(judge_all(stage, trend_records(stepped(weeks=50, change=40))))
    (one,) = now.breaks
    assert (now.status, now.signal, now.domain) == ("broken", "cooperation", "all")
    assert abs(int(one.start[-2:]) - 41) <= 1
    assert one.direction == "up"
    assert one.size_low < 3 < one.size_high
    assert one.evidence
    assert {item.side for item in one.evidence} == {"after"}
    assert all(one.start <= item.week <= one.alarm and item.url.startswith("https://news.invalid/") for item in one.evidence)


def test_a_fall_points_to_articles_of_before_too(tmp_path: Path) -> None:
    stage = breaks_stage(tmp_path)
    now = newest(judge_all(stage, trend_records(stepped(weeks=60, change=40, rates=(15.0, 2.0)))))
    (one,) = now.breaks
    assert one.direction == "down"
    assert {item.side for item in one.evidence} == {"after", "before"}


def test_the_breaks_are_those_of_the_pure_functions_over_the_closed_weeks(tmp_path: Path) -> None:
    trends = list(stepped(weeks=90, change=40))
    stage = breaks_stage(tmp_path)
    found = newest(judge_all(stage, trend_records(trends))).breaks
    closed = trends[:-1]
    counts = np.array([t.counts["cooperation"]["all"].stories if t.counts else 0 for t in closed], float)
    expected = find_share_breaks([counts], [np.full(len(closed), 200.0)])[0]
    assert [(b.start, b.alarm, b.size, b.probability) for b in found] == [
        (week_name(FIRST + b.start), week_name(FIRST + b.alarm), b.size, b.probability) for b in expected
    ]


def test_however_the_weeks_come_the_records_are_the_same(tmp_path: Path) -> None:
    records = trend_records(stepped(weeks=80, change=40))
    at_once = judge_all(breaks_stage(tmp_path / "a"), records)
    stage = breaks_stage(tmp_path / "b")
    one_by_one = Outputs([])
    for record in [*records[40:], *records[:40][::-1]]:
        one_by_one.phases += judge_all(stage, [record]).phases
    for key in {output.key for output in at_once}:
        assert newest(one_by_one, key) == newest(at_once, key)


def test_a_break_is_said_once_and_again_only_when_something_about_it_changes(tmp_path: Path) -> None:
    records = trend_records(stepped(weeks=50))
    stage = breaks_stage(tmp_path)
    first = judge_all(stage, records)
    assert len(said(first)) == len({output.key for output in said(first)})
    assert said(judge_all(stage, [InputRecord(99, records[10].key, records[10].value)])) == []


def test_a_late_article_revises_the_record_and_taking_it_back_restores_it(tmp_path: Path) -> None:
    trends = list(stepped(weeks=60))
    stage = breaks_stage(tmp_path)
    before = newest(judge_all(stage, trend_records(trends)))
    late = week_of_pair("BLR-RUS", FIRST + 43, 200, 90)
    assert newest(judge_all(stage, [trend_record(100, late)])) != before
    assert newest(judge_all(stage, [trend_record(101, trends[43])])) == before


def test_weeks_before_the_first_one_and_the_end_of_a_pair_are_seen(tmp_path: Path) -> None:
    trends = list(stepped(weeks=60))
    stage = breaks_stage(tmp_path)
    judge_all(stage, trend_records(trends[20:]))
    whole = newest(judge_all(stage, [trend_record(100 + at, trend) for at, trend in enumerate(trends[:20])]))
    assert whole == newest(judge_all(breaks_stage(tmp_path / "fresh"), trend_records(trends)))
    gone = judge_all(stage, [InputRecord(200 + at, record.key, None) for at, record in enumerate(trend_records(trends))])
    assert said(gone)
    assert all(output.value is None for output in said(gone))


def test_a_pair_with_a_story_now_and_then_is_never_followed_and_a_long_history_costs_little_to_revise() -> None:
    rows = np.zeros((300, 4, 5), np.uint32)
    rows[:, 0] = 10
    rows[::4, 1] = 1
    watch = PairWatch(FIRST)
    watch.extend(rows)
    assert watch.followed == ()
    rows[100:105, 1, 0] = LEAST_STORIES
    watch = PairWatch(FIRST)
    watch.extend(rows)
    assert watch.followed == (0,)
    watch.rewind(FIRST + 290)
    assert len(watch._steps) >= 260


@pytest.mark.parametrize(
    ("silent", "factor"),
    [((30, 36), 1), ((0, 0), 2), ((0, 0), 4), ((30, 33), 2)],
    ids=["dead feed", "doubled", "outlets join", "both"],
)
def test_a_feed_that_dies_and_a_feed_list_that_grows_are_no_breaks(tmp_path: Path, silent: tuple[int, int], factor: int) -> None:
    generator = np.random.default_rng(9)
    trends = []
    for at in range(70):
        size = factor if at >= 35 else 1
        about = int(generator.poisson(150 * size))
        if not silent[0] <= at < silent[1]:
            trends.append(week_of_pair("BLR-RUS", FIRST + at, about, int(generator.binomial(about, 0.05))))
    now = newest(judge_all(breaks_stage(tmp_path), trend_records(trends)))
    assert now.breaks == []
    assert now.status in ("stable", "strengthening", "weakening")


def test_a_dead_feed_is_too_sparse_to_say_anything_once_others_let_time_pass(tmp_path: Path) -> None:
    dead, others = list(stepped(weeks=40, change=99)), [week_of_pair("ARM-RUS", FIRST + at, 9, 1) for at in range(48)]
    now = newest(judge_all(breaks_stage(tmp_path), trend_records([*dead, *others])))
    assert (now.status, now.breaks) == ("too-sparse", [])


# -- running weeks ---------------------------------------------------------------------------------------------------------


def test_a_running_week_raises_no_alarm_but_a_large_jump_is_said_early(tmp_path: Path) -> None:
    stage = breaks_stage(tmp_path)
    calm = list(stepped(weeks=50, change=99))
    judge_all(stage, trend_records(calm))
    monday = week_of_pair("BLR-RUS", FIRST + 50, 60, 30, latest="2014-12-16T12:00:00Z")
    now = newest(judge_all(stage, [trend_record(90, monday)]))
    assert now.breaks == []
    assert now.status != "broken"
    assert now.early is not None
    assert (now.early.week, now.early.direction) == (week_name(FIRST + 50), "up")
    assert now.early.probability >= 0.6


def test_half_a_week_at_the_usual_share_is_nothing_out_of_the_ordinary(tmp_path: Path) -> None:
    stage = breaks_stage(tmp_path)
    judge_all(stage, trend_records(stepped(weeks=50, change=99)))
    half = week_of_pair("BLR-RUS", FIRST + 50, 60, 2, latest="2014-12-16T12:00:00Z")
    assert said(judge_all(stage, [trend_record(90, half)])) == []


# -- postponing ------------------------------------------------------------------------------------------------------------


def test_judging_waits_for_a_quiet_moment_and_not_for_ever(tmp_path: Path) -> None:
    seconds = Seconds()
    stage = breaks_stage(tmp_path, seconds=seconds)
    assert isinstance(stage, Postponing)
    records = trend_records(stepped(weeks=50))
    assert not list(stage.process(Batch("trends", 0, records[:25])))
    assert not stage.is_due(0)
    seconds.now += QUIET_SECONDS
    assert stage.is_due(0)
    started = seconds.now
    while not stage.is_due(0) or seconds.now == started:
        seconds.now += 0.5
        stage.process(Batch("trends", 0, records[25:]))
        assert seconds.now - started <= LONGEST_WAIT_SECONDS
    assert said(stage.refresh(0))
    assert not stage.is_due(0)


def test_a_round_is_bounded_and_the_next_one_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaks_stage_module, "ROUND_SECONDS", 0.0)
    monkeypatch.setattr(breaks_stage_module, "BUSY_ROUND_SECONDS", 0.0)
    stage = breaks_stage(tmp_path)
    stage.process(Batch("trends", 0, trend_records([*stepped("BLR-RUS", weeks=20), *stepped("ARM-RUS", weeks=20)])))
    first, second = stage.refresh(0), stage.refresh(0)
    assert [{output.key[:7] for output in said(found)} for found in (first, second)] == [{b"ARM-RUS"}, {b"BLR-RUS"}]
    assert stage.waiting(0) == 0


def test_detectors_are_let_go_when_there_are_too_many_and_the_answers_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaks_stage_module, "MOST_STATES", 1)
    stage = breaks_stage(tmp_path)
    pairs = ("BLR-RUS", "ARM-RUS", "SRB-RUS")
    trends = [trend for pair in pairs for trend in stepped(pair, weeks=60)]
    both = judge_all(stage, trend_records(trends))
    assert len(stage._watches) == 1
    assert newest(both).breaks == newest(both, b"SRB-RUS|cooperation|all").breaks != []


# -- taking over -----------------------------------------------------------------------------------------------------------


def test_what_stands_on_breaks_already_is_not_sent_again_and_what_does_not_belong_there_goes(tmp_path: Path) -> None:
    records = trend_records(stepped(weeks=50))
    standing = {output.key: output.value or b"" for output in judge_all(breaks_stage(tmp_path / "one"), records)}
    standing[b"XXX-YYY|hedging|all"] = b"{}"
    other = breaks_stage(tmp_path / "two", trends=records, said=list(standing.items()))
    found = judge_all(other)
    assert [(output.key, output.value) for output in found] == [(b"XXX-YYY|hedging|all", None)]


def test_what_another_worker_has_written_in_the_meantime_is_put_right(tmp_path: Path) -> None:
    records = trend_records(stepped(weeks=50))
    right = newest(judge_all(breaks_stage(tmp_path), records))
    wrong = standing_record(decode(TrendStanding, standing_record(right)[1].replace(b'"broken"', b'"stable"')))
    again = breaks_stage(tmp_path, trends=records, said=[wrong])
    assert newest(judge_all(again)) == right


# -- bad data --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"BLR-RUS|2017-W31", b"not json"),
        (b"BLR-RUS|2017-W99", b"{}"),
        (b"nothing", b"{}"),
        (b"BLR-RUS|2017-W30", trend_record(0, week_of_pair("BLR-RUS", FIRST, 3, 1)).value),
    ],
)
def test_what_is_no_trend_is_buried_and_stops_nothing(tmp_path: Path, key: bytes, value: bytes) -> None:
    stage = breaks_stage(tmp_path)
    records = [InputRecord(0, key, value), *(trend_record(1 + at, trend) for at, trend in enumerate(stepped(weeks=20)))]
    found = judge_all(stage, records)
    (letter,) = (decode(DeadLetter, output.value or b"") for output in found if output.route == "dead-letters")
    assert letter.where == "trends/0/0"
    assert letter.reason in ("not-a-trend", "not-json")
    assert newest(found).week == week_name(FIRST + 18)


def test_bad_records_that_a_new_disk_meets_while_catching_up_are_buried_too(tmp_path: Path) -> None:
    stage = breaks_stage(tmp_path, trends=[InputRecord(0, b"nothing", b"{}")])
    assert [output.route for output in stage.refresh(0)] == ["dead-letters"]


def test_articles_of_other_signals_are_no_evidence(tmp_path: Path) -> None:
    trends = list(stepped(weeks=50))
    foreign = week_of_pair("BLR-RUS", FIRST + 41, 200, 16, label="hedging", evidence=[article_of(FIRST + 41, 7, 0.99)])
    merged = [
        t if t.week != foreign.week else type(t)(**{**{f: getattr(t, f) for f in t.__struct_fields__}, "evidence": {**t.evidence, **foreign.evidence}})
        for t in trends
    ]  # fmt: skip
    (one,) = newest(judge_all(breaks_stage(tmp_path), trend_records(merged))).breaks
    assert not any(item.article_id.endswith("-7") for item in one.evidence)
