"""Trains the model: the corpus in, `model.tsv` and `manifest.json` out. The same corpus and seed give the same bytes.

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
from models.encoder import is_taught, load_encoder
from models.errors import ModelError
from models.labels import DOMAINS, LABELS, TARGETS
from models.linear import LinearModel
from models.pipeline import build_pipeline
from models.reading import ENCODED, Reading, read
from models.results import Text
from models.scoring import Floats, Scorer, encoder_scores

#: Parts that the items are cut into, each scored by a model trained on the others.
FOLDS = 5
#: Fewer items than this in the encoder's languages, and it is left out: its scores can't be calibrated.
MIN_ENCODED = 500
#: Weight of the encoder's log-odds against the linear model's.
ENCODER_SHARE = 0.6
#: Log-odds of labels are divided by this: news from elsewhere is less like our items than they are like each other, so that a probability
#: that holds among them is too sure there. Decisions stay what they are.
UNSEEN_TEMPERATURE = 1.3
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
        encoder: whether the encoder reads along.
    """

    folder: Path
    version: str
    items: int
    frozen: int
    by_label: dict[str, int]
    cross_validation: dict[str, float]
    thresholds: dict[str, float]
    encoder: bool

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
        if not self.encoder:
            rows.append(
                "\nwithout the encoder: it is missing, was taught other labels, or has too few items to read; `make teach` makes it anew"
            )
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
    decidable = np.array([len(reading.actors) > 1 for reading in readings])
    calibration, cross_validation = calibrate(inputs, truth, decidable)
    encoded = calibrate_encoded(readings, inputs, truth, decidable)
    pipeline = build_pipeline(seed=seed).fit([reading.masked for reading in readings], truth.astype(int))
    manifest = Manifest(
        corpus_sha256=corpus_digest(corpus_dir), items=len(training), seed=seed, calibration=calibration,
        domain_shares=_domain_shares(training), cross_validation=cross_validation, encoded=encoded,
    )  # fmt: skip
    return _report(save(LinearModel.of(pipeline), manifest, out_dir), out_dir, training, len(frozen))


def target_flags(items: Sequence[Item]) -> _Flags:
    """`(n_items, n_targets)`: which labels and domains each item carries."""
    return np.array([[t in item.labels or t in item.domains for t in TARGETS] for item in items], dtype=bool)


def out_of_fold_inputs(items: Sequence[Item], readings: Sequence[Reading], truth: _Flags, seed: int) -> Floats:
    """`(n_items, n_targets, 2)`: each item's `Scores.inputs` by a pipeline that saw neither it nor an item of its unit."""
    inputs = np.zeros((*truth.shape, 2))
    units = [item.unit for item in items]
    for known, unseen in GroupKFold(FOLDS, shuffle=True, random_state=seed).split(units, groups=units):
        pipeline = build_pipeline(seed=seed).fit([readings[k].masked for k in known], truth[known].astype(int))
        batch = Scorer(LinearModel.of(pipeline)).score([readings[k] for k in unseen])
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
        is_label = target in LABELS
        fitted = _fit(inputs[decidable, k], truth[decidable, k], UNSEEN_SHARE if is_label else 1)
        window, passage = fitted.weights
        calibration[target] = softened(
            fitted.calibration(window=window, passage=passage), UNSEEN_TEMPERATURE if is_label else 1.0
        )
        if is_label:
            reached[target] = round(fitted.f1, 4)
    return calibration, reached | {"macro": round(sum(reached.values()) / len(reached), 4)}


