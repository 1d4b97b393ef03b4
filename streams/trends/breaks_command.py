"""The work of `bellwether breaks --json`: CSV files in, one line of JSON a file out, in the order of the files.

Indices are rows of the file, from 0. Every alarm uses rows up to its own alone; status and persistence are those of the last row.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np

from streams.errors import BellwetherError, ConfigError
from streams.trends.breaks import Break, find_plain_breaks, find_share_breaks
from streams.trends.series import Series, read_series
from streams.trends.status import plain_standing, standing
from streams.trends.survival import age_of_status, persistence

FILES_AT_ONCE = 512


def breaks_json(paths: Sequence[Path]) -> Iterator[str]:
    """One JSON object a file: `{"file", "breaks": [{"alarm", "start", "p", "direction", ...}], "status", "persistence"}`.

    `persistence` is the probability that the status still holds 4 weeks on (`persistence_8`: 8); null for a plain series.

    Raises:
        ConfigError: if a file is not a series.
    """
    for start in range(0, len(paths), FILES_AT_ONCE):
        part = paths[start : start + FILES_AT_ONCE]
        yield from _lines(part, [read_series(path) for path in part])


def files_of(directory: Path) -> list[Path]:
    """The CSV files of a directory, by name.

    Raises:
        ConfigError: if there is none.
    """
    files = sorted(directory.glob("*.csv")) if directory.is_dir() else []
    if not files:
        raise ConfigError("There is no CSV file in the directory", where=str(directory), expected="*.csv", todo="check the path")
    return files


def _lines(paths: Sequence[Path], series: Sequence[Series]) -> Iterator[str]:
    shares = [number for number, one in enumerate(series) if one.exposure is not None]
    plain = [number for number, one in enumerate(series) if one.exposure is None]
    exposures = [one.exposure for one in series if one.exposure is not None]
    found = dict(zip(shares, find_share_breaks([series[number].values for number in shares], exposures), strict=True))
    found.update(zip(plain, find_plain_breaks([series[number].values for number in plain]), strict=True))
    for number, path in enumerate(paths):
        yield msgspec.json.encode({"file": str(path), **_describe(series[number], found[number])}).decode()


def _describe(series: Series, breaks: Sequence[Break]) -> dict[str, object]:
    said: dict[str, object] = {"breaks": [_break(one) for one in breaks]}
    if series.exposure is None or not len(series.values):
        status = plain_standing(series.values, breaks) if series.exposure is None else "too-sparse"
        return said | {"status": status, "persistence": None, "persistence_8": None}
    now = standing(series.values, series.exposure, breaks)
    lasting = persistence(now, age_of_status(series.values, series.exposure, breaks, now))
    return said | {
        "status": now.status, "persistence": lasting.four_weeks, "persistence_8": lasting.eight_weeks,
        "share": now.share, "share_low": now.low, "share_high": now.high,
    }  # fmt: skip


def _break(one: Break) -> dict[str, object]:
    record = dict(vars(one))
    record["p"] = record.pop("probability")
    return {name: None if isinstance(value, float) and not np.isfinite(value) else value for name, value in record.items()}


def main(arguments: Iterable[str]) -> int:
    """`python -m streams.trends.breaks_command --dir DIRECTORY | FILE...`; the exit code."""
    given = list(arguments)
    try:
        paths = files_of(Path(given[1])) if given[:1] == ["--dir"] and len(given) == 2 else [Path(name) for name in given]
        for line in breaks_json(paths):
            sys.stdout.write(line + "\n")
    except BellwetherError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
