"""The model alone: the same articles in memory, in batches; no Kafka, nothing written. What is left when everything else costs nothing."""

from __future__ import annotations

from streams.classify.facts import to_text
from streams.classify.model import load_predictor
from streams.settings import Settings
from tests.bench import loads
from tests.bench.contender import finish, main
from tests.bench.meter import Meter, Task


def run(task: Task) -> None:
    """Classifies all articles."""
    texts = [to_text(article) for article in loads.articles(task.articles)]
    predictor, meter = load_predictor(Settings(encoder=task.encoder)), Meter(len(texts))
    for start in range(0, len(texts), task.batch):
        batch = texts[start : start + task.batch]
        predictor.classify(batch)
        meter.acknowledged(len(batch))
    finish(meter)


if __name__ == "__main__":
    main(run)
