"""bytewax with its own batches: the Kafka source hands them on, a sink writes them, and a recovery store keeps the offsets.

Runs in an environment of its own. Offsets are kept on local disk, once a second; nothing is committed to Kafka.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from bytewax import operators as op  # type: ignore[import-not-found]
from bytewax.connectors.kafka import KafkaSource  # type: ignore[import-not-found]
from bytewax.dataflow import Dataflow  # type: ignore[import-not-found]
from bytewax.outputs import DynamicSink, StatelessSinkPartition  # type: ignore[import-not-found]
from bytewax.recovery import RecoveryConfig, init_db_dir  # type: ignore[import-not-found]
from bytewax.run import cli_main  # type: ignore[import-not-found]

from tests.bench.contender import finish, main
from tests.bench.job import ARTICLES, BulkWriter, Job, Written
from tests.bench.meter import Meter, Task

_Done = tuple[int, list[Written]]


class _Writer(StatelessSinkPartition):  # type: ignore[misc]
    def __init__(self, task: Task, meter: Meter) -> None:
        self._writer = BulkWriter(task)
        self._meter = meter

    def write_batch(self, items: list[_Done]) -> None:
        self._writer.write([record for _, records in items for record in records])
        self._meter.acknowledged(sum(count for count, _ in items))


class WriterSink(DynamicSink):  # type: ignore[misc]
    """Writes what the batches gave, one flush a batch."""

    def __init__(self, task: Task, meter: Meter) -> None:
        self._task = task
        self._meter = meter

    def build(self, step_id: str, worker_index: int, worker_count: int) -> _Writer:
        """The sink of the one worker."""
        return _Writer(self._task, self._meter)


def run(task: Task) -> None:
    """Runs the dataflow to the end of the topic."""
    job, meter = Job(task.partitions, encoder=task.encoder), Meter(task.articles)
    folder = Path(task.folder) / task.group
    folder.mkdir(parents=True)
    init_db_dir(folder, 1)

    def classified(messages: list[Any]) -> list[_Done]:
        return [(len(messages), job.records([message.value for message in messages]))]

    flow = Dataflow("bench")
    source = KafkaSource([task.servers], [ARTICLES], tail=False, batch_size=task.batch)
    stream = op.flat_map_batch("classify", op.input("articles", flow, source), classified)
    op.output("written", stream, WriterSink(task, meter))
    cli_main(flow, epoch_interval=timedelta(seconds=1), recovery_config=RecoveryConfig(folder))
    finish(meter)


if __name__ == "__main__":
    main(run)
