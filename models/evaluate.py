"""Measures a predictor on labelled items: per label precision, recall and F1, their mean, calibration, with intervals.

In: labelled items and a predictor. Out: a `Report`, as a table for people and as JSON. It chooses nothing: thresholds come with the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.dataset import Item, read_measured
from models.labels import LABELS
from models.report import Example, GroupScores, Interval, LabelScores, ReliabilityBin, Report, SureScores
from models.results import Classified, Text

#: Equal-width bins of probability in the expected calibration error (Naeini et al. 2015).
ECE_BINS = 10
RESAMPLES = 1_000
_SEED = 7
_INTERVAL = (2.5, 97.5)
#: Groups with fewer items than this are not shown: their figures say nothing.
MIN_GROUP = 10
#: Errors shown of one label and kind, at most, and characters of their texts.
EXAMPLES = 8
_EXAMPLE_CHARS = 1_000

_Flags = NDArray[np.bool_]
_Floats = NDArray[np.float64]


class Classifier(Protocol):
    """What is measured; `models.predict.Predictor` is one."""

    @property
    def version(self) -> str:
        """Which model it is."""

    def classify(self, texts: Sequence[Text]) -> list[Classified]:
        """One answer for each text, in order."""


def evaluate_file(path: Path, predictor: Classifier) -> Report:
    """`evaluate` on the labelled items of a JSONL file.

    Raises:
        ModelError: if the file is missing or has lines that are not labelled items.
    """
    return evaluate(read_measured(path), predictor, name=path.name)


def evaluate(items: Sequence[Item], predictor: Classifier, *, name: str = "items") -> Report:
    """Classifies the items' texts and holds the answers against their labels.

    An item's known language is not told to the predictor: detecting it is part of what is measured.
    """
    answers = predictor.classify([Text(item.title, item.text) for item in items])
    truth = np.array([[label in item.labels for label in LABELS] for item in items], dtype=bool).reshape(-1, len(LABELS))
    decided = np.array([[label in answer.decided for label in LABELS] for answer in answers], dtype=bool).reshape(truth.shape)
    probability = np.array([[answer.labels[label] for label in LABELS] for answer in answers], dtype=float).reshape(truth.shape)
    intervals, macro = _bootstrap(truth, decided)
    labels = {
        str(label): _label_scores(truth[:, k], decided[:, k], probability[:, k], intervals[k]) for k, label in enumerate(LABELS)
    }
    unlabelled = ~truth.any(axis=1)
    return Report(
        name=name,
        model=predictor.version,
        items=len(items),
        labels=labels,
        macro_f1=macro,
        ece=float(np.mean([scores.ece for scores in labels.values()])),
        unlabelled_decided=_share([bool(row.any()) for row in decided[unlabelled]]),
        domain_accuracy=_share([a.decided_domains[0] in i.domains for i, a in zip(items, answers, strict=True) if i.domains]),
        pair_recall=_share(_pairs_found(items, answers)),
        direction_accuracy=_share(_directions_right(items, answers)),
        groups=_groups(items, truth, decided),
        sure=_sure_scores(answers, truth, decided),
        examples=tuple(example for label in map(str, LABELS) for example in _examples(items, answers, label)),
    )


def expected_calibration_error(truth: _Flags, probability: _Floats) -> float:
    """Mean distance between stated probability and observed frequency over `ECE_BINS` equal bins, weighted by their items; 0..1.

    >>> expected_calibration_error(np.array([True, False]), np.array([0.5, 0.5]))
    0.0
    """
    if not len(truth):
        return 0.0
    distance = np.bincount(_bins(probability), weights=truth - probability, minlength=ECE_BINS)
    return float(np.abs(distance).sum() / len(truth))


def reliability(truth: _Flags, probability: _Floats) -> tuple[ReliabilityBin, ...]:
    """Stated against observed, bin by bin; an empty bin has zeros (the diagram of DeGroot and Fienberg 1983)."""
    bins = _bins(probability)
    sizes = np.bincount(bins, minlength=ECE_BINS)
    stated, observed = (np.bincount(bins, weights=w, minlength=ECE_BINS) / np.maximum(sizes, 1) for w in (probability, truth))
    return tuple(ReliabilityBin(int(n), float(p), float(o)) for n, p, o in zip(sizes, stated, observed, strict=True))


def _bins(probability: _Floats) -> NDArray[np.int64]:
    return np.minimum((probability * ECE_BINS).astype(np.int64), np.int64(ECE_BINS - 1))


def f1_scores(truth: _Flags, decided: _Flags) -> _Floats:
    """F1 of every column; a label that neither stands nor was put on has F1 0.

    Args:
        truth: `(n_items, n_labels)`.
        decided: the same shape.
    """
    hits = (truth & decided).sum(axis=0)
    total = truth.sum(axis=0) + decided.sum(axis=0)
    return np.asarray(2 * hits / np.maximum(total, 1), dtype=float)


def _bootstrap(truth: _Flags, decided: _Flags) -> tuple[list[Interval], Interval]:
    """Each column's F1 and their mean, with percentile intervals over `RESAMPLES` resamples of the items."""
    values = f1_scores(truth, decided)
    count = len(truth)
    draws = (
        np.random.default_rng(_SEED).multinomial(count, np.full(count, 1 / count), size=RESAMPLES) if count else np.zeros((1, 0))
    )
    hits = draws @ (truth & decided)
    total = draws @ truth.astype(int) + draws @ decided.astype(int)
    resampled = 2 * hits / np.maximum(total, 1)
    bounds = np.percentile(resampled, _INTERVAL, axis=0)
    low, high = np.percentile(resampled.mean(axis=1), _INTERVAL)
    labels = [Interval(float(value), float(bounds[0, k]), float(bounds[1, k])) for k, value in enumerate(values)]
    return labels, Interval(float(values.mean()), float(low), float(high))


