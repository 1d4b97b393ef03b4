"""Archive files to raw mappings: JSON Lines or CSV, plain or gzip, or JSON Lines on standard input.

Every line that is not blank comes out exactly once: as a mapping, or as a `RecordError` with its reason. What a mapping means
is not decided here (see `article.py`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from streams.errors import ConfigError, RecordError
from streams.ingest.article import KNOWN_FIELDS, TEXT_FIELDS, TITLE_FIELDS
from streams.ingest.lines import KEPT_BYTES, Line, open_bytes, read_lines
from streams.json_text import JsonTextError, TooManyTokensError, read_json_bytes

STDIN = "-"
JSON_SUFFIXES = (".jsonl", ".ndjson", ".json", ".jsonl.gz", ".ndjson.gz", ".json.gz")
CSV_SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
DEFAULT_MAX_LINE_BYTES = 4 * 1024 * 1024
_MOST_TAKEN = 2_000
_DELIMITERS = ",;\t|"
_FIELD_OF = {name.lower(): name for name in KNOWN_FIELDS}


@dataclass(frozen=True, slots=True)
class ArchiveLine:
    """One line that is not blank (a CSV record may stretch over several): `raw`, or the `error` that says why there is none.

    Attributes:
        where: `file:line`.
        content: the line or its start, for the dead letter.
        position: bytes of the file read so far; 0 where that can't be told.
    """

    where: str
    content: str
    position: int
    raw: Mapping[str, object] | None = None
    error: RecordError | None = None


def check_archives(paths: Sequence[str | Path]) -> None:
    """Looks at every file before any of them is read.

    Raises:
        ConfigError: naming each file that is missing, can't be read, has an unknown ending or is a CSV without title or text.
    """
    problems = [problem for path in paths if (problem := _problem_of(str(path)))]
    if problems:
        raise ConfigError(
            "Some archives can't be read:\n    " + "\n    ".join(problems), where="the command line",
            expected="files that end in " + ", ".join((*JSON_SUFFIXES, *CSV_SUFFIXES)) + ", or - for JSON Lines on standard input",
            todo="correct the names; nothing was sent",
        )  # fmt: skip


def read_archive(path: str | Path, *, max_line_bytes: int = DEFAULT_MAX_LINE_BYTES) -> Iterator[ArchiveLine]:
    """Every line of an archive that is not blank, in order, in bounded memory; blocks.

    Raises:
        ConfigError: if the ending of the name is unknown, or a CSV has no column for title or text.
        OSError: if the file can't be opened.
    """
    name = str(path)
    if name != STDIN and not name.lower().endswith(JSON_SUFFIXES + CSV_SUFFIXES):
        raise ConfigError(
            "an archive of an unknown kind", where=name, expected="one of " + ", ".join(JSON_SUFFIXES + CSV_SUFFIXES)
        )
    with open_bytes(name) as (content, file):
        if name.lower().endswith(CSV_SUFFIXES):
            yield from _read_csv(name, read_lines(content, file, max_line_bytes), max_line_bytes)
        else:
            yield from _read_jsonl(name, read_lines(content, file, max_line_bytes, skip_blank=True))


def _problem_of(path: str) -> str:
    if path == STDIN:
        return ""
    if not Path(path).exists():
        return f"{path}: there is no such file"
    if not Path(path).is_file() and not Path(path).is_fifo():
        return f"{path}: it is not a file"
    try:
        if not Path(path).is_fifo():
            next(read_archive(path), None)
    except OSError as error:
        return f"{path}: {error.strerror or error}"
    except ConfigError as error:
        return f"{path}: {error.what}"
    return ""


def _read_jsonl(name: str, lines: Iterator[Line]) -> Iterator[ArchiveLine]:
    for line in lines:
        if not line.reason and (not line.data or line.data.isspace()):
            continue
        where = f"{name}:{line.number}"
        try:
            raw = _parse_json_line(line)
        except RecordError as error:
            yield ArchiveLine(where, line.data[:KEPT_BYTES].decode("utf-8", "replace"), line.position, error=error)
        else:
            yield ArchiveLine(where, line.data[:KEPT_BYTES].decode("utf-8", "replace"), line.position, raw=raw)


def _parse_json_line(line: Line) -> Mapping[str, object]:
    if line.reason:
        raise RecordError(line.detail, reason=line.reason)
    try:
        value = read_json_bytes(line.data)
    except UnicodeDecodeError as error:
        raise RecordError(f"not UTF-8: {error.reason} at byte {error.start}", reason="not-utf8", expected="UTF-8") from error
    except TooManyTokensError as error:
        raise RecordError(f"JSON that holds {error}", reason="too-large", expected="an article") from error
    except JsonTextError as error:
        raise RecordError(
            f"not JSON: {error}", reason="not-json", expected="one JSON object on a line, each name once"
        ) from error
    if not isinstance(value, dict):
        raise RecordError(f"JSON, but a {type(value).__name__}", reason="not-an-article", expected="one JSON object on a line")
    return value


class _CsvText:
    """Lines of text for the csv module. It can go on after an error, which a generator could not.

    `taken` holds the lines of the record in work, the first ones of one that never ends.
    """

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self.taken: list[str] = []
        self.number = 0
        self.position = 0

    def __iter__(self) -> _CsvText:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number, self.position = line.number, line.position
        # A byte that is not UTF-8 becomes a lone surrogate, which is found again in the record that it belongs to.
        text = line.data.decode("utf-8", "surrogateescape")
        if len(self.taken) < _MOST_TAKEN:
            self.taken.append(text)
        if line.reason:
            raise RecordError(line.detail, reason=line.reason)
        return text + "\n"


def _read_csv(name: str, lines: Iterator[Line], max_line_bytes: int) -> Iterator[ArchiveLine]:
    # The limit is the process's own; a quotation mark that is never closed must not take the whole file into memory.
    csv.field_size_limit(max_line_bytes)
    text = _CsvText(lines)
    try:
        found = _read_header(name, text)
    except (csv.Error, RecordError) as error:
        yield _csv_line(name, text.number, text, error=_row_error(error))
        return
    if found is None:
        return
    header, delimiter = found
    rows = csv.reader(text, delimiter=delimiter)
    while True:
        text.taken, start = [], text.number + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except (csv.Error, RecordError) as error:
            yield _csv_line(name, start, text, error=_row_error(error))
            continue
        if row and any(cell.strip() for cell in row):
            yield _read_row(name, start, text, header, row)


def _read_header(name: str, text: _CsvText) -> tuple[list[str], str] | None:
    # (field of each column or "", delimiter); None for an empty file.
    first = next((line for line in text if line.strip()), None)
    if first is None:
        return None
    delimiter = max(_DELIMITERS, key=first.count)
    header = [_FIELD_OF.get(cell.strip().lower(), "") for cell in next(csv.reader([first], delimiter=delimiter))]
    twice = sorted({column for column in filter(None, header) if header.count(column) > 1})
    if twice:
        raise ConfigError(
            f"the CSV has more than one column {', '.join(twice)}", where=name, expected="each column once", todo="name the others otherwise"
        )  # fmt: skip
    if not set(header) & {*TITLE_FIELDS, *TEXT_FIELDS}:
        raise ConfigError(
            "the CSV has no column for title or text in its first line", where=name,
            expected="a header with some of " + ", ".join(sorted(KNOWN_FIELDS)), todo="add a header line",
        )  # fmt: skip
    return header, delimiter


def _read_row(name: str, start: int, text: _CsvText, header: list[str], row: list[str]) -> ArchiveLine:
    if any("\udc80" <= char <= "\udcff" for cell in row if not cell.isascii() for char in cell):
        return _csv_line(name, start, text, error=RecordError("not UTF-8", reason="not-utf8", expected="UTF-8"))
    if len(row) > len(header):
        error = RecordError(
            f"{len(row)} cells under {len(header)} columns",
            reason="not-an-article",
            expected="cells with a delimiter or line break in quotes",
        )
        return _csv_line(name, start, text, error=error)
    return _csv_line(name, start, text, raw={column: cell for column, cell in zip(header, row, strict=False) if column and cell})


def _row_error(error: Exception) -> RecordError:
    if isinstance(error, RecordError):
        return error
    reason = "too-large" if "field larger" in str(error) else "unreadable-line"
    return RecordError(f"not a CSV record: {error}", reason=reason, expected="closed quotation marks")


def _csv_line(
    name: str, start: int, text: _CsvText, *, raw: Mapping[str, object] | None = None, error: RecordError | None = None
) -> ArchiveLine:
    content = "\n".join(text.taken)[:KEPT_BYTES].encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return ArchiveLine(f"{name}:{start}", content, text.position, raw=raw, error=error)
