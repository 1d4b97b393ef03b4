"""One large run of the whole stream: what it takes on disk and in memory, and how long a lost disk takes to be rebuilt."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from streams import topology
from streams.kafka import embedded
from tests.bench import loads
from tests.bench.children import peak_rss_bytes
from tests.bench.field import Field, Worker, fact_meta, wait_until
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
        articles=articles, facts=field.ends(topology.SIGNALS.name), topic_bytes=logs, state_bytes=states, peak_rss_bytes=memory
    )  # fmt: skip


def _recover(field: Field) -> Recovery:
    facts = field.ends(topology.SIGNALS.name)
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
