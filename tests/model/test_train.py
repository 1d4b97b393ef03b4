"""Training reports what it came to, calibrates on unseen scores, and refuses a corpus that it can't learn from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.errors import ModelError
from models.labels import LABELS
from models.pipeline import TARGETS
from models.predict import Predictor
from models.results import Text
from models.scoring import probability
from models.train import UNSEEN_SHARE, calibrate, train
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
    first = calibration[TARGETS[0]]
    near = np.abs(scores[:, 0] - 0.5) < 0.1
    assert probability(first, 0.5, 0.5) == pytest.approx(truth[near, 0].mean(), abs=0.08)
    assert first.threshold == pytest.approx(UNSEEN_SHARE * reached["cooperation"] / 2, abs=0.02)


def test_items_that_would_not_be_scored_do_not_calibrate() -> None:
    rng = np.random.default_rng(6)
    inputs = rng.normal(size=(400, len(TARGETS), 2))
    truth = inputs[:, :, 0] > 0
    decidable = np.arange(400) < 300
    changed = truth.copy()
    changed[300:] = ~changed[300:]
    assert calibrate(inputs, truth, decidable) == calibrate(inputs, changed, decidable)
