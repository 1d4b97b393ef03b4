"""A real Bellwether for tests: embedded Kafka, workers and the board as processes, in a directory and on ports of their own.

Everything is waited for by its own signs (offsets, HTTP answers), never by sleeping; everything ends with the test.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaException

from streams import topology
from streams.board.listing import read_trends
from streams.errors import KafkaError
from streams.kafka import embedded
from streams.kafka.clients import bulk_consumer, rdkafka_security
from streams.kafka.reading import read_to_end
from streams.kafka.topics import ensure_topics
from streams.records import Progress, Trend, decode
from streams.settings import Settings, child_environment
from streams.stage import InputRecord

REPOSITORY = Path(__file__).resolve().parents[2]


def cache_dir() -> Path:
    """Where the jars are kept between tests: the directory named by the environment, or one inside the checkout."""
    return Path(os.environ.get("BELLWETHER_CACHE_DIR", REPOSITORY / ".cache"))


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: str, condition: Callable[[], object], *, seconds: float = 60.0) -> object:
    """The first truthy answer of `condition`; fails the test after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := condition():
            return answer
        time.sleep(0.05)
    pytest.fail(f"waited {seconds:g} s in vain for {what}")


@dataclass
class Stack:
    """What runs for one test."""

    settings: Settings
    folder: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _reader: Consumer | None = None
    _reader_settings: Settings | None = None
    _reading: threading.Lock = field(default_factory=threading.Lock)

    def start_kafka(self) -> None:
        """Starts the broker (again) and makes the topics."""
        with self._reading:
            self._hang_up()
        broker = embedded.start(self.settings.model_copy(update={"kafka_servers": ""}), detached=True)
        self.settings = self.settings.model_copy(update={"kafka_servers": broker.servers})
        ensure_topics(self.settings, topology.TOPICS)

    def signal_kafka(self, number: int) -> None:
        """Sends the broker a signal."""
        with self._reading:
            self._hang_up()
        status = embedded.status(self.settings)
        assert status.pid is not None
        os.kill(status.pid, number)

    def kill_kafka(self) -> None:
        """SIGKILL to the broker."""
        self.signal_kafka(signal.SIGKILL)
        wait_for("the end of the broker", lambda: not embedded.status(self.settings).running)

    def start(self, name: str, *arguments: str, **changes: str) -> subprocess.Popen[bytes]:
        """Starts `bellwether <arguments>` as a process called `name`; its output goes to a file of that name."""
        environment = child_environment(self.settings, **changes)
        log = (self.folder / f"{name}.log").open("ab")
        command = [sys.executable, "-m", "streams.cli", *arguments]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=REPOSITORY)
        log.close()
        self.processes[name] = process
        return process

    def start_worker(self, name: str = "worker-1", **changes: str) -> subprocess.Popen[bytes]:
        """Starts a worker; its metrics take a free port."""
        return self.start(name, "worker", worker_id=name, worker_metrics_port="0", **changes)

    def start_board(self) -> str:
        """Starts the board and returns its address once it answers."""
        self.start("board", "board")
        address = f"http://127.0.0.1:{self.settings.board_port}"
        wait_for("the board", lambda: answers(f"{address}/readyz"))
        return address

    def end(self, name: str, number: int = signal.SIGKILL, *, seconds: float = 20.0) -> int:
        """Sends a signal to a process and returns its exit code."""
        process = self.processes.pop(name)
        process.send_signal(number)
        return process.wait(seconds)

    def run(self, *arguments: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs `bellwether <arguments>` to its end."""
        command = [sys.executable, "-m", "streams.cli", *arguments]
        done = subprocess.run(
            command,
            env=child_environment(self.settings),
            capture_output=True,
            text=True,
            cwd=REPOSITORY,
            timeout=280,
            check=False,
        )
        assert done.returncode == 0 or not ok, done.stderr
        return done

    def progress(self) -> dict[str, int]:
        """What became of every article, over all partitions."""
        newest: dict[int, Progress] = {}
        for value in self._read(topology.PROGRESS.name):
            found = decode(Progress, value)
            newest[found.partition] = found
        return {
            "classified": sum(p.classified for p in newest.values()),
            "duplicates": sum(p.duplicates for p in newest.values()),
            "dead_letters": sum(p.dead_letters for p in newest.values()),
            "forgotten": sum(p.forgotten for p in newest.values()),
        }

    def records(self, topic: str) -> dict[int, list[InputRecord]]:
        """Every record of a topic as it stands, by partition."""
        with self._reading:
            if self._reader is not None and self._reader_settings is self.settings:
                # Kept, since a new connection takes longer than an answer, and who waits asks often. It may tell late of a broker that died.
                with contextlib.suppress(KafkaError, KafkaException):
                    return self._read_from(self._reader, topic)
            self._hang_up()
            self._reader = bulk_consumer(self.settings, f"{self.settings.group}-test-reader", tells_end=True)
            self._reader_settings = self.settings
            return self._read_from(self._reader, topic)

    def _read_from(self, consumer: Consumer, topic: str) -> dict[int, list[InputRecord]]:
        return {
            partition: [record for chunk in read_to_end(consumer, topic, partition, 0) for record in chunk]
            for partition in range(self.settings.partitions)
        }

    def _hang_up(self) -> None:
        """Lets the connection go."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _read(self, topic: str) -> Iterator[bytes]:
        for records in self.records(topic).values():
            yield from (record.value for record in records if record.value is not None)

    def dead_letters(self) -> list[dict[str, str]]:
        """Every dead letter."""
        return [json.loads(value) for value in self._read(topology.DEAD_LETTERS.name)]

    def wait_until_processed(self, articles: int, *, seconds: float = 120.0) -> None:
        """Waits until so many articles have been accounted for and every fact has been counted."""
        wait_for(f"{articles} articles", lambda: sum(self.progress().values()) >= articles, seconds=seconds)
        wait_for("the facts to be counted", self.is_settled, seconds=seconds)

    def is_settled(self) -> bool:
        """Whether all stages have committed all that is on their input, of which nothing waits for its transaction's end."""
        from confluent_kafka import Consumer, TopicPartition

        consumer = Consumer(
            {
                "bootstrap.servers": self.settings.kafka_servers, "group.id": f"{self.settings.group}-worker",
                "isolation.level": "read_uncommitted", **rdkafka_security(self.settings),
            }
        )  # fmt: skip
        with contextlib.closing(consumer):
            for spec in topology.STAGES:
                parts = [TopicPartition(spec.reads.name, p) for p in range(self.settings.partitions)]
                for committed in consumer.committed(parts, timeout=10):
                    _, high = consumer.get_watermark_offsets(TopicPartition(committed.topic, committed.partition), timeout=10)
                    if committed.offset != high and not (high == 0 and committed.offset < 0):
                        return False
        return True

    def trends(self) -> dict[str, Trend]:
        """Every pair's week as it stands."""
        listed = read_trends(self.settings, topology.TRENDS.name, None)
        return {f"{row.pair}|{row.trend.week}": row.trend for row in listed}

    def close(self) -> None:
        """Ends everything."""
        with self._reading:
            self._hang_up()
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.wait(10)
        embedded.stop(self.settings.model_copy(update={"kafka_servers": ""}), timeout_seconds=2)


def answers(address: str) -> bool:
    """Whether an address answers with 200."""
    try:
        with urllib.request.urlopen(address, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def fetch(address: str) -> str:
    """The body that an address answers with."""
    with urllib.request.urlopen(address, timeout=10) as response:
        return str(response.read().decode())


@contextlib.contextmanager
def running_stack(folder: Path, **changes: object) -> Iterator[Stack]:
    """A stack with a broker and topics; workers and the board are the test's to start."""
    fields: dict[str, object] = {
        "data_dir": folder / "data",
        "cache_dir": cache_dir(),
        "board_port": free_port(),
        "worker_metrics_port": 0,
        "log_level": "INFO",
        "log_json": True,
        # What is counted is the test's matter, not how well it is labelled; the encoder has tests of its own.
        "encoder": False,
    }
    stack = Stack(Settings(**{**fields, **changes}), folder)  # type: ignore[arg-type]
    try:
        stack.start_kafka()
        yield stack
    finally:
        stack.close()
