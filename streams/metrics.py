"""Every Prometheus metric, once: its name, meaning, unit and the closed sets that its labels come from.

Processes make the group that they need on a registry of their own. Label values never come from articles: they are codes,
labels, domains, stages and reasons; pairs are bounded by the watchlist.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from platform import python_version
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, start_http_server

from streams.errors import ConfigError
from streams.log import get_logger
from streams.records import DEAD_LETTER_REASONS

log = get_logger("metrics")

STAGE_NAMES = ("classify", "trends", "breaks")
ARTICLE_OUTCOMES = ("classified", "duplicate", "dead-letter", "forgotten")
PRODUCERS = ("archive", "feeds", "push")
STEPS = ("process", "flush", "commit")
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_LATENCY = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300)


#: From an article's writing to the board's showing what it changed. A bucket ends at `FRESH_SECONDS`, which the objective counts by.
FRESH_SECONDS = 30
_ARTICLE_TO_BOARD = (0.25, 0.5, 1, 2, 5, 10, FRESH_SECONDS, 60, 300, 1_800, 3_600)


@dataclass(frozen=True, slots=True)
class Family:
    """A family that a collector computes at scrape time. A counter's series end in `_total`, which its name does not."""

    name: str
    help: str
    labels: tuple[str, ...]
    kind: Literal["gauge", "counter"] = "gauge"


TREND_LABELS = ("source", "partner", "domain", "signal")
EXPOSURE_LABELS = ("source", "partner", "domain")
PAIR_LABELS = ("source", "partner")

