"""quixstreams with its own batching sink: a checkpoint flushes the sink, then commits. Runs in an environment of its own."""

from __future__ import annotations

from typing import Any

from quixstreams import Application  # type: ignore[import-not-found]
from quixstreams.sinks import BatchingSink  # type: ignore[import-not-found]

from tests.bench.contender import finish, main
from tests.bench.job import ARTICLES, BulkWriter, Job
from tests.bench.meter import Meter, Task


class ClassifySink(BatchingSink):  # type: ignore[misc]
    """Classifies a batch and writes its records when the checkpoint asks for it."""

    def __init__(self, task: Task, meter: Meter) -> None:
        super().__init__()
        self._job = Job(task.partitions, encoder=task.encoder)
        self._writer = BulkWriter(task)
        self._meter = meter

    def write(self, batch: Any) -> None:
        """One batch of one partition."""
        self._writer.write(self._job.records([item.value for item in batch]))
        self._meter.acknowledged(batch.size)


def run(task: Task) -> None:
    """Runs the application until all articles are done; a checkpoint comes once each partition can have a full batch."""
    meter = Meter(task.articles)
    app = Application(
        task.servers, consumer_group=task.group, auto_offset_reset="earliest", commit_every=task.batch * task.partitions,
        commit_interval=1.0, auto_create_topics=False, use_changelog_topics=False, state_dir=task.folder, loglevel="ERROR",
    )  # fmt: skip
    articles = app.topic(ARTICLES, key_deserializer="bytes", value_deserializer="bytes")
    app.dataframe(articles).sink(ClassifySink(task, meter))
    app.run(count=task.articles, timeout=30.0, collect=False)
    finish(meter)


if __name__ == "__main__":
    main(run)
