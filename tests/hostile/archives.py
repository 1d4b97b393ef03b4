"""Hostile archives: JSON Lines and CSV, plain and compressed."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable

from tests.hostile.case import MEGABYTE, Case

_GOOD = b'{"id": "good", "title": "Good", "text": "Good"}\n'


def _lines(*lines: bytes) -> bytes:
    return b"\n".join(lines) + b"\n" + _GOOD


def _line(**fields: object) -> bytes:
    return _lines(json.dumps({"id": "1", "title": "t", "text": "x", **fields}).encode())


def _csv(*rows: bytes) -> bytes:
    return b"id,title,text\n" + b"\n".join(rows) + b"\ngood,Good,Good\n"


def _packed(pieces: Callable[[gzip.GzipFile], object], *, times: int = 1) -> bytes:
    target = io.BytesIO()
    with gzip.GzipFile(fileobj=target, mode="wb", compresslevel=6) as file:
        pieces(file)
    data = target.getvalue()
    return data if times == 1 else gzip.compress(data)


def _zeros(file: gzip.GzipFile, piece: bytes = b"\x00" * MEGABYTE, count: int = 300) -> int:
    return sum(file.write(piece) for _ in range(count))


def _case(name: str, answer: str, build: Callable[[], bytes], kind: str = ".jsonl") -> Case:
    return Case("archive", name, build, answer, kind)


CASES = (
    _case("a line of 100,000 brackets", "1 articles, 1 dead letters; 'Good' of 4, text of 4; not-json: not JSON: nested more than 3", lambda: _lines(b"[" * 100_000)),
    _case("objects 100,000 deep in a field nobody reads", "1 articles, 1 dead letters; 'Good' of 4, text of 4; not-json: not JSON: nested more than 3", lambda: _lines(b'{"title": "t", "x": ' + b'{"a":' * 100_000)),
    _case("NaN and Infinity", "1 articles, 2 dead letters; 'Good' of 4, text of 4; not-json: not JSON: NaN is not JSON", lambda: _lines(b'{"title": "t", "x": NaN}', b'{"title": "t", "x": -Infinity}')),
    _case("1e999", "1 articles, 1 dead letters; 'Good' of 4, text of 4; not-json: not JSON: a number beyond ev", lambda: _lines(b'{"title": "t", "published": 1e999}')),
    _case("an integer of 100,000 digits", "1 articles, 1 dead letters; 'Good' of 4, text of 4; not-json: not JSON: Exceeds the limit ", lambda: _lines(b'{"title": "t", "id": ' + b"9" * 100_000 + b"}")),
    _case("a name twice", "1 articles, 1 dead letters; 'Good' of 4, text of 4; not-json: not JSON: the name 'title' s", lambda: _lines(b'{"title": "shown", "title": "hidden"}')),
    _case("lone surrogates", "2 articles, 0 dead letters; 'a\ufffdb' of 3, text of 1", lambda: _lines(b'{"id": "\\ud800", "title": "a\\ud800b", "text": "\\udfff"}')),
    _case("a line of 20 MB", "1 articles, 1 dead letters; 'Good' of 4, text of 4; too-large: a line of 20971533 bytes, m", lambda: _lines(b'{"title": "' + b"x" * 20 * MEGABYTE + b'"}')),
    _case("a line of 200 MB without an end", "0 articles, 1 dead letters; too-large: a line of 209715200 bytes, more than 3600000", lambda: b"x" * 200 * MEGABYTE),
    _case("1,000,000 empty lists in a field nobody reads", "1 articles, 1 dead letters; 'Good' of 4, text of 4; too-large: JSON that holds more than 1", lambda: _lines(b'{"title": "t", "x": [' + b"[]," * 1_000_000 + b"[]]}")),
    _case("3,000,000 blank lines", "1 articles, 0 dead letters; 'Good' of 4, text of 4", lambda: b"\n" * 3_000_000 + _GOOD),
    _case("100,000 lines that are not JSON", "1 articles, 100000 dead letters; 'Good' of 4, text of 4; not-json: not JSON: Expecting pro", lambda: b"{\n" * 100_000 + _GOOD),
    _case("bytes that are not UTF-8", "1 articles, 1 dead letters; 'Good' of 4, text of 4; not-utf8: not UTF-8: invalid start byt", lambda: _lines(b'{"title": "\xff\xfe\xed\xa0\x80"}')),
    _case("NUL bytes", "1 articles, 2 dead letters; 'Good' of 4, text of 4; not-json: not JSON: Invalid control ch", lambda: _lines(b'{"title": "a\\u0000b", "text": "x\x00"}', b"\x00" * 1_000)),
    _case("an id that forges a log line", "2 articles, 0 dead letters; ']0;ownedtitle' of 13, text of 1", lambda: _line(id="1\n2017-08-02 [error] all is lost \x1b[2J", title="\x1b]0;owned\x07title")),
    _case("an id with the mark that parts a key", "2 articles, 0 dead letters; 't' of 1, text of 1", lambda: _line(id="a|b")),
    _case("an id of 1 MB", "2 articles, 0 dead letters; 't' of 1, text of 1", lambda: _line(id="i" * MEGABYTE)),
    _case("control and direction-changing characters", "2 articles, 0 dead letters; 'abcd efg' of 8, text of 1", lambda: _line(title="a\u202eb\u2066c\u200bd\x85e\x9bf\x00g")),
    _case("a title of 1 MB", "2 articles, 0 dead letters; 'word word word word word word ' of 999, text of 1", lambda: _line(title="word " * (MEGABYTE // 5))),
    _case("a text of 3 MB of < ", "1 articles, 1 dead letters; 'Good' of 4, text of 4; too-large: the article is too large: 3", lambda: _line(text="<" * 3 * MEGABYTE)),
    _case("a text of 3 MB of unclosed tags", "2 articles, 0 dead letters; 't' of 1, text of 0", lambda: _line(text="<div title='" * (3 * MEGABYTE // 12))),
    _case("a text of 3 MB of <svg>", "2 articles, 0 dead letters; 't' of 1, text of 0", lambda: _line(text="<svg>" * (3 * MEGABYTE // 5))),
    _case("a text of 3 MB of entities", "2 articles, 0 dead letters; 't' of 1, text of 699050", lambda: _line(text="&lt;&#60;" * (3 * MEGABYTE // 9))),
    _case("a text of 800 kB of combining marks", "2 articles, 0 dead letters; 't' of 1, text of 30", lambda: _line(text="a" + "\u0301\u0323" * 200_000)),
    _case("a text of 100,000 ligatures that grow in NFKC", "2 articles, 0 dead letters; 't' of 1, text of 100000", lambda: _line(text="\ufdfa" * 100_000)),
    _case("a date of 1 MB", "2 articles, 0 dead letters; 't' of 1, text of 1", lambda: _line(published="1" * MEGABYTE)),
    _case("a date in the year 999999999999", "2 articles, 0 dead letters; 't' of 1, text of 1", lambda: _line(published=9.9e20)),
    _case("a URL of 1 MB", "2 articles, 0 dead letters; 't' of 1, text of 1", lambda: _line(url="https://courier.invalid/" + "a/" * (MEGABYTE // 2))),
    _case("a URL that is a script", "2 articles, 0 dead letters; 't' of 1, text of 1", lambda: _line(url="javascript:alert(1)")),
    _case("gzip bomb of one line of 300 MB", "0 articles, 1 dead letters; too-large: a line of 314572800 bytes, more than 3600000", lambda: _packed(_zeros), ".jsonl.gz"),
    _case("gzip bomb of 300 MB, twice compressed", "0 articles, 2 dead letters; not-utf8: not UTF-8: invalid start byte at byte 1", lambda: _packed(_zeros, times=2), ".jsonl.gz"),
    _case("gzip bomb of 150,000,000 blank lines", "0 articles, 0 dead letters", lambda: _packed(lambda file: _zeros(file, b"\n" * MEGABYTE, 150)), ".jsonl.gz"),
    _case("gzip that is cut", "930 articles, 1 dead letters; 'Good' of 4, text of 4; unreadable-line: EOFError: Compresse", lambda: gzip.compress(_GOOD * 1_000)[:-20], ".jsonl.gz"),
    _case("gzip that is no gzip", "0 articles, 1 dead letters; unreadable-line: BadGzipFile: Not a gzipped file (b'PK')", lambda: b"PK\x03\x04" + b"\x00" * 1_000, ".jsonl.gz"),
    _case("CSV formulas", "3 articles, 0 dead letters; \"=cmd|' /C calc'!A0\" of 18, text of 7", lambda: _csv(b"1,\"=cmd|' /C calc'!A0\",@SUM(1)", b"2,+1,-1"), ".csv"),
    _case("a CSV field of 20 MB", "1 articles, 1 dead letters; 'Good' of 4, text of 4; too-large: a line of 20971524 bytes, m", lambda: _csv(b"1,t," + b"x" * 20 * MEGABYTE), ".csv"),
    _case("a CSV quotation mark that is never closed", "50001 articles, 1 dead letters; 't' of 1, text of 1; too-large: not a CSV record: field la", lambda: _csv(b'1,"t,x', *[b"2,t,x"] * 650_000), ".csv"),
    _case("1,000,000 CSV cells in a row", "1 articles, 1 dead letters; 'Good' of 4, text of 4; not-an-article: 1000003 cells under 3 ", lambda: _csv(b"1,t,x" + b"," * 1_000_000), ".csv"),
    _case("1,000,000 CSV columns", "1 articles, 0 dead letters; 'Good' of 4, text of 4", lambda: b"id,title,text" + b",c" * 1_000_000 + b"\ngood,Good,Good\n", ".csv"),
    _case("CSV columns that come twice", "error: the CSV has more than one column title", lambda: b"id,title,title,text\n1,shown,hidden,x\ngood,Good,Good,Good\n", ".csv"),
    _case("NUL bytes in a CSV", "2 articles, 0 dead letters; 'ab' of 2, text of 1", lambda: _csv(b"1,a\x00b,x"), ".csv"),
    _case("a CSV that is not UTF-8", "1 articles, 1 dead letters; 'Good' of 4, text of 4; not-utf8: not UTF-8", lambda: _csv(b"1,\xff\xfe,x"), ".csv"),
    _case("a CSV of nothing but delimiters", "error: the CSV has no column for title or text in its first line", lambda: b",,,\n" * 10_000, ".csv"),
    _case("gzip bomb of a CSV field of 300 MB", "0 articles, 1 dead letters; too-large: a line of 314572804 bytes, more than 3600000", lambda: _packed(lambda file: (file.write(b"id,title,text\n1,t,"), _zeros(file))), ".csv.gz"),
)  # fmt: skip