# Counters carry the absolute count that the facts give. An edit that takes a fact back lowers it, which Prometheus reads as a
# reset; dashboards and alerts therefore use the gauges of the week, and the counters answer "how many in all".
SIGNAL_STORIES = Family("bellwether_signal_stories", "Stories that carry the signal, all weeks.", TREND_LABELS, "counter")
SIGNAL_ARTICLES = Family(
    "bellwether_signal_articles", "Articles that carry the signal, all weeks, copies included.", TREND_LABELS, "counter"
)
EXPOSURE_STORIES = Family(
    "bellwether_exposure_stories", "Stories about the pair, with or without a signal, all weeks.", EXPOSURE_LABELS, "counter"
)
EXPOSURE_ARTICLES = Family(
    "bellwether_exposure_articles", "Articles about the pair, copies included, all weeks.", EXPOSURE_LABELS, "counter"
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
TREND_STATUS = Family(
    "bellwether_trend_status", "1 for the status of the signal after the last closed week, all domains together; 0 for the others.",
    ("source", "partner", "signal", "status"),
)  # fmt: skip
TREND_PERSISTENCE = Family(
    "bellwether_trend_persistence_ratio", "Probability that the status still holds so many weeks on, 0 to 1; NaN without a closed week.",
    ("source", "partner", "signal", "weeks"),
)  # fmt: skip
TREND_EARLY_WORD = Family(
    "bellwether_trend_early_word_ratio", "Probability that a running week is out of the ordinary, where it is said; else 0.",
    ("source", "partner", "signal"),
)  # fmt: skip
BREAK_ACTIVE = Family(
    "bellwether_trend_break_active", "1 while the signal is broken: a young break, most of which holds.", TREND_LABELS
)
BREAK_REPORTED = Family(
    "bellwether_trend_break_reported",
    "1 for an active break that is reported when all pairs are looked at together.",
    TREND_LABELS,
)
# The number of breaks that stand in the records: a restart does not change it; a late article may take one back.
BREAKS = Family("bellwether_trend_breaks", "Breaks of the signal so far.", TREND_LABELS, "counter")
BREAK_SIZE = Family("bellwether_trend_break_size_ratio", "Of an active break: share after / share before.", TREND_LABELS)
BREAK_SIZE_LOW = Family(
    "bellwether_trend_break_size_low_ratio", "Of an active break: lower end of the size's 90 % interval.", TREND_LABELS
)
BREAK_SIZE_HIGH = Family(
    "bellwether_trend_break_size_high_ratio", "Of an active break: upper end of the size's 90 % interval.", TREND_LABELS
)
BREAK_PROBABILITY = Family(
    "bellwether_trend_break_probability_ratio", "Of an active break: that there is one, 0 to 1.", TREND_LABELS
)
BREAK_START_SECONDS = Family(
    "bellwether_trend_break_start_timestamp_seconds", "Of an active break: Monday of its first week, Unix time.", TREND_LABELS
)
JUDGED_WEEK_SECONDS = Family(
    "bellwether_pair_judged_week_timestamp_seconds", "Monday of the pair's last closed week, Unix time; 0 when none is closed.",
    PAIR_LABELS,
)  # fmt: skip
STATUS_NAMES = ("too-sparse", "emerging", "stable", "strengthening", "weakening", "broken")
PERSISTENCE_WEEKS = ("4", "8")
STANDING_FAMILIES = (TREND_STATUS, TREND_PERSISTENCE, TREND_EARLY_WORD, BREAK_ACTIVE, BREAK_REPORTED, BREAKS, JUDGED_WEEK_SECONDS)
ACTIVE_BREAK_FAMILIES = (BREAK_SIZE, BREAK_SIZE_LOW, BREAK_SIZE_HIGH, BREAK_PROBABILITY, BREAK_START_SECONDS)
ARTICLES = Family(
    "bellwether_articles",
    "Articles read from Kafka, by what became of them; forgotten: erased. Exact over crashes.",
    ("outcome",),
    "counter",
)
TREND_FAMILIES = (SIGNAL_STORIES, SIGNAL_ARTICLES, EXPOSURE_STORIES, EXPOSURE_ARTICLES, ARTICLES)
WEEK_FAMILIES = (WEEK_SIGNAL_STORIES, WEEK_EXPOSURE_STORIES, SHARE_RATIO, NEWEST_WEEK_SECONDS)

BOARD_PAIRS = Family("bellwether_board_pairs", "Pairs shown: the watched ones and those that appeared by themselves.", ())
BOARD_PAIRS_LEFT_OUT = Family(
    "bellwether_board_pairs_left_out", "Pairs with counts that are over the most that may be shown.", ()
)
BOARD_READY = Family("bellwether_board_ready", "1 when everything that stood on the topics at the start has been read.", ())
BOARD_BROKER_REACHABLE = Family("bellwether_board_broker_reachable", "1 when the broker answered the last time it was asked.", ())
BOARD_CORRECTED = Family("bellwether_board_corrected_articles", "Articles whose labels people have corrected, as it stands.", ())
BOARD_EVIDENCE_BYTES = Family("bellwether_board_evidence_bytes", "Evidence kept in memory, as it is kept.", ())
BOARD_RECORDS = Family("bellwether_board_records", "Records replayed.", ("topic",), "counter")
BOARD_UNREADABLE = Family(
    "bellwether_board_unreadable_records", "Records replayed that could not be read.", ("topic",), "counter"
)
BOARD_FAMILIES = (
    BOARD_PAIRS, BOARD_PAIRS_LEFT_OUT, BOARD_READY, BOARD_BROKER_REACHABLE, BOARD_CORRECTED, BOARD_EVIDENCE_BYTES, BOARD_RECORDS, BOARD_UNREADABLE,
)  # fmt: skip
#: A feed's name comes from the feed list, which is bounded; of more feeds than `MOST_FEED_SERIES` only the totals are exposed.
MOST_FEED_SERIES = 2_000
FEEDS = Family("bellwether_feeds", "Feeds of the list, by how they are.", ("state",))
FEED_SUCCESS_SECONDS = Family(
    "bellwether_feed_last_success_timestamp_seconds", "Last good fetch, Unix time; 0 before the first.", ("feed",)
)
FEED_NEWEST_SECONDS = Family(
    "bellwether_feed_newest_timestamp_seconds", "Newest publication in the feed that is not in the future, Unix time; 0 when none is known.",
    ("feed",),
)  # fmt: skip
FEED_SILENT_AT_SECONDS = Family(
    "bellwether_feed_silent_at_timestamp_seconds",
    "When the feed counts as silent, by its own past, its weekends left out, unless something comes before; Unix time; +Inf for never.",
    ("feed",),
)  # fmt: skip
FEED_FAILURES = Family("bellwether_feed_failures", "Fetches that failed since the last good one.", ("feed",))
FEED_INTERVAL_SECONDS = Family("bellwether_feed_interval_seconds", "Time between two good fetches, before jitter.", ("feed",))
FEED_LAG_SECONDS = Family(
    "bellwether_feed_lag_seconds", "From publication to arrival of new entries, smoothed; NaN when none came yet.", ("feed",)
)
FEED_NEW = Family(
    "bellwether_feed_new_articles", "New articles that the feed ever brought; exact over restarts.", ("feed",), "counter"
)
FEED_OVERDUE_SECONDS = Family("bellwether_feed_overdue_seconds", "How late the feed is that has waited longest for its turn.", ())
EACH_FEED_FAMILIES = (
    FEED_SUCCESS_SECONDS, FEED_NEWEST_SECONDS, FEED_SILENT_AT_SECONDS, FEED_FAILURES, FEED_INTERVAL_SECONDS, FEED_LAG_SECONDS,
)  # fmt: skip

#: What the board asks the broker for, every quarter of a minute; without an answer there is none of it.
KAFKA_BROKERS = Family("bellwether_kafka_brokers", "Brokers that the cluster has.", ())
KAFKA_PARTITIONS = Family("bellwether_kafka_topic_partitions", "Partitions of the topic.", ("topic",))
KAFKA_LEADERLESS = Family(
    "bellwether_kafka_topic_leaderless_partitions", "Partitions without a leader: nothing can be written to or read from them.", ("topic",)
)  # fmt: skip
KAFKA_UNDER_REPLICATED = Family(
    "bellwether_kafka_topic_under_replicated_partitions",
    "Partitions with fewer copies in step than they should have.",
    ("topic",),
)
KAFKA_OFFSETS = Family(
    "bellwether_kafka_topic_offsets",
    "Offsets ever given out on the topic: its records, and a marker for each transaction.",
    ("topic",),
    "counter",
)
KAFKA_SPAN = Family(
    "bellwether_kafka_topic_span_offsets", "Offsets from the beginning to the end of the topic, those that compaction took among them.",
    ("topic",),
)  # fmt: skip
KAFKA_BYTES = Family(
    "bellwether_kafka_topic_bytes", "What the topic takes on the brokers' disks, every copy counted.", ("topic",)
)
KAFKA_GROUP_LAG = Family(
    "bellwether_kafka_group_lag_records", "Records of the topic that the workers' group has not committed, as the broker sees it.", ("topic",)
)  # fmt: skip
KAFKA_GROUP_MEMBERS = Family("bellwether_kafka_group_members", "Members of the workers' group.", ())
KAFKA_SURVEYED_SECONDS = Family(
    "bellwether_kafka_surveyed_timestamp_seconds",
    "When the broker last answered all of this, Unix time; 0 before the first time.",
    (),
)
KAFKA_DISK_BYTES = Family("bellwether_kafka_disk_bytes", "Size of the fullest of the brokers' disks.", ())
KAFKA_DISK_USABLE_BYTES = Family("bellwether_kafka_disk_usable_bytes", "Of that disk, what the broker may still write.", ())
KAFKA_TOPIC_FAMILIES = (
    KAFKA_PARTITIONS, KAFKA_LEADERLESS, KAFKA_UNDER_REPLICATED, KAFKA_OFFSETS, KAFKA_SPAN, KAFKA_BYTES, KAFKA_GROUP_LAG,
)  # fmt: skip
KAFKA_FAMILIES = (
    KAFKA_SURVEYED_SECONDS, KAFKA_BROKERS, KAFKA_GROUP_MEMBERS, KAFKA_DISK_BYTES, KAFKA_DISK_USABLE_BYTES, *KAFKA_TOPIC_FAMILIES,
)  # fmt: skip

#: Not a label of every figure: the board tells of the edition that is shown alone, so that no sum counts two (docs/replay.md).
EDITION_INFO = Family(
    "bellwether_edition_info", "1; the label says which edition a worker writes, or the board shows.", ("edition",)
)

BOARD_ROUTES = (
    "overview", "pair", "article", "breaks", "breaks-feed", "bulletins", "bulletin", "feeds", "about", "fragment", "events", "api", "metrics", "health", "static",
    "correction", "login", "logout", "editions", "other",
)  # fmt: skip


def add_build_info(registry: CollectorRegistry, *, process: str, model: str = "") -> None:
    """`bellwether_build_info`: 1, with the version, the process, the model's version and Python's as labels."""
    labels = ("version", "process", "model", "python")
    info = Gauge("bellwether_build_info", "1; the labels say what runs.", labels, registry=registry)
    info.labels(version("bellwether"), process, model, python_version()).set(1)


def add_edition_info(registry: CollectorRegistry, edition: str) -> None:
    """`EDITION_INFO` of a process that works on one edition for as long as it runs."""
    Gauge(EDITION_INFO.name, EDITION_INFO.help, EDITION_INFO.labels, registry=registry).labels(edition).set(1)


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


EXEMPLAR_LABEL = "article_id"
#: OpenMetrics allows an exemplar so many characters, its names counted.
_EXEMPLAR_CHARS = 128


def article_exemplar(cause: bytes) -> dict[str, str] | None:
    """The exemplar that names the article of a cause (see `streams.cause`); None without one, or where its id is too long for one."""
    _, _, article = cause.decode("utf-8", "replace").partition(" ")
    return {EXEMPLAR_LABEL: article} if 0 < len(article) <= _EXEMPLAR_CHARS - len(EXEMPLAR_LABEL) else None


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
        self.lag_seconds = Gauge(
            "bellwether_lag_seconds", "Age of the oldest record that was read but not acknowledged; 0 when none waits.", ("stage",),
            registry=registry,
        )  # fmt: skip
        self.postponed = Gauge(
            "bellwether_postponed_items",
            "What a stage left for later: corrected articles (classify), facts of old weeks to seal (trends), pairs to judge again (breaks).",
            ("stage",), registry=registry,
        )  # fmt: skip
        for stage in STAGE_NAMES:
            for metric in (
                self.batches,
                self.records,
                self.outputs,
                self.age_seconds,
                self.gaps,
                self.lag_records,
                self.lag_seconds,
                self.postponed,
            ):
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


class FreshnessMetrics:
    """How old news is when the board shows it. Separate from `BoardMetrics` because the replay has it, and not the application."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.article_to_board_seconds = Histogram(
            "bellwether_article_to_board_seconds",
            "From the writing of an article to `articles` to the count on the board that it changed; of a batch, its oldest article.",
            buckets=_ARTICLE_TO_BOARD, registry=registry,
        )  # fmt: skip


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


class FeedMetrics:
    """What `ingest feeds` says of its work beyond `IngestMetrics`; every label set starts at 0."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.entries_read = Counter("bellwether_feed_entries_read", "Entries of the documents that were read.", registry=registry)
        self.entries = Counter(
            "bellwether_feed_entries", "What became of them: the outcomes add up to those read.", ("outcome",), registry=registry
        )
        self.errors = Counter(
            "bellwether_feed_errors", "Fetches that failed, by the class of the error.", ("kind",), registry=registry
        )
        self.full_texts = Counter(
            "bellwether_feed_full_texts", "Articles of feeds with full_text, by what became of their pages.", ("outcome",), registry=registry
        )  # fmt: skip
        self.fetch_seconds = Histogram(
            "bellwether_feed_fetch_seconds", "Time of a good fetch, from its host's turn to the last byte.", buckets=_SECONDS, registry=registry
        )  # fmt: skip
        self.delivery_seconds = Histogram(
            "bellwether_feed_delivery_seconds", "From the last byte of a document with news to the broker's acknowledgement of all of it.",
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        for outcome in ENTRY_OUTCOMES:
            self.entries.labels(outcome)
        for kind in FEED_ERROR_KINDS:
            self.errors.labels(kind)
        for outcome in FULL_TEXT_OUTCOMES:
            self.full_texts.labels(outcome)


class PushMetrics:
    """What push says of itself; every label set starts at 0.

    Items of a body that can't be read as JSON are not counted, since nobody can tell how many there are.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter("bellwether_push_requests", "Requests answered, by status.", ("status",), registry=registry)
        self.items = Counter(
            "bellwether_push_items", "Items received: taken, rejected (no article), withheld (good, in a request that was not taken).",
            ("outcome",), registry=registry,
        )  # fmt: skip
        self.request_seconds = Histogram(
            "bellwether_push_request_seconds", "Time from a request's head to its answer, by whether it was taken.", ("taken",),
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self.bytes_in_work = Gauge("bellwether_push_in_work_bytes", "Bytes of bodies not acknowledged yet.", registry=registry)
        self.connections = Gauge("bellwether_push_connections", "Open connections.", registry=registry)
        self.tokens = Gauge("bellwether_push_tokens", "Tokens that are good.", registry=registry)
        for status in PUSH_STATUSES:
            self.requests.labels(status)
        for outcome in PUSH_OUTCOMES:
            self.items.labels(outcome)
        for taken in ("yes", "no"):
            self.request_seconds.labels(taken)


class DeliveryMetrics:
    """What `deliver` says of the bulletins that it sends; every label set starts at 0."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.deliveries = Counter(
            "bellwether_deliveries", "Attempts to deliver a bulletin, by kind of target: sent, failed (tried again), refused, given-up.",
            ("kind", "outcome"), registry=registry,
        )  # fmt: skip
        self.waiting = Gauge(
            "bellwether_deliveries_waiting", "Deliveries that failed and are tried again.", ("kind",), registry=registry
        )
        self.last_success_seconds = Gauge(
            "bellwether_delivery_last_success_timestamp_seconds", "When a target of the kind last took a bulletin, Unix time; 0 for never.",
            ("kind",), registry=registry,
        )  # fmt: skip
        self.last_round_seconds = Gauge(
            "bellwether_delivery_last_round_timestamp_seconds",
            "When it was last looked whether a week is due, Unix time.",
            registry=registry,
        )
        for kind in DELIVERY_KINDS:
            self.waiting.labels(kind)
            self.last_success_seconds.labels(kind)
            for outcome in DELIVERY_OUTCOMES:
                self.deliveries.labels(kind, outcome)


DELIVERY_KINDS = ("file", "mail", "webhook", "feed")
DELIVERY_OUTCOMES = ("sent", "failed", "refused", "given-up")
PUSH_OUTCOMES = ("taken", "rejected", "withheld")
PUSH_STATUSES = ("200", "202", "400", "401", "404", "405", "408", "413", "415", "422", "429", "500", "503", "other")

FETCH_OUTCOMES = ("fresh", "not-modified", "failed")
FULL_TEXT_OUTCOMES = (
    "taken", "long-enough", "no-address", "disallowed", "unreachable", "no-page", "paywall", "no-text", "another-text", "put-off",
)  # fmt: skip
ENTRY_OUTCOMES = ("new", "revision", "duplicate", "rejected")
FEED_STATES = ("waiting", "good", "failing", "gone", "off")
FEED_ERROR_KINDS = (
    "timeout", "connection", "forbidden-address", "redirect", "too-large", "encoding", "protocol", "gone", "busy", "client-error",
    "server-error", "not-a-feed", "fault",
)  # fmt: skip
