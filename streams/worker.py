"""The worker process: its stages, their state, Faust, and an end with a reason.

Exit codes: 0 after SIGTERM or SIGINT, 1 after a failure of broker, disk or model. The stop has a deadline: what is not done by
then is read again by whoever takes the partitions over.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import uvloop
from confluent_kafka import Producer
from prometheus_client import CollectorRegistry

from streams import topology
from streams.cause import first_written, passed_on
from streams.classify.memory import SCHEMA as MEMORY_SCHEMA
from streams.classify.memory import ArticleMemory, Known
from streams.classify.stage import ClassifyStage
from streams.clock import utc_now
from streams.corrections.lookup import Lookup
from streams.editions.registry import edition_of_worker
from streams.errors import EXIT_FAILED, BellwetherError, KafkaError, StateError
from streams.kafka.clients import bulk_consumer, point_consumer, transactional_producer
from streams.kafka.places import check_places
from streams.kafka.reading import await_decided, first_offset, read_to_end, topic_identities
from streams.kafka.rights import check_rights
from streams.kafka.sink import KafkaSink, partition_of
from streams.kafka.topics import TopicSpec, compare_topics, trim
from streams.log import get_logger
from streams.metrics import WorkerMetrics, add_edition_info, add_process_info, serve_metrics
from streams.records import Article, home_key, split_pair
from streams.runner import StageRunner, describe_failure
from streams.settings import LIVE, Settings
from streams.stage import InputRecord, Stage
from streams.standing.stage import BreaksStage
from streams.standing.weeks import SCHEMA as WEEKS_SCHEMA
from streams.standing.weeks import WeekStore
from streams.state import PartitionStore, ReadTail
from streams.trends.facts import SCHEMA as FACTS_SCHEMA
from streams.trends.facts import Cell, FactStore
from streams.trends.stage import TrendsStage
from streams.watchlist import Watchlist

if TYPE_CHECKING:
    from models.predict import Predictor

log = get_logger("worker")


class Recovery:
    """Opens the local state of partitions, brought up to date from Kafka."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._name = partial(topology.name_in, settings)
        # One consumer for each stage: each runs in a thread of its own, and a consumer belongs to one.
        self._consumers = {
            spec.name: bulk_consumer(
                settings, f"{settings.scope}-{settings.worker_id}-{spec.name}-recovery", tells_end=True, wait_ms=10
            )
            for spec in topology.STAGES
        }
        self._askers = {
            spec.name: bulk_consumer(settings, f"{settings.scope}-{settings.worker_id}-{spec.name}-ends", committed=False)
            for spec in topology.STAGES
        }
        owned = (topology.CLASSIFICATIONS, topology.CORRECTIONS, topology.SIGNALS, topology.SEALED, topology.TRENDS)
        self._origins = topic_identities(settings, [self._name(spec) for spec in owned])
        point = point_consumer(settings, f"{settings.scope}-{settings.worker_id}-corrected")
        self._lookup = Lookup(self._consumers["classify"], point, topology.ARTICLES.name, self._name(topology.CLASSIFICATIONS))

    def _read(self, stage: str, spec: TopicSpec, partition: int) -> ReadTail:
        return lambda start: self._read_all(stage, spec, partition, start)

    def _read_all(self, stage: str, spec: TopicSpec, partition: int, start: int) -> Iterator[list[InputRecord]]:
        """Whatever was written before, also behind a transaction of another stage's partition that is open still."""
        topic = self._name(spec)
        await_decided(self._consumers[stage], self._askers[stage], topic, partition)
        yield from read_to_end(self._consumers[stage], topic, partition, start)

    def open_memory(self, partition: int) -> ArticleMemory:
        """The classify stage's memory of a partition."""
        store = self._store("classify", partition, MEMORY_SCHEMA, topology.CLASSIFICATIONS, topology.CORRECTIONS)
        home = partition_of(str(partition).encode(), self._settings.partitions)
        read_classifications = self._read("classify", topology.CLASSIFICATIONS, partition)
        read_progress = self._read("classify", topology.PROGRESS, home)
        read_corrections = self._read("classify", topology.CORRECTIONS, partition)
        return ArticleMemory(store, partition, read_classifications, read_progress, read_corrections)

    def read_articles(self, partition: int, places: Mapping[str, Known]) -> Mapping[str, Article]:
        """Articles of a partition again, by where they were classified from; for the classify stage alone."""
        return self._lookup.revisions(partition, places)

    def open_facts(self, partition: int) -> FactStore:
        """The trends stage's facts of a partition."""
        signals, sealed = topology.SIGNALS, topology.SEALED
        return FactStore(
            self._store("trends", partition, FACTS_SCHEMA, signals, sealed),
            self._read("trends", signals, partition),
            lambda: self._standing(partition),
            self._read("trends", sealed, partition),
            lambda: first_offset(self._consumers["trends"], self._name(signals), partition),
        )

    def trim_signals(self, partition: int, before: int) -> None:
        """Gives up facts that are sealed. It saves room and nothing depends on it: what fails now is done another time."""
        topic = self._name(topology.SIGNALS)
        try:
            trim(self._settings, topic, partition, before)
        except BellwetherError as error:
            log.warning("topic_not_trimmed", topic=topic, partition=partition, reason=describe_failure(error))

    def _standing(self, partition: int) -> set[Cell]:
        """What stands on `trends` of the pairs whose facts live in a partition of `signals`."""
        standing: set[Cell] = set()
        for number in range(self._settings.partitions):
            for chunk in self._read_all("trends", topology.TRENDS, number, 0):
                for record in chunk:
                    pair, _, week = (record.key or b"").decode("utf-8", "replace").partition("|")
                    if partition_of(home_key(*split_pair(pair)), self._settings.partitions) == partition:
                        (standing.discard if record.value is None else standing.add)(Cell(pair, week))
        return standing

    def open_weeks(self, partition: int) -> WeekStore:
        """The breaks stage's weeks of a partition."""
        store = self._store("breaks", partition, WEEKS_SCHEMA, topology.TRENDS)
        return WeekStore(store, self._read("breaks", topology.TRENDS, partition))

    def read_said(self, partition: int) -> Iterator[tuple[bytes, bytes]]:
        """What stands on `breaks` of the pairs whose weeks are in a partition of `trends`: both are partitioned by the pair."""
        newest: dict[bytes, bytes] = {}
        for chunk in self._read("breaks", topology.BREAKS, partition)(0):
            for record in chunk:
                if record.value is None:
                    newest.pop(record.key or b"", None)
                else:
                    newest[record.key or b""] = record.value
        return iter(newest.items())

    def _store(self, stage: str, partition: int, schema: str, *topics: TopicSpec) -> PartitionStore:
        path: Path = self._settings.state_dir / f"{stage}-{partition}.sqlite"
        origins = "+".join(self._origins[self._name(topic)] for topic in topics)
        return PartitionStore(path, schema, origin=f"{origins}/{partition}/{self._settings.partitions}")


