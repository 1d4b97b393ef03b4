"""Hostile requests: bodies for `POST /v1/articles`, and bytes for the connection itself."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable

from tests.hostile.case import MEGABYTE, Case

TOKEN = b"@TOKEN@"
_HEAD = b"POST /v1/articles HTTP/1.1\r\nHost: push\r\nContent-Type: application/json\r\nAuthorization: Bearer " + TOKEN + b"\r\n"
_GOOD = b'{"id": "good", "title": "Good", "text": "Good"}'
JSON, LINES = "application/json", "application/x-ndjson"


def _object(**fields: object) -> bytes:
    return json.dumps({"id": "1", "title": "t", "text": "x", **fields}).encode()


def _case(name: str, answer: str, build: Callable[[], bytes], kind: str = JSON) -> Case:
    return Case("push", name, build, answer, kind)


def _bytes(name: str, answer: str, build: Callable[[], bytes]) -> Case:
    return Case("connection", name, build, answer)


CASES = (
    _case("brackets, 100,000", "400: not JSON that is taken: nested more than 32 deep", lambda: b"[" * 100_000),
    _case("objects 100,000 deep in a field nobody reads", "400: not JSON that is taken: nested more than 32 deep", lambda: b'{"title": "t", "x": ' + b'{"a":' * 100_000),
    _case("NaN", "400: item 0: not JSON: NaN is not JSON", lambda: b'{"title": "t", "x": NaN}'),
    _case("1e999", "400: item 0: not JSON: a number beyond every measure", lambda: b'{"title": "t", "x": 1e999}'),
    _case("an integer of 1,000,000 digits", "400: item 0: not JSON: Exceeds the limit (4300 digits) for integer string conversion:", lambda: b'{"title": "t", "id": ' + b"9" * 1_000_000 + b"}"),
    _case("a name twice", "400: item 0: not JSON: the name 'title' stands twice in one object", lambda: b'{"title": "shown", "title": "hidden"}'),
    _case("lone surrogates", "202, 1 articles, 0 dead letters; 'a\ufffdb' of 3, text of 1", lambda: b'{"id": "\\ud800", "title": "a\\ud800b", "text": "\\udfff"}'),
    _case("bytes that are not UTF-8", "400: item 0: not UTF-8: invalid start byte at byte 11", lambda: b'{"title": "\xff\xfe"}'),
    _case("UTF-16", "400: item 0: not UTF-8: invalid start byte at byte 0", lambda: '{"title": "t"}'.encode("utf-16")),
    _case("4 MB of empty lists", "413: the body holds more than 100000 strings, brackets and commas", lambda: b'[{"x": [' + b"[]," * (4 * MEGABYTE // 3 - 100) + b"[]]}]"),
    _case("4 MB of zeros in an array", "413: the body holds more than 1000 items", lambda: b"[" + b"0," * (2 * MEGABYTE - 100) + b"0]"),
    _case("4 MB of lines", "413: the body holds more than 2000 lines", lambda: b"0\n" * (2 * MEGABYTE - 100), LINES),
    _case("4 MB of a string that is not closed", "400: not JSON that is taken: a string is not closed", lambda: b'{"title": "' + b'\\"' * (2 * MEGABYTE - 100)),
    _case("a body of 20 MB", "413: the body is larger than 4194304 bytes", lambda: b"[" + b" " * 20 * MEGABYTE + b"]"),
    _case("gzip bomb of 1 GB", "413: the body is larger than 4194304 bytes", lambda: gzip.compress(b" " * 1_000 * MEGABYTE), JSON + "+gzip"),
    _case("gzip bomb of 1 GB, twice compressed", "400: item 0: not UTF-8: invalid start byte at byte 1", lambda: gzip.compress(gzip.compress(b" " * 1_000 * MEGABYTE)), JSON + "+gzip"),
    _case("gzip that is cut", "400: cut compression", lambda: gzip.compress(_GOOD * 100)[:-10], JSON + "+gzip"),
    _case("gzip of nothing", "400: the body is empty", lambda: gzip.compress(b""), JSON + "+gzip"),
    _case("an article of 1 MB", "422: the article is too large: 1", lambda: _object(text="x" * MEGABYTE)),
    _case("a title of 800 kB", "202, 1 articles, 0 dead letters; 'word word word word word word ' of 999, text of 1", lambda: _object(title="word " * 160_000)),
    _case("an id that forges a log line", "202, 1 articles, 0 dead letters; ']0;ownedt' of 9, text of 1", lambda: _object(id="1\n2017-08-02 [error] \x1b[2J", title="\x1b]0;owned\x07t")),
    _case("an id of 1 MB", "202, 1 articles, 0 dead letters; 't' of 1, text of 1", lambda: _object(id="i" * MEGABYTE)),
    _case("control and direction-changing characters", "202, 1 articles, 0 dead letters; 'abcd efg' of 8, text of 1", lambda: _object(title="a\u202eb\u2066c\u200bd\x85e\x9bf\x00g")),
    _case("a text of 3 MB of <", "422: the article is too large: 3", lambda: _object(text="<" * 3 * MEGABYTE)),
    _case("a text of 3 MB of unclosed tags", "202, 1 articles, 0 dead letters; 't' of 1, text of 0", lambda: _object(text="<div title='" * (3 * MEGABYTE // 12))),
    _case("a text of 3 MB of comments", "202, 1 articles, 0 dead letters; 't' of 1, text of 0", lambda: _object(text="<!--" * (3 * MEGABYTE // 4))),
    _case("a text of 400,000 combining marks out of order", "202, 1 articles, 0 dead letters; '\u1ea1\u0323\u0323\u0323\u0323\u0323\u0323\u0323\u0323\u0323\u0323\u0323\u0323\u0323\u0323\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301' of 30, text of 0", lambda: json.dumps({"title": "a" + "\u0301\u0323" * 200_000}, ensure_ascii=False).encode()),
    _case("1,000 items that are no articles", "422: JSON, but a int", lambda: b"[" + b",".join([b"1"] * 1_000) + b"]"),
    _case("1,000 articles of 4 kB", "202, 1000 articles, 0 dead letters; 't' of 1, text of 3999", lambda: b"[" + b",".join(_object(id=str(n), text="word " * 800) for n in range(1_000)) + b"]"),
    _case("a CSV formula", "202, 1 articles, 0 dead letters; \"=cmd|' /C calc'!A0\" of 18, text of 1", lambda: _object(title="=cmd|' /C calc'!A0")),
    _case("a URL that is a script", "202, 1 articles, 0 dead letters; 't' of 1, text of 1", lambda: _object(url="javascript:alert(1)")),
    _case("a field with a name of 1 MB, wrong twice", "400: item 0: not JSON: the name 'nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn' stands twi", lambda: b'{"' + b"n" * MEGABYTE + b'": 1, "' + b"n" * MEGABYTE + b'": 2}'),
    _bytes("a header of 1 MB", "HTTP/1.0 400 Bad Request", lambda: _HEAD + b"X-Large: " + b"x" * MEGABYTE + b"\r\n\r\n"),
    _bytes("50,000 headers", "HTTP/1.0 400 Bad Request", lambda: _HEAD + b"".join(b"X-%d: y\r\n" % n for n in range(50_000)) + b"\r\n"),
    _bytes("an address of 1 MB", "HTTP/1.0 400 Bad Request", lambda: b"GET /" + b"a" * MEGABYTE + b" HTTP/1.1\r\nHost: push\r\n\r\n"),
    _bytes("a length and chunks", "HTTP/1.0 400 Bad Request", lambda: _HEAD + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
    _bytes("two lengths", "HTTP/1.0 400 Bad Request", lambda: _HEAD + b"Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}"),
    _bytes("a length below zero", "HTTP/1.0 400 Bad Request", lambda: _HEAD + b"Content-Length: -1\r\n\r\n"),
    _bytes("a length of 10**30", "HTTP/1.0 400 Bad Request", lambda: _HEAD + b"Content-Length: 1" + b"0" * 30 + b"\r\n\r\n"),
    _bytes("chunks that are broken", "HTTP/1.0 400 Bad Request", lambda: _HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\nzz\r\n"),
    _bytes("a chunk with an extension of 1 MB", "HTTP/1.1 400 Bad Request", lambda: _HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"x" * MEGABYTE + b"\r\n{\r\n0\r\n\r\n"),
    _bytes("chunks of one byte, 200,000", "HTTP/1.1 400 Bad Request", lambda: _HEAD + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 200_000 + b"0\r\n\r\n"),
    _bytes("12 MB in chunks", "HTTP/1.1 413 Request Entity Too Large", lambda: _HEAD + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + b" " * 65_536 + b"\r\n") * 192 + b"0\r\n\r\n"),
    _bytes("2,000 requests at once without a token", "HTTP/1.1 401 Unauthorized", lambda: (_HEAD.replace(TOKEN, b"wrong") + b"Content-Length: 2\r\n\r\n{}") * 2_000),
    _bytes("a token with a line end in it", "HTTP/1.0 400 Bad Request", lambda: _HEAD.replace(TOKEN, b"a\r\n b") + b"Content-Length: 2\r\nConnection: close\r\n\r\n{}"),
    _bytes("the bytes of TLS", "HTTP/1.0 400 Bad Request", lambda: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256))),
    _bytes("1 MB of noise", "HTTP/1.0 400 Bad Request", lambda: bytes((n * 7919 + n // 251) % 256 for n in range(MEGABYTE))),
    _bytes("escape codes in the first line", "HTTP/1.0 400 Bad Request", lambda: b"GET /\x1b[31m\x1b]0;owned\x07 HTTP/1.1\r\nHost: push\r\n\r\n"),
    _bytes("half a request, then the end", "HTTP/1.1 400 Bad Request", lambda: _HEAD + b"Content-Length: 1000\r\n\r\n{"),
)  # fmt: skip
