"""A stack under attack: what is fed, which workers run, and whether in the end everything is exact."""

from __future__ import annotations

import itertools
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from confluent_kafka import KafkaException, Producer

from streams import topology
from streams.errors import KafkaError
from streams.kafka.clients import bulk_producer
from streams.kafka.sink import partition_of
from streams.records import SealedFact
from streams.watchlist import load_watchlist
from tests.faults.inputs import FaultInput, Pair
from tests.faults.truth import Account, RememberingPredictor, account_for
from tests.helpers.archives import write_archive
from tests.helpers.plain_loop import Truth, counts_of
from tests.helpers.stack import Stack, wait_for

#: Patience for what takes seconds where nothing else runs: only a stall may fail a run, never a busy machine.
PATIENCE_SECONDS, END_SECONDS = 240.0, 900.0


@dataclass
class Findings:
    """How far the stream is from the truth. Everything is zero or empty when it is exact."""

    counts: dict[object, object] = field(default_factory=dict)
    facts: set[tuple[str, str]] = field(default_factory=set)
    dead: set[str] = field(default_factory=set)
    progress: dict[str, int] = field(default_factory=dict)

    @property
    def differing(self) -> int:
        """Counts, facts, dead letters and tallies that differ."""
        return len(self.counts) + len(self.facts) + len(self.dead) + sum(1 for value in self.progress.values() if value)

    def __str__(self) -> str:
        some = {str(cell): self.counts[cell] for cell in list(self.counts)[:5]}
        return (
            f"{len(self.counts)} counts differ {some}; {len(self.facts)} facts {sorted(self.facts)[:5]}; "
            f"{len(self.dead)} dead letters {sorted(self.dead)[:5]}; tally off by {self.progress}"
        )


@dataclass
class Scene:
    """One run.

    Attributes:
        faults: how many faults have been done.
        ended_alone: names of workers that ended by themselves, which only a broken broker or disk excuses.
        restarts: seconds from a SIGKILL to the first new record of `progress`.
    """

    stack: Stack
    feed: FaultInput
    rng: random.Random
    predictor: RememberingPredictor
    rounds: int
    faults: int = 0
    sent: int = 0
    ended_alone: list[str] = field(default_factory=list)
    restarts: list[float] = field(default_factory=list)
    options: dict[str, dict[str, str]] = field(default_factory=dict)
    _log_starts: dict[str, int] = field(default_factory=dict)

    # -- feeding -------------------------------------------------------------------------------------------------------

    def ingest(self) -> None:
        """Plays the archive part through `bellwether ingest archive`, again if the broker went away meanwhile."""
        archive = write_archive(self.stack.folder / "news.jsonl", self.feed.items)
        for _ in range(5):
            if self.stack.run("ingest", "archive", str(archive), ok=False).returncode == 0:
                self.sent += len(self.feed.items)
                return
        raise AssertionError("the archive could not be played")

    def chunks(self) -> Iterator[list[Pair]]:
        """The parts of what is written straight to `articles`, one for each round."""
        return iter(self.feed.chunks(self.rounds))

    def write(self, pairs: list[Pair]) -> None:
        """Writes records straight to `articles`."""
        producer: Producer = bulk_producer(self.stack.settings, "fault-writer")
        for key, value in pairs:
            partition = partition_of(key, self.stack.settings.partitions)
            while True:
                try:
                    producer.produce(topology.ARTICLES.name, value, key, partition=partition)
                    break
                except BufferError:
                    producer.poll(0.2)
        assert producer.flush(120) == 0
        self.sent += len(pairs)

    @contextmanager
    def meanwhile(self, *work: Callable[[], None]) -> Iterator[None]:
        """Runs the work in another thread; its errors are the test's."""
        errors: list[Exception] = []

        def run() -> None:
            try:
                for step in work:
                    step()
            except Exception as error:  # noqa: BLE001 - told below, in the test's own thread
                errors.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            thread.join(END_SECONDS)
        assert not thread.is_alive(), "the work beside the faults does not end"
        assert not errors, errors

    # -- workers -------------------------------------------------------------------------------------------------------

    def start(self, name: str = "worker-1", **changes: str) -> subprocess.Popen[bytes]:
        """Starts a worker; the changes of its settings are kept for later starts."""
        self.options.setdefault(name, {}).update(changes)
        self._log_starts[name] = self.log_file(name).stat().st_size if self.log_file(name).exists() else 0
        return self.stack.start_worker(name, **self.options[name])

    def kill(self, name: str = "worker-1") -> None:
        """SIGKILL."""
        self.faults += 1
        self.stack.end(name, signal.SIGKILL)

    def stop(self, name: str = "worker-1") -> None:
        """SIGTERM; the worker must end in order, unless it had not yet got as far as to say that it started."""
        self.faults += 1
        is_up = b"worker_started" in self.log(name)
        code = self.stack.end(name, signal.SIGTERM, seconds=30)
        assert code == 0 or (code == -signal.SIGTERM and not is_up), f"{name} ended with {code} on SIGTERM"

    def log_file(self, name: str) -> Path:
        """Where a worker's log goes."""
        return self.stack.folder / f"{name}.log"

    def log(self, name: str) -> bytes:
        """What a worker has logged since it was started last."""
        return self.log_file(name).read_bytes()[self._log_starts[name] :] if self.log_file(name).exists() else b""

    def keep_up(self) -> None:
        """Starts every worker that has ended by itself again, as a supervisor does."""
        for name, process in list(self.stack.processes.items()):
            if process.poll() is not None:
                assert process.returncode == 1, f"{name} ended with {process.returncode}"
                self.ended_alone.append(name)
                self.start(name)

    def pause(self, least: float, most: float) -> None:
        """A random time, to hit the worker at a moment that nobody chose."""
        time.sleep(self.rng.uniform(least, most))

    # -- looking -------------------------------------------------------------------------------------------------------

    def accounted(self) -> int:
        """How many records have been told of; -1 while the broker does not say."""
        try:
            return sum(self.stack.progress().values())
        except KafkaError:
            return -1

    def wait_for_progress(self, *, beyond: int | None = None) -> None:
        """Waits until more records are accounted for than `beyond` (than now, when it is None), or all that were sent."""
        floor = self.accounted() if beyond is None else beyond
        wait_for(f"progress beyond {floor}", lambda: self.accounted() > min(floor, self.sent - 1), seconds=PATIENCE_SECONDS)

    def _is_answered(self) -> bool:
        """Whether every topic can be read: a broker that has just come back may not know yet what it leads."""
        try:
            return all(self.stack.records(spec.name) is not None for spec in topology.TOPICS)
        except KafkaError:
            return False

    def time_restart(self, name: str = "worker-1") -> None:
        """SIGKILL, start at once, and measure until `progress` gets its next record, if there is work left."""
        self.kill(name)
        killed = time.monotonic()
        # What the dead worker's last requests still carried has arrived by now.
        before, is_work_left = self._progress_records(), self.accounted() < self.sent
        self.start(name)
        if not is_work_left:
            return
        wait_for("the first progress after a kill", lambda: self._progress_records() > before, seconds=PATIENCE_SECONDS)
        self.restarts.append(time.monotonic() - killed)

    def _progress_records(self) -> int:
        return sum(records[-1].offset for records in self.stack.records(topology.PROGRESS.name).values() if records)

    # -- the end -------------------------------------------------------------------------------------------------------

    def finish(self, *names: str) -> Findings:
        """Lets the named workers (those that run, without names) finish, and compares everything with the truth."""
        for name in names:
            if name not in self.stack.processes:
                self.start(name)
        wait_for("the broker", self._is_answered, seconds=PATIENCE_SECONDS)
        records = self.stack.records(topology.ARTICLES.name)
        total = sum(len(found) for found in records.values())
        assert total >= self.feed.size, "the input is not whole"

        def is_done() -> bool:
            self.keep_up()
            try:
                return self.accounted() >= total and self.stack.is_settled()
            except KafkaException:
                # The broker is still coming back.
                return False

        wait_for(f"{total} records", is_done, seconds=END_SECONDS)
        return compare(self.stack, account_for(records, self.predictor))


