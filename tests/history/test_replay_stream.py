"""History labelled again beside the live stream, on a real Kafka: nothing of the live counts moves, and the new ones are the new model's."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from models.predict import Predictor
from streams import topology
from streams.board.listing import read_trends
from streams.clock import iso_week, parse_utc
from streams.editions.registry import read_editions, shown_of
from streams.kafka.clients import admin_client
from streams.replay.metering import postponed_at
from streams.settings import Settings
from tests.helpers.archives import as_articles, news, write_archive
from tests.helpers.other_model import write_other_model
from tests.helpers.plain_loop import Cell, counts_of, recount
from tests.helpers.stack import Stack, fetch, free_port, running_stack, wait_for

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(400)]

ARTICLES = 1_000
SINCE = "2018-W01"
#: Topic -> keys and values of all that stands on it.
Records = dict[str, list[tuple[bytes | None, bytes | None]]]


@dataclass
class Relabelled:
    """What stood before the replay, and what it said of itself."""

    stack: Stack
    folder: Path
    items: list[dict[str, Any]]
    live_before: Records
    summary: dict[str, Any]

    def settings(self, edition: str) -> Settings:
        """In an edition."""
        return self.stack.settings.model_copy(update={"edition": edition})


def own_records(stack: Stack, edition: str = "live") -> Records:
    """Topic of an edition's own -> keys and values of all that stands on it, byte for byte."""
    names = [spec.name for spec in topology.own_topics(stack.settings.model_copy(update={"edition": edition}))]
    return {name: [(r.key, r.value) for records in stack.records(name).values() for r in records] for name in names}


def at_rest(stack: Stack, metrics: str) -> Records:
    """What stands once the live worker has put nothing off any more, and nothing came between two looks."""
    looks: list[Records] = [{}]

    def is_still() -> bool:
        looks.append(own_records(stack))
        return looks[-1] == looks[-2] and bool(looks[-1]["breaks"]) and postponed_at([metrics]) == 0 and stack.is_settled()

    wait_for("the live stream to be at rest", is_still)
    return looks[-1]


def counts(done: Relabelled, edition: str) -> dict[Cell, tuple[int, int]]:
    settings = done.settings(edition)
    return counts_of(row.trend for row in read_trends(settings, topology.name_in(settings, topology.TRENDS), None))


def expected(done: Relabelled, pairs: set[str], *, since: str = "") -> dict[Cell, tuple[int, int]]:
    articles = [one for one in as_articles(done.items) if iso_week(parse_utc(one.published)) >= since]
    return recount(articles, Predictor.load(done.folder, encoder=False)).counts(pairs)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relabelled]:
    folder = tmp_path_factory.mktemp("replay")
    items = list(news(ARTICLES))
    archive = write_archive(folder / "news.jsonl", items)
    model = write_other_model(folder / "model")
    with running_stack(folder, partitions=2) as stack:
        stack.run("ingest", "archive", str(archive))
        port = free_port()
        stack.start("worker-1", "worker", worker_metrics_port=str(port))
        stack.wait_until_processed(ARTICLES)
        before = at_rest(stack, f"http://127.0.0.1:{port}/metrics")
        told = stack.run("replay", "--model", str(model), "--edition", "b", "--json").stdout
        yield Relabelled(stack, model, items, before, json.loads(told))


def test_the_replay_accounts_for_every_article_and_says_how_fast_it_was(done: Relabelled) -> None:
    said = done.summary
    assert (said["caught_up"], said["classified"], said["duplicates"], said["dead_letters"]) == (True, ARTICLES, 0, 0)
    assert said["articles_per_second"] > 1
    assert said["model"] == Predictor.load(done.folder, encoder=False).version


def test_no_live_record_is_written_or_changed_meanwhile(done: Relabelled) -> None:
    assert own_records(done.stack) == done.live_before
    assert shown_of(read_editions(done.stack.settings)) == "live"


