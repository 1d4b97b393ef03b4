"""Exported tables: rows that say the same as the records, in files that other tools read and that run nothing."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from models.labels import LABELS
from streams.errors import ConfigError
from streams.export.reading import Wanted
from streams.export.tables import BREAKS, FACTS, STANDINGS, TRENDS, Row, break_rows, fact_rows, standing_row, trend_rows
from streams.export.writing import CHUNK_ROWS, FORMATS, write_csv, write_json_lines, write_parquet
from tests.helpers.board_data import trend
from tests.helpers.builders import fact
from tests.helpers.standings import a_break, a_standing

FACT = fact(1, labels=("cooperation", "hedging"), title="=HYPERLINK(1)", outlet='Ĝazeto; "x"\nb', domains=["security", "energy"])


def named(table_rows: list[Row], table: object = FACTS) -> list[dict[str, object]]:
    return [dict(zip([column.name for column in table.columns], row, strict=True)) for row in table_rows]  # type: ignore[attr-defined]


def test_a_fact_has_a_row_for_each_label_and_one_without() -> None:
    rows = named(list(fact_rows(FACT)))
    assert [row["signal"] for row in rows] == ["cooperation", "hedging"]
    assert {row["probability"] for row in rows} == {FACT.labels["cooperation"].probability}
    assert rows[0]["domains"] == "security energy"
    (bare,) = named(list(fact_rows(fact(2, labels=()))))
    assert (bare["signal"], bare["probability"]) == ("", None)


def test_a_week_has_a_row_for_every_signal_and_domain_with_its_denominator() -> None:
    record = trend("BLR-RUS", "2017-W31", {"cooperation": 2}, about=5)
    rows = named(list(trend_rows(record)), TRENDS)
    assert len(rows) == len(LABELS) * 2
    by = {(row["signal"], row["domain"]): row for row in rows}
    assert by["cooperation", "all"]["stories"] == 2
    assert (by["cooperation", "security"]["stories"], by["cooperation", "security"]["articles"]) == (2, 3)
    assert (by["hedging", "all"]["stories"], by["hedging", "all"]["stories_about"], by["hedging", "all"]["articles_about"]) == (
        0,
        5,
        10,
    )
    assert rows[0]["domain"] == "all"


def test_a_series_has_one_row_and_one_for_each_break() -> None:
    one = a_standing(breaks=[a_break(), a_break(start="2018-W01", alarm="2018-W04")])
    (row,) = named([standing_row(one)], STANDINGS)
    assert (row["source"], row["status"], row["persistence_4"]) == (one.source, one.status, one.persistence_4)
    rows = named(list(break_rows(one)), BREAKS)
    assert [row["alarm"] for row in rows] == [one.breaks[0].alarm, "2018-W04"]


def test_csv_is_read_back_as_it_was_and_no_cell_is_a_formula(tmp_path: Path) -> None:
    path = tmp_path / "facts.csv"
    assert write_csv(FACTS, fact_rows(FACT), path) == 2
    with path.open(encoding="utf-8", newline="") as file:
        first, _ = csv.DictReader(file)
    assert first["title"] == "'=HYPERLINK(1)"
    assert first["outlet"] == FACT.outlet
    assert float(first["probability"]) == FACT.labels["cooperation"].probability


def test_json_lines_and_parquet_hold_the_same_rows_with_their_types(tmp_path: Path) -> None:
    rows = named(list(fact_rows(FACT)))
    write_json_lines(FACTS, fact_rows(FACT), tmp_path / "facts.jsonl")
    assert [json.loads(line) for line in (tmp_path / "facts.jsonl").read_text(encoding="utf-8").splitlines()] == rows
    write_parquet(FACTS, fact_rows(FACT), tmp_path / "facts.parquet")
    table = pq.read_table(tmp_path / "facts.parquet")
    assert table.to_pylist() == rows
    assert str(table.schema.field("probability").type) == "double"


def test_more_rows_than_are_held_at_once_are_all_written(tmp_path: Path) -> None:
    row = next(fact_rows(FACT))
    for form, write in FORMATS.items():
        assert write(FACTS, (row for _ in range(CHUNK_ROWS + 1)), tmp_path / form) == CHUNK_ROWS + 1
    assert pq.read_metadata(tmp_path / "parquet").num_rows == CHUNK_ROWS + 1
    assert len((tmp_path / "jsonl").read_text(encoding="utf-8").splitlines()) == CHUNK_ROWS + 1


def test_a_file_that_fails_half_way_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "facts.csv"
    path.write_text("old")

    def failing() -> object:
        yield next(fact_rows(FACT))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_csv(FACTS, failing(), path)  # type: ignore[arg-type]
    assert [file.name for file in tmp_path.iterdir()] == ["facts.csv"]
    assert path.read_text() == "old"


def test_a_folder_that_is_not_there_and_parquet_on_a_terminal_are_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--out"):
        write_csv(FACTS, fact_rows(FACT), tmp_path / "none" / "facts.csv")
    with pytest.raises(ConfigError, match="give --out"):
        write_parquet(FACTS, fact_rows(FACT), None)


def test_what_strangers_wrote_can_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    write_csv(FACTS, fact_rows(fact(1, title="a\x1b[2Jb\nc")), None)
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert len(printed.splitlines()) == 2


def test_a_pair_and_bounds_of_weeks_choose_rows() -> None:
    wanted = Wanted("BLR-RUS", "2017-W02", "2017-W10")
    assert wanted.takes("BLR-RUS", "2017-W02")
    assert wanted.takes("BLR-RUS", "2017-W10")
    assert not wanted.takes("BLR-RUS", "2017-W11")
    assert not wanted.takes("BLR-RUS", "2017-W01")
    assert not wanted.takes("RUS-BLR", "2017-W05")
    assert Wanted().takes("ARM-RUS", "1999-W01")
