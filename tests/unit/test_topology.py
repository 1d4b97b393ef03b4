"""The map: what is drawn, made and documented is what runs."""

from __future__ import annotations

from pathlib import Path

from streams import diagram, topology
from streams.classify import revision
from streams.classify import stage as classify_stage
from streams.kafka.topics import DAY_MS
from streams.metrics import STAGE_NAMES
from streams.standing import stage as breaks_stage
from streams.trends import stage as trends_stage

REPOSITORY = Path(__file__).resolve().parents[2]


def test_every_output_of_a_stage_has_a_topic() -> None:
    assert set(topology.CLASSIFY_STAGE.writes) == {
        revision.CLASSIFICATIONS,
        classify_stage.PROGRESS,
        classify_stage.DEAD_LETTERS,
        revision.SIGNALS,
    }
    assert set(topology.TRENDS_STAGE.writes) == {trends_stage.TRENDS, trends_stage.SEALED, trends_stage.DEAD_LETTERS}
    assert set(topology.BREAKS_STAGE.writes) == {breaks_stage.BREAKS, breaks_stage.DEAD_LETTERS}


def test_every_topic_is_written_and_what_is_compacted_is_read() -> None:
    written = {topic.name for stage in topology.STAGES for topic in stage.writes.values()}
    written |= {topic.name for topics in topology.PRODUCERS.values() for topic in topics}
    assert written == {topic.name for topic in topology.TOPICS}


def test_the_metrics_know_the_stages() -> None:
    assert tuple(stage.name for stage in topology.STAGES) == STAGE_NAMES


def test_the_diagram_shows_every_topic_and_stage() -> None:
    drawn = diagram.mermaid()
    for topic in topology.TOPICS:
        assert f'("{topic.name}<br/>key: {topic.key}")' in drawn
    for stage in topology.STAGES:
        assert f"[[{stage.name.upper()}]]" in drawn


def test_the_docs_are_what_the_code_says() -> None:
    assert diagram.write_docs(REPOSITORY / "docs", check=True) == [], "run `make docs`"


def test_a_topic_that_is_read_from_the_beginning_is_kept_for_ever() -> None:
    for topic in (
        topology.CLASSIFICATIONS,
        topology.CORRECTIONS,
        topology.SEALED,
        topology.TRENDS,
        topology.BREAKS,
        topology.PROGRESS,
    ):
        assert topic.config()["cleanup.policy"] == "compact"
    signals = topology.SIGNALS.config()
    assert (signals["cleanup.policy"], signals["retention.ms"]) == ("compact,delete", "-1"), "given up by offset, never by age"
    assert topology.DEAD_LETTERS.config()["retention.ms"] == str(90 * 24 * 3600 * 1000)


def test_text_goes_by_age_where_it_is_set_and_facts_never_do() -> None:
    assert topology.ARTICLES.config()["cleanup.policy"] == "compact"
    found = topology.ARTICLES.config(text_days=365)
    assert (found["cleanup.policy"], found["retention.ms"]) == ("compact,delete", str(365 * DAY_MS))
    for topic in topology.TOPICS:
        if topic != topology.ARTICLES:
            assert topic.config(text_days=365) == topic.config(), topic.name


def test_what_was_erased_leaves_every_compacted_topic_in_time_but_not_before_a_stopped_worker_has_read_it() -> None:
    for topic in (topic for topic in topology.TOPICS if topic.compacted):
        config = topic.config()
        kept, gone = int(config["min.compaction.lag.ms"]), int(config["max.compaction.lag.ms"])
        assert kept == topic.reread_days * DAY_MS
        assert kept + 7 * DAY_MS == gone <= 37 * DAY_MS
