"""`/metrics`: exactly the counts of the records, for a bounded set of label sets that is there from the start."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from models.labels import DOMAINS, LABELS
from streams import metrics
from streams.board.exporter import BoardCollector
from streams.board.model import BoardModel
from streams.board.status import ReplayStatus
from tests.helpers.board_data import WATCHED, feed, feed_correction, feed_progress, history, ready, trend, watchlist

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scrape(model: BoardModel, status: ReplayStatus | None = None) -> Samples:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(
        BoardCollector(model, lambda: status or ready(), records=lambda: {"trends": 5}, unreadable=lambda: {"trends": 1})
    )
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for family in families for sample in family.samples}


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, tuple(sorted(labels.items()))]


def test_every_watched_pair_domain_and_signal_is_there_with_zero_before_any_record() -> None:
    samples = scrape(BoardModel(watchlist()))
    for source, partner in WATCHED:
        for domain in ("all", *DOMAINS):
            for signal in LABELS:
                labels = {"source": source, "partner": partner, "domain": domain, "signal": signal}
                assert value(samples, "bellwether_signal_stories_total", **labels) == 0
                assert value(samples, "bellwether_signal_articles_total", **labels) == 0
                assert value(samples, "bellwether_week_signal_stories", **labels) == 0
            assert value(samples, "bellwether_exposure_stories_total", source=source, partner=partner, domain=domain) == 0
    for outcome in metrics.ARTICLE_OUTCOMES:
        assert value(samples, "bellwether_articles_total", outcome=outcome) == 0


def test_counters_are_the_sums_over_the_weeks_of_the_records() -> None:
    model = BoardModel(watchlist(WATCHED[:4]))
    records = [
        record for source, partner in WATCHED[:4] for record in history(f"{source}-{partner}", "2019-W01", "2021-W30", busy=300, seed=3)
    ]  # fmt: skip
    expected: Counter[tuple[str, str, str, str, str]] = Counter()
    for record in records:
        feed(model, record)
        for domain, count in record.exposure.items():
            expected[record.source, record.partner, domain, "", "stories"] += count.stories
            expected[record.source, record.partner, domain, "", "articles"] += count.articles
        for label, by_domain in record.counts.items():
            for domain, count in by_domain.items():
                expected[record.source, record.partner, domain, label, "stories"] += count.stories
                expected[record.source, record.partner, domain, label, "articles"] += count.articles
    samples = scrape(model)
    found = {
        (labels["source"], labels["partner"], labels["domain"], labels.get("signal", ""), name.split("_")[-2]): number
        for name, labels, number in ((name, dict(pairs), number) for (name, pairs), number in samples.items())
        if name.startswith(("bellwether_signal_", "bellwether_exposure_")) and name.endswith("_total")
    }
    assert len(records) > 400
    assert {key: number for key, number in found.items() if number} == dict(expected)


def test_the_newest_week_of_each_pair_has_its_own_gauges() -> None:
    model = BoardModel(watchlist(WATCHED[:2]))
    feed(model, trend("BLR-RUS", "2017-W20", {"hedging": 4}, about=10))
    feed(model, trend("BLR-RUS", "2017-W31", {"hedging": 1}, about=30))
    feed(model, trend("BLR-CHN", "2015-W01", {"cooperation": 2}, about=2))
    samples = scrape(model)
    labels = {"source": "BLR", "partner": "RUS", "domain": "all"}
    assert value(samples, "bellwether_week_signal_stories", **labels, signal="hedging") == 1
    assert value(samples, "bellwether_week_exposure_stories", **labels) == 30
    assert value(samples, "bellwether_signal_share_ratio", **labels, signal="hedging") == pytest.approx(5 / 40)
    assert value(samples, "bellwether_pair_newest_week_timestamp_seconds", source="BLR", partner="RUS") == 1501459200
    chinese = {"source": "BLR", "partner": "CHN", "domain": "all", "signal": "cooperation"}
    assert value(samples, "bellwether_signal_share_ratio", **chinese) == 1


def test_the_share_of_nothing_is_no_number() -> None:
    samples = scrape(BoardModel(watchlist(WATCHED[:1])))
    labels = {"source": "BLR", "partner": "RUS", "domain": "economy", "signal": "hedging"}
    assert math.isnan(value(samples, "bellwether_signal_share_ratio", **labels))


def test_a_week_that_is_taken_back_leaves_the_counters_too() -> None:
    model = BoardModel(watchlist(WATCHED[:1]))
    feed(model, trend("BLR-RUS", "2017-W20", {"hedging": 4}, about=10))
    model.apply_trend(b"BLR-RUS|2017-W20", None)
    labels = {"source": "BLR", "partner": "RUS", "domain": "all", "signal": "hedging"}
    assert value(scrape(model), "bellwether_signal_stories_total", **labels) == 0


def test_other_pairs_are_bounded_and_a_gauge_says_how_many_are_left_out() -> None:
    model = BoardModel(watchlist(WATCHED[:1], max_pairs=3))
    for number in range(10):
        feed(model, trend(f"KAZ-{chr(65 + number) * 3}", "2017-W20", {"hedging": number}, about=10))
    samples = scrape(model)
    partners = {dict(labels)["partner"] for name, labels in samples if name == "bellwether_signal_stories_total"}
    assert partners == {"RUS", "JJJ", "III", "HHH"}
    assert value(samples, "bellwether_board_pairs") == 4
    assert value(samples, "bellwether_board_pairs_left_out") == 7


def test_articles_are_told_by_what_became_of_them() -> None:
    model = BoardModel(watchlist(WATCHED[:1]))
    feed_progress(model, 0, 100, 20, 3, forgotten=1)
    feed_progress(model, 1, 50, forgotten=4)
    feed_correction(model, "article-1")
    feed_correction(model, "article-1", "RUS-BLR")
    samples = scrape(model)
    assert [value(samples, "bellwether_articles_total", outcome=outcome) for outcome in metrics.ARTICLE_OUTCOMES] == [
        150,
        20,
        3,
        5,
    ]
    assert value(samples, "bellwether_board_corrected_articles") == 1


def test_the_state_of_the_replay_can_be_alerted_on() -> None:
    samples = scrape(BoardModel(watchlist(WATCHED[:1])), ReplayStatus(alive=True, caught_up=False, reachable=False))
    assert value(samples, "bellwether_board_ready") == 0
    assert value(samples, "bellwether_board_broker_reachable") == 0
    assert value(samples, "bellwether_board_records_total", topic="trends") == 5
    assert value(samples, "bellwether_board_unreadable_records_total", topic="trends") == 1


def test_every_family_of_the_registry_of_metrics_is_exported_and_the_openmetrics_form_parses() -> None:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(BoardCollector(BoardModel(watchlist()), ready))
    text = openmetrics.generate_latest(registry).decode()  # type: ignore[no-untyped-call]
    names = {family.name for family in parse_openmetrics(text)}  # type: ignore[no-untyped-call]
    assert names == {
        family.name
        for family in (
            *metrics.TREND_FAMILIES,
            *metrics.WEEK_FAMILIES,
            *metrics.STANDING_FAMILIES,
            *metrics.ACTIVE_BREAK_FAMILIES,
            *metrics.BOARD_FAMILIES,
        )
    }
