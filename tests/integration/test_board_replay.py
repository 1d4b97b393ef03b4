"""The replay over a real Kafka: everything is read, a broker's death is survived, topics made anew are read anew."""

from __future__ import annotations

import contextlib
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer
from kafka.admin import NewTopic

from streams import topology
from streams.board.model import BoardModel
from streams.board.replay import Replay
from streams.clock import monotonic_seconds
from streams.kafka.clients import admin_client, bulk_producer
from streams.records import Progress, Trend, encode, trend_key
from streams.settings import Settings
from tests.helpers.board_data import WATCHED, history, trend, watchlist
from tests.helpers.stack import Stack, answers, fetch, running_stack, wait_for

pytestmark = pytest.mark.kafka

TOPICS = {
    "trends": topology.TRENDS.name,
    "breaks": topology.BREAKS.name,
    "progress": topology.PROGRESS.name,
    "feeds": topology.FEEDS.name,
}


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with running_stack(tmp_path) as running:
        yield running


def write(settings: Settings, records: list[Trend | Progress], *, removed: tuple[bytes, ...] = ()) -> None:
    """Writes records, then tombstones, and waits until the broker has them."""
    producer: Producer = bulk_producer(settings, "test-writer")
    for record in records:
        if isinstance(record, Progress):
            producer.produce(TOPICS["progress"], encode(record), str(record.partition).encode())
        else:
            producer.produce(TOPICS["trends"], encode(record), trend_key(f"{record.source}-{record.partner}", record.week))
    for key in removed:
        producer.produce(TOPICS["trends"], None, key)
    assert producer.flush(30) == 0


@contextlib.contextmanager
def replaying(settings: Settings, model: BoardModel) -> Iterator[Replay]:
    deaths: list[BaseException] = []
    replay = Replay(settings, model, TOPICS, on_death=deaths.append)
    replay.start()
    try:
        yield replay
    finally:
        assert replay.stop(20)
        assert deaths == []


def total(model: BoardModel) -> int:
    return int(model.totals("BLR-RUS")[0, 0, 0])


def caught_up(replay: Replay) -> Replay:
    wait_for("the replay to catch up", lambda: replay.status().is_ready)
    return replay


def test_everything_on_the_topics_is_in_the_model_once_it_says_so_and_what_follows_comes_in(stack: Stack) -> None:
    records = [
        record
        for source, partner in WATCHED[:3]
        for record in history(f"{source}-{partner}", "2017-W01", "2022-W30", busy=9, seed=1)
    ]
    write(stack.settings, [*records, Progress(partition=0, offset=9, classified=7, duplicates=1, dead_letters=1)])
    model = BoardModel(watchlist())
    with replaying(stack.settings, model) as replay:
        caught_up(replay)
        for source, partner in WATCHED[:3]:
            about = sum(
                record.exposure["all"].stories for record in records if (record.source, record.partner) == (source, partner)
            )
            assert int(model.totals(f"{source}-{partner}")[0, 0, 0]) == about
        assert model.articles().read == 9
        assert replay.status().percent == 100
        before = total(model)
        write(stack.settings, [trend("BLR-RUS", "2023-W01", {}, about=1_000)])
        wait_for("the new record", lambda: total(model) == before + 1_000)
        write(stack.settings, [], removed=(b"BLR-RUS|2023-W01",))
        wait_for("the tombstone", lambda: total(model) == before)


def test_empty_topics_are_caught_up_with_at_once_and_a_bad_record_is_counted_and_passed(stack: Stack) -> None:
    model = BoardModel(watchlist())
    with replaying(stack.settings, model) as replay:
        caught_up(replay)
        producer = bulk_producer(stack.settings, "test-writer")
        producer.produce(TOPICS["trends"], b"not json", b"BLR-RUS|2017-W01")
        producer.produce(TOPICS["trends"], b"{}", b"no pair")
        producer.flush(30)
        write(stack.settings, [trend("BLR-RUS", "2017-W31", {}, about=5)])
        wait_for("the good record", lambda: total(model) == 5)
        wait_for("the bad ones", lambda: replay.unreadable[TOPICS["trends"]] == 2)
        assert replay.status().is_ready


def test_the_death_of_the_broker_is_told_and_survived_without_a_gap(stack: Stack) -> None:
    write(stack.settings, [trend("BLR-RUS", "2017-W31", {}, about=5)])
    model = BoardModel(watchlist())
    with replaying(stack.settings, model) as replay:
        caught_up(replay)
        stack.kill_kafka()
        wait_for("the replay to notice", lambda: not replay.status().reachable)
        assert replay.status().is_ready
        assert total(model) == 5
        stack.start_kafka()
        write(stack.settings, [trend("BLR-RUS", "2017-W32", {}, about=7)])
        wait_for("what was written after the restart", lambda: total(model) == 12)
        wait_for("the replay to say so", lambda: replay.status().reachable)
        assert replay.records[TOPICS["trends"]] == 2


def test_topics_that_were_deleted_and_made_again_are_read_anew(stack: Stack) -> None:
    write(stack.settings, [trend("BLR-RUS", "2017-W31", {}, about=5), trend("BLR-RUS", "2017-W32", {}, about=5)])
    model = BoardModel(watchlist())
    with replaying(stack.settings, model) as replay:
        caught_up(replay)
        with admin_client(stack.settings) as admin:
            admin.delete_topics([TOPICS["trends"]])
            wait_for("the topic to go", lambda: TOPICS["trends"] not in admin.list_topics())
            admin.create_topics([NewTopic(TOPICS["trends"], num_partitions=stack.settings.partitions, replication_factor=1)])
        write(stack.settings, [trend("BLR-RUS", "2017-W33", {}, about=1)])
        wait_for("the counts of the new topic alone", lambda: total(model) == 1)
        caught_up(replay)


def test_a_replay_that_waits_for_a_broker_says_so_and_stops_when_asked() -> None:
    from tests.helpers.stack import free_port

    model = BoardModel(watchlist())
    with replaying(Settings(kafka_servers=f"127.0.0.1:{free_port()}"), model) as replay:
        wait_for("the first attempt", lambda: "can't be read" in replay.status().reason)
        assert not replay.status().is_ready


def test_the_process_answers_says_where_and_ends_at_sigterm_within_its_time(stack: Stack) -> None:
    write(stack.settings, [trend("BLR-RUS", "2017-W31", {"cooperation": 2}, about=5)])
    address = stack.start_board()
    assert 'bellwether_signal_stories_total{domain="all",partner="RUS",signal="cooperation",source="BLR"} 2.0' in fetch(
        f"{address}/metrics"
    )
    assert "Belarus" in fetch(address)
    with urllib.request.urlopen(f"{address}/events", timeout=10) as stream:
        assert stream.readline().startswith(b"retry: ")
        started = monotonic_seconds()
        assert stack.end("board", signal.SIGTERM) == 0
        assert monotonic_seconds() - started < 6
    log = (stack.folder / "board.log").read_text()
    assert f'"address": "{address}"' in log
    assert '"event": "board_stopped"' in log
    assert not answers(f"{address}/healthz")
