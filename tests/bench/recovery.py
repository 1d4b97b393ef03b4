"""One large run of the whole stream: what it takes on disk and in memory, and how long a lost disk takes to be rebuilt.

`python -m tests.bench.recovery --facts 1000000` rebuilds so many facts, which are written straight to `signals`.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from streams import topology
from streams.kafka import embedded
from streams.kafka.clients import bulk_producer
from tests.bench import loads
from tests.bench.children import peak_rss_bytes
from tests.bench.field import Field, Worker, fact_meta, open_field, wait_until
from tests.bench.job import SIGNALS, Job, Written
from tests.bench.ours import marks, wait_for_counts
from tests.bench.results import Footprint, Recovery


def measure(field: Field, *, articles: int) -> tuple[Footprint, Recovery]:
    """Runs so many articles, then takes the worker's disk away."""
    field.renew(loads.records(articles))
    board, worker = field.start_board(), field.start_worker()
    for _ in marks(field, articles):
        pass
    wait_for_counts(field, board)
    footprint = _footprint(field, worker, board, articles)
    field.stack.end("worker-1")
    shutil.rmtree(field.settings.state_dir)
    recovery = _recover(field)
    field.end_processes()
    return footprint, recovery


def _footprint(field: Field, worker: Worker, board: Worker, articles: int) -> Footprint:
    broker = embedded.status(field.settings.model_copy(update={"kafka_servers": ""}))
    logs = {spec.name: _topic_bytes(broker.data_dir, spec.name, field.settings.partitions) for spec in topology.TOPICS}
    states = {stage.name: _state_bytes(field.settings.state_dir, stage.name) for stage in topology.STAGES}
    memory = {"worker": peak_rss_bytes(worker.pid), "board": peak_rss_bytes(board.pid)}
    if broker.pid is not None:
        memory["Kafka"] = peak_rss_bytes(broker.pid)
    return Footprint(
        articles=articles, facts=field.records(topology.SIGNALS.name), topic_bytes=logs, state_bytes=states, peak_rss_bytes=memory
    )  # fmt: skip


def _recover(field: Field) -> Recovery:
    facts = field.records(topology.SIGNALS.name)
    started = time.perf_counter()
    field.start_worker()
    answered = time.perf_counter()
    wait_until("the first store", lambda: any(store.exists() for store in field.fact_stores()))
    begun = time.perf_counter()
    wait_until(
        "every store to be whole", lambda: all(fact_meta(store, "whole") == "yes" for store in field.fact_stores()), pause=0.05
    )
    end = time.perf_counter()
    return Recovery(
        facts=facts, start_seconds=answered - started, joining_seconds=begun - answered, rebuilding_seconds=end - begun
    )


def _topic_bytes(data: Path, topic: str, partitions: int) -> int:
    return sum(
        file.stat().st_size for partition in range(partitions) for file in data.glob(f"**/{topic}-{partition}/*.log") if file.is_file()
    )  # fmt: skip


def _state_bytes(folder: Path, stage: str) -> int:
    return sum(file.stat().st_size for file in folder.glob(f"{stage}-*.sqlite*"))


def rebuild(field: Field, *, facts: int) -> Recovery:
    """Writes so many facts to `signals`, and lets a worker with nothing take them in."""
    field.renew(())
    producer = bulk_producer(field.settings, "bench-facts")
    for fact in itertools.islice(_endless_facts(field.settings.partitions), facts):
        while True:
            try:
                producer.produce(fact.topic, fact.value, fact.key, partition=fact.partition)
                break
            except BufferError:
                producer.poll(0.1)
    producer.flush(120)
    recovery = _recover(field)
    field.end_processes()
    return recovery


def _endless_facts(partitions: int) -> Iterator[Written]:
    """The facts of 10,000 articles, and then again under other ids."""
    job, values = Job(partitions, encoder=False), [value for _, value in loads.records(10_000)]
    first = [
        fact for start in range(0, len(values), 512) for fact in job.records(values[start : start + 512]) if fact.topic == SIGNALS
    ]  # fmt: skip
    yield from first
    for number in itertools.count(1):
        suffix = f"-{number}".encode()
        for fact in first:
            article = fact.key.partition(b"|")[2]
            value = fact.value.replace(b'"article_id":"' + article, b'"article_id":"' + article + suffix, 1)
            yield Written(fact.topic, fact.key + suffix, value, fact.partition)


def main() -> None:
    """Prints what a rebuild took."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.recovery", description=__doc__)
    parser.add_argument("--facts", type=int, nargs="+", default=[100_000], help="how many facts")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="bellwether-bench-") as folder,
        open_field(Path(folder), batch=512, worker_batch=256) as field,
    ):
        for facts in options.facts:
            done = rebuild(field, facts=facts)
            print(
                f"{done.facts:,} facts: {done.start_seconds:.1f} s to start, {done.joining_seconds:.1f} s to join, "
                f"{done.rebuilding_seconds:.1f} s to rebuild"
            )


if __name__ == "__main__":
    main()
