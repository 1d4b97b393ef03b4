"""The field that all run on: one embedded Kafka, whose topics are made anew and filled before each run."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from streams import topology
from streams.kafka.clients import bulk_consumer, bulk_producer
from streams.kafka.reading import read_to_end
from streams.kafka.sink import partition_of
from streams.kafka.topics import ensure_topics
from streams.settings import Settings, child_environment
from tests.bench.children import BenchError, start_process
from tests.bench.meter import Task
from tests.helpers.stack import Stack, answers, fetch, free_port, running_stack

PATIENCE_SECONDS = 600.0
#: More ends of transactions than can stand behind the last record of a partition.
MOST_ENDS = 100
_SOURCE, _PARTNER = re.compile(r'source="([^"]*)"'), re.compile(r'partner="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Worker:
    """A process of Bellwether: its id, and where its /metrics are."""

    pid: int
    address: str


@dataclass
class Field:
    """The broker, and a fresh group and fresh topics for each run."""

    stack: Stack
    batch: int
    runs: int = 0
    _asker: Consumer | None = None

    @property
    def settings(self) -> Settings:
        """What is in force for the run at hand."""
        return self.stack.settings

    def renew(self, records: Iterable[tuple[bytes, bytes]]) -> None:
        """Ends what still runs, makes the topics anew, and writes the articles."""
        self.end_processes()
        self.runs += 1
        self.stack.settings = self.settings.model_copy(update={"group": f"bench-{self.runs}"})
        self._remake_topics()
        self.fill(records)

    def _remake_topics(self) -> None:
        admin = AdminClient({"bootstrap.servers": self.settings.kafka_servers})
        names = [spec.name for spec in topology.TOPICS]
        for done in admin.delete_topics(names).values():
            done.result()
        wait_until("the end of the old topics", lambda: not set(names) & set(admin.list_topics(timeout=10).topics))
        ensure_topics(self.settings, topology.TOPICS)

    def fill(self, records: Iterable[tuple[bytes, bytes]]) -> None:
        """Writes articles in bulk and waits until they are acknowledged."""
        producer = bulk_producer(self.settings, "bench-fill")
        for key, value in records:
            while True:
                try:
                    producer.produce(topology.ARTICLES.name, value, key, partition=partition_of(key, self.settings.partitions))
                    break
                except BufferError:
                    producer.poll(0.1)
        if producer.flush(60):
            raise BenchError("the articles could not be written")

    def task(self, articles: int) -> Task:
        """What a contender's process is told of the run at hand."""
        return Task(
            servers=self.settings.kafka_servers, articles=articles, group=f"{self.settings.group}-run", batch=self.batch,
            partitions=self.settings.partitions, folder=str(self.stack.folder), encoder=self.settings.encoder,
        )  # fmt: skip

    def start_worker(
        self, name: str = "worker-1", *, classify_only: bool = False, core: int | None = None, waits: bool = True
    ) -> Worker:  # fmt: skip
        """Starts a worker with both stages, or with the classify stage alone; returns when it answers, if it `waits`."""
        port = free_port()
        environment = child_environment(self.settings, worker_id=name, worker_metrics_port=str(port))
        command = ["tests.bench.classify_worker"] if classify_only else ["streams.cli", "worker"]
        log = self.stack.folder / f"{self.settings.group}-{name}.log"
        process = start_process(command, environment, log, core=core)
        self.stack.processes[name] = process
        address = f"http://127.0.0.1:{port}/metrics"
        if not waits:
            return Worker(process.pid, address)
        wait_until(f"{name} to answer", lambda: _alive(process.poll(), log) and answers(address))
        return Worker(process.pid, address)

    def start_board(self) -> Worker:
        """Starts the board; returns when it answers."""
        address = self.stack.start_board()
        return Worker(self.stack.processes["board"].pid, f"{address}/metrics")

    def end_processes(self) -> None:
        """SIGKILL to all but the broker."""
        for name in list(self.stack.processes):
            self.stack.end(name)

    def ends(self, topic: str) -> int:
        """How many offsets a topic has used up since it was made: one for each record, and one for each end of a transaction."""
        if self._asker is None:
            # Kept, since a new connection takes longer than the answer.
            self._asker = bulk_consumer(self.settings, "bench-ends")
        parts = [TopicPartition(topic, partition) for partition in range(self.settings.partitions)]
        return sum(int(self._asker.get_watermark_offsets(part, timeout=10)[1]) for part in parts)

    def records(self, topic: str) -> int:
        """How many records stand on a topic; reads all of them."""
        return sum(len(found) for found in self.stack.records(topic).values())

    def fact_stores(self, worker: str = "worker-1") -> list[Path]:
        """The files in which a worker's trends stage keeps its facts, one a partition; they may not be there yet."""
        folder = self.settings.data_dir / "state" / self.settings.group / worker
        return [folder / f"trends-{partition}.sqlite" for partition in range(self.settings.partitions)]

    def counted(self) -> int:
        """Up to which offsets of `signals` the worker has counted and committed, summed over the partitions."""
        return sum(int(fact_meta(store, "applied_offset") or 0) for store in self.fact_stores())

    def to_count(self) -> int:
        """The offsets behind the last records of `signals`, summed: behind them there are ends of transactions at most."""
        topic, behind = topology.SIGNALS.name, 0
        with contextlib.closing(bulk_consumer(self.settings, "bench-tail", tells_end=True, wait_ms=10)) as consumer:
            for partition in range(self.settings.partitions):
                _, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
                chunks = list(read_to_end(consumer, topic, partition, max(0, end - MOST_ENDS)))
                behind += chunks[-1][-1].offset + 1 if chunks else 0
        return behind


