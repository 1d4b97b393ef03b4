"""The figures of docs/model-card.md: `python -m tests.helpers.label_figures curve|ablation|speed [LABELLED.jsonl]`.

`curve` trains the linear model on ever more of the corpus, `ablation` takes one part of the model away at a time, `speed` classifies real
feeds and items that are all about a pair. What is measured on is named by the last argument (`../shared/data/real_dev.jsonl` if none).
"""

from __future__ import annotations

import gzip
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import FeatureUnion, Pipeline

from models import dataset, encoder
from models.artifact import load
from models.dataset import Item, read_corpus, read_measured, split_frozen
from models.features import CueTokens, TokenTfidf, WordTokens
from models.labels import LABELS
from models.pipeline import build_pipeline
from models.predict import Predictor
from models.reading import Reading, read
from models.results import Text
from models.train import target_flags
from tests.helpers.shared import SHARED

CORPUS = Path(dataset.__file__).with_name("corpus")
SHARES = (0.125, 0.25, 0.5, 1.0)
SEEDS = (0, 1, 2)
ROUNDS = 5
_COUNT = len(LABELS)

Mask = Callable[[Reading], str]


def readings_of(items: Sequence[Item]) -> list[Reading]:
    """How the classifiers see the items."""
    return [read(Text(item.title, item.text, language=item.language)) for item in items]


def average_precision(pipeline: Pipeline, items: Sequence[Item], readings: Sequence[Reading], mask: Mask) -> list[float]:
    """Average precision of every label: the area under precision by recall, which no threshold enters."""
    scores = pipeline.decision_function([mask(reading) for reading in readings])[:, :_COUNT]
    decidable = np.array([len(reading.actors) > 1 for reading in readings])
    scores[~decidable] = scores.min() - 1
    truth = target_flags(items)[:, :_COUNT]
    return [float(average_precision_score(truth[:, k], scores[:, k])) for k in range(_COUNT)]


def fitted(pipeline: Pipeline, items: Sequence[Item], readings: Sequence[Reading], mask: Mask) -> Pipeline:
    """The pipeline, trained."""
    trained: Pipeline = pipeline.fit([mask(reading) for reading in readings], target_flags(items).astype(int))
    return trained


def masked(reading: Reading) -> str:
    """What the shipped model reads."""
    return reading.masked


def unmasked(reading: Reading) -> str:
    """The text as it stands."""
    return f"{reading.title}\n{reading.body}"


def actors_masked(reading: Reading) -> str:
    """Actors masked, other names kept."""
    return reading.plain_window(reading.told)


def of_parts(*names: str, letters: int = 5) -> Pipeline:
    """The shipped pipeline with some of its features only."""
    tokens = {"words": WordTokens(letters=letters), "cues": CueTokens()}
    parts = [(name, Pipeline([("tokens", tokens[name]), ("tfidf", TokenTfidf(longest=2, min_df=2))])) for name in names]
    return Pipeline(
        [
            ("features", FeatureUnion(parts)),
            ("targets", OneVsRestClassifier(LogisticRegression(max_iter=1000, random_state=0))),
        ]
    )


def curve(measured: Path) -> None:
    """Average precision by share of the corpus; whole units are drawn, so that twins stay together."""
    training = split_frozen(read_corpus(CORPUS))[0]
    by_item = dict(zip(training, readings_of(training), strict=True))
    dev = read_measured(measured)
    seen = readings_of(dev)
    print(
        "| share of the corpus | items | macro average precision | "
        + " | ".join(LABELS)
        + " |\n| --- | --- | --- | --- | --- | --- |"
    )
    for share in SHARES:
        found, sizes = [], []
        for seed in SEEDS if share < 1 else SEEDS[:1]:
            units = sorted({item.unit for item in training})
            chosen = set(random.Random(seed).sample(units, round(share * len(units))))
            items = [item for item in training if item.unit in chosen]
            sizes.append(len(items))
            pipeline = fitted(build_pipeline(), items, [by_item[item] for item in items], masked)
            found.append(average_precision(pipeline, dev, seen, masked))
        means = np.mean(found, axis=0)
        cells = " | ".join(f"{value:.3f}" for value in means)
        print(f"| {share:g} | {statistics.mean(sizes):.0f} | {means.mean():.3f} | {cells} |", flush=True)


