"""Bellwether's own processes, measured from outside: by what they write to `progress`, their /metrics and the board's."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from streams import topology
from streams.kafka.clients import bulk_consumer
from streams.records import Progress, decode
from tests.bench import loads
from tests.bench.children import BenchError, cpu_seconds, peak_rss_bytes
from tests.bench.field import PATIENCE_SECONDS, Field, Worker, read_metric, wait_until
from tests.bench.meter import Measure

#: (when, on the wall clock; articles accounted for by then).
Mark = tuple[float, int]


def marks(field: Field, wanted: int) -> Iterator[Mark]:
    """Every batch as it is accounted for, from the first article to the last.

    Raises:
        BenchError: if they stop coming.
    """
    done: dict[int, int] = {}
    with contextlib.closing(bulk_consumer(field.settings, "bench-progress")) as consumer:
        consumer.assign([TopicPartition(topology.PROGRESS.name, partition, 0) for partition in range(field.settings.partitions)])
        deadline = time.monotonic() + PATIENCE_SECONDS
        while sum(done.values()) < wanted:
            message = consumer.poll(0.2)
            if time.monotonic() > deadline:
                raise BenchError(f"{sum(done.values())} of {wanted} articles after {PATIENCE_SECONDS:g} s")
            if message is None or message.error() is not None:
                continue
            progress = decode(Progress, message.value() or b"")
            done[progress.partition] = progress.classified + progress.duplicates + progress.dead_letters
            yield message.timestamp()[1] / 1000, sum(done.values())


def classify(field: Field, articles: int) -> Measure:
    """One worker with the classify stage alone, all guarantees on; the articles stand on the topic when it starts."""
    field.renew(loads.records(articles))
    worker = field.start_worker(classify_only=True)
    return _watched(field, [worker], articles)


def pinned_workers(field: Field, articles: int, *, cores: list[int]) -> Measure:
    """A worker on each of `cores`, the partitions shared out among them before the first article comes."""
    field.renew(())
    workers = [field.start_worker(f"worker-{core}", classify_only=True, core=core) for core in cores]
    _wait_for_sharing_out(field, len(cores))
    field.fill(loads.records(articles))
    return _watched(field, workers, articles)


def _watched(field: Field, workers: list[Worker], articles: int) -> Measure:
    pids = [worker.pid for worker in workers]
    begin: Mark | None = None
    last, cpu = (0.0, 0), 0.0
    for last in marks(field, articles):
        if begin is None:
            begin, cpu = last, cpu_seconds(pids)
    cpu = cpu_seconds(pids) - cpu
    memory = {f"worker {number}": peak_rss_bytes(pid) for number, pid in enumerate(pids, 1)}
    field.end_processes()
    begin = begin or last
    return Measure(
        articles=last[1] - begin[1], wall_seconds=last[0] - begin[0], cpu_seconds=cpu, peak_rss_bytes=max(memory.values()),
        processes_rss_bytes=memory,
    )  # fmt: skip


def _wait_for_sharing_out(field: Field, members: int) -> None:
    admin = AdminClient({"bootstrap.servers": field.settings.kafka_servers})
    group = f"{field.settings.group}-worker"

    def is_shared_out() -> bool:
        try:
            found = admin.describe_consumer_groups([group])[group].result().members
        except KafkaException:
            # The broker is still finding the group's coordinator.
            return False
        return len(found) == members and all(len(member.assignment.topic_partitions) * members >= 4 for member in found)

    wait_until("the partitions to be shared out", is_shared_out, seconds=90, pause=0.2)


def pipeline(field: Field, articles: int) -> Measure:
    """The whole stream: a worker with both stages, and the board; done when the board has read the last count."""
    field.renew(loads.records(articles))
    board = field.start_board()
    worker = field.start_worker()
    pids = [worker.pid, board.pid]
    begin: Mark | None = None
    cpu = 0.0
    for mark in marks(field, articles):
        if begin is None:
            begin, cpu = mark, cpu_seconds(pids)
    end = wait_for_counts(field, board)
    begin = begin or (end, articles)
    memory = {"worker": peak_rss_bytes(worker.pid), "board": peak_rss_bytes(board.pid)}
    measure = Measure(
        articles=articles - begin[1], wall_seconds=end - begin[0], cpu_seconds=cpu_seconds(pids) - cpu, peak_rss_bytes=memory["worker"],
        facts=field.records(topology.SIGNALS.name), processes_rss_bytes=memory,
    )  # fmt: skip
    field.end_processes()
    return measure


def wait_for_counts(field: Field, board: Worker) -> float:
    """Waits until every fact is counted and the board has read every count; returns when that was, on the wall clock."""
    facts = field.to_count()
    wait_until("the facts to be counted", lambda: field.counted() >= facts)
    trends = field.records(topology.TRENDS.name)
    seen = 'topic="trends"'
    wait_until("the board", lambda: read_metric(board.address, "bellwether_board_records_total", seen) >= trends)
    return time.time()
