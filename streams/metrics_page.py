"""`docs/metrics.md`, made from `streams.metrics` itself: names, types, units, labels with their bounds, and where each is served."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from models.labels import DOMAINS, LABELS
from streams import metrics, topology
from streams.records import ALL_DOMAINS
from streams.settings import PREFIX, Settings

#: What ends a name -> its unit, the longest ending first.
_UNITS = (
    ("_timestamp_seconds", "Unix time in seconds"), ("_seconds", "seconds"), ("_bytes", "bytes"), ("_ratio", "ratio"),
    ("_ready", "1 or 0"), ("_reachable", "1 or 0"), ("_active", "1 or 0"), ("_reported", "1 or 0"), ("_status", "1 or 0"), ("_info", "1"),
)  # fmt: skip
#: The values that a label of a computed family has; those of the others are read from their series, which are all there from the start.
CLOSED: Mapping[str, tuple[str, ...]] = {
    "domain": (ALL_DOMAINS, *DOMAINS),
    "signal": tuple(str(label) for label in LABELS),
    "status": metrics.STATUS_NAMES,
    "weeks": metrics.PERSISTENCE_WEEKS,
    "state": metrics.FEED_STATES,
    "outcome": metrics.ARTICLE_OUTCOMES,
    "topic": tuple(topic.name for topic in topology.TOPICS),
}
#: What bounds a label whose values are not known beforehand.
OPEN: Mapping[str, str] = {
    "source": "codes of states and blocs, as in the watchlist; pairs: the watched ones, and at most `max_pairs` of the watchlist besides",
    "partner": "see `source`",
    "feed": f"names of the feed list, the first {metrics.MOST_FEED_SERIES:,} of it",
    "version": "one: Bellwether's",
    "process": "one: what the process is",
    "model": "one: the version of the model in use; empty where there is none",
    "python": "one: Python's version",
    "edition": "one: the edition that a worker writes, or that the board shows",
}
_PAIR, _FEED = frozenset({"source", "partner"}), frozenset({"feed"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One metric as its row says it. `series` is for each pair or feed where there are such labels; `buckets` only of a histogram."""

    name: str
    kind: str
    help: str
    labels: Mapping[str, tuple[str, ...] | None]
    buckets: tuple[str, ...] = ()

    @property
    def unit(self) -> str:
        """By the ending of the name."""
        return next((unit for ending, unit in _UNITS if self.name.removesuffix("_total").endswith(ending)), "count")

    @property
    def series(self) -> str:
        """How many series there are at most."""
        each = math.prod(len(values) for values in self.labels.values() if values) * (
            len(self.buckets) + 2 if self.buckets else 1
        )
        if set(self.labels) >= _PAIR:
            return f"{each} a pair"
        return f"{each} a feed" if set(self.labels) >= _FEED else str(each)


@dataclass(frozen=True, slots=True)
class Process:
    """What one process exposes: groups of metrics of its own, and families that a collector computes."""

    name: str
    port_field: str
    groups: Sequence[Callable[[CollectorRegistry], object]]
    families: Sequence[metrics.Family] = ()

    def entries(self) -> list[Entry]:
        """Every metric, in the order of its name."""
        registry = CollectorRegistry()
        metrics.add_build_info(registry, process=self.name)
        for group in self.groups:
            group(registry)
        return sorted((*_registered(registry), *map(_computed, self.families)), key=lambda entry: entry.name)


PROCESSES: tuple[Process, ...] = (
    Process(
        "board", "board_port", (metrics.BoardMetrics, metrics.FreshnessMetrics),
        (
            *metrics.TREND_FAMILIES, *metrics.WEEK_FAMILIES, *metrics.STANDING_FAMILIES, *metrics.ACTIVE_BREAK_FAMILIES,
            *metrics.BOARD_FAMILIES, *metrics.KAFKA_FAMILIES, metrics.EDITION_INFO,
        ),
    ),
    Process("worker", "worker_metrics_port", (metrics.WorkerMetrics,), (metrics.EDITION_INFO,)),
    Process(
        "ingest feeds", "ingest_metrics_port", (metrics.IngestMetrics, metrics.FeedMetrics),
        (metrics.FEEDS, metrics.FEED_OVERDUE_SECONDS, metrics.FEED_NEW, *metrics.EACH_FEED_FAMILIES),
    ),
    Process("ingest push", "push_metrics_port", (metrics.IngestMetrics, metrics.PushMetrics)),
    Process("deliver", "delivery_metrics_port", (metrics.DeliveryMetrics,)),
)  # fmt: skip


