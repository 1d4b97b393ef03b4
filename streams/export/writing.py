"""Rows to CSV, JSON lines or Parquet, in bounded memory; a file appears whole or not at all."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, TextIO

from streams.errors import ConfigError, unwritable
from streams.export.tables import Row, Table
from streams.printable import printable_line

#: Rows that are held at once, and that make one row group of a Parquet file.
CHUNK_ROWS = 20_000
#: A spreadsheet takes a cell that begins so for a formula and runs it.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

Write = Callable[[Table, Iterable[Row], Path | None], int]


def write_csv(table: Table, rows: Iterable[Row], out: Path | None) -> int:
    """RFC 4180 with a header, UTF-8; text that a spreadsheet would run begins with an apostrophe. Returns the number of rows."""
    with _text(out) as file:
        writer = csv.writer(file, lineterminator="\r\n" if out is not None else "\n")
        writer.writerow(column.name for column in table.columns)
        return _count(writer.writerow([_harmless(value) for value in row]) for row in rows)


def write_json_lines(table: Table, rows: Iterable[Row], out: Path | None) -> int:
    """One object a line. Returns the number of rows."""
    names = [column.name for column in table.columns]
    with _text(out) as file:
        return _count(file.write(json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) + "\n") for row in rows)


def write_parquet(table: Table, rows: Iterable[Row], out: Path | None) -> int:
    """Typed columns, zstd. Returns the number of rows.

    Raises:
        ConfigError: without a file to write to, or without the package `pyarrow`.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ConfigError(
            "Parquet needs the package pyarrow",
            where="--format parquet",
            expected="pyarrow",
            todo="pip install 'bellwether[parquet]'",
        ) from error
    if out is None:
        raise ConfigError(
            "Parquet can't be written to a terminal", where="--format parquet", expected="a file", todo="give --out"
        )
    kinds = {"text": pa.string(), "whole": pa.int64(), "real": pa.float64()}
    schema = pa.schema([pa.field(column.name, kinds[column.kind]) for column in table.columns])
    total = 0
    with _whole(out) as path, pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for chunk in _chunks(rows):
            columns = [pa.array(values, kind) for values, kind in zip(zip(*chunk, strict=True), schema.types, strict=True)]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))
            total += len(chunk)
    return total


FORMATS: Mapping[str, Write] = {"csv": write_csv, "jsonl": write_json_lines, "parquet": write_parquet}


def _harmless(value: str | float | None) -> str | int | float | None:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    left = iter(rows)
    while chunk := list(islice(left, CHUNK_ROWS)):
        yield chunk


def _count(written: Iterator[object]) -> int:
    return sum(1 for _ in written)


@contextmanager
def _text(out: Path | None) -> Iterator[TextIO | _Terminal]:
    if out is None:
        yield _Terminal()
        return
    with _whole(out) as path, path.open("w", encoding="utf-8", newline="", errors="replace") as file:
        yield file


class _Terminal:
    """Standard output, to which nothing goes that could steer a terminal."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._stream = stream or sys.stdout

    def write(self, text: str) -> int:
        """Writes one record, which ends its line."""
        return self._stream.write(printable_line(text.rstrip("\r\n")) + "\n")


@contextmanager
def _whole(out: Path) -> Iterator[Path]:
    """A path beside `out` that takes its place when nothing has failed.

    Raises:
        ConfigError: if the file can't be written.
    """
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(out)
    except OSError as error:
        raise unwritable("the file", out, error, "--out") from error
    finally:
        part.unlink(missing_ok=True)
