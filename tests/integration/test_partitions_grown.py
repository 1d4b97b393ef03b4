"""Partitions that are added to topics with data: nothing counts on with them, and the reason and the way out are said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, NewPartitions  # type: ignore[attr-defined]  # public, and not marked as exported

from deploy.cluster.move import move
from streams import topology
from streams.corrections.writing import CorrectionTopics, CorrectionWriter
from streams.errors import KafkaError
from streams.kafka.sink import partition_of
from streams.records import Correction, correction_key
from tests.helpers.archives import news, write_archive
from tests.helpers.stack import Stack, running_stack, wait_for

pytestmark = [pytest.mark.long, pytest.mark.kafka, pytest.mark.timeout(300)]

ARTICLES = 120


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, int]]:
    """A stack whose topics were grown from 4 to 12 partitions under a running worker, and that worker's exit code."""
    folder = tmp_path_factory.mktemp("grown")
    with running_stack(folder) as stack:
        worker = stack.start_worker()
        stack.run("ingest", "archive", str(write_archive(folder / "news.jsonl", list(news(ARTICLES)))))
        wait_for("articles", lambda: sum(stack.progress().values()) > 0)
        admin = AdminClient({"bootstrap.servers": stack.settings.kafka_servers})
        for future in admin.create_partitions([NewPartitions(spec.name, 12) for spec in topology.TOPICS]).values():
            future.result(30)
        wait_for("the end of the worker", lambda: worker.poll() is not None, seconds=120)
        yield stack, int(worker.returncode)


def test_a_worker_that_runs_ends_when_it_is_given_a_partition_that_was_added(grown: tuple[Stack, int]) -> None:
    stack, code = grown
    assert code == 1
    said = (stack.folder / "worker-1.log").read_text(encoding="utf-8")
    assert "partitions were added while this process ran" in said
    assert "docs/scaling.md" in said


def test_a_worker_does_not_start_when_the_partitions_differ_from_the_setting(grown: tuple[Stack, int]) -> None:
    stack, _ = grown
    done = stack.run("worker", ok=False)
    assert done.returncode == 1
    assert "articles: 12 partitions, expected 4" in done.stderr
    assert "docs/scaling.md, 'More partitions'" in done.stderr


def test_nor_when_the_setting_was_grown_with_them(grown: tuple[Stack, int]) -> None:
    stack, _ = grown
    own = stack.settings
    stack.settings = own.model_copy(update={"partitions": 12})
    try:
        done = stack.run("worker", ok=False)
    finally:
        stack.settings = own
    assert done.returncode == 1
    assert "another number of partitions than 12" in done.stderr
    assert "docs/scaling.md, 'More partitions'" in done.stderr


def test_the_check_of_the_topics_says_the_same(grown: tuple[Stack, int]) -> None:
    stack, _ = grown
    done = stack.run("topics", "--check", ok=False)
    assert done.returncode == 1
    assert "classifications: 12 partitions, expected 4" in done.stdout


def test_what_was_moved_to_twelve_partitions_is_whole_in_its_places_and_counted_there(
    grown: tuple[Stack, int], tmp_path: Path
) -> None:  # fmt: skip
    stack, _ = grown
    said = Correction(
        article_id="article-7", pair="BLR-RUS", labels=["hedging"], digest="d" * 32, by="Ann", why="so", at="2017-08-04T10:00:00Z"
    )  # fmt: skip
    CorrectionWriter(stack.settings, CorrectionTopics()).write([said])
    with running_stack(tmp_path, partitions=12) as other:
        counts = move(stack.settings, other.settings)
        # Beside its article, not where its own key would put it.
        [home] = [number for number, records in other.records(topology.CORRECTIONS.name).items() if records]
        assert (home, counts[topology.AUDIT.name]) == (partition_of(b"article-7", 12), 1)
        assert home != partition_of(correction_key("BLR-RUS", "article-7"), 12)
        moved = other.records(topology.ARTICLES.name)
        assert counts[topology.ARTICLES.name] == sum(len(records) for records in moved.values()) == ARTICLES
        assert all(partition_of(record.key or b"", 12) == number for number, records in moved.items() for record in records)
        with pytest.raises(KafkaError, match="holds records already"):
            move(stack.settings, other.settings)
        other.start_worker()
        other.wait_until_processed(ARTICLES)
        assert other.progress()["classified"] == ARTICLES
