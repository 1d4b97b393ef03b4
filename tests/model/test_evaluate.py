"""The figures of an evaluation are what their definitions say, on answers that are known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from models.dataset import Item
from models.errors import ModelError
from models.evaluate import evaluate, evaluate_file, expected_calibration_error, f1_scores
from models.labels import DOMAINS, LABELS
from models.report_page import to_page
from models.results import Classified, PairSignal, Text
from tests.helpers.labelled import labelled_row, write_rows


class Oracle:
    """Answers by title: the labels that stand in it, for Belarus and Russia."""

    version = "oracle"

    def classify(self, texts: Sequence[Text]) -> list[Classified]:
        return [self._answer(text.title.split()) for text in texts]

    @staticmethod
    def _answer(decided: list[str]) -> Classified:
        return Classified(
            language="en",
            labels={str(label): 0.9 if label in decided else 0.1 for label in LABELS},
            decided=tuple(decided),
            domains=dict.fromkeys(map(str, DOMAINS), 0.5),
            decided_domains=("security",),
            actors=("BLR", "RUS"),
            pairs=(("BLR", "RUS"),),
            signals=tuple(PairSignal("BLR", "RUS", label, 0.9, "security", "x") for label in decided),
        )


def item(number: int, answer: str, *labels: str, pair: tuple[str, str] = ("BLR", "RUS"), language: str = "en") -> Item:
    return Item(f"i{number}", answer, "x", labels, *pair, domains=("security",), language=language)


def test_precision_recall_and_f1_follow_their_definitions() -> None:
    items = [
        item(1, "cooperation", "cooperation"),
        item(2, "cooperation", "cooperation"),
        item(3, "cooperation"),
        item(4, "", "cooperation"),
        item(5, "hedging", "hedging"),
    ]
    report = evaluate(items, Oracle())
    cooperation = report.labels["cooperation"]
    assert (cooperation.support, cooperation.decided) == (3, 3)
    assert (cooperation.precision, cooperation.recall, cooperation.f1.value) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert report.macro_f1.value == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert report.unlabelled_decided == 1.0


def test_an_interval_holds_its_figure_and_comes_out_the_same_every_time() -> None:
    items = [item(n, "cooperation" if n % 3 else "", *(["cooperation"] if n % 2 else [])) for n in range(60)]
    first, second = evaluate(items, Oracle()), evaluate(items, Oracle())
    f1 = first.labels["cooperation"].f1
    assert f1.low < f1.value < f1.high
    assert first == second


def test_direction_and_pair_are_measured_apart() -> None:
    items = [
        item(1, "hedging", "hedging"),
        item(2, "hedging", "hedging", pair=("RUS", "BLR")),
        item(3, "", "hedging", pair=("ARM", "RUS")),
    ]
    report = evaluate(items, Oracle())
    assert report.pair_recall == pytest.approx(2 / 3)
    assert report.direction_accuracy == pytest.approx(1 / 2)


def test_shares_without_items_are_unknown_rather_than_zero() -> None:
    report = evaluate([Item("i1", "", "x", ("hedging",))], Oracle())
    assert (report.unlabelled_decided, report.domain_accuracy, report.pair_recall, report.direction_accuracy) == (None,) * 4
    assert " -" in report.to_table()


def test_calibration_error_is_zero_for_honest_and_large_for_false_probabilities() -> None:
    truth = np.array([True, False] * 50)
    assert expected_calibration_error(truth, np.full(100, 0.5)) == pytest.approx(0.0)
    assert expected_calibration_error(truth, np.full(100, 0.9)) == pytest.approx(0.4)
    assert expected_calibration_error(truth, truth.astype(float)) == pytest.approx(0.0)


def test_f1_of_a_label_that_nothing_carries_is_zero() -> None:
    nothing = np.zeros((3, 1), dtype=bool)
    assert f1_scores(nothing, nothing).tolist() == [0.0]


def test_groups_are_shown_when_there_are_several_large_enough() -> None:
    items = [item(n, "hedging", "hedging", language="ru" if n % 2 else "en") for n in range(24)]
    report = evaluate(items, Oracle())
    assert report.groups["language"]["ru"].items == 12
    assert report.groups["language"]["ru"].f1 == {"hedging": 1.0}
    assert "style" not in report.groups


def test_a_file_is_evaluated_into_json_and_a_table(tmp_path: Path) -> None:
    path = write_rows(
        tmp_path / "measured.jsonl", [labelled_row(1, title="cooperation"), labelled_row(2, title="hedging", labels=["hedging"])]
    )
    report = evaluate_file(path, Oracle())
    read = json.loads(report.to_json())
    assert read["name"] == "measured.jsonl"
    assert read["labels"]["cooperation"]["f1"]["value"] == 1.0
    assert "symbolic-allegiance" in report.to_table()


def test_a_file_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="none"):
        evaluate_file(tmp_path / "none.jsonl", Oracle())


def test_a_reliability_diagram_sets_what_was_stated_against_what_was_observed() -> None:
    items = [item(1, "cooperation", "cooperation"), item(2, "cooperation"), item(3, ""), item(4, "")]
    bins = evaluate(items, Oracle()).labels["cooperation"].reliability
    assert (bins[9].items, bins[9].stated, bins[9].observed) == pytest.approx((2, 0.9, 0.5))
    assert (bins[1].items, bins[1].stated, bins[1].observed) == pytest.approx((2, 0.1, 0.0))
    assert sum(one.items for one in bins) == len(items)


def test_the_surest_errors_are_shown_with_what_the_item_carries() -> None:
    items = [item(1, "cooperation"), item(2, "", "hedging"), item(3, "hedging", "hedging")]
    examples = evaluate(items, Oracle()).examples
    assert [(e.item, e.label, e.kind, e.truth) for e in examples] == [
        ("i1", "cooperation", "put on", ()),
        ("i2", "hedging", "missed", ("hedging",)),
    ]


def test_the_page_shows_every_figure_and_escapes_what_the_items_say() -> None:
    hostile = Item("i1", "cooperation", "<script>alert(1)</script>", (), "BLR", "RUS", domains=("security",))
    page = to_page(evaluate([hostile, item(2, "hedging", "hedging")], Oracle()))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert page.count("<svg") == len(LABELS)
    assert "http" not in page
