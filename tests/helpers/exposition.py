"""What each process exposes on /metrics, without the process: registries as the processes make them, with a small history."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from prometheus_client import CollectorRegistry

from deploy.prometheus.objectives import FRESHNESS
from models.labels import LABELS
from streams.board.broker import BrokerWatch
from streams.board.exporter import BoardCollector
from streams.board.model import BoardModel
from streams.board.status import ReplayStatus
from streams.clock import utc_now
from streams.ingest.book import FeedBook
from streams.ingest.feed_record import FeedRecord
from streams.ingest.feeds import Feed
from streams.kafka.survey import Disk, Survey, TopicFigures
from streams.metrics import (
    BoardMetrics,
    DeliveryMetrics,
    FeedMetrics,
    FreshnessMetrics,
    IngestMetrics,
    PushMetrics,
    WorkerMetrics,
    add_edition_info,
    add_process_info,
)
from streams.records import ALL_DOMAINS, Count, Progress, Trend, encode, trend_key
from streams.settings import SHIPPED_WATCHLIST, Settings
from streams.watchlist import load_watchlist
from tests.helpers.standings import a_break, a_standing, standing_record

READY = ReplayStatus(alive=True, caught_up=True)


@dataclass(slots=True)
class Processes:
    """A board over a filled model, a worker, two producers and deliveries: a registry for each."""

    model: BoardModel
    board: CollectorRegistry
    worker: CollectorRegistry
    ingest: CollectorRegistry
    push: CollectorRegistry
    deliver: CollectorRegistry


def make_trend(source: str, partner: str, week: str, *, stories: int, about: int) -> Trend:
    """A pair's week in which `about` stories are about the pair, and `stories` of them carry each of the signals."""
    counts = {label.value: {ALL_DOMAINS: Count(stories, stories), "security": Count(stories, stories)} for label in LABELS}
    exposure = {ALL_DOMAINS: Count(about, about), "security": Count(about, about)}
    return Trend(source=source, partner=partner, week=week, exposure=exposure, counts=counts, evidence={})


def make_feed_book() -> FeedBook:
    """One feed that was read, and one that fails."""
    now = utc_now()
    read = FeedRecord(asked=now, last_success=now, newest=now, lag_seconds=60.0)
    book = FeedBook({"https://courier.invalid/rss": read, "https://ledger.invalid/rss": FeedRecord(asked=now, failures=3)})
    book.set_feeds([Feed("https://courier.invalid/rss", "Courier"), Feed("https://ledger.invalid/rss", "Ledger")])
    return book


def make_broker_watch() -> BrokerWatch:
    """What the board tells of a broker with one topic that the workers read and one that they do not."""
    watch = BrokerWatch(Settings(), ("articles", "sealed"), "bellwether-worker")
    articles = TopicFigures(partitions=4, leaderless=0, under_replicated=0, written=120, span=100, bytes=54_000, lag=3)
    sealed = TopicFigures(partitions=4, leaderless=0, under_replicated=0, written=9, span=9, bytes=1_000, lag=None)
    disk = Disk(total=10**11, usable=6 * 10**10)
    watch.take(Survey(brokers=1, members=1, disk=disk, topics={"articles": articles, "sealed": sealed}))
    return watch


def make_processes() -> Processes:
    """The five processes; BLR-RUS has 3 of 8 stories with each signal in 2017-W31, its newest week, and broke in cooperation."""
    model = BoardModel(load_watchlist(SHIPPED_WATCHLIST))
    for trend in (
        make_trend("BLR", "RUS", "2017-W30", stories=1, about=2),
        make_trend("BLR", "RUS", "2017-W31", stories=3, about=8),
        make_trend("ARM", "RUS", "2017-W29", stories=2, about=4),
    ):
        model.apply_trend(trend_key(f"{trend.source}-{trend.partner}", trend.week), encode(trend))
    for standing in (a_standing(status="broken", breaks=[a_break()]), a_standing(signal="hedging", status="weakening")):
        model.apply_standing(*standing_record(standing))
    model.apply_progress(b"0", encode(Progress(partition=0, offset=20, classified=17, duplicates=2, dead_letters=1)))
    board, worker, ingest, push, deliver = (CollectorRegistry(auto_describe=False) for _ in range(5))
    topics = {"trends": 3, "breaks": 2, "progress": 1}
    board.register(BoardCollector(model, lambda: READY, records=lambda: topics, unreadable=lambda: dict.fromkeys(topics, 0)))
    FreshnessMetrics(board)
    board.register(make_broker_watch())
    WorkerMetrics(worker)
    FeedMetrics(ingest)
    IngestMetrics(ingest)
    ingest.register(make_feed_book())
    PushMetrics(push)
    IngestMetrics(push)
    delivered = DeliveryMetrics(deliver)
    delivered.last_success_seconds.labels("mail").set_to_current_time()
    delivered.last_round_seconds.set_to_current_time()
    named = (("board", board), ("worker", worker), ("ingest", ingest), ("push", push), ("deliver", deliver))
    for registry in (board, worker):
        add_edition_info(registry, "live")
    for process, registry in named:
        add_process_info(registry, process=process)
    return Processes(model, board, worker, ingest, push, deliver)


@lru_cache(maxsize=1)
def exposed_samples() -> dict[str, list[dict[str, str]]]:
    """Name of every series that some process exposes -> the label sets under it."""
    processes = make_processes()
    BoardMetrics(processes.board)
    found: dict[str, list[dict[str, str]]] = {}
    for registry in (processes.board, processes.worker, processes.ingest, processes.push, processes.deliver):
        for family in registry.collect():
            for sample in family.samples:
                found.setdefault(sample.name, []).append(dict(sample.labels))
    return found


#: What `rules.yml` records.
RECORDED = frozenset(FRESHNESS.recorded(window) for window in FRESHNESS.windows)
_SELECTOR = re.compile(r"\b([a-z_:][a-z0-9_:]*)\{([^}]*)\}")
_MATCHER = re.compile(r'([a-z_]+)\s*(=~|!~|!=|=)\s*"([^"]*)"')


@dataclass(frozen=True, slots=True)
class Selector:
    """One selector of a query: the metric, and (label, operator, value) of each matcher."""

    metric: str
    matchers: tuple[tuple[str, str, str], ...]


def find_selectors(query: str) -> Iterator[Selector]:
    """Every selector of a query. All of the project's have braces, since all name the job."""
    for metric, matchers in _SELECTOR.findall(query):
        yield Selector(metric, tuple(_MATCHER.findall(matchers)))


def unmatched_reason(selector: Selector, samples: dict[str, list[dict[str, str]]]) -> str:
    """Why no process exposes what a selector asks for; empty when one does. What the scrape or a recording rule adds is left out."""
    if selector.metric == "up" or selector.metric in RECORDED:
        return ""
    if selector.metric not in samples:
        return f"no process exposes {selector.metric}"
    fixed = [(label, value) for label, operator, value in selector.matchers if operator == "=" and "$" not in value]
    wanted = {label: value for label, value in fixed if label not in {"job", "instance", "component"}}
    if any(wanted.items() <= labels.items() for labels in samples[selector.metric]):
        return ""
    return f"no series of {selector.metric} has {wanted}"
