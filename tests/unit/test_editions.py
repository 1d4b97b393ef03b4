"""Which edition is shown, what an edition leaves out, and what its names are."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from streams import topology
from streams.board.editions import EditionShelf, Held
from streams.board.view import NotFoundError
from streams.editions import registry
from streams.editions.registry import apply_record, before_shown, edition_of_worker, in_edition, shown_of, with_live
from streams.errors import ConfigError
from streams.records import Edition, Progress, decode, encode
from streams.replay.making import free_name
from streams.settings import Settings, child_environment
from streams.stage import InputRecord
from tests.helpers.builders import article, article_record
from tests.unit.test_classify_stage import Harness, progress_of, routed

B = Edition(name="b", model="1-new", folder="/models/new", encoder=False, since="2017-W01", made="2026-01-01T00:00:00Z")
LIVE = Edition(name="live", made="")


def turns(**found: int) -> dict[str, Edition]:
    return {name: Edition(name=name, made="", turn=turn) for name, turn in found.items()}


@pytest.mark.parametrize(
    ("found", "shown", "before"),
    [
        (turns(live=0, b=0), "live", "live"),
        (turns(live=0, b=1), "b", "live"),
        (turns(live=2, b=1), "live", "b"),
        (turns(live=2, b=1, c=3), "c", "live"),
        (turns(live=1, b=2, c=2), "c", "b"),
    ],
)
def test_the_edition_with_the_highest_turn_is_shown_and_the_next_one_is_gone_back_to(
    found: dict[str, Edition], shown: str, before: str
) -> None:
    assert (shown_of(found), before_shown(found)) == (shown, before)


def test_the_newest_record_of_an_edition_holds_a_dropped_one_is_gone_and_live_is_always_there() -> None:
    found: dict[str, Edition] = {}
    for offset, value in enumerate((encode(B), encode(msgspec.structs.replace(B, turn=4)), b"not json of this version")):
        apply_record(found, InputRecord(offset, b"b", value))
    assert with_live(found) == {"live": LIVE}
    apply_record(found, InputRecord(3, b"b", encode(B)))
    assert list(with_live(found)) == ["live", "b"]
    apply_record(found, InputRecord(4, b"b", None))
    assert list(with_live(found)) == ["live"]


def test_an_editions_names_are_its_own_and_what_comes_from_outside_is_shared() -> None:
    settings = in_edition(Settings(), B)
    assert topology.name_in(settings, topology.TRENDS) == "trends.b"
    assert topology.name_in(settings, topology.ARTICLES) == "articles"
    assert topology.worker_group(settings) == "bellwether.b-worker"
    assert settings.state_dir.parent.name == "bellwether.b"
    assert (settings.model, settings.encoder) == (Path("/models/new"), False)
    live = in_edition(settings, LIVE)
    assert [spec.name for spec in topology.topics_of(live)] == [spec.name for spec in topology.TOPICS]


def test_every_topic_that_a_worker_writes_is_an_editions_own() -> None:
    assert not topology.written_by_worker() & set(topology.SHARED)


def test_a_worker_of_another_edition_is_not_told_of_a_model_that_only_this_process_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELLWETHER_MODEL", "/models/of/live")
    shipped = msgspec.structs.replace(B, folder="")
    assert "BELLWETHER_MODEL" not in child_environment(in_edition(Settings(), shipped))


def test_a_worker_writes_an_edition_only_with_its_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "read_editions", lambda _settings: {"live": LIVE, "b": B})
    settings = in_edition(Settings(), B)
    assert edition_of_worker(settings, "1-new") == B
    with pytest.raises(ConfigError, match="is of the model 1-new, not of 1-old"):
        edition_of_worker(settings, "1-old")
    with pytest.raises(ConfigError, match="there is no edition 'c'"):
        edition_of_worker(settings.model_copy(update={"edition": "c"}), "1-new")
    assert edition_of_worker(Settings(), "1-whatever").since == ""


def test_a_new_edition_takes_the_first_letter_that_is_free() -> None:
    assert [free_name(["live"]), free_name(["live", "b", "c"]), free_name(["live", "c"])] == ["b", "d", "b"]


def test_an_article_before_the_first_week_is_counted_as_skipped_and_not_classified(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    harness.stage = harness.new_stage(since="2017-W31")
    old = article_record(0, article(1, published="2017-07-30T23:59:59Z"))
    outputs = harness.run(old, article_record(1, article(2, published="2017-07-31T00:00:00Z")))
    told = progress_of(outputs)
    assert (told.skipped, told.classified, told.offset) == (1, 1, 2)
    assert [key for key, _ in routed(outputs, "classifications")] == [b"article-2"]
    assert len(harness.predictor.asked) == 1


def test_a_revision_that_moves_before_the_first_week_takes_its_facts_back_and_comes_again(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    harness.stage = harness.new_stage(since="2017-W31")
    inside, outside = article(1), article(1, published="2016-01-01T00:00:00Z")
    facts = routed(harness.run(article_record(0, inside)), "signals")
    gone = routed(harness.run(article_record(1, outside)), "signals")
    assert gone == [(key, None) for key, _ in facts]
    assert routed(harness.run(article_record(2, inside)), "signals") == facts


def test_revisions_within_one_batch_leave_what_each_in_a_batch_of_its_own_would(tmp_path: Path) -> None:
    inside, outside = article(1), article(1, published="2016-01-01T00:00:00Z")
    harness = Harness(tmp_path)
    harness.stage = harness.new_stage(since="2017-W31")
    outputs = harness.run(article_record(0, inside), article_record(1, outside))
    assert not [value for _, value in routed(outputs, "signals") if value is not None]
    assert (progress_of(outputs).classified, progress_of(outputs).skipped) == (1, 1)


def test_a_tally_of_before_there_were_editions_is_read() -> None:
    old = b'{"partition":0,"offset":42,"classified":40,"duplicates":1,"dead_letters":1,"v":1}'
    assert decode(Progress, old).skipped == 0


class Threads:
    """Stands in for a replay: ready when it is told so."""

    def __init__(self, *, ready: bool) -> None:
        self.ready, self.calls = ready, list[str]()

    def start(self) -> None:
        self.calls.append("start")

    def stop(self, _timeout_seconds: float = 0) -> bool:
        self.calls.append("stop")
        return True

    def status(self) -> Any:
        return SimpleNamespace(is_ready=self.ready)


def held(edition: Edition, *, ready: bool = True) -> Held:
    board = SimpleNamespace(stopping=asyncio.Event())
    figures = SimpleNamespace(collect=lambda: iter(()))
    return Held(edition, cast(Any, board), cast(Any, Threads(ready=ready)), None, cast(Any, figures))


async def until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0)


async def test_the_board_goes_over_when_the_other_edition_has_been_read_and_ends_the_open_streams() -> None:
    live, other, told = held(LIVE), held(B, ready=False), list[str]()
    shelf = EditionShelf(live, lambda _edition: other, lambda edition: told.append(edition.name))
    open_stream = live.board.stopping
    shelf.follow({"live": LIVE, "b": msgspec.structs.replace(B, turn=1)})
    await asyncio.sleep(0)
    assert (shelf.shown, told, shelf.others()) == (live, [], ["b"])
    assert shelf.board("b") is other.board
    cast(Any, other.replay).ready = True
    await until(lambda: shelf.shown is other)
    assert (told, open_stream.is_set(), live.board.stopping.is_set()) == (["b"], True, False)


async def test_a_switch_back_is_shown_at_once_and_a_dropped_edition_is_let_go() -> None:
    live, other = held(LIVE), held(B)
    shelf = EditionShelf(live, lambda _edition: other)
    shelf.follow({"live": LIVE, "b": msgspec.structs.replace(B, turn=1)})
    await until(lambda: shelf.shown is other)
    shelf.follow({"live": msgspec.structs.replace(LIVE, turn=2), "b": msgspec.structs.replace(B, turn=1)})
    await until(lambda: shelf.shown is live)
    shelf.follow({"live": msgspec.structs.replace(LIVE, turn=2)})
    await until(lambda: "stop" in cast(Any, other.replay).calls)
    with pytest.raises(NotFoundError, match="there is no edition 'b'"):
        shelf.named("b")


async def test_metrics_tell_of_the_edition_that_is_shown_alone() -> None:
    shelf = EditionShelf(held(LIVE), lambda _edition: held(B))
    registry_of_board = CollectorRegistry(auto_describe=False)
    registry_of_board.register(shelf)
    shelf.follow({"live": LIVE, "b": B})
    assert registry_of_board.get_sample_value("bellwether_edition_info", {"edition": "live"}) == 1
    assert registry_of_board.get_sample_value("bellwether_edition_info", {"edition": "b"}) is None
