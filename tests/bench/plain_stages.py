"""The plain loop over Bellwether's own stages: classify and trends in one process, their SQLite state on disk, no Kafka, no board."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from streams.classify import memory
from streams.classify.model import load_predictor
from streams.classify.revision import SIGNALS
from streams.classify.stage import ClassifyStage
from streams.kafka.sink import partition_of
from streams.settings import SHIPPED_WATCHLIST, Settings
from streams.stage import Batch, InputRecord, Outputs
from streams.state import PartitionStore
from streams.trends import facts
from streams.trends.stage import TrendsStage
from streams.watchlist import load_watchlist
from tests.bench import loads
from tests.bench.contender import finish, main
from tests.bench.meter import Meter, Task


def run(task: Task) -> None:
    """Runs every batch through both stages."""
    classify, trends = _stages(task)
    meter, offsets = Meter(task.articles), [0] * task.partitions
    for batch in _batches(task):
        outputs = classify.process(batch)
        classify.commit(batch.partition)
        for partition, records in _routed(outputs, task.partitions, offsets).items():
            trends.process(Batch(SIGNALS, partition, records))
            trends.commit(partition)
        meter.acknowledged(len(batch.records))
    finish(meter)


def _stages(task: Task) -> tuple[ClassifyStage, TrendsStage]:
    folder = Path(task.folder) / task.group

    def open_memory(partition: int) -> memory.ArticleMemory:
        store = PartitionStore(folder / f"classify-{partition}.sqlite", memory.SCHEMA, origin="plain")
        return memory.ArticleMemory(store, partition, lambda _: (), lambda _: ())

    def open_facts(partition: int) -> facts.FactStore:
        return facts.FactStore(
            PartitionStore(folder / f"trends-{partition}.sqlite", facts.SCHEMA, origin="plain"), lambda _: (), set
        )

    stages = (
        ClassifyStage(load_predictor(Settings(encoder=task.encoder)), open_memory),
        TrendsStage(load_watchlist(SHIPPED_WATCHLIST), open_facts),
    )
    for stage in stages:
        for partition in range(task.partitions):
            stage.open(partition)
    return stages


def _batches(task: Task) -> Iterator[Batch]:
    """The articles as the topic would hold them: by partition, in batches, the partitions by turns."""
    queues: dict[int, list[InputRecord]] = defaultdict(list)
    for key, value in loads.records(task.articles):
        queue = queues[partition_of(key, task.partitions)]
        queue.append(InputRecord(len(queue), key, value))
    longest = max(len(queue) for queue in queues.values())
    for start in range(0, longest, task.batch):
        for partition, queue in sorted(queues.items()):
            if records := queue[start : start + task.batch]:
                yield Batch("articles", partition, records)


def _routed(outputs: Outputs, partitions: int, offsets: list[int]) -> dict[int, list[InputRecord]]:
    """The facts by the partition of `signals` that they belong to."""
    found: dict[int, list[InputRecord]] = defaultdict(list)
    for output in outputs:
        if output.route == SIGNALS and output.partition_by is not None:
            partition = partition_of(output.partition_by, partitions)
            found[partition].append(InputRecord(offsets[partition], output.key, output.value))
            offsets[partition] += 1
    return found


if __name__ == "__main__":
    main(run)