def _registered(registry: CollectorRegistry) -> Iterator[Entry]:
    for family in registry.collect():
        suffix = "_total" if family.type == "counter" else ""
        values: dict[str, dict[str, None]] = {}
        samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
        for sample in samples:
            for label, value in sample.labels.items():
                values.setdefault(label, {})[value] = None
        buckets = tuple(values.pop("le", ()))
        labels = {label: None if label in OPEN else tuple(found) for label, found in values.items()}
        yield Entry(family.name + suffix, family.type, family.documentation, labels, buckets)


def _computed(family: metrics.Family) -> Entry:
    suffix = "_total" if family.kind == "counter" else ""
    return Entry(family.name + suffix, family.kind, family.help, {label: CLOSED.get(label) for label in family.labels})


def metrics_page() -> str:
    """The text of `docs/metrics.md`."""
    sections = [_section(process) for process in PROCESSES]
    return "\n\n".join([_HEAD, *sections, _labels_section()]) + "\n"


_HEAD = f"""# Metrics

What each process says of itself at `/metrics`, in the Prometheus text format, or in OpenMetrics where the scraper asks for it (Prometheus
does). This page is made by `bellwether docs` from `streams/metrics.py`; `promtool check metrics` finds nothing to say about any of it.

- **No label comes from an article.** Values are codes, stages, reasons and names of the lists that you write; how many series there can
  be stands beside each metric. Every series of a closed set is there from the start, at 0.
- **Exemplars.** In OpenMetrics, buckets of `bellwether_article_to_board_seconds` and `bellwether_record_age_seconds` carry the
  `{metrics.EXEMPLAR_LABEL}` of the newest article that fell into them (`curl -H 'Accept: application/openmetrics-text' ...`). Prometheus
  keeps them with `--enable-feature=exemplar-storage`; the data source of Grafana links them to the article.
- **Counters of trends may fall**, because an edit takes counts back: no `rate()` of `bellwether_signal_*` and `bellwether_exposure_*`.
- Each process has `process_*` (memory, CPU, open files) besides. What the alerts make of all this: [alerts.md](alerts.md)."""


def _section(process: Process) -> str:
    port = Settings.model_fields[process.port_field].default
    entries = process.entries()
    rows = ["| metric | type | unit | labels | series | meaning |", "| --- | --- | --- | --- | ---: | --- |"]
    for entry in entries:
        labels = ", ".join(f"`{label}`" for label in entry.labels)
        rows.append(f"| `{entry.name}` | {entry.kind} | {entry.unit} | {labels} | {entry.series} | {entry.help} |")
    buckets = [f"`{entry.name}` has buckets up to {', '.join(entry.buckets)}." for entry in entries if entry.buckets]
    head = f"## {process.name}\n\n`http://127.0.0.1:{port}/metrics` (`{PREFIX}{process.port_field.upper()}`)\n"
    return "\n".join([head, *rows, *(["", *buckets] if buckets else [])])


def _labels_section() -> str:
    """Each label with its values; one that has others in another metric has a row for each."""
    found: dict[tuple[str, tuple[str, ...] | None], list[str]] = {}
    for entry in (entry for process in PROCESSES for entry in process.entries()):
        for label, values in entry.labels.items():
            names = found.setdefault((label, values), [])
            names += [entry.name] if entry.name not in names else []
    rows = ["## Labels", "", "| label | values | of |", "| --- | --- | --- |"]
    for (label, values), names in sorted(found.items(), key=lambda item: (item[0][0], item[1])):
        shown = OPEN[label] if values is None else ", ".join(f"`{value}`" for value in values)
        of = f"{len(names)} metrics" if len(names) > 3 else ", ".join(f"`{name}`" for name in names)
        rows.append(f"| `{label}` | {shown} | {of} |")
    return "\n".join(rows)
