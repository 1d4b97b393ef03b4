"""Turns readings into scores, and scores into probabilities.

In: readings. Out: for each, the scores of its windows and of its passages, for every target; and the features behind them, for
explanations. One vectorizer call and one matrix product serve a whole batch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from models.artifact import Calibration
from models.encoder import Encoder
from models.labels import LABELS
from models.linear import LinearModel
from models.reading import Reading

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of one item (log-odds before calibration).

    Attributes:
        windows: `(n_windows, n_targets)`, of the reading's windows, in their order.
        passages: `(n_passages, n_targets)`, of the reading's scored passages, in their order.
        rows: for each passage the row of `Batch.features` that describes it.
    """

    windows: Floats
    passages: Floats
    rows: range

    def inputs(self) -> Floats:
        """`(n_targets, 2)`: score of the windows and of the passages (the windows' again when there is no passage).

        A label counts by the highest score, for one place that carries a signal is enough. A domain counts by the mean: an item is about what
        most of it is about.
        """
        window = _over_places(self.windows)
        return np.stack([window, _over_places(self.passages) if len(self.passages) else window], axis=1)


def _over_places(scores: Floats) -> Floats:
    """`(n_places, n_targets)` to `(n_targets,)`: labels by the maximum, domains by the mean."""
    return np.concatenate([scores[:, : len(LABELS)].max(axis=0), scores[:, len(LABELS) :].mean(axis=0)])


@dataclass(frozen=True, slots=True)
class Batch:
    """The scores of several items, and the features of all their texts: `(n_texts, n_features)` CSR, float32."""

    scores: list[Scores]
    features: csr_matrix


class Scorer:
    """A trained model, ready to score readings.

    Args:
        linear: the model.
    """

    def __init__(self, linear: LinearModel) -> None:
        self._linear = linear
        self.weights = linear.weights

    def score(self, readings: Sequence[Reading]) -> Batch:
        """The scores of each reading, in order."""
        texts: list[str] = []
        spans: list[tuple[int, int, int]] = []
        for reading in readings:
            start = len(texts)
            texts.extend(map(reading.masked_window, reading.windows))
            middle = len(texts)
            texts.extend(map(reading.masked_passage, reading.scored_passages))
            spans.append((start, middle, len(texts)))
        if not texts:
            return Batch([], csr_matrix((0, len(self.weights)), dtype=np.float32))
        features, values = self._linear.score(texts)
        return Batch([Scores(values[a:b], values[b:c], range(b, c)) for a, b, c in spans], features)


def encoder_scores(encoder: Encoder, readings: Sequence[Reading]) -> Floats:
    """`(n_items, n_targets)`: the encoder's scores of items: of their windows, labels by the maximum and domains by the mean."""
    scores = encoder.scores([reading.plain_window(window) for reading in readings for window in reading.windows])
    ends = accumulate(len(reading.windows) for reading in readings)
    rows = [_over_places(scores[end - len(reading.windows) : end]) for reading, end in zip(readings, ends, strict=True)]
    return np.array(rows).reshape(len(readings), scores.shape[1])


def probability(calibration: Calibration, window: float, passage: float, encoder: float = 0.0) -> float:
    """The calibrated probability of one target, 0..1 (Platt 1999, with several scores)."""
    logit = calibration.intercept + calibration.window * window + calibration.passage * passage + calibration.encoder * encoder
    return 1 / (1 + math.exp(-min(max(logit, -30.0), 30.0)))
