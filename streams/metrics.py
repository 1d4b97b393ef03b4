"""Every Prometheus metric, once: its name, meaning, unit and the closed sets that its labels come from.

Processes make the group that they need on a registry of their own. Label values never come from articles: they are codes,
labels, domains, stages and reasons; pairs are bounded by the watchlist.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, start_http_server

from streams.errors import ConfigError
from streams.log import get_logger
from streams.records import DEAD_LETTER_REASONS

log = get_logger("metrics")

STAGE_NAMES = ("classify", "trends")
ARTICLE_OUTCOMES = ("classified", "duplicate", "dead-letter")
PRODUCERS = ("archive", "feeds")
STEPS = ("process", "flush", "commit")
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_LATENCY = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300)


@dataclass(frozen=True, slots=True)
class Family:
    """A family that a collector computes at scrape time."""

    name: str
    help: str
    labels: tuple[str, ...]


TREND_LABELS = ("source", "partner", "domain", "signal")
EXPOSURE_LABELS = ("source", "partner", "domain")
PAIR_LABELS = ("source", "partner")

# Counters carry the absolute count that the facts give. An edit that takes a fact back lowers it, which Prometheus reads as a
# reset; dashboards and alerts therefore use the gauges of the week, and the counters answer "how many in all".
SIGNAL_STORIES = Family("bellwether_signal_stories", "Stories that carry the signal, all weeks.", TREND_LABELS)
SIGNAL_ARTICLES = Family(
    "bellwether_signal_articles", "Articles that carry the signal, all weeks, copies included.", TREND_LABELS
)
EXPOSURE_STORIES = Family(
    "bellwether_exposure_stories", "Stories about the pair, with or without a signal, all weeks.", EXPOSURE_LABELS
)
EXPOSURE_ARTICLES = Family(
    "bellwether_exposure_articles", "Articles about the pair, copies included, all weeks.", EXPOSURE_LABELS
)
WEEK_SIGNAL_STORIES = Family(
    "bellwether_week_signal_stories", "Stories with the signal in the newest week of the pair.", TREND_LABELS
)
WEEK_EXPOSURE_STORIES = Family("bellwether_week_exposure_stories", "Stories about the pair in its newest week.", EXPOSURE_LABELS)
SHARE_RATIO = Family(
    "bellwether_signal_share_ratio", "Stories with the signal as a share of the pair's stories over its newest 13 weeks, 0 to 1; NaN without.", TREND_LABELS
)  # fmt: skip
NEWEST_WEEK_SECONDS = Family(
    "bellwether_pair_newest_week_timestamp_seconds", "Monday of the newest week with news about the pair, Unix time; 0 when there is none.",
    PAIR_LABELS,
)  # fmt: skip
ARTICLES = Family("bellwether_articles", "Articles read from Kafka, by what became of them; exact over crashes.", ("outcome",))
TREND_FAMILIES = (SIGNAL_STORIES, SIGNAL_ARTICLES, EXPOSURE_STORIES, EXPOSURE_ARTICLES, ARTICLES)
WEEK_FAMILIES = (WEEK_SIGNAL_STORIES, WEEK_EXPOSURE_STORIES, SHARE_RATIO, NEWEST_WEEK_SECONDS)

BOARD_PAIRS = Family("bellwether_board_pairs", "Pairs shown: the watched ones and those that appeared by themselves.", ())
BOARD_PAIRS_LEFT_OUT = Family(
    "bellwether_board_pairs_left_out", "Pairs with counts that are over the most that may be shown.", ()
)
BOARD_READY = Family("bellwether_board_ready", "1 when everything that stood on the topics at the start has been read.", ())
BOARD_BROKER_REACHABLE = Family("bellwether_board_broker_reachable", "1 when the broker answered the last time it was asked.", ())
BOARD_EVIDENCE_BYTES = Family("bellwether_board_evidence_bytes", "Evidence kept in memory, as it is kept.", ())
BOARD_RECORDS = Family("bellwether_board_records", "Records replayed.", ("topic",))
BOARD_UNREADABLE = Family("bellwether_board_unreadable_records", "Records replayed that could not be read.", ("topic",))
BOARD_FAMILIES = (
    BOARD_PAIRS, BOARD_PAIRS_LEFT_OUT, BOARD_READY, BOARD_BROKER_REACHABLE, BOARD_EVIDENCE_BYTES, BOARD_RECORDS, BOARD_UNREADABLE,
)  # fmt: skip
BOARD_ROUTES = ("overview", "pair", "fragment", "events", "api", "metrics", "health", "static", "other")


def add_build_info(registry: CollectorRegistry, *, process: str, model: str = "") -> None:
    """`bellwether_build_info`: 1, with the version, the process and the model's version as labels."""
    info = Gauge("bellwether_build_info", "1; the labels say what runs.", ("version", "process", "model"), registry=registry)
    info.labels(version("bellwether"), process, model).set(1)


