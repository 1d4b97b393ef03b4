"""A backup that is taken while articles arrive, a broker that is lost, and a restoration: the counts are those of the node that is gone."""

from __future__ import annotations

import gzip
import json
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from streams import topology
from streams.kafka import embedded
from streams.records import Classification, Signal, decode
from streams.settings import SHIPPED_WATCHLIST
from streams.trends.sealing import as_fact
from tests.helpers.archives import news, write_archive
from tests.helpers.plain_loop import Cell, counts_of
from tests.helpers.stack import Stack, running_stack, wait_for

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

BEFORE, DURING = 300, 300
UNWANTED = [
    {"id": f"unwanted-{number}", "title": "Minsk and Moscow sign a pact", "text": f"Belarus and Russia agreed on unmentionable{number}.",
     "published": "2021-05-04T10:00:00Z", "outlet": "Minsk Courier"} for number in range(2)
]  # fmt: skip


@dataclass
class Moved:
    """A node that was lost and restored; what it counted, and what was said of the two steps."""

    stack: Stack
    backup: Path
    rest: Path
    counts: dict[Cell, tuple[int, int]]
    corrected: str
    kept: dict[str, Any]
    restored: dict[str, Any]


def facts_of(stack: Stack) -> dict[str, Signal]:
    """Key -> the fact, of every fact that stands on `signals` or `sealed`."""
    found: dict[str, Signal] = {}
    for topic in (topology.SEALED, topology.SIGNALS):
        for record in (record for records in stack.records(topic.name).values() for record in records):
            key = (record.key or b"").decode()
            found.pop(key, None)
            if record.value is not None:
                found[key] = as_fact(record.value)
    return found


def corrected_facts(stack: Stack) -> set[str]:
    """Keys of the facts that a person has corrected."""
    return {key for key, fact in facts_of(stack).items() if fact.corrected}


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moved]:
    folder = tmp_path_factory.mktemp("backup")
    items = list(news(BEFORE + DURING))
    first = write_archive(folder / "first.jsonl", [*items[::2][:DURING], *items[2 * DURING :], *UNWANTED])
    rest = write_archive(folder / "rest.jsonl", items[1 : 2 * DURING : 2])
    with running_stack(folder, partitions=2, watchlist=own_watchlist(folder)) as stack:
        stack.run("ingest", "archive", str(first))
        stack.start_worker()
        stack.wait_until_processed(BEFORE + len(UNWANTED))
        assert any(fact.article_id == "unwanted-0" for fact in facts_of(stack).values())
        stack.run("forget", "--article", "unwanted-0", "--article", "unwanted-1", "--json")
        newest = max(facts_of(stack).values(), key=lambda fact: fact.week)
        stack.run("correct", newest.article_id, "--none", "--by", "Ann", "--why", "about a football match")
        wait_for("the correction", lambda: corrected_facts(stack))
        ingest = stack.start("ingest", "ingest", "archive", str(rest), "--rate", "3")
        wait_for("articles that arrive", lambda: sum(stack.progress().values()) > BEFORE + 2 * len(UNWANTED) + 3)
        kept = json.loads(stack.run("backup", "--out", str(folder / "kept"), "--json").stdout)
        assert ingest.poll() is None, "articles were to arrive for as long as the backup took"
        stack.end("ingest", signal.SIGTERM)
        stack.run("ingest", "archive", str(rest))
        stack.wait_until_processed(sum(len(records) for records in stack.records(topology.ARTICLES.name).values()))
        counts = counts_of(stack.trends().values())
        stack.end("worker-1", signal.SIGKILL)
        lose_broker(stack)
        restored = json.loads(stack.run("restore", str(folder / "kept"), "--json").stdout)
        yield Moved(stack, folder / "kept", rest, counts, newest.article_id, kept, restored)


def own_watchlist(folder: Path) -> Path:
    """A list of the node's own, which a backup keeps."""
    return Path(shutil.copy(SHIPPED_WATCHLIST, folder / "watchlist.toml"))


def lose_broker(stack: Stack) -> None:
    """A new broker, with nothing on it; what the worker keeps on its disk stays."""
    stack.kill_kafka()
    own = stack.settings.model_copy(update={"kafka_servers": ""})
    embedded.wipe(own)
    stack.settings = own
    stack.start_kafka()


def test_what_was_restored_is_what_was_kept_and_counts_go_on_from_there_with_nothing_labelled_again(moved: Moved) -> None:
    assert moved.restored["topics"] == moved.kept["topics"]
    assert moved.kept["topics"]["articles"] > BEFORE
    stack = moved.stack
    for topic, count in moved.kept["topics"].items():
        assert sum(len(records) for records in stack.records(topic).values()) == count
    articles = stack.records(topology.ARTICLES.name)
    for partition, records in stack.records(topology.CLASSIFICATIONS.name).items():
        for record in records:
            if record.value is not None:
                place = decode(Classification, record.value).offset
                assert articles[partition][place].key == record.key
    assert counts_of(stack.trends().values()), "the board has the counts before any worker runs"
    stack.start_worker()
    stack.run("ingest", "archive", str(moved.rest))
    came_before = moved.kept["topics"]["articles"] - BEFORE - len(UNWANTED)
    stack.wait_until_processed(BEFORE + DURING + came_before + 2 * len(UNWANTED))
    assert counts_of(stack.trends().values()) == moved.counts
    assert any(moved.corrected in key for key in corrected_facts(stack))
    came = BEFORE + len(UNWANTED) + DURING
    assert stack.progress() == {"classified": came, "duplicates": came_before, "dead_letters": 0, "forgotten": len(UNWANTED)}


def test_a_forgotten_article_is_in_no_file_and_does_not_come_back(moved: Moved) -> None:
    files = b"".join(gzip.decompress(path.read_bytes()) for path in moved.backup.glob("*.gz"))
    assert b"unmentionable" not in files
    assert b"Minsk Courier" not in files
    assert not any("unwanted" in key for key in facts_of(moved.stack))


def test_lists_are_kept_and_a_watchlist_that_stands_is_left_alone(moved: Moved) -> None:
    [watchlist] = [one for one in moved.restored["files"] if one["role"] == "watchlist"]
    assert watchlist == {"role": "watchlist", "path": str(moved.stack.settings.watchlist), "was_there": True}
    assert (moved.backup / "beside" / "watchlist" / "watchlist.toml").read_bytes() == moved.stack.settings.watchlist.read_bytes()


def test_a_broker_that_holds_records_is_not_restored_to(moved: Moved) -> None:
    before = moved.stack.records(topology.FEEDS.name), moved.stack.records(topology.SEALED.name)
    again = moved.stack.run("restore", str(moved.backup), ok=False)
    assert (again.returncode, "the target holds records already" in again.stderr) == (1, True)
    assert (moved.stack.records(topology.FEEDS.name), moved.stack.records(topology.SEALED.name)) == before
