"""`docs/metrics.md`: every metric that a process exposes, with its labels, and nothing that none does."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from streams.metrics import EXEMPLAR_LABEL, article_exemplar
from streams.metrics_page import CLOSED, OPEN, PROCESSES, Entry, Process, metrics_page
from tests.helpers.exposition import make_processes

PROCESS_OF = {"board": "board", "worker": "worker", "ingest": "ingest feeds", "push": "ingest push", "deliver": "deliver"}


def exposed(registry: CollectorRegistry) -> dict[str, tuple[str, set[str]]]:
    """Name -> (type, labels) of the registry's own metrics."""
    found: dict[str, tuple[str, set[str]]] = {}
    for family in registry.collect():
        name = family.name + ("_total" if family.type == "counter" else "")
        labels = {label for sample in family.samples for label in sample.labels if label != "le"}
        if name.startswith("bellwether_"):
            found[name] = (family.type, labels)
    return found


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_the_page_lists_what_a_process_exposes_with_type_and_labels(process: Process) -> None:
    processes = make_processes()
    registry = next(getattr(processes, field) for field, name in PROCESS_OF.items() if name == process.name)
    if process.name == "board":
        for group in process.groups:
            if group.__name__ == "BoardMetrics":
                group(registry)
    listed = {entry.name: (entry.kind, set(entry.labels)) for entry in process.entries()}
    assert exposed(registry) == listed


def all_entries() -> list[Entry]:
    return [entry for process in PROCESSES for entry in process.entries()]


def test_a_metric_is_named_by_its_unit_and_a_counter_ends_in_total() -> None:
    for entry in all_entries():
        assert entry.name.startswith("bellwether_")
        assert entry.name.endswith("_total") == (entry.kind == "counter")
        assert entry.kind != "histogram" or entry.unit == "seconds"
        assert entry.help.endswith(".")


def test_a_label_is_of_a_closed_set_or_says_what_bounds_it() -> None:
    for entry in all_entries():
        for label, values in entry.labels.items():
            assert (values is None) == (label in OPEN)
            if values is not None:
                assert len(values) == len(set(values)) <= 20
    assert not set(OPEN) & set(CLOSED)


def test_series_are_counted_for_a_pair_and_a_histogram_has_its_buckets_sum_and_count() -> None:
    by_name = {entry.name: entry for entry in all_entries()}
    assert by_name["bellwether_signal_stories_total"].series == "15 a pair"
    assert by_name["bellwether_feed_failures"].series == "1 a feed"
    latency = by_name["bellwether_article_to_board_seconds"]
    assert latency.series == str(len(latency.buckets) + 2)


def test_every_process_is_told_with_its_port() -> None:
    page = metrics_page()
    for process in PROCESSES:
        assert f"## {process.name}\n\n`http://127.0.0.1:86" in page
    assert page.count("\n|") > 100


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (b"001501459200000 a-1", {EXEMPLAR_LABEL: "a-1"}),
        (b"", None),
        (b"001501459200000 " + b"x" * 118, {EXEMPLAR_LABEL: "x" * 118}),
        (b"001501459200000 " + b"x" * 119, None),
    ],
)
def test_an_exemplar_names_the_article_unless_its_id_is_longer_than_openmetrics_allows(
    cause: bytes, expected: dict[str, str] | None
) -> None:
    assert article_exemplar(cause) == expected
