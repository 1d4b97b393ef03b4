"""Runs batches through one stage: process, write, commit, acknowledge; and ends the process when the infrastructure fails.

What comes in: batches from the consumer. What goes out: outputs through a sink, then the acknowledgement. A stage runs in a
thread of its own, so that heartbeats go on while the model works; it is called from that thread only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from streams.cause import passed_on
from streams.clock import monotonic_seconds, utc_now
from streams.errors import BellwetherError
from streams.kafka.sink import Sink
from streams.log import get_logger
from streams.metrics import WorkerMetrics, article_exemplar
from streams.records import DeadLetter, decode
from streams.stage import Batch, Outputs, Postponing, Stage

log = get_logger("runner")
_Result = TypeVar("_Result")


class Acknowledger(Protocol):
    """The consumer's side of a batch."""

    def is_current(self, batch: Batch) -> bool: ...
    def begin(self) -> None: ...
    def end(self) -> None: ...
    def acknowledge(self, batch: Batch) -> None: ...


class StageRunner:
    """One stage with its thread, its sink and its metrics.

    Args:
        stage: the stage.
        sink: where its outputs go.
        metrics: the worker's metrics.
        on_failure: told of an error that must end the process; the batch in work is never acknowledged then.
        cause_of: the oldest article that a batch is due to; it goes with the outputs.
    """

    def __init__(
        self, stage: Stage, sink: Sink, metrics: WorkerMetrics, on_failure: Callable[[BaseException], None], *,
        cause_of: Callable[[Batch], bytes] = passed_on,
    ) -> None:  # fmt: skip
        self._stage = stage
        self._sink = sink
        self._metrics = metrics
        self._on_failure = on_failure
        self._cause_of = cause_of
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"stage-{stage.name}")
        self._acknowledger: Acknowledger | None = None
        self._open: set[int] = set()
        self._failed = False
        self._round: asyncio.Future[None] | None = None

    def attach(self, acknowledger: Acknowledger) -> None:
        """Ties the runner to the consumer that hands on its batches."""
        self._acknowledger = acknowledger

    async def fence(self, partitions: Collection[int]) -> None:
        """Makes sure that nobody who had the partitions before can write for them any more."""
        await asyncio.to_thread(self._sink.fence, partitions)

    async def take_over(self, partition: int) -> int | None:
        """Opens a partition, writes what is due, and returns where reading must start (None: where the group committed)."""
        return await self._in_thread(lambda: self._take_over(partition))

    def _take_over(self, partition: int) -> int | None:
        start = self._stage.open(partition)
        due = self._stage.refresh(partition)
        self._sink.write(partition, due)
        self._stage.commit(partition)
        self._open.add(partition)
        return start

    async def give_up(self, partition: int) -> None:
        """Closes a partition."""
        await self._in_thread(lambda: self._give_up(partition))

    def _give_up(self, partition: int) -> None:
        self._open.discard(partition)
        self._stage.close(partition)
        self._sink.release(partition)

    async def handle(self, batch: Batch) -> None:
        """Runs one batch to its acknowledgement. An error is reported, never raised: Faust would skip the batch."""
        if self._failed or self._acknowledger is None or not self._acknowledger.is_current(batch):
            # A batch of an earlier assignment may begin beyond where the partition is read from now: applying it would move the
            # stored offset over records that were never seen.
            return
        self._acknowledger.begin()
        try:
            written = await self._in_thread(lambda: self._run(batch))
            self._acknowledger.acknowledge(batch)
            self._count(batch, written)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - any failure here must end the process with its reason
            self._failed = True
            log.error("batch_failed", stage=self._stage.name, topic=batch.topic, partition=batch.partition, error=str(error))
            self._on_failure(error)
        finally:
            self._acknowledger.end()

    def _run(self, batch: Batch) -> int:
        outputs = self._timed("process", lambda: self._stage.process(batch))
        outputs.cause = self._cause_of(batch)
        written = self._timed("flush", lambda: self._sink.write(batch.partition, outputs))
        self._timed("commit", lambda: self._stage.commit(batch.partition))
        self._count_dead_letters(outputs)
        return written

    def do_postponed(self) -> None:
        """Lets a stage that postpones do what is due, unless it is at it already; does not wait. An error is reported, never raised."""
        if not isinstance(self._stage, Postponing) or self._failed or (self._round is not None and not self._round.done()):
            return
        self._round = asyncio.ensure_future(self._in_thread(self._do_postponed))
        self._round.add_done_callback(self._after_round)

    def _do_postponed(self) -> None:
        """One round for each partition; batches that have come wait for no more than that."""
        assert isinstance(self._stage, Postponing)
        partitions = sorted(self._open)  # one that is given up meanwhile is closed after this
        for partition in partitions:
            if self._stage.is_due(partition):
                written = self._sink.write(partition, self._stage.refresh(partition))
                self._stage.commit(partition)
                self._metrics.outputs.labels(self._stage.name).inc(written)
        self._metrics.postponed.labels(self._stage.name).set(sum(self._stage.waiting(partition) for partition in partitions))

    def _after_round(self, done: asyncio.Future[None]) -> None:
        if not done.cancelled() and (error := done.exception()) is not None:
            self._failed = True
            log.error("postponed_work_failed", stage=self._stage.name, error=str(error))
            self._on_failure(error)

    def _timed(self, step: str, call: Callable[[], _Result]) -> _Result:
        started = monotonic_seconds()
        result = call()
        self._metrics.step_seconds.labels(self._stage.name, step).observe(monotonic_seconds() - started)
        return result

    async def _in_thread(self, call: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    def _count(self, batch: Batch, written: int) -> None:
        name = self._stage.name
        self._metrics.batches.labels(name).inc()
        self._metrics.records.labels(name).inc(len(batch.records))
        self._metrics.outputs.labels(name).inc(written)
        if batch.records[0].timestamp_ms:
            age = utc_now().timestamp() - batch.records[0].timestamp_ms / 1000
            self._metrics.age_seconds.labels(name).observe(max(0.0, age), article_exemplar(self._cause_of(batch)))

    def _count_dead_letters(self, outputs: Outputs) -> None:
        for output in outputs:
            if output.route == "dead-letters" and output.value is not None:
                self._metrics.dead_letters.labels(decode(DeadLetter, output.value).reason).inc()

    def count_gap(self) -> None:
        """Reading sought back once."""
        self._metrics.gaps.labels(self._stage.name).inc()

    def count_rebalance(self) -> None:
        """Partitions were assigned."""
        self._metrics.rebalances.inc()

    def close(self) -> None:
        """Closes every partition and the thread; blocks until the batch in work is done."""

        def close_all() -> None:
            for partition in sorted(self._open):
                self._stage.close(partition)

        self._thread.submit(close_all).result()
        self._thread.shutdown()


def describe_failure(error: BaseException) -> str:
    """How a failure is told in the last line of the log."""
    return str(error) if isinstance(error, BellwetherError) else f"{type(error).__name__}: {error}"
