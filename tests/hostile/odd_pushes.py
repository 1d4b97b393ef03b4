"""Bodies for `POST /v1/articles` as careless software writes them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable

from tests.hostile.case import Case
from tests.hostile.pushes import JSON, LINES

_GOOD = b'{"id": "1", "title": "t", "text": "x"}'
_TAKEN = "202, 1 articles, 0 dead letters; 't' of 1, text of 1"


def _case(name: str, answer: str, build: Callable[[], bytes], kind: str = JSON) -> Case:
    return Case("push", name, build, answer, kind)


def _dated(name: str, stated: str, published: str) -> Case:
    answer = f"{_TAKEN}; id '1'; {published}"
    return _case(
        f"a date: {name}", answer, lambda: b'{"id": "1", "title": "t", "text": "x", "published": ' + stated.encode() + b"}"
    )


CASES = (
    _case("a byte order mark", _TAKEN, lambda: b"\xef\xbb\xbf" + _GOOD),
    _case("lines that end as in Windows, with blank ones between", "202, 2 articles, 0 dead letters; 't' of 1, text of 1", lambda: _GOOD + b"\r\n\r\n  \r\n" + _GOOD.replace(b'"1"', b'"2"') + b"\r\n", LINES),
    _case("lines that end as on old Macs", "422: not JSON: Extra data", lambda: _GOOD + b"\r" + _GOOD, LINES),
    _case("line separators of Unicode in a string", "202, 1 articles, 0 dead letters; 't' of 1, text of 5", lambda: '{"id": "1", "title": "t", "text": "a\u2028b\u2029c"}'.encode(), LINES),
    _case("line separators of Unicode between lines", "422: not JSON: Extra data", lambda: _GOOD + "\u2028".encode() + _GOOD, LINES),
    _case("an object over several lines", "422: not JSON", lambda: b'{\n"title": "t"\n}', LINES),
    _case("a line end in a string", "400: item 0: not JSON: Invalid control character", lambda: b'{"title": "a\nb"}'),
    _case("two objects without a comma", "400: item 0: not JSON: Extra data", lambda: _GOOD + _GOOD),
    _case("two lists", "400: not JSON that is taken: the array is not closed, or something follows it", lambda: b"[" + _GOOD + b"][" + _GOOD + b"]"),
    _case("a list in a list", "422: JSON, but a list", lambda: b"[[" + _GOOD + b"]]"),
    _case("an empty list", "422: there is no article in it", lambda: b"[]"),
    _case("a comma too many", "400: item 1: not JSON", lambda: b"[" + _GOOD + b",]"),
    _case("nothing but commas", "400: item 0: not JSON", lambda: b"[,,,]"),
    _case("null", "422: JSON, but a NoneType", lambda: b"null"),
    _case("a comment", "400: item 0: not JSON", lambda: b"/* one */ " + _GOOD),
    _case("single quotes", "400: item 0: not JSON", lambda: b"{'title': 't'}"),
    _case("a NUL after the object", "400: item 0: not JSON: Extra data", lambda: _GOOD + b"\x00"),
    _case("NUL as an escape", "202, 1 articles, 0 dead letters; 'tt' of 2, text of 1", lambda: b'{"id": "1", "title": "t\\u0000t", "text": "x"}'),
    _case("1,001 items", "413: the body holds more than 1000 items", lambda: b"[" + b",".join([_GOOD] * 1_001) + b"]"),
    _case("1,000 times the same id", "202, 1000 articles, 0 dead letters; 't' of 1, text of 1", lambda: b"[" + b",".join([_GOOD] * 1_000) + b"]"),
    _case("one bad item among 999 good ones", "422: field 'title' is of type int", lambda: b"[" + b",".join([_GOOD] * 999) + b',{"title": 7}]'),
    _case("true for an id", "422: field 'id' is of type bool", lambda: b'{"id": true, "title": "t"}'),
    _case("a number with a point for an id", "422: field 'id' is of type float", lambda: b'{"id": 1.5, "title": "t"}'),
    _case("lists for strings", "422: field 'url' is of type list", lambda: b'{"title": ["t"], "url": ["u"]}'),
    _case("1e400 in a field nobody reads", "400: item 0: not JSON: a number beyond every measure", lambda: b'{"title": "t", "x": 1e400}'),
    _case("names that differ by an escape", "400: item 0: not JSON: the name 'title' stands twice", lambda: b'{"title": "t", "titl\\u0065": "u"}'),
    _case("100 fields nobody knows", _TAKEN, lambda: json.dumps({"id": "1", "title": "t", "text": "x", **{f"f{n}": n for n in range(100)}}).encode()),
    _case("a charset other than UTF-8", "415: the Content-Type is not taken", lambda: _GOOD, "application/json; charset=utf-16"),
    _case("a form", "415: the Content-Type is not taken", lambda: b"title=t", "application/x-www-form-urlencoded"),
    _case("gzip in two members", _TAKEN, lambda: gzip.compress(_GOOD[:10]) + gzip.compress(_GOOD[10:]), JSON + "+gzip"),
    _case("100,000 members of gzip, each of nothing", "400: a gzip file of more than 64 members", lambda: gzip.compress(b"") * 100_000, JSON + "+gzip"),
    _case("brotli", "415: the Content-Encoding is not taken", lambda: b"\x0b\x02\x80x\x03", JSON + "+br"),
    _case("gzip twice over", "415: the Content-Encoding is not taken", lambda: _GOOD, JSON + "+gzip, gzip"),
    _dated("a number beyond the calendar", "1e18", ""),
    _dated("a number below zero", "-99999999999999", ""),
    _dated("a text of a number with a point", '"1501664400.5"', ""),
    _dated("the year 0", '"0000-00-00T00:00:00Z"', ""),
    _dated("the first day of 1970", "0", ""),
    _dated("in Chinese", '"2017年8月2日"', "2017-08-02T00:00:00Z, published"),
)  # fmt: skip
