"""The trends stage: facts in, absolute weeks out."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.records import Count, DeadLetter, Trend, decode
from streams.stage import InputRecord, Outputs
from streams.state import PartitionStore
from streams.trends.facts import SCHEMA, Cell, FactStore
from streams.trends.stage import TrendsStage
from streams.watchlist import WatchedPair, Watchlist
from tests.helpers.builders import batch, fact, fact_record, tombstone

WATCHED = Watchlist((WatchedPair("BLR", "RUS"),), discover_min_stories=3)


def new_stage(folder: Path, watchlist: Watchlist = WATCHED) -> TrendsStage:
    stage = TrendsStage(
        watchlist, lambda p: FactStore(PartitionStore(folder / f"trends-{p}.sqlite", SCHEMA, "origin"), lambda _: [], set)
    )
    stage.open(0)
    return stage


@pytest.fixture
def stage(tmp_path: Path) -> TrendsStage:
    return new_stage(tmp_path)


def run(stage: TrendsStage, *records: InputRecord) -> dict[str, Trend | None]:
    outputs = stage.process(batch(*records, topic="signals"))
    stage.commit(0)
    return trends(outputs)


def trends(outputs: Outputs) -> dict[str, Trend | None]:
    found = {}
    for output in outputs:
        if output.route == "trends":
            found[output.key.decode()] = decode(Trend, output.value) if output.value is not None else None
    return found


def week(found: dict[str, Trend | None], key: str = "BLR-RUS|2017-W31") -> Trend:
    trend = found[key]
    assert trend is not None
    return trend


def test_a_fact_counts_in_its_signal_its_domain_and_the_exposure(stage: TrendsStage) -> None:
    trend = week(run(stage, fact_record(0, fact(1)), fact_record(1, fact(2, labels=()))))
    assert trend.exposure == {"all": Count(2, 2), "security": Count(2, 2)}
    assert trend.counts == {"cooperation": {"all": Count(1, 1), "security": Count(1, 1)}}


def test_copies_are_one_story_and_several_articles(stage: TrendsStage) -> None:
    trend = week(run(stage, fact_record(0, fact(1, story_id="s")), fact_record(1, fact(2, story_id="s"))))
    assert trend.counts["cooperation"]["all"] == Count(stories=1, articles=2)
    assert len(trend.evidence["cooperation"]) == 1


def test_the_same_fact_again_changes_nothing_and_writes_nothing(stage: TrendsStage) -> None:
    run(stage, fact_record(0, fact(1)))
    assert run(stage, fact_record(1, fact(1))) == {}


def test_a_fact_replaced_by_another_label_moves_the_count(stage: TrendsStage) -> None:
    run(stage, fact_record(0, fact(1)))
    trend = week(run(stage, fact_record(1, fact(1, labels=("hedging",)))))
    assert set(trend.counts) == {"hedging"}


def test_a_fact_that_moves_to_another_week_revises_both(stage: TrendsStage) -> None:
    run(stage, fact_record(0, fact(1)), fact_record(1, fact(2)))
    found = run(stage, fact_record(2, fact(1, week="2017-W30")))
    assert week(found).exposure["all"] == Count(1, 1)
    assert week(found, "BLR-RUS|2017-W30").exposure["all"] == Count(1, 1)


def test_a_week_whose_last_fact_is_taken_back_is_removed(stage: TrendsStage) -> None:
    run(stage, fact_record(0, fact(1)))
    assert run(stage, tombstone(1, "BLR-RUS", "article-1")) == {"BLR-RUS|2017-W31": None}


def test_a_pair_that_is_not_watched_appears_once_enough_of_its_stories_carry_a_signal(stage: TrendsStage) -> None:
    def other(number: int, published_week: str) -> InputRecord:
        return fact_record(number, fact(number, source="VNM", partner="CHN", week=published_week))

    assert run(stage, other(1, "2017-W01"), other(2, "2017-W02")) == {}
    assert set(run(stage, other(3, "2017-W03"))) == {f"VNM-CHN|2017-W0{n}" for n in (1, 2, 3)}


def test_a_discovered_pair_that_falls_below_the_threshold_is_taken_off(stage: TrendsStage) -> None:
    records = [fact_record(n, fact(n, source="VNM", partner="CHN")) for n in (1, 2, 3)]
    run(stage, *records)
    assert run(stage, tombstone(4, "VNM-CHN", "article-3")) == {"VNM-CHN|2017-W31": None}


def test_a_discovered_pair_whose_facts_are_all_taken_back_at_once_leaves_no_week_behind(stage: TrendsStage) -> None:
    records = [fact_record(n, fact(n, source="VNM", partner="CHN", week=f"2017-W0{n}")) for n in (1, 2, 3)]
    run(stage, *records)
    gone = run(stage, *(tombstone(n + 3, "VNM-CHN", f"article-{n}") for n in (1, 2, 3)))
    assert gone == {f"VNM-CHN|2017-W0{n}": None for n in (1, 2, 3)}


def test_a_pair_added_to_the_watchlist_has_its_history_at_once(tmp_path: Path) -> None:
    stage = new_stage(tmp_path)
    run(stage, fact_record(0, fact(1, source="VNM", partner="CHN")), fact_record(1, fact(2)))
    stage.close(0)
    longer = Watchlist((WatchedPair("VNM", "CHN"),), discover_min_stories=3)
    restarted = new_stage(tmp_path, longer)
    found = trends(restarted.refresh(0))
    assert week(found, "VNM-CHN|2017-W31").exposure["all"] == Count(1, 1)
    assert found["BLR-RUS|2017-W31"] is None
    restarted.commit(0)
    assert trends(restarted.refresh(0)) == {}


def test_reading_goes_on_where_the_committed_facts_end(tmp_path: Path) -> None:
    stage = new_stage(tmp_path)
    run(stage, fact_record(0, fact(1)))
    stage.process(batch(fact_record(1, fact(2)), topic="signals"))
    stage.close(0)
    assert stage.open(0) == 1


@pytest.mark.parametrize(
    ("key", "value"),
    [(b"BLR-RUS|article-1", b"junk"), (b"no key", b"{}"), (b"BLR-RUS|other", None)],
)
def test_what_is_no_fact_is_a_dead_letter_and_does_not_stop_the_rest(stage: TrendsStage, key: bytes, value: bytes | None) -> None:
    from streams.records import encode

    outputs = stage.process(batch(InputRecord(0, key, value or encode(fact(1))), fact_record(1, fact(9)), topic="signals"))
    letters = [decode(DeadLetter, output.value or b"") for output in outputs if output.route == "dead-letters"]
    assert [letter.where for letter in letters] == ["signals/0/0"]
    assert "BLR-RUS|2017-W31" in trends(outputs)


def test_evidence_is_the_most_probable_and_bounded(stage: TrendsStage) -> None:
    records = [fact_record(n, fact(n, probability=0.5 + n / 100)) for n in range(1, 8)]
    trend = week(run(stage, *records))
    assert [evidence.article_id for evidence in trend.evidence["cooperation"]] == ["article-7", "article-6", "article-5"]


def test_a_new_disk_takes_every_fact_in_and_clears_what_stands_without_one(tmp_path: Path) -> None:
    log = [fact_record(0, fact(1)), InputRecord(1, b"no key", b"junk")]
    standing = {Cell("BLR-RUS", "2017-W31"), Cell("BLR-RUS", "2016-W01")}
    store = PartitionStore(tmp_path / "new.sqlite", SCHEMA, "origin")
    stage = TrendsStage(WATCHED, lambda _: FactStore(store, lambda start: [log[start:]], lambda: standing))
    assert stage.open(0) == 2
    outputs = stage.refresh(0)
    found = trends(outputs)
    assert found["BLR-RUS|2016-W01"] is None
    assert week(found).exposure["all"] == Count(1, 1)
    assert [output.key for output in outputs if output.route == "dead-letters"] == [b"signals/0/1"]
    stage.commit(0)
    assert list(stage.refresh(0)) == []
