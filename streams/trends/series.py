"""Reads the series of `bellwether breaks`: CSV with the header `time,value` or `time,value,exposure`.

What comes in: files. What goes out: `Series`, values in order of the rows. `time` is not looked at: the rows are the time.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streams.errors import ConfigError

MAX_ROWS = 200_000
_EXPECTED = "a header time,value or time,value,exposure, then one row for each step"


@dataclass(frozen=True)
class Series:
    """One series; an empty cell is NaN. `exposure` is None for a plain series of real numbers."""

    values: NDArray[np.float64]
    exposure: NDArray[np.float64] | None


def read_series(path: Path) -> Series:
    """The series in `path`.

    Raises:
        ConfigError: if the file can't be read, has another header, a cell that is no number, a negative count or exposure,
            or more than 200,000 rows.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(_bounded(csv.reader(file), path))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _refusal(path, f"The series could not be read: {error}") from error
    header = [name.strip().lower() for name in rows[0]] if rows else []
    if header[:2] != ["time", "value"] or len(header) > 3 or header[2:] not in ([], ["exposure"]):
        raise _refusal(path, f"The header is {','.join(header) or 'missing'}")
    columns = [_numbers(rows, column, path) for column in range(1, len(header))]
    if len(columns) == 2 and any((column < 0).any() for column in columns):
        raise _refusal(path, "A count or an exposure is negative")
    return Series(columns[0], columns[1] if len(columns) == 2 else None)


def _bounded(reader: object, path: Path) -> list[list[str]]:
    rows: list[list[str]] = []
    for row in reader:  # type: ignore[attr-defined]
        if len(rows) > MAX_ROWS:
            raise _refusal(path, f"More than {MAX_ROWS} rows")
        if row:
            rows.append(row)
    return rows


def _numbers(rows: list[list[str]], column: int, path: Path) -> NDArray[np.float64]:
    values = np.full(len(rows) - 1, np.nan)
    for number, row in enumerate(rows[1:]):
        cell = row[column].strip() if column < len(row) else ""
        try:
            values[number] = float(cell) if cell else np.nan
        except ValueError:
            raise _refusal(path, f"Line {number + 2} has {cell[:40]!r} where a number should be") from None
    return values


def _refusal(path: Path, what: str) -> ConfigError:
    return ConfigError(what, where=str(path), expected=_EXPECTED, todo="correct the file and run the command again")
