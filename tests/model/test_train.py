"""Training reports what it came to, calibrates on unseen scores, and refuses a corpus that it can't learn from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.artifact import Calibration
from models.errors import ModelError
from models.labels import LABELS, TARGETS
from models.predict import Predictor
from models.results import Text
from models.scoring import probability
from models.train import UNSEEN_SHARE, UNSEEN_TEMPERATURE, calibrate, softened, train, unsure_band
from tests.helpers.labelled import labelled_row, write_rows, write_small_corpus


def test_a_training_reports_its_items_and_figures(tmp_path: Path) -> None:
    report = train(write_small_corpus(tmp_path / "corpus"), tmp_path / "model")
    assert report.items + report.frozen == 160
    assert sum(report.by_label.values()) == report.items
    assert set(report.cross_validation) == {*map(str, LABELS), "macro"}
    assert set(report.thresholds) == set(TARGETS)
    assert report.version in report.to_table()


def test_what_was_trained_can_be_loaded_and_decides(tmp_path: Path) -> None:
    report = train(write_small_corpus(tmp_path / "corpus"), tmp_path / "model")
    predictor = Predictor.load(tmp_path / "model")
    assert predictor.version == report.version
    (answer,) = predictor.classify([Text("Belarus and Russia", "Belarus signed a joint defence agreement with Russia on day 5.")])
    assert answer.decided == ("cooperation",)


def test_a_label_without_examples_is_refused_by_name(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.jsonl", [labelled_row(number) for number in range(40)])
    with pytest.raises(ModelError, match=r"Too few examples of cooperation: \d+ of \d+"):
        train(tmp_path, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_calibrated_probabilities_match_frequencies_and_thresholds_are_half_the_expected_f1() -> None:
    rng = np.random.default_rng(5)
    scores = rng.normal(size=(4_000, len(TARGETS)))
    truth = rng.random(scores.shape) < 1 / (1 + np.exp(-(2 * scores - 1)))
    inputs = np.stack([scores, scores], axis=2)
    calibration, reached = calibrate(inputs, truth, np.ones(len(scores), dtype=bool))
    first = softened(calibration[TARGETS[0]], 1 / UNSEEN_TEMPERATURE)
    near = np.abs(scores[:, 0] - 0.5) < 0.1
    assert probability(first, 0.5, 0.5) == pytest.approx(truth[near, 0].mean(), abs=0.08)
    assert first.threshold == pytest.approx(UNSEEN_SHARE * reached["cooperation"] / 2, abs=0.02)


def test_a_softer_calibration_decides_the_same_and_is_less_sure() -> None:
    sharp = Calibration(intercept=-0.4, window=2.0, passage=1.0, threshold=0.3, unsure_from=0.2, unsure_to=0.6)
    soft = softened(sharp, 1.5)
    scores = np.linspace(-3, 3, 61)
    before, after = (np.array([probability(one, s, s) for s in scores]) for one in (sharp, soft))
    assert ((before >= sharp.threshold) == (after >= soft.threshold)).all()
    assert (np.abs(after - 0.5) <= np.abs(before - 0.5) + 1e-6).all()


def test_half_of_the_wrong_decisions_lie_in_the_abstain_band() -> None:
    rng = np.random.default_rng(8)
    stated = rng.uniform(0.01, 0.99, 5_000)
    truth = rng.random(5_000) < stated
    low, high = unsure_band(truth, stated, 0.4)
    wrong = truth != (stated >= 0.4)
    inside = (low <= stated) & (stated < high)
    assert low < 0.4 < high
    assert wrong[inside].sum() == pytest.approx(wrong.sum() / 2, rel=0.02)


def test_items_that_would_not_be_scored_do_not_calibrate() -> None:
    rng = np.random.default_rng(6)
    inputs = rng.normal(size=(400, len(TARGETS), 2))
    truth = inputs[:, :, 0] > 0
    decidable = np.arange(400) < 300
    changed = truth.copy()
    changed[300:] = ~changed[300:]
    assert calibrate(inputs, truth, decidable) == calibrate(inputs, changed, decidable)
