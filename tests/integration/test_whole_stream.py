"""The main job, whole: an archive in, counts out, on a real Kafka; against a recount by another way.

In CI the whole archive of real news is played where it is at hand; elsewhere a tenth of it, or the sample, multiplied.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from models.labels import DOMAINS, LABELS
from models.predict import Predictor
from streams.watchlist import load_watchlist
from tests.helpers.archives import as_articles, news, write_archive
from tests.helpers.plain_loop import Cell, Truth, counts_of, recount
from tests.helpers.stack import Stack, fetch, running_stack, wait_for

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(900)]

#: The whole archive takes minutes: with TEST_FULL_ARCHIVE=1.
ARTICLES = 79_638 if os.environ.get("TEST_FULL_ARCHIVE") else 8_000
BROKEN = ["not json at all", '{"title": 3}', "[1, 2]", '{"id": "empty", "title": " ", "text": ""}', '{"id": "cut"']


class Played:
    """What one run of the stream over an archive left behind."""

    def __init__(self, stack: Stack, items: list[dict[str, Any]], report: dict[str, Any], address: str, seconds: float) -> None:
        self.stack = stack
        self.report = report
        self.address = address
        self.seconds = seconds
        started = time.monotonic()
        self.truth: Truth = recount(as_articles(items), Predictor.load(encoder=False))
        self.plain_loop_seconds = time.monotonic() - started
        self.metrics = fetch(f"{address}/metrics")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("whole")
    items = list(news(ARTICLES))
    archive = write_archive(folder / "news.jsonl", items)
    with archive.open("a", encoding="utf-8") as file:
        file.write("\n".join(BROKEN) + "\n")
    with running_stack(folder) as stack:
        address = stack.start_board()
        started = time.monotonic()
        worker = stack.start_worker()
        report = json.loads(stack.run("ingest", "archive", "--json", str(archive)).stdout)
        stack.wait_until_processed(len(items), seconds=600)
        seconds = time.monotonic() - started
        wait_for("the board to have read everything", lambda: board_counts(address) >= len(items))
        peaks = {name: peak_megabytes(process.pid) for name, process in stack.processes.items()}
        run = Played(stack, items, report, address, seconds)
        print(f"\n{len(items)} articles in {seconds:.1f} s = {len(items) / seconds:.0f}/s, producing included;")
        print(f"the plain loop over the same stages: {len(items) / run.plain_loop_seconds:.0f}/s; peak memory: {peaks}")
        assert worker.poll() is None
        yield run


def peak_megabytes(pid: int) -> int:
    """The most memory that a process has held, in MB; 0 where the system does not tell."""
    status = Path(f"/proc/{pid}/status")
    found = re.search(r"VmHWM:\s+(\d+)", status.read_text()) if status.exists() else None
    return int(found.group(1)) // 1024 if found else psutil.Process(pid).memory_info().rss // 2**20


def board_counts(address: str) -> int:
    return int(json.loads(fetch(f"{address}/api/v1/progress"))["articles"]["read"])


def samples(text: str, name: str) -> dict[tuple[str, ...], float]:
    """Label values (sorted by label name) -> value of one metric."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name:
                found[tuple(value for _, value in sorted(sample.labels.items()))] = sample.value
    return found


def test_every_line_is_accounted_for_to_the_unit(played: Played) -> None:
    assert played.report["read"] == ARTICLES + len(BROKEN)
    assert played.report["published"] == ARTICLES
    assert sum(played.report["dead_letters"].values()) == len(BROKEN)
    progress = played.stack.progress()
    assert progress["classified"] == played.truth.distinct
    assert sum(progress.values()) == ARTICLES


def test_a_line_that_is_no_article_is_a_dead_letter_with_file_line_and_reason(played: Played) -> None:
    letters = {letter["where"].rsplit(":", 1)[-1]: letter for letter in played.stack.dead_letters()}
    expected = {str(ARTICLES + number): line for number, line in enumerate(BROKEN, 1)}
    assert set(letters) == set(expected)
    assert all(letters[number]["content"] == line for number, line in expected.items())
    assert {letter["reason"] for letter in letters.values()} == {"not-json", "not-an-article"}
    assert all("news.jsonl" in letter["where"] for letter in letters.values())


def shown(played: Played) -> set[str]:
    watchlist = load_watchlist(played.stack.settings.watchlist)
    enough = watchlist.discover_min_stories
    return set(watchlist.keys) | {pair for pair, stories in played.truth.labelled_stories().items() if stories >= enough}


def test_every_week_of_every_shown_pair_equals_the_plain_loop(played: Played) -> None:
    expected = played.truth.counts(shown(played))
    assert counts_of(played.stack.trends().values()) == expected
    assert sum(articles for (_, _, _, label), (_, articles) in expected.items() if label) > 20


def totals(counts: dict[Cell, tuple[int, int]], index: int) -> dict[tuple[str, ...], float]:
    """(domain, partner, signal, source) -> sum over the weeks, the way /metrics has it."""
    found: dict[tuple[str, ...], float] = {}
    for (pair, _, domain, label), pair_of_counts in counts.items():
        source, partner = pair.split("-")
        key = (domain, partner, label, source) if label else (domain, partner, source)
        found[key] = found.get(key, 0) + pair_of_counts[index]
    return found


@pytest.mark.parametrize(("metric", "index"), [("stories", 0), ("articles", 1)])
def test_the_metrics_equal_the_plain_loop(played: Played, metric: str, index: int) -> None:
    expected = totals(played.truth.counts(shown(played)), index)
    signals = samples(played.metrics, f"bellwether_signal_{metric}_total")
    exposure = samples(played.metrics, f"bellwether_exposure_{metric}_total")
    exported = {(key[1], key[-1]) for key in exposure}
    for key, value in expected.items():
        if (key[1], key[-1]) in exported:
            assert (signals if len(key) == 4 else exposure)[key] == value
    assert sum(signals.values()) == sum(v for k, v in expected.items() if len(k) == 4 and (k[1], k[-1]) in exported)


def test_every_watched_pair_has_every_cell_from_the_start(played: Played) -> None:
    signals = samples(played.metrics, "bellwether_signal_stories_total")
    for pair in load_watchlist(played.stack.settings.watchlist).pairs:
        for domain in ("all", *DOMAINS):
            assert all((domain, pair.partner, label.value, pair.source) in signals for label in LABELS)


def test_the_exported_pairs_are_bounded_by_the_watchlist(played: Played) -> None:
    watchlist = load_watchlist(played.stack.settings.watchlist)
    pairs = {(key[1], key[-1]) for key in samples(played.metrics, "bellwether_exposure_stories_total")}
    assert len(pairs) <= len(watchlist.pairs) + watchlist.discover_max_pairs


def test_the_metrics_say_what_became_of_the_articles(played: Played) -> None:
    exported = samples(played.metrics, "bellwether_articles_total")
    assert exported[("classified",)] == played.truth.distinct
    assert sum(exported.values()) == ARTICLES


def test_the_trends_command_prints_what_stands_on_the_stream(played: Played) -> None:
    lines = played.stack.run("trends", "--json", "--pair", "BLR-RUS").stdout.splitlines()
    found = [json.loads(line) for line in lines]
    assert {row["pair"] for row in found} <= {"BLR-RUS"}
    assert [row["week"] for row in found] == sorted(row["week"] for row in found)
    expected = {week for (pair, week, _, _) in played.truth.articles if pair == "BLR-RUS"}
    assert {row["week"] for row in found} == expected
