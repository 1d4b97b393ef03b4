"""Does another way of reading an item rank labels better? `python -m tests.helpers.reading_figures [LABELLED.jsonl]`.

The models stay as they ship; what changes is what they are given: the whole item, its sentences, or its body without the title. Measured is
average precision, which no threshold enters, on `../shared/data/real_dev.jsonl` if no file is named. Beside each stands the difference to what
ships, with the interval of a paired bootstrap, and the share of random halvings of the items in which both halves gain: a gain that one half
alone makes is luck. Below stands the F1 that the best threshold of all would reach, chosen after the fact: what no threshold can mend.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from models.artifact import load
from models.dataset import Item, read_measured
from models.encoder import Encoder
from models.labels import LABELS
from models.reading import Reading, read
from models.results import Text
from models.scoring import Scorer, encoder_scores
from models.train import ENCODER_SHARE, target_flags
from tests.helpers.shared import SHARED

RESAMPLES, HALVINGS = 1_000, 200
_COUNT = len(LABELS)
#: Less than any score: of items that are not scored.
_LOWEST = -99.0

Scores = NDArray[np.float64]
Flags = NDArray[np.bool_]


def decidable(reading: Reading) -> bool:
    """Whether the models would score it."""
    return len(reading.actors) > 1 and bool(reading.scored_passages)


def readings_of(items: Sequence[Item], *, title: bool = True) -> list[Reading]:
    """How the models see the items; without the title where the body alone names two states."""
    whole = [read(Text(item.title, item.text)) for item in items]
    if title:
        return whole
    bodies = [read(Text("", item.text)) for item in items]
    return [body if decidable(body) else one for one, body in zip(whole, bodies, strict=True)]


def by_sentence(encoder: Encoder, readings: Sequence[Reading]) -> Scores:
    """`(n_items, n_labels)`: the encoder's highest score of a sentence that names a state."""
    rows = []
    for reading in readings:
        texts = [
            reading.plain_window(range(k, k + 1)) for k, one in enumerate(reading.passages) if one in reading.scored_passages
        ]
        rows.append(encoder.scores(texts)[:, :_COUNT].max(axis=0) if texts else np.full(_COUNT, _LOWEST))
    return np.array(rows)


def ways(items: Sequence[Item]) -> dict[str, Scores]:
    """Way of reading -> `(n_items, n_labels)`, both models' scores weighed as they ship.

    Raises:
        ValueError: if the model has no encoder.
    """
    artifact = load()
    if artifact.encoder is None:
        raise ValueError("the model that ships has no encoder: `bellwether train` makes one that has")
    scorer, whole, bodies = Scorer(artifact.linear), readings_of(items), readings_of(items, title=False)
    linear = np.stack([scores.inputs()[:_COUNT] for scores in scorer.score(whole).scores])
    untitled = np.stack([scores.inputs()[:_COUNT] for scores in scorer.score(bodies).scores])
    encoder, sentences = encoder_scores(artifact.encoder, whole)[:, :_COUNT], by_sentence(artifact.encoder, whole)
    unread = encoder_scores(artifact.encoder, bodies)[:, :_COUNT]
    scored = np.array([decidable(reading) for reading in whole])[:, None]
    mixed = {
        "as shipped": (encoder, linear[:, :, 0]),
        "linear: half by its sentences": (encoder, linear.mean(axis=2)),
        "both: half by their sentences": ((encoder + sentences) / 2, linear.mean(axis=2)),
        "the title left out": (unread, untitled[:, :, 0]),
    }
    return {
        name: np.where(scored, ENCODER_SHARE * one + (1 - ENCODER_SHARE) * other, _LOWEST) for name, (one, other) in mixed.items()
    }


def precision(truth: Flags, scores: Scores) -> Scores:
    """Average precision of every label."""
    return np.array([average_precision_score(truth[:, k], scores[:, k]) for k in range(_COUNT)])


def interval(truth: Flags, shipped: Scores, other: Scores) -> tuple[float, float]:
    """95 % of the differences in macro average precision over resamples of the items."""
    rng = np.random.default_rng(7)
    found: list[float] = []
    while len(found) < RESAMPLES:
        drawn = rng.integers(0, len(truth), len(truth))
        if truth[drawn].any(axis=0).all():
            found.append(precision(truth[drawn], other[drawn]).mean() - precision(truth[drawn], shipped[drawn]).mean())
    low, high = np.percentile(found, (2.5, 97.5))
    return float(low), float(high)


def both_halves(truth: Flags, shipped: Scores, other: Scores) -> float:
    """Share of random halvings in which both halves rank better."""
    rng, won = np.random.default_rng(7), 0
    for _ in range(HALVINGS):
        first = rng.permutation(len(truth)) % 2 == 0
        won += all(
            precision(truth[half], other[half]).mean() > precision(truth[half], shipped[half]).mean() for half in (first, ~first)
        )
    return won / HALVINGS


def best_f1(truth: Flags, scores: Scores) -> float:
    """The highest F1 that any threshold reaches; one label's column."""
    return max(float(2 * (truth & over).sum() / (truth.sum() + over.sum())) for over in (scores >= t for t in np.unique(scores)))


def main(measured: Path) -> None:
    """Prints the table, and the best F1 of what ships."""
    items = read_measured(measured)
    truth, found = target_flags(items)[:, :_COUNT], ways(items)
    shipped = found["as shipped"]
    print("| read | macro AP | " + " | ".join(LABELS) + " | difference | both halves gain |\n" + "| --- " * (_COUNT + 4) + "|")
    for name, scores in found.items():
        values = precision(truth, scores)
        cells = " | ".join(f"{value:.3f}" for value in values)
        low, high = (0.0, 0.0) if scores is shipped else interval(truth, shipped, scores)
        rest = " |  |" if scores is shipped else f" {low:+.3f} to {high:+.3f} | {both_halves(truth, shipped, scores):.0%} |"
        print(f"| {name} | {values.mean():.3f} | {cells} |{rest}", flush=True)
    best = [best_f1(truth[:, k], shipped[:, k]) for k in range(_COUNT)]
    print(f"\nbest thresholds after the fact: macro-F1 {np.mean(best):.3f}; " + ", ".join(f"{value:.3f}" for value in best))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SHARED / "data" / "real_dev.jsonl")
