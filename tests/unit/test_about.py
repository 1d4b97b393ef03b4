"""The board's page about its method: every figure on it stands somewhere else, and is that one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.artifact import TRAINED, load
from models.errors import ModelError
from models.labels import LABELS
from models.reading import SUPPORTED
from streams.board.method import LANGUAGE_NAMES, MEASURED_FILE, measured_tables, model_figures, status_rules
from streams.metrics import STATUS_NAMES
from streams.trends import status
from tests.helpers.measured_figures import WANTED, Wanted, as_text, read_table


def test_the_figures_that_ship_are_those_of_the_docs() -> None:
    assert MEASURED_FILE.read_text(encoding="utf-8") == as_text(), (
        "docs/ says otherwise: `python -m tests.helpers.measured_figures`"
    )


def test_every_table_has_a_row_for_each_line_and_a_cell_for_each_column() -> None:
    tables = measured_tables()
    assert set(tables) == set(WANTED)
    for name, table in tables.items():
        assert table.rows, name
        assert {len(row) for row in table.rows} == {len(table.columns)}, name
    assert [row[0] for row in tables["labels"].rows] == [*LABELS, "macro"]


def test_a_table_that_the_docs_lost_is_named() -> None:
    with pytest.raises(ValueError, match="no table"):
        read_table(Wanted("docs/breaks.md", "## Persistence", ("no such column",)))
    with pytest.raises(ValueError, match="no line"):
        read_table(Wanted("docs/breaks.md", "## No such heading", ("rows",)))


def test_the_model_is_the_one_that_would_be_loaded() -> None:
    artifact, shown = load(), model_figures(None)
    assert (shown.version, shown.items, shown.is_shipped) == (artifact.version, artifact.manifest.items, True)
    for label in LABELS:
        decided = (artifact.manifest.encoded or artifact.manifest.calibration)[label]
        assert shown.decisions[label].threshold == decided.threshold
        assert (shown.decisions[label].unsure_from, shown.decisions[label].unsure_to) == (decided.unsure_from, decided.unsure_to)


def test_a_model_of_ones_own_is_not_taken_for_the_one_that_was_measured(tmp_path: Path) -> None:
    manifest = json.loads((TRAINED / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps(manifest | {"items": 7}))
    shown = model_figures(tmp_path)
    assert (shown.items, shown.is_shipped) == (7, False)


@pytest.mark.parametrize("content", [None, "{", '{"items": "many"}'])
def test_a_manifest_that_is_missing_or_damaged_says_where_and_what_to_do(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(ModelError) as caught:
        model_figures(tmp_path)
    assert str(tmp_path) in caught.value.where
    assert "bellwether train" in caught.value.todo


def test_the_languages_named_are_those_that_are_decided_in() -> None:
    assert set(LANGUAGE_NAMES) == set(SUPPORTED)


def test_every_status_has_its_rule_with_the_numbers_that_the_code_goes_by(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(status_rules()) == set(STATUS_NAMES)
    monkeypatch.setattr(status, "BROKEN_WEEKS", 77)
    monkeypatch.setattr(status, "LEAST_CHANGE", 1.5)
    rules = status_rules()
    assert "77 weeks" in rules["broken"]
    assert "150%" in rules["strengthening"]
    assert "67%" in rules["weakening"]
