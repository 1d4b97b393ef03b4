"""The loop that an engineer writes by hand who knows confluent-kafka: a batch, the model, one flush, then the commit.

It keeps at-least-once delivery; a crash writes some records twice, an edit leaves stale facts, a broken record ends it.
"""

from __future__ import annotations

from confluent_kafka import Consumer

from tests.bench.contender import finish, main
from tests.bench.job import ARTICLES, BulkWriter, Job
from tests.bench.meter import Meter, Task

WAIT_SECONDS = 0.2


def run(task: Task) -> None:
    """Reads the topic from the beginning to its end."""
    job, writer, meter = Job(task.partitions, encoder=task.encoder), BulkWriter(task), Meter(task.articles)
    consumer = Consumer(
        {"bootstrap.servers": task.servers, "group.id": task.group, "auto.offset.reset": "earliest", "enable.auto.commit": False}
    )  # fmt: skip
    consumer.subscribe([ARTICLES])
    while not meter.is_done:
        messages = [message for message in consumer.consume(task.batch, timeout=WAIT_SECONDS) if message.error() is None]
        if messages:
            writer.write(job.records([message.value() or b"" for message in messages]))
            consumer.commit(asynchronous=False)
            meter.acknowledged(len(messages))
    finish(meter)


if __name__ == "__main__":
    main(run)
