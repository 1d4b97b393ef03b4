"""Trains the model: the corpus in, `model.skops` and `manifest.json` out. The same corpus and seed give the same bytes.

    items -> readings -> out-of-fold scores -> calibration and thresholds
                      -> pipeline on all of them
One unit of items in twelve is left out for good (`models.dataset.split_frozen`), so that the quality floor is measured on unseen items.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from models.artifact import Artifact, Calibration, Manifest, save
from models.dataset import Item, corpus_digest, read_corpus, split_frozen
from models.errors import ModelError
from models.labels import DOMAINS, LABELS
from models.pipeline import TARGETS, build_pipeline
from models.reading import Reading, read
from models.results import Text
from models.scoring import Floats, Scorer

#: Parts that the items are cut into, each scored by a model trained on the others.
FOLDS = 5
#: Fewer items than this with a target, in or out, and nothing can be calibrated.
MIN_EXAMPLES = 10
#: F1 of a label on news that nobody here has seen, as a share of the cross-validated one: what thresholds are chosen for. On unseen items
#: of the corpus F1 is flat between .7 and 1, so that aiming lower costs nothing there.
UNSEEN_SHARE = 0.8
_GRID = np.arange(0.05, 0.9, 0.01)
_DECIMALS = 6

_Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TrainReport:
    """What a training came to.

    Attributes:
        folder: where the model was written.
        version: of the model.
        items: number of items trained on.
        frozen: number of items left out for the quality floor.
        by_label: label (and "none") -> items trained on that carry it.
        cross_validation: label, and "macro" for their mean -> F1 on items that the scoring model had not seen.
        thresholds: target -> probability from which on it is decided.
    """

    folder: Path
    version: str
    items: int
    frozen: int
    by_label: dict[str, int]
    cross_validation: dict[str, float]
    thresholds: dict[str, float]

    def to_table(self) -> str:
        """The report for a person to read."""
        rows = [f"model {self.version} in {self.folder}: {self.items} items, {self.frozen} kept out for the quality floor", ""]
        rows.append(f"{'label':<22}{'items':>7}{'cross-validated F1':>21}{'threshold':>12}")
        for label in map(str, LABELS):
            rows.append(
                f"{label:<22}{self.by_label[label]:>7}{self.cross_validation[label]:>21.3f}{self.thresholds[label]:>12.2f}"
            )
        rows.append(f"{'none':<22}{self.by_label['none']:>7}")
        rows.append(f"{'macro':<22}{'':>7}{self.cross_validation['macro']:>21.3f}")
        return "\n".join(rows) + "\n"


def train(corpus_dir: Path, out_dir: Path, seed: int = 0) -> TrainReport:
    """Trains on the corpus in `corpus_dir` and writes the model into `out_dir`.

    Args:
        corpus_dir: folder of labelled items.
        out_dir: made if missing; an earlier model there is replaced.
        seed: of the folds and the solver.

    Raises:
        ModelError: if the corpus is missing or invalid, or has too few items with or without some label or domain.
    """
    training, frozen = split_frozen(read_corpus(corpus_dir))
    readings = [read(Text(item.title, item.text, language=item.language)) for item in training]
    truth = target_flags(training)
    _check_examples(truth, corpus_dir)
    inputs = out_of_fold_inputs(training, readings, truth, seed)
    calibration, cross_validation = calibrate(inputs, truth, np.array([len(reading.actors) > 1 for reading in readings]))
    pipeline = build_pipeline(seed=seed).fit([reading.masked for reading in readings], truth.astype(int))
    manifest = Manifest(
        corpus_sha256=corpus_digest(corpus_dir), items=len(training), seed=seed, calibration=calibration,
        domain_shares=_domain_shares(training), cross_validation=cross_validation,
    )  # fmt: skip
    return _report(save(pipeline, manifest, out_dir), out_dir, training, len(frozen))


def target_flags(items: Sequence[Item]) -> _Flags:
    """`(n_items, n_targets)`: which labels and domains each item carries."""
    return np.array([[t in item.labels or t in item.domains for t in TARGETS] for item in items], dtype=bool)


def out_of_fold_inputs(items: Sequence[Item], readings: Sequence[Reading], truth: _Flags, seed: int) -> Floats:
    """`(n_items, n_targets, 2)`: each item's `Scores.inputs` by a pipeline that saw neither it nor an item of its unit."""
    inputs = np.zeros((*truth.shape, 2))
    units = [item.unit for item in items]
    for known, unseen in GroupKFold(FOLDS, shuffle=True, random_state=seed).split(units, groups=units):
        pipeline = build_pipeline(seed=seed).fit([readings[k].masked for k in known], truth[known].astype(int))
        batch = Scorer(pipeline).score([readings[k] for k in unseen])
        inputs[unseen] = np.stack([scores.inputs() for scores in batch.scores])
    return inputs