def calibrate_encoded(readings: Sequence[Reading], inputs: Floats, truth: _Flags, decidable: _Flags) -> dict[str, Calibration]:
    """Label -> how the encoder's score and the linear one become a probability, for items in a language that it reads.

    The encoder was trained on none of these texts (`models.train_encoder`) and the linear scores are out of fold, so that both are as
    of unseen items. Their shares are set, not fitted (`ENCODER_SHARE`): fitted here, the linear model, which was trained on items by
    the same hands, would get more weight than it deserves on news from elsewhere. Empty if there is no encoder that was taught these labels.

    Args:
        readings: of the items.
        inputs: `(n_items, n_targets, 2)`, their linear scores.
        truth: `(n_items, n_targets)`.
        decidable: `(n_items,)`, which would be scored at all.
    """
    read_here = [k for k, reading in enumerate(readings) if decidable[k] and reading.language in ENCODED]
    if not is_taught() or len(read_here) < MIN_ENCODED:
        return {}
    encoder = load_encoder()
    scores = encoder_scores(encoder, [readings[k] for k in read_here])
    found: dict[str, Calibration] = {}
    for k, label in enumerate(LABELS):
        linear = inputs[read_here, k, 0]
        mixed = ENCODER_SHARE * scores[:, k] + (1 - ENCODER_SHARE) * linear
        fitted = _fit(mixed[:, None], truth[read_here, k], UNSEEN_SHARE)
        [slope] = fitted.weights
        weighed = fitted.calibration(window=slope * (1 - ENCODER_SHARE), passage=0.0, encoder=slope * ENCODER_SHARE)
        found[str(label)] = softened(weighed)
    return found


@dataclass(frozen=True, slots=True)
class _Fitted:
    """A sigmoid over scores, the threshold and the abstain band that go with it, and the F1 that they reach."""

    intercept: float
    weights: tuple[float, ...]
    threshold: float
    band: tuple[float, float]
    f1: float

    def calibration(self, *, window: float, passage: float, encoder: float = 0.0) -> Calibration:
        """The calibration that gives the scores these weights."""
        return Calibration(self.intercept, window, passage, self.threshold, encoder, *self.band)


def _fit(scores: Floats, truth: _Flags, share: float) -> _Fitted:
    """Platt's sigmoid over `(n_items, n_scores)`; the threshold aims at `share` of the best F1."""
    sigmoid = LogisticRegression(C=1.0).fit(scores, truth)
    probability = sigmoid.predict_proba(scores)[:, 1]
    threshold = _threshold(truth, probability, share)
    return _Fitted(
        intercept=float(sigmoid.intercept_[0]), weights=tuple(map(float, sigmoid.coef_[0])), threshold=threshold,
        band=unsure_band(truth, probability, threshold), f1=_f1(truth, probability >= threshold),
    )  # fmt: skip


def unsure_band(truth: _Flags, probability: Floats, threshold: float) -> tuple[float, float]:
    """The abstain band (low, high): as far to both sides of the threshold, in log-odds, as half of all wrong decisions lie.

    Half, because a desk that reads what is in the band then halves its errors; that needs no other constant.
    """
    distance = _log_odds(probability) - _log_odds(np.array(threshold))
    wrong = np.abs(distance[truth != (distance >= 0)])
    reach = float(np.median(wrong)) if len(wrong) else 0.0
    middle = float(_log_odds(np.array(threshold)))
    return _sigmoid(middle - reach), _sigmoid(middle + reach)


def softened(one: Calibration, temperature: float = UNSEEN_TEMPERATURE) -> Calibration:
    """The same decisions with all log-odds divided by `temperature` (Guo et al. 2017), and all numbers rounded for the manifest."""
    stated = {name: float(_log_odds(np.array(getattr(one, name)))) for name in ("threshold", "unsure_from", "unsure_to")}
    probabilities = {name: _sigmoid(log_odds / temperature) for name, log_odds in stated.items()}
    weights = {name: getattr(one, name) / temperature for name in ("intercept", "window", "passage", "encoder")}
    return Calibration(**{name: round(value, _DECIMALS) for name, value in (weights | probabilities).items()})


def _sigmoid(log_odds: float) -> float:
    return float(1 / (1 + np.exp(-log_odds)))


def _log_odds(probability: Floats) -> Floats:
    clipped = np.clip(probability, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(clipped / (1 - clipped)))


def _threshold(truth: _Flags, probability: NDArray[np.float64], share: float) -> float:
    """Half of `share` of the best F1 that any threshold reaches."""
    return round(max(_f1(truth, probability >= threshold) for threshold in _GRID) * share / 2, 2)


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
        encoder=bool(manifest.encoded),
    )
