"""Corrections as lessons: which article teaches what, and a new model that is kept only where nothing got worse."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from models.dataset import Item, read_corpus, split_frozen
from models.predict import Predictor
from models.results import Classified, Text
from models.train import TrainReport
from streams.corrections.retraining import FROZEN, ROWS_FILE, retrain
from streams.corrections.teaching import add_row, training_id
from streams.records import Correction
from tests.helpers.builders import article, classified, pair_signal
from tests.helpers.labelled import labelled_row, write_rows, write_small_corpus


def said(pair: str, *labels: str, domains: tuple[str, ...] = ()) -> Correction:
    return Correction(
        article_id="article-1", pair=pair, labels=list(labels), digest="d", by="Ann", why="so", at="2026-01-01T00:00:00Z",
        domains=list(domains),
    )  # fmt: skip


def row_of(*corrections: Correction, result: Classified | None = None) -> dict[str, object]:
    rows: list[dict[str, object]] = []
    reason = add_row(rows, article(1), result or classified(pair_signal("BLR", "RUS")), {c.pair: c for c in corrections})
    assert reason == ""
    return rows[0]


def test_a_corrected_article_teaches_what_was_said_of_it() -> None:
    row = row_of(said("BLR-RUS", "hedging", domains=("economy",)))
    assert (row["labels"], row["source"], row["partner"], row["domain"]) == (["hedging"], "BLR", "RUS", ["economy"])
    assert (row["title"], row["year"], row["language"]) == (article(1).title, 2017, "en")


def test_no_label_of_any_pair_teaches_that_there_is_none() -> None:
    assert row_of(said(""))["labels"] == []


def test_what_the_model_finds_for_a_pair_that_nobody_corrected_stays() -> None:
    result = classified(pair_signal("BLR", "CHN", "hedging"), pairs=(("BLR", "CHN"), ("BLR", "RUS")))
    row = row_of(said("BLR-RUS", "cooperation"), result=result)
    assert (row["labels"], row["partner"]) == (["cooperation", "hedging"], "RUS")


def test_an_article_in_a_language_that_is_not_trained_teaches_nothing() -> None:
    rows: list[dict[str, object]] = []
    result = Classified("de", {}, (), {}, ("security",), pairs=(("BLR", "RUS"),))
    assert (add_row(rows, article(1), result, {"": said("")}), rows) == ("language", [])


def test_no_correction_is_kept_out_for_the_frozen_tests() -> None:
    ids = [training_id(f"article-{number}") for number in range(100)]
    assert split_frozen([Item(name, "", "", ()) for name in ids])[1] == []
    assert any(name.endswith(" 2") for name in ids), "one in twelve would have been"


@dataclass
class Deciding:
    """A model that decides by a rule."""

    rule: Callable[[str], tuple[str, ...]]
    version: str = "1-rule"

    def classify(self, texts: Sequence[Text]) -> list[Classified]:
        labels = dict.fromkeys(("cooperation", "symbolic-allegiance", "hedging"), 0.0)
        return [Classified("en", labels, self.rule(text.text), {}, ("security",)) for text in texts]


def trained_without_training(_corpus: Path, out: Path, _seed: int) -> TrainReport:
    out.mkdir()
    (out / "manifest.json").write_text("{}")
    return TrainReport(out, "1-new", 1, 1, {}, {}, {}, encoder=False)


@pytest.fixture
def right(tmp_path: Path) -> dict[str, tuple[str, ...]]:
    """Text -> its labels, of a small corpus."""
    write_small_corpus(tmp_path / "corpus")
    return {item.text: item.labels for item in read_corpus(tmp_path / "corpus")}


ROW = labelled_row(1) | {"id": "corrected article-1"}


def test_a_model_that_lost_at_one_label_is_not_kept_and_nothing_of_it_is_left(
    tmp_path: Path, right: dict[str, tuple[str, ...]]
) -> None:
    worse = Deciding(lambda text: tuple(label for label in right[text] if label != "hedging"))
    found = retrain(
        tmp_path / "corpus",
        [ROW],
        tmp_path / "models",
        Deciding(right.__getitem__),
        lambda _: worse,
        run=trained_without_training,
    )
    assert (found.folder, [change.label for change in found.worse]) == (None, ["hedging"])
    assert list((tmp_path / "models").iterdir()) == []
    assert "worse" in found.to_table()
    assert json.loads(found.to_json())["folder"] is None


def test_a_model_that_lost_nothing_is_kept_by_its_version_with_what_taught_it(
    tmp_path: Path, right: dict[str, tuple[str, ...]]
) -> None:
    present = Deciding(right.__getitem__)
    found = retrain(
        tmp_path / "corpus", [ROW], tmp_path / "models", present, lambda _: present, run=trained_without_training
    )  # fmt: skip
    assert (found.folder, found.worse) == (tmp_path / "models" / "1-new", [])
    kept = tmp_path / "models" / "1-new"
    assert {path.name for path in kept.iterdir()} == {"manifest.json", ROWS_FILE}
    assert json.loads((kept / ROWS_FILE).read_text())["id"] == "corrected article-1"


def test_what_is_lost_on_a_further_file_counts_too_and_may_be_borne(tmp_path: Path, right: dict[str, tuple[str, ...]]) -> None:
    write_rows(tmp_path / "real.jsonl", [{"title": "", "text": "elsewhere", "labels": ["cooperation"]}])
    present = Deciding(lambda text: right.get(text, ("cooperation",)))
    worse = Deciding(lambda text: right.get(text, ()))

    def run(bearable: float) -> list[str]:
        found = retrain(
            tmp_path / "corpus", [ROW], tmp_path / "models", present, lambda _: worse, measured=[tmp_path / "real.jsonl"],
            bearable=bearable, run=trained_without_training,
        )  # fmt: skip
        assert (found.folder is None) == bool(found.worse)
        return [change.measured_on for change in found.worse]

    assert (run(0.5), run(1.0)) == (["real.jsonl"], [])


def test_a_real_training_learns_from_the_rows_and_can_be_loaded(tmp_path: Path) -> None:
    corpus = write_small_corpus(tmp_path / "corpus")
    present = Deciding(lambda _text: ())
    found = retrain(corpus, [ROW], tmp_path / "models", present, lambda folder: Predictor.load(folder, encoder=False))
    assert found.folder is not None
    assert Predictor.load(found.folder, encoder=False).version.startswith(found.version)
    assert {change.measured_on for change in found.changes} == {FROZEN}