def calibrate(inputs: Floats, truth: _Flags, decidable: _Flags) -> tuple[dict[str, Calibration], dict[str, float]]:
    """(calibration of every target, F1 of every label and their mean as "macro") from out-of-fold scores.

    Platt's sigmoid over both scores, fitted on the items that would be scored at all. The threshold is half of the F1 that is to be
    expected: for calibrated probabilities that is where F1 is highest (Lipton, Elkan, Naryanaswamy 2014), and it varies far less from
    sample to sample than the best threshold itself does. Expected is the best F1 that any threshold reaches, for labels times `UNSEEN_SHARE`.
    """
    calibration: dict[str, Calibration] = {}
    reached: dict[str, float] = {}
    for k, target in enumerate(TARGETS):
        x, y = inputs[decidable, k], truth[decidable, k]
        sigmoid = LogisticRegression(C=1.0).fit(x, y)
        probability = sigmoid.predict_proba(x)[:, 1]
        best = max(_f1(y, probability >= threshold) for threshold in _GRID)
        threshold = round(best * (UNSEEN_SHARE if target in LABELS else 1) / 2, 2)
        window, passage = (round(float(weight), _DECIMALS) for weight in sigmoid.coef_[0])
        calibration[target] = Calibration(round(float(sigmoid.intercept_[0]), _DECIMALS), window, passage, threshold)
        if target in LABELS:
            reached[target] = round(_f1(y, probability >= threshold), 4)
    return calibration, reached | {"macro": round(sum(reached.values()) / len(reached), 4)}


def _f1(truth: _Flags, decided: _Flags) -> float:
    return float(2 * (truth & decided).sum() / max(1, truth.sum() + decided.sum()))


def _check_examples(truth: _Flags, corpus_dir: Path) -> None:
    for k, target in enumerate(TARGETS):
        count = int(truth[:, k].sum())
        if min(count, len(truth) - count) < MIN_EXAMPLES:
            raise ModelError(
                f"Too few examples of {target}: {count} of {len(truth)} items.", where=str(corpus_dir),
                expected=f"at least {MIN_EXAMPLES} with it and {MIN_EXAMPLES} without it", todo="add labelled items",
            )  # fmt: skip


def _domain_shares(items: Sequence[Item]) -> dict[str, float]:
    """Share of the items whose main domain is each."""
    mains = Counter(item.domains[0] for item in items)
    return {str(domain): round(mains[domain] / len(items), _DECIMALS) for domain in DOMAINS}


def _report(artifact: Artifact, out_dir: Path, training: Sequence[Item], frozen: int) -> TrainReport:
    manifest = artifact.manifest
    carried = Counter(label for item in training for label in item.labels or ("none",))
    return TrainReport(
        folder=out_dir,
        version=artifact.version,
        items=manifest.items,
        frozen=frozen,
        by_label={name: carried[name] for name in (*map(str, LABELS), "none")},
        cross_validation=manifest.cross_validation,
        thresholds={target: calibration.threshold for target, calibration in manifest.calibration.items()},
    )