def ablation(measured: Path) -> None:
    """Average precision of the linear model without one of its parts, and F1 of the whole with and without the encoder."""
    training = split_frozen(read_corpus(CORPUS))[0]
    known, dev = readings_of(training), read_measured(measured)
    seen = readings_of(dev)
    variants: dict[str, tuple[Pipeline, Mask]] = {
        "as shipped": (build_pipeline(), masked),
        "whole words": (of_parts("words", "cues", letters=40), masked),
        "words only": (of_parts("words"), masked),
        "cues only": (of_parts("cues"), masked),
        "names kept, actors masked": (build_pipeline(), actors_masked),
        "nothing masked": (build_pipeline(), unmasked),
        "less regularised (C = 4)": (build_pipeline(strength=4.0), masked),
        "more regularised (C = 0.25)": (build_pipeline(strength=0.25), masked),
    }
    print("| linear model | macro average precision | " + " | ".join(LABELS) + " |\n| --- | --- | --- | --- | --- |")
    for name, (pipeline, mask) in variants.items():
        values = average_precision(fitted(pipeline, training, known, mask), dev, seen, mask)
        print(f"| {name} | {np.mean(values):.3f} | " + " | ".join(f"{value:.3f}" for value in values) + " |", flush=True)
    from models.evaluate import evaluate

    artifact = load()
    print("\n| whole model | macro-F1 | " + " | ".join(LABELS) + " | ECE |\n| --- | --- | --- | --- | --- | --- |")
    for name, one in (("with the encoder", artifact), ("without it", replace(artifact, encoder=None))):
        report = evaluate(dev, Predictor(one))
        cells = " | ".join(f"{scores.f1.value:.3f}" for scores in report.labels.values())
        print(f"| {name} | {report.macro_f1.value:.3f} | {cells} | {report.ece:.3f} |", flush=True)


def speed(measured: Path) -> None:
    """Items a second, in batches, one process: the median of interleaved rounds; with and without the encoder."""
    artifact = load()
    whole, linear = Predictor(artifact), Predictor(replace(artifact, encoder=None))
    rungs = {"with the encoder": (whole, encoder.MAX_THREADS), "on one thread": (whole, 1), "linear only": (linear, 1)}
    with gzip.open(SHARED / "data" / "rss_2021.jsonl.gz", "rt", encoding="utf-8") as lines:
        feeds = [Text(row["title"] or "", row["text"] or "") for row in map(json.loads, lines)][:6_000]
    with gzip.open(SHARED / "data" / "current_events.jsonl.gz", "rt", encoding="utf-8") as lines:
        events = [Text(row["title"] or "", row["text"] or "") for row in map(json.loads, lines)][-4_000:]
    dev = [Text(item.title, item.text) for item in read_measured(measured)]
    loads = {"a feed mix": feeds, "current events": events, "items about a pair": [*dev, *dev]}
    print("| what | " + " | ".join(rungs) + " |\n| --- | --- | --- | --- |")
    for name, texts in loads.items():
        rates: dict[str, list[float]] = {rung: [] for rung in rungs}
        for _ in range(ROUNDS):
            for rung, (predictor, encoder.MAX_THREADS) in rungs.items():
                start = time.perf_counter()
                predictor.classify(texts)
                rates[rung].append(len(texts) / (time.perf_counter() - start))
        print(f"| {name} | " + " | ".join(f"{statistics.median(rates[rung]):,.0f}" for rung in rungs) + " |", flush=True)


if __name__ == "__main__":
    chosen = {"curve": curve, "ablation": ablation, "speed": speed}[sys.argv[1]]
    chosen(Path(sys.argv[2]) if len(sys.argv) > 2 else SHARED / "data" / "real_dev.jsonl")