def check_topics(settings: Settings) -> None:
    """Refuses to start on topics that are missing, differ or are not granted: Faust would wait for ever, or count wrongly.

    Raises:
        KafkaError: naming them.
    """
    report = compare_topics(settings, topology.topics_of(settings))
    if not report.is_fine:
        raise KafkaError(
            "The topics are not ready:\n    " + "\n    ".join(report.faults(settings)), where=settings.kafka_servers,
            expected="what `bellwether topics` lists",
            todo=report.todo,
        )  # fmt: skip
    needed = {topology.name_in(settings, spec): {"READ"} for spec in topology.read_by_worker()}
    for name in (topology.name_in(settings, spec) for spec in topology.written_by_worker()):
        needed[name] = {*needed.get(name, ()), "WRITE"}
    check_rights(settings, needed, topology.worker_group(settings))
    with closing(bulk_consumer(settings, f"{settings.scope}-{settings.worker_id}-places", tells_end=True)) as consumer:
        check_places(consumer, topology.name_in(settings, topology.CLASSIFICATIONS), settings.partitions)


def build_stages(
    settings: Settings, watchlist: Watchlist, predictor: Predictor, recovery: Recovery, *, since: str = ""
) -> dict[str, Stage]:
    """The stages by name; `since` is the first ISO week that is counted, empty for all."""
    classify = ClassifyStage(
        predictor, recovery.open_memory, recovery.read_articles, max_dead_in_a_row=settings.max_dead_letters_in_a_row, since=since
    )
    lateness = timedelta(hours=settings.allowed_lateness_hours)
    breaks = BreaksStage(recovery.open_weeks, recovery.read_said, lateness)
    trends = TrendsStage(watchlist, recovery.open_facts, seal_after_weeks=settings.seal_after_weeks, trim=recovery.trim_signals)
    return {"classify": classify, "trends": trends, "breaks": breaks}


def stage_sink(settings: Settings, spec: topology.StageSpec) -> KafkaSink:
    """Where a stage writes: for each partition of its input under a transactional id that all workers of the group share."""
    client_id = f"{settings.scope}-{settings.worker_id}-{spec.name}"

    def make_producer(partition: int) -> Producer:
        return transactional_producer(settings, client_id, f"{settings.scope}-{spec.name}-{partition}")

    topics = {route: topology.name_in(settings, topic) for route, topic in spec.writes.items()}
    sink = KafkaSink(spec.name, make_producer, topics, settings.partitions)
    sink.connect()
    return sink


