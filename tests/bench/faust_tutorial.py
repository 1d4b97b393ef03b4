"""Faust as its tutorial has it: an agent, one event at a time, `topic.send` for each output."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import faust

from tests.bench.contender import finish, main
from tests.bench.job import ARTICLES, CLASSIFICATIONS, SIGNALS, Job
from tests.bench.meter import Meter, Task


def run(task: Task) -> None:
    """Runs the app until the last article was acknowledged."""
    job, meter = Job(task.partitions, encoder=task.encoder), Meter(task.articles)
    app = faust.App(
        task.group, broker=f"kafka://{task.servers}", value_serializer="raw", key_serializer="raw", topic_disable_leader=True,
        web_enabled=False, datadir=str(Path(task.folder) / task.group), consumer_auto_offset_reset="earliest",
    )  # fmt: skip
    articles = app.topic(ARTICLES, value_type=bytes)
    outputs = {name: app.topic(name, value_type=bytes) for name in (CLASSIFICATIONS, SIGNALS)}

    async def classify(stream: Any) -> None:
        async for value in stream:
            for record in job.records([value]):
                await outputs[record.topic].send(key=record.key, value=record.value, partition=record.partition)
            meter.acknowledged(1)
            if meter.is_done:
                await app.producer.flush()
                finish(meter)

    app.agent(articles)(classify)
    sys.argv = ["faust_tutorial", "worker", "--loglevel", "error"]
    app.main()


if __name__ == "__main__":
    main(run)