def fact_meta(path: Path, key: str) -> str:
    """A value that a store of facts holds beside its facts; empty where there is none yet."""
    if not path.exists():
        return ""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
        try:
            rows = store.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchall()
        except sqlite3.OperationalError:
            # Its tables are being made.
            return ""
    return str(rows[0][0]) if rows else ""


def _alive(code: int | None, log: Path) -> bool:
    if code is not None:
        raise BenchError(f"a process ended with code {code}: {log.read_text(encoding='utf-8').strip().splitlines()[-1:]}")
    return True


def wait_until(what: str, condition: Callable[[], object], *, seconds: float = PATIENCE_SECONDS, pause: float = 0.02) -> None:
    """Waits for a truthy answer.

    Raises:
        BenchError: if none came in time.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise BenchError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(pause)


def read_metric(address: str, name: str, labels: str = "") -> float:
    """The sum of a metric's samples whose labels match the regular expression `labels`."""
    pattern = re.compile(rf"^{name}(?:\{{[^}}]*{labels}[^}}]*\}})? (\S+)$", re.MULTILINE)
    return sum(float(value) for value in pattern.findall(fetch(address)))


def fetch_metric_by_pair(address: str, name: str, labels: str = "") -> dict[str, float]:
    """`source-partner` (empty where a sample has no such labels) -> the sum of the samples that contain `labels`."""
    found: dict[str, float] = {}
    for line in fetch(address).splitlines():
        if line.startswith(name + "{") and labels in line:
            source, partner = _SOURCE.search(line), _PARTNER.search(line)
            pair = f"{source[1]}-{partner[1]}" if source and partner else ""
            found[pair] = found.get(pair, 0.0) + float(line.rpartition(" ")[2])
    return found


@contextlib.contextmanager
def open_field(folder: Path, *, batch: int, worker_batch: int, encoder: bool = True) -> Iterator[Field]:
    """A broker in `folder`, ended with everything at the end. All contenders have the model that ships, or all without its encoder."""
    with running_stack(folder, batch_articles=worker_batch, log_level="WARNING", encoder=encoder) as stack:
        yield Field(stack, batch)