def test_the_new_counts_are_those_of_a_plain_loop_with_the_new_model(done: Relabelled) -> None:
    found = counts(done, "b")
    assert found == expected(done, {pair for pair, *_ in found})
    assert found != counts(done, "live"), "the models agree on everything: the test shows nothing"


def test_a_replay_that_is_done_is_gone_on_with_and_finds_nothing_to_do(done: Relabelled) -> None:
    again = json.loads(done.stack.run("replay", "--model", str(done.folder), "--edition", "b", "--json").stdout)
    assert (again["caught_up"], again["articles"], again["classified"]) == (True, 0, ARTICLES)


def test_an_edition_is_one_models_word(done: Relabelled) -> None:
    refused = done.stack.run("replay", "--edition", "b", ok=False)
    assert (refused.returncode, "the edition 'b' is of the model" in refused.stderr) == (2, True)


def test_the_comparison_says_what_changes_with_the_articles_and_their_sentences(done: Relabelled) -> None:
    found = json.loads(done.stack.run("compare", "--edition", "b", "--json").stdout)
    assert (found["old"]["edition"], found["new"]["edition"], found["shared"]) == ("live", "b", ARTICLES)
    by_label = {one["label"]: one for one in found["agreement"]}
    assert by_label["cooperation"]["old_only"] > 0 == by_label["cooperation"]["new_only"], "its threshold is higher"
    assert by_label["hedging"]["new_only"] > 0 == by_label["hedging"]["old_only"], "its threshold is lower"
    lost = next(one for one in found["articles"] if one["change"] == "lost")
    assert (lost["label"], bool(lost["sentence"]), lost["old"] == lost["new"]) == ("cooperation", True, True)


def test_a_switch_is_one_step_which_commands_and_the_board_follow_and_one_step_back(done: Relabelled) -> None:
    address = done.stack.start_board()
    before = fetch(f"{address}/api/v1/pairs")
    live = done.stack.run("trends", "--json").stdout
    done.stack.run("switch", "b")
    assert done.stack.run("trends", "--json").stdout != live
    wait_for("the board to show it", lambda: fetch(f"{address}/api/v1/pairs") != before, seconds=10)
    assert 'bellwether_edition_info{edition="b"} 1.0' in fetch(f"{address}/metrics")
    assert json.loads(fetch(f"{address}/api/v1/editions"))["shown"] == "b"
    assert 'data-edition="live"' in fetch(f"{address}/editions/live/pairs/BLR-RUS")
    refused = done.stack.run("replay", "--drop", "b", ok=False)
    assert (refused.returncode, "is the one that is shown" in refused.stderr) == (2, True)
    done.stack.run("switch", "--back")
    assert done.stack.run("trends", "--json").stdout == live
    wait_for("the board to show what it did", lambda: fetch(f"{address}/api/v1/pairs") == before, seconds=10)
    done.stack.end("board", signal.SIGTERM)


def test_articles_before_the_first_week_make_no_fact_and_of_a_dropped_edition_nothing_is_left(done: Relabelled) -> None:
    told = done.stack.run("replay", "--model", str(done.folder), "--edition", "c", "--since", "2018-01-01", "--json").stdout
    said = json.loads(told)
    assert said["skipped"] + said["classified"] == ARTICLES
    assert said["skipped"] > 0 < said["classified"]
    found = counts(done, "c")
    assert min(week for _, week, *_ in found) >= SINCE
    assert found == expected(done, {pair for pair, *_ in found}, since=SINCE)
    gone = json.loads(done.stack.run("replay", "--drop", "c", "--json").stdout)
    assert len(gone["topics"]) == len(topology.own_topics(done.stack.settings))
    assert gone["groups"] == ["bellwether.c-worker"]
    assert not (done.stack.settings.data_dir / "state" / "bellwether.c").exists()
    with admin_client(done.stack.settings) as admin:
        assert [name for name in admin.list_topics() if name.endswith(".c")] == []
    assert list(read_editions(done.stack.settings)) == ["live", "b"]
    assert own_records(done.stack) == done.live_before
