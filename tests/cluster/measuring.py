"""What an article costs on the cluster: wall-clock, CPU of workers and of brokers, bytes on each topic and in the state."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from streams import topology
from streams.kafka.clients import admin_client
from tests.cluster.brokers import NODES
from tests.cluster.stack import ClusterStack, running_cluster
from tests.helpers.archives import news, write_archive
from tests.helpers.stack import wait_for

PATIENCE_SECONDS = 900.0


@dataclass(frozen=True)
class Cost:
    """One run; seconds and bytes of an article."""

    workers: int
    articles: int
    wall_seconds: float
    worker_cpu_seconds: float
    broker_cpu_seconds: float
    topic_bytes: dict[str, float]
    state_bytes: float
    exact: bool


def cpu_seconds(pids: list[int]) -> float:
    """CPU time of processes so far, user and system."""
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids)


def topic_bytes(stack: ClusterStack) -> dict[str, int]:
    """Topic -> bytes of one copy, as the brokers tell."""
    own = stack.settings
    board = stack.brokers.credentials / "board.password"
    account = {"kafka_username": "board", "kafka_password": type(own.kafka_password)(board.read_text(encoding="utf-8").strip())}
    found = dict.fromkeys((spec.name for spec in topology.TOPICS), 0)
    with admin_client(own.model_copy(update=account)) as admin:
        for answer in admin.describe_log_dirs():
            for topic in (topic for directory in answer["log_dirs"] for topic in directory["topics"]):
                if topic["name"] in found:
                    found[topic["name"]] += sum(part["partition_size"] for part in topic["partitions"])
    return {name: size // len(NODES) for name, size in found.items()}


def measure(folder: Path, workers: int, articles: int) -> Cost:
    """Lays the articles on the topic, starts the workers, and looks when all is counted."""
    with running_cluster(folder, batch_articles=256) as stack:
        stack.run("ingest", "archive", str(write_archive(folder / "news.jsonl", list(news(articles))[:articles])))
        total = sum(len(records) for records in stack.records(topology.ARTICLES.name).values())
        names = [f"worker-{number + 1}" for number in range(workers)]
        pids = [stack.start_worker(name).pid for name in names]
        wait_for("the workers", lambda: all(b"worker_started" in (folder / f"{name}.log").read_bytes() for name in names))
        wait_for("a first article", lambda: sum(stack.progress().values()), seconds=PATIENCE_SECONDS)
        before, brokers = sum(stack.progress().values()), [process.pid for process in stack.brokers.processes.values()]
        started, cpu, broker_cpu = time.monotonic(), cpu_seconds(pids), cpu_seconds(brokers)
        wait_for("all articles", lambda: sum(stack.progress().values()) >= total, seconds=PATIENCE_SECONDS)
        wait_for("all counts", stack.is_settled, seconds=PATIENCE_SECONDS)
        wall, done = time.monotonic() - started, total - before
        spent, broker_spent = cpu_seconds(pids) - cpu, cpu_seconds(brokers) - broker_cpu
        state = sum(path.stat().st_size for path in (stack.settings.data_dir / "state").rglob("*.sqlite*"))
        return Cost(
            workers, done, wall / done, spent / done, broker_spent / done,
            {name: size / total for name, size in topic_bytes(stack).items()}, state / total,
            exact=sum(stack.progress().values()) == total,
        )  # fmt: skip