def _label_scores(truth: _Flags, decided: _Flags, probability: _Floats, f1: Interval) -> LabelScores:
    hits, put_on, support = int((truth & decided).sum()), int(decided.sum()), int(truth.sum())
    return LabelScores(
        support=support,
        decided=put_on,
        precision=hits / put_on if put_on else 0.0,
        recall=hits / support if support else 0.0,
        f1=f1,
        ece=expected_calibration_error(truth, probability),
        reliability=reliability(truth, probability),
    )


def _sure_scores(answers: Sequence[Classified], truth: _Flags, decided: _Flags) -> SureScores:
    sure = np.array([not answer.unsure for answer in answers], dtype=bool)
    return SureScores(float((~sure).mean()) if len(sure) else 0.0, float(f1_scores(truth[sure], decided[sure]).mean()))


def _examples(items: Sequence[Item], answers: Sequence[Classified], label: str) -> list[Example]:
    """The errors of one label that the model was surest of: first those put on, then those missed."""
    wrong: dict[str, list[Example]] = {"put on": [], "missed": []}
    for item, answer in zip(items, answers, strict=True):
        if (label in item.labels) != (label in answer.decided):
            kind = "put on" if label in answer.decided else "missed"
            evidence = next((signal.evidence for signal in answer.signals if signal.label == label), "")
            text = item.text[:_EXAMPLE_CHARS]
            wrong[kind].append(Example(item.id, label, kind, answer.labels[label], item.title, text, item.labels, evidence))
    surest = {"put on": -1, "missed": 1}
    return [
        example for kind, sign in surest.items()
        for example in sorted(wrong[kind], key=lambda e: (sign * e.probability, e.item))[:EXAMPLES]
    ]  # fmt: skip


def _share(flags: Iterable[bool]) -> float | None:
    known = list(flags)
    return sum(known) / len(known) if known else None


def _pairs_found(items: Sequence[Item], answers: Sequence[Classified]) -> list[bool]:
    found = []
    for item, answer in zip(items, answers, strict=True):
        if item.labels and item.source and item.partner:
            found.append((min(item.source, item.partner), max(item.source, item.partner)) in answer.pairs)
    return found


def _directions_right(items: Sequence[Item], answers: Sequence[Classified]) -> list[bool]:
    right = []
    for item, answer in zip(items, answers, strict=True):
        if item.source and item.partner:
            for label in set(item.labels) & set(answer.decided):
                right.append(any((s.source, s.partner, s.label) == (item.source, item.partner, label) for s in answer.signals))
    return right


def _group_scores(truth: _Flags, decided: _Flags) -> GroupScores:
    scores = f1_scores(truth, decided)
    f1 = {str(label): float(score) for label, score, column in zip(LABELS, scores, truth.T, strict=True) if column.any()}
    return GroupScores(len(truth), f1, sum(f1.values()) / len(f1) if f1 else 0.0)


def _groups(items: Sequence[Item], truth: _Flags, decided: _Flags) -> dict[str, dict[str, GroupScores]]:
    readers: dict[str, Callable[[Item], str]] = {
        "language": lambda item: item.language,
        "style": lambda item: item.style,
        "domain": lambda item: item.domains[0] if item.domains else "",
    }
    found: dict[str, dict[str, GroupScores]] = {}
    for kind, read in readers.items():
        values = np.array([read(item) for item in items], dtype=object)
        groups = {}
        for value in sorted({value for value in values if value}):
            chosen = values == value
            if chosen.sum() >= MIN_GROUP:
                groups[value] = _group_scores(truth[chosen], decided[chosen])
        if len(groups) > 1:
            found[kind] = groups
    return found