def add_process_info(registry: CollectorRegistry, *, process: str, model: str = "") -> None:
    """Build info, and the memory, CPU and open files of the process."""
    add_build_info(registry, process=process, model=model)
    ProcessCollector(registry=registry)


def serve_metrics(registry: CollectorRegistry, host: str, port: int, setting: str) -> int:
    """Serves a registry's /metrics from a thread of its own; returns the port.

    Raises:
        ConfigError: if the port is in use, naming the `setting` that changes it.
    """
    try:
        server, _ = start_http_server(port, host, registry=registry)
    except OSError as error:
        raise ConfigError(
            f"the metrics can't be served: {error.strerror}", where=f"{host}:{port}", expected="a free port",
            todo=f"set {setting} to a free port, or to 0",
        ) from error  # fmt: skip
    log.info("metrics_served", host=host, port=server.server_port)
    return int(server.server_port)


class WorkerMetrics:
    """What a worker says of itself; every label set starts at 0."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.batches = Counter("bellwether_batches", "Batches acknowledged.", ("stage",), registry=registry)
        self.records = Counter("bellwether_records", "Records in acknowledged batches.", ("stage",), registry=registry)
        self.outputs = Counter(
            "bellwether_outputs", "Records written and acknowledged by the broker.", ("stage",), registry=registry
        )
        self.dead_letters = Counter("bellwether_dead_letters", "Dead letters written, by reason.", ("reason",), registry=registry)
        self.step_seconds = Histogram(
            "bellwether_batch_step_seconds", "Time of one batch in one step.", ("stage", "step"), buckets=_SECONDS, registry=registry
        )  # fmt: skip
        self.age_seconds = Histogram(
            "bellwether_record_age_seconds", "From a record's writing to its batch's acknowledgement.", ("stage",), buckets=_LATENCY,
            registry=registry,
        )  # fmt: skip
        self.gaps = Counter("bellwether_gaps", "Times that reading had to seek back over a gap.", ("stage",), registry=registry)
        self.rebalances = Counter("bellwether_rebalances", "Assignments of partitions to this worker.", registry=registry)
        self.lag_records = Gauge(
            "bellwether_lag_records", "Records written to the stage's input but not acknowledged.", ("stage",), registry=registry
        )
        for stage in STAGE_NAMES:
            for metric in (self.batches, self.records, self.outputs, self.age_seconds, self.gaps, self.lag_records):
                metric.labels(stage)
            for step in STEPS:
                self.step_seconds.labels(stage, step)
        for reason in DEAD_LETTER_REASONS:
            self.dead_letters.labels(reason)


class BoardMetrics:
    """What the board says of its own work; every label set starts at 0."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.request_seconds = Histogram(
            "bellwether_board_request_seconds", "Time to answer a request; for `events`, to open the stream.", ("route",),
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self.errors = Counter(
            "bellwether_board_errors", "Requests that failed by a fault of the board.", ("route",), registry=registry
        )
        self.streams = Gauge("bellwether_board_streams", "Open streams of events.", registry=registry)
        for route in BOARD_ROUTES:
            self.request_seconds.labels(route)
            self.errors.labels(route)


class IngestMetrics:
    """What a producer says of itself; every label set starts at 0."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.articles = Counter(
            "bellwether_ingested_articles", "Articles acknowledged by the broker.", ("producer",), registry=registry
        )
        self.dead_letters = Counter(
            "bellwether_ingest_dead_letters", "Inputs sent to dead-letters, by reason.", ("producer", "reason"), registry=registry
        )  # fmt: skip
        self.delivery_errors = Counter(
            "bellwether_delivery_errors", "Deliveries that failed at first and were tried again.", ("producer",), registry=registry
        )  # fmt: skip
        self.feed_fetches = Counter(
            "bellwether_feed_fetches", "Feed fetches, by outcome.", ("outcome",), registry=registry
        )  # fmt: skip
        for producer in PRODUCERS:
            self.articles.labels(producer)
            self.delivery_errors.labels(producer)
            for reason in DEAD_LETTER_REASONS:
                self.dead_letters.labels(producer, reason)
        for outcome in FETCH_OUTCOMES:
            self.feed_fetches.labels(outcome)


FETCH_OUTCOMES = ("fresh", "not-modified", "failed")