def compare(stack: Stack, account: Account) -> Findings:
    """What differs between the stream and the truth."""
    expected = account.truth.counts(shown_pairs(stack, account.truth))
    found = counts_of(stack.trends().values())
    counts = {cell: (found.get(cell), expected.get(cell)) for cell in expected.keys() | found.keys()}
    progress = stack.progress()
    dead = {letter["where"] for letter in stack.dead_letters() if letter["where"].startswith(topology.ARTICLES.name)}
    return Findings(
        counts={cell: pair for cell, pair in counts.items() if pair[0] != pair[1]},
        facts=standing_facts(stack) ^ account.facts(),
        dead=dead ^ account.dead,
        progress={name: progress[name] - value for name, value in account.progress.items() if progress[name] != value},
    )


def shown_pairs(stack: Stack, truth: Truth) -> set[str]:
    """The pairs that must stand on the board: watched, or with enough stories that carry a signal."""
    watchlist = load_watchlist(stack.settings.watchlist)
    enough = watchlist.discover_min_stories
    return set(watchlist.keys) | {pair for pair, stories in truth.labelled_stories().items() if stories >= enough}


def standing_facts(stack: Stack) -> set[tuple[str, str]]:
    """(week, key) of every fact: what `sealed` and what is left of `signals` give together, the later word on `signals` winning."""
    # In this order: what is given up on `signals` meanwhile stands on `sealed` by then.
    left, reduced = stack.records(topology.SIGNALS.name), stack.records(topology.SEALED.name)
    newest: dict[bytes | None, tuple[int, str]] = {}
    for record in itertools.chain.from_iterable(reduced.values()):
        newest.pop(record.key, None)
        if record.value is not None:
            fact = msgspec.json.decode(record.value, type=SealedFact)
            newest[record.key] = (fact.offset, fact.week)
    for record in itertools.chain.from_iterable(left.values()):
        if newest.get(record.key, (-1, ""))[0] < record.offset:
            newest.pop(record.key, None)
            if record.value is not None:
                newest[record.key] = (record.offset, msgspec.json.decode(record.value)["week"])
    return {(week, (key or b"").decode()) for key, (_, week) in newest.items()}
