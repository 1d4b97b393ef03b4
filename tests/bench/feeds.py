"""How long 1,000 feeds of 50 items take, on a real broker: read whole, all unchanged, and how soon what is new is there.

    python -m tests.bench.feeds [--feeds 1000] [--items 50]

The feeds stand on a server of its own, on 1,000 addresses of this machine, so that each is a host of its own. The reader is
`bellwether ingest feeds --once` as a process; its time counts from its start to its end, its memory with its parsers. Then every other
feed gets a new item, all are due at once, and `ingest feeds` asks them at its own pace, all within a minute. How long a new item takes
counts from when the server begins to send it to when a consumer has it, which is after the broker's acknowledgement to the reader.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec
import psutil
from confluent_kafka import OFFSET_END, Consumer, TopicPartition

from streams import topology
from streams.clock import utc_now
from streams.ingest.poll import STATE_FILE
from streams.ingest.state import FeedState
from streams.records import Article, decode
from streams.settings import child_environment
from tests.bench.results import percentile
from tests.helpers.stack import REPOSITORY, Stack, answers, free_port, running_stack, wait_for


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass over all feeds. `asking_seconds` is the time from its first to its last request; `memory_mb` is the most that the reader and its parsers held together, shared pages counted once;
    `cpu_seconds` what they computed, which other work on the machine changes little.
    """

    seconds: float
    asking_seconds: float
    articles: int
    memory_mb: float
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class FeedTimes:
    """What was measured."""

    feeds: int
    items: int
    whole: Pass
    unchanged: Pass
    new_items: int
    p50_seconds: float
    p95_seconds: float
    max_seconds: float


@contextmanager
def feed_bench_server(feeds: int, items: int) -> Iterator[int]:
    """The server's port."""
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.feeds_server", str(port), str(feeds), str(items)]
    process = subprocess.Popen(command, cwd=REPOSITORY)
    try:
        wait_for("the feeds' server", lambda: answers(f"http://127.0.0.1:{port}/served"), seconds=120)
        yield port
    finally:
        process.kill()
        process.wait(10)


def write_list(path: Path, port: int, feeds: int) -> None:
    """A feed list with each feed on an address of its own."""
    tables = (
        f'[[feed]]\nurl = "http://127.0.{1 + number // 250}.{1 + number % 250}:{port}/feed/{number}"\noutlet = "Feed {number}"\n'
        'language = "en"\nallow_private = true\n'
        for number in range(feeds)
    )
    path.write_text("\n".join(tables), encoding="utf-8")


def read_pass(stack: Stack, path: Path, port: int) -> Pass:
    """One pass of a process."""
    before = sum(len(records) for records in stack.records(topology.ARTICLES.name).values())
    began = time.monotonic()
    with (stack.folder / "ingest.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "streams.cli", "ingest", "feeds", "--once", "--feeds", str(path)], cwd=REPOSITORY, stdout=log, stderr=log,
            env=child_environment(stack.settings, ingest_metrics_port="0", log_level="WARNING"),
        )  # fmt: skip
    peak, cpu = _watch(process)
    seconds = time.monotonic() - began
    assert process.returncode == 0, (stack.folder / "ingest.log").read_text()[-2_000:]
    after = sum(len(records) for records in stack.records(topology.ARTICLES.name).values())
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/span", timeout=10) as answer:
        asking: float = json.load(answer)["seconds"]
    return Pass(seconds, asking, after - before, peak / 2**20, cpu)


def _watch(process: subprocess.Popen[bytes]) -> tuple[float, float]:
    """Most bytes in memory, and the processor's seconds, of a process and its children, until it ends."""
    peak, cpu, parent = 0.0, dict[int, float](), psutil.Process(process.pid)
    while process.poll() is None:
        total = 0
        with contextlib.suppress(psutil.Error):
            for one in (parent, *parent.children(recursive=True)):
                total += one.memory_full_info().pss
                times = one.cpu_times()
                cpu[one.pid] = times.user + times.system
        peak = max(peak, total)
        time.sleep(0.2)
    return peak, sum(cpu.values())


class _Arrivals(threading.Thread):
    """When each new item came to a consumer of `articles`: title -> seconds since 1970."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(daemon=True)
        self.at: dict[str, float] = {}
        self._ended = threading.Event()
        self._consumer = Consumer(
            {"bootstrap.servers": stack.settings.kafka_servers, "group.id": "feed-bench", "enable.auto.commit": False, "fetch.wait.max.ms": 10}
        )  # fmt: skip
        partitions = range(stack.settings.partitions)
        self._consumer.assign([TopicPartition(topology.ARTICLES.name, partition, OFFSET_END) for partition in partitions])
        self._consumer.poll(1.0)

    def run(self) -> None:
        while not self._ended.is_set():
            message = self._consumer.poll(0.1)
            if message is not None and message.error() is None and message.value() is not None:
                self.at[decode(Article, bytes(message.value() or b"")).title.removeprefix("Fresh item ")] = time.time()
        self._consumer.close()

    def end(self) -> None:
        self._ended.set()
        self.join(10)


def make_due(stack: Stack) -> None:
    """Makes every feed due now."""
    now = utc_now()
    with FeedState(stack.settings.data_dir / STATE_FILE) as state:
        for url, record in state.load_all().items():
            state.save(url, msgspec.structs.replace(record, next_due=now), now=now)


def measure(feeds: int, items: int, folder: Path) -> FeedTimes:
    """All passes."""
    path = folder / "feeds.toml"
    with running_stack(folder) as stack, feed_bench_server(feeds, items) as port:
        write_list(path, port, feeds)
        whole = read_pass(stack, path, port)
        assert whole.articles == feeds * items, whole
        unchanged = read_pass(stack, path, port)
        assert unchanged.articles == 0, unchanged
        changed = max(1, feeds // 2)
        urllib.request.urlopen(
            urllib.request.Request(f"http://127.0.0.1:{port}/fresh?feeds={changed}", method="POST"), timeout=60
        ).close()
        arrivals = _Arrivals(stack)
        arrivals.start()
        make_due(stack)
        stack.start("feeds", "ingest", "feeds", "--feeds", str(path), ingest_metrics_port="0", log_level="WARNING")
        wait_for("the new items", lambda: len(arrivals.at) >= changed, seconds=150)
        stack.end("feeds", signal.SIGTERM)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/served", timeout=10) as answer:
            served: dict[str, float] = json.load(answer)
        arrivals.end()
    times = sorted(arrivals.at[name] - at for name, at in served.items())
    assert len(times) == changed, times
    return FeedTimes(feeds, items, whole, unchanged, changed, percentile(times, 0.5), percentile(times, 0.95), times[-1])


def main() -> None:
    """Parses the command line, measures, prints JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.feeds", description=__doc__)
    parser.add_argument("--feeds", type=int, default=1_000)
    parser.add_argument("--items", type=int, default=50)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bellwether-feeds-") as folder:
        print(json.dumps(asdict(measure(options.feeds, options.items, Path(folder))), indent=2))


if __name__ == "__main__":
    main()
