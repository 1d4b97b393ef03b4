"""The corpus is read in a fixed order, and what is wrong with it is said line by line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from models import dataset
from models.dataset import corpus_digest, read_corpus, read_measured, split_frozen
from models.errors import ModelError
from tests.helpers.labelled import labelled_row, write_rows

CORPUS = Path(dataset.__file__).with_name("corpus")


def test_items_come_by_file_name_and_line(tmp_path: Path) -> None:
    write_rows(tmp_path / "b.jsonl", [labelled_row(3)])
    write_rows(tmp_path / "a.jsonl", [labelled_row(2), labelled_row(1)])
    assert [item.id for item in read_corpus(tmp_path)] == ["row-0002", "row-0001", "row-0003"]


def test_labels_come_in_the_order_of_the_definitions(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.jsonl", [labelled_row(labels=["hedging", "cooperation"])])
    assert read_corpus(tmp_path)[0].labels == ("cooperation", "hedging")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"labels": ["friendship"]}, "labels must be a list of"),
        ({"domain": []}, "domain must be a list that is not empty"),
        ({"domain": ["weather"]}, "domain must be of"),
        ({"language": "pl"}, "language must be one of en, ru, be"),
        ({"style": "tabloid"}, "style must be one of"),
        ({"year": "2017"}, "year must be a whole number"),
        ({"source": None}, "needs a source and a partner"),
        ({"text": None}, "text must be a text"),
        ({"id": ""}, "id must be a text"),
    ],
)
def test_a_wrong_field_is_named_with_its_file_and_line(tmp_path: Path, changes: dict[str, Any], complaint: str) -> None:
    write_rows(tmp_path / "a.jsonl", [labelled_row(1), labelled_row(2, **changes)])
    with pytest.raises(ModelError, match=r"a\.jsonl:2") as raised:
        read_corpus(tmp_path)
    assert complaint in str(raised.value)


def test_all_wrong_lines_are_reported_together_and_bounded(tmp_path: Path) -> None:
    rows = [labelled_row(number, style="tabloid") for number in range(50)]
    write_rows(tmp_path / "a.jsonl", rows)
    with pytest.raises(ModelError) as raised:
        read_corpus(tmp_path)
    assert "50 labelled items are not valid" in str(raised.value)
    assert "and 30 more" in str(raised.value)


def test_an_id_used_twice_is_refused_with_both_places(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.jsonl", [labelled_row(1)])
    write_rows(tmp_path / "b.jsonl", [labelled_row(1)])
    with pytest.raises(ModelError, match=r"b\.jsonl:1.*a\.jsonl:1"):
        read_corpus(tmp_path)


def test_lines_that_are_no_json_objects_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{not json\n[1]\n", encoding="utf-8")
    with pytest.raises(ModelError) as raised:
        read_corpus(tmp_path)
    assert "a.jsonl:1: not JSON" in str(raised.value)
    assert "a.jsonl:2: not a JSON object" in str(raised.value)


def test_a_folder_without_items_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="corpus is missing"):
        read_corpus(tmp_path)


def test_a_measured_file_needs_less_than_the_corpus(tmp_path: Path) -> None:
    path = write_rows(
        tmp_path / "measured.jsonl",
        [
            {"title": "t", "text": "x", "labels": ["hedging"], "pair": ["BLR", "RUS"], "domain": "security"},
            {"title": "t", "text": "y", "labels": [], "pair": None, "domain": None},
        ],
    )
    first, second = read_measured(path)
    assert (first.source, first.partner, first.domains) == ("BLR", "RUS", ("security",))
    assert (second.source, second.partner, second.domains) == (None, None, ())


def test_a_measured_file_that_is_missing_or_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="missing"):
        read_measured(tmp_path / "none.jsonl")
    with pytest.raises(ModelError, match="no items"):
        read_measured(write_rows(tmp_path / "empty.jsonl", []))


def test_the_digest_follows_every_byte_and_name(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.jsonl", [labelled_row(1)])
    first = corpus_digest(tmp_path)
    assert first == corpus_digest(tmp_path)
    (tmp_path / "a.jsonl").rename(tmp_path / "b.jsonl")
    renamed = corpus_digest(tmp_path)
    write_rows(tmp_path / "b.jsonl", [labelled_row(1, year=2018)])
    assert len({first, renamed, corpus_digest(tmp_path)}) == 3


def test_frozen_items_stay_frozen_when_the_corpus_grows() -> None:
    items = read_corpus(CORPUS)
    _, few = split_frozen(items[: len(items) // 2])
    training, many = split_frozen(items)
    assert {item.id for item in few} <= {item.id for item in many}
    assert len(training) + len(many) == len(items)
    assert 0.04 < len(many) / len(items) < 0.14


def test_no_contrast_pair_is_parted_by_freezing() -> None:
    training, frozen = split_frozen(read_corpus(CORPUS))
    assert not {item.unit for item in training} & {item.unit for item in frozen}