def run_worker(settings: Settings, watchlist: Watchlist, load_model: Callable[[], Predictor]) -> NoReturn:
    """Runs until SIGTERM, SIGINT or a failure, and ends the process with its exit code."""
    with ThreadPoolExecutor(1, "model") as background:
        # The model's libraries take longer to load than everything else; connections, which are nothing but waiting, are made meanwhile.
        loading = background.submit(load_model)
        check_topics(settings)
        _make_state_dir(settings)
        recovery = Recovery(settings)
        sinks = {spec.name: stage_sink(settings, spec) for spec in topology.STAGES}
        predictor = loading.result()
    since = edition_of_worker(settings, predictor.version).since
    registry = CollectorRegistry()
    metrics = WorkerMetrics(registry)
    add_process_info(registry, process="worker", model=predictor.version)
    add_edition_info(registry, settings.edition or LIVE)
    serve_metrics(registry, settings.metrics_host, settings.worker_metrics_port, "BELLWETHER_WORKER_METRICS_PORT")
    stages = build_stages(settings, watchlist, predictor, recovery, since=since)
    _leave(_run_to_the_end(_Worker(settings, stages, sinks, metrics)))


def _run_to_the_end(worker: _Worker) -> int:
    try:
        return uvloop.new_event_loop().run_until_complete(worker.run())
    except BaseException as error:  # noqa: BLE001 - whatever it is, the process must end with its reason, not hang in a clean-up
        log.error("worker_failed", reason=describe_failure(error))
        return EXIT_FAILED


def _make_state_dir(settings: Settings) -> None:
    try:
        # Faust wants a folder of its own even where it keeps nothing, and its parent must exist.
        settings.state_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StateError(
            f"the local state can't be written: {error.strerror}",
            where=str(settings.state_dir),
            expected="a writable directory",
            todo="free space or rights, or set BELLWETHER_DATA_DIR",
        ) from error


def _leave(code: int) -> NoReturn:
    """Ends the process at once: a thread that hangs on a dead broker must not hold the end up, and nothing is lost by leaving it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


class _Worker:
    """One run of the worker's event loop."""

    def __init__(
        self, settings: Settings, stages: Mapping[str, Stage], sinks: Mapping[str, KafkaSink], metrics: WorkerMetrics
    ) -> None:
        self._settings = settings
        self._stages = stages
        self._sinks = sinks
        self._metrics = metrics
        self._stop = asyncio.Event()
        self._failure: BaseException | None = None

    def _fail(self, error: BaseException) -> None:
        self._failure = self._failure or error
        self._stop.set()

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        runners = {name: self._runner(name, stage) for name, stage in self._stages.items()}
        app = topology.build_app(self._settings, runners, on_failure=self._fail)
        await app.start()
        log.info("worker_started", worker=self._settings.worker_id, group=self._settings.scope)
        crash = asyncio.ensure_future(self._watch(app, list(runners.values())))
        await self._stop.wait()
        crash.cancel()
        self._set_deadline()
        await self._end(app)
        if self._failure is not None:
            log.error("worker_failed", reason=describe_failure(self._failure))
            return EXIT_FAILED
        log.info("worker_stopped")
        return 0

    def _set_deadline(self) -> None:
        """Makes sure of the end: what waits for a dead broker may not even answer to its cancellation."""
        deadline = threading.Timer(self._settings.stop_timeout_seconds + 1.0, _leave, (EXIT_FAILED,))
        deadline.daemon = True
        deadline.start()

    def _runner(self, name: str, stage: Stage) -> StageRunner:
        spec = next(spec for spec in topology.STAGES if spec.name == name)
        cause_of = first_written if spec.reads is topology.ARTICLES else passed_on
        return StageRunner(stage, self._sinks[name], self._metrics, self._fail, cause_of=cause_of)

    async def _watch(self, app: topology.BellwetherApp, runners: list[StageRunner]) -> None:
        """Follows Faust's own health and the lag, and lets stages do what they postponed."""
        while True:
            await asyncio.sleep(0.5)
            if app.crash_reason is not None:
                self._fail(app.crash_reason)
            for stage, records in topology.lag_by_stage(app).items():
                self._metrics.lag_records.labels(stage).set(records)
            for stage, seconds in topology.lag_seconds_by_stage(app, utc_now()).items():
                self._metrics.lag_seconds.labels(stage).set(seconds)
            for runner in runners:
                runner.do_postponed()

    async def _end(self, app: topology.BellwetherApp) -> None:
        try:
            await asyncio.wait_for(app.stop(), self._settings.stop_timeout_seconds)
        except TimeoutError:
            log.warning("stop_cut_short", after_seconds=self._settings.stop_timeout_seconds)
        except Exception as error:  # noqa: BLE001 - a dead broker makes Faust's stop fail in many ways; the end comes all the same
            log.warning("stop_failed", reason=describe_failure(error))
