"""Servers that answer as no server should. A case is the bytes that one sends, and `kind` what it does beside that."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

from tests.hostile.case import MEGABYTE, Case

_FEED = b'<rss version="2.0"><channel><title>C</title><item><guid>1</guid><title>Title</title><description>Text</description></item></channel></rss>'
_READ = "1 articles, 0 dead letters; 'Title' of 5, text of 4"
#: After the bytes: nothing more, yet the connection stays; a byte a second; the last bytes again and again; a reset.
HOLD, TRICKLE, ENDLESS, RESET = "hold", "trickle", "endless", "reset"


def _answer(body: bytes = _FEED, *headers: bytes, status: bytes = b"200 OK", length: bool = True) -> bytes:
    lines = [b"HTTP/1.1 " + status, b"Content-Type: application/rss+xml", *headers]
    return b"\r\n".join([*lines, *([b"Content-Length: %d" % len(body)] if length else []), b"", body])


def _chunks(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def _chunked(body: bytes) -> bytes:
    return _answer(body, b"Transfer-Encoding: chunked", length=False)


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def _to(target: bytes, status: bytes = b"302 Found") -> bytes:
    return _answer(b"", b"Location: " + target, status=status)


def _case(name: str, answer: str, build: Callable[[], bytes], kind: str = "") -> Case:
    return Case("server", name, build, answer, kind)


CASES = (
    _case("a byte a second", "error: no whole answer in time", lambda: _answer(_FEED[:50], b"Content-Length: 100000", length=False), TRICKLE),
    _case("a byte of the head a second", "error: no whole answer in time", lambda: b"HTTP/1.1 200 OK\r\nX-Slow: ", TRICKLE),
    _case("chunks of a byte, one a second", "error: no whole answer in time", lambda: _chunked(b"1\r\n<\r\n"), TRICKLE),
    _case("a body without end", "error: more than 10485760 bytes", lambda: _answer(b"<rss>" + b"x" * 65_536, length=False), ENDLESS),
    _case("chunks without end", "error: more than 10485760 bytes", lambda: _chunked(b"fff8\r\n" + b"x" * 0xFFF8 + b"\r\n"), ENDLESS),
    _case("a head without end", "error: the answer is not proper HTTP | error: the connection broke", lambda: b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 65_536, ENDLESS),
    _case("headers without end", "error: the answer is not proper HTTP | error: the connection broke", lambda: b"HTTP/1.1 200 OK\r\n" + b"X-More: x\r\n" * 5_000, ENDLESS),
    _case("100 Continue without end", "error: the answer is not proper HTTP: more than 8 informational answers", lambda: b"HTTP/1.1 100 Continue\r\n\r\n" * 2_000, ENDLESS),
    _case("nothing at all", "error: no whole answer in time", lambda: b"", HOLD),
    _case("half of a body, then nothing", "error: no whole answer in time", lambda: _answer(_FEED[:50], b"Content-Length: 1000", length=False), HOLD),
    _case("half of a body, then the end", "error: the connection broke", lambda: _answer(_FEED[:50], b"Content-Length: 1000", length=False)),
    _case("half of a body, then a reset", "error: the connection broke", lambda: _answer(_FEED[:50], b"Content-Length: 1000", length=False), RESET),
    _case("a body without a length", _READ, lambda: _answer(length=False)),
    _case("more than its length", "error: the answer is not proper HTTP | " + _READ, lambda: _answer(_FEED + b"<x>" * 100, b"Content-Length: %d" % len(_FEED), length=False)),
    _case("two lengths", "error: the answer is not proper HTTP", lambda: _answer(_FEED, b"Content-Length: 5")),
    _case("a length below zero", "error: the answer is not proper HTTP", lambda: _answer(_FEED, b"Content-Length: -5", length=False)),
    _case("a length of 10**30", "error: more than 10485760 bytes | error: the answer is not proper HTTP | error: the connection broke", lambda: _answer(_FEED, b"Content-Length: 1" + b"0" * 30, length=False)),
    _case("chunks that are no chunks", "error: the connection broke | error: the answer is not proper HTTP", lambda: _chunked(b"zz\r\n" + _FEED)),
    _case("100,000 chunks of a byte", "error: not a feed", lambda: _chunked(_chunks(*[b"x"] * 100_000))),
    _case("HTTP/0.9", "error: the answer is not proper HTTP", lambda: _FEED),
    _case("a greeting of SMTP", "error: the answer is not proper HTTP", lambda: b"220 mail.invalid ESMTP\r\n"),
    _case("the bytes of TLS", "error: the answer is not proper HTTP", lambda: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256))),
    _case("status 999", "error: the server answered 999 | error: the answer is not proper HTTP", lambda: _answer(status=b"999 Blocked")),
    _case("204", "error: the server answered 204", lambda: _answer(b"", status=b"204 No Content", length=False)),
    _case("206", "error: the server answered 206", lambda: _answer(status=b"206 Partial Content")),
    _case("304 that nobody asked for", "error: the server answered 304", lambda: _answer(b"", status=b"304 Not Modified")),
    _case("200 with a page that says 503", "error: not a feed: no feed element in it | error: not a feed: NonXMLContentType", lambda: _answer(b"<!DOCTYPE html><html><body><h1>503 Service Unavailable</h1></body></html>")),
    _case("200 with nothing", "error: not a feed: the document is empty", lambda: _answer(b"")),
    _case("a feed as text/html", _READ, lambda: _answer().replace(b"application/rss+xml", b"text/html; charset=iso-8859-1")),
    _case("a content type of 7 kB", _READ, lambda: _answer().replace(b"application/rss+xml", b"text/xml; charset=" + b"x" * 7_000)),
    _case("a cookie of 7 kB and an etag that forges a line", _READ, lambda: _answer(_FEED, b"Set-Cookie: a=" + b"x" * 7_000, b'ETag: "\x1b[2J"')),
    _case("gzip that is cut", "error: cut compression", lambda: _answer(gzip.compress(_FEED * 10)[:-8], b"Content-Encoding: gzip")),
    _case("gzip in two members", _READ, lambda: _answer(gzip.compress(_FEED[:80]) + gzip.compress(_FEED[80:]), b"Content-Encoding: gzip")),
    _case("400,000 members of gzip, each of nothing", "error: a gzip file of more than 64 members", lambda: _answer(gzip.compress(b"") * 400_000, b"Content-Encoding: gzip")),
    _case("gzip with noise after it", _READ, lambda: _answer(gzip.compress(_FEED) + b"\x00" * 100, b"Content-Encoding: gzip")),
    _case("gzip that is none", _READ + " | error: damaged compression", lambda: _answer(_FEED, b"Content-Encoding: gzip")),
    _case("deflate without a head", _READ, lambda: _answer(_raw_deflate(_FEED), b"Content-Encoding: deflate")),
    _case("deflate with a head", _READ, lambda: _answer(zlib.compress(_FEED), b"Content-Encoding: deflate")),
    _case("brotli", "error: content in the coding 'br'", lambda: _answer(b"\x0b\x02\x80x\x03", b"Content-Encoding: br")),
    _case("zstd", "error: content in the coding 'zstd'", lambda: _answer(b"\x28\xb5\x2f\xfd\x00", b"Content-Encoding: zstd")),
    _case("gzip three times over", "error: content in the coding 'gzip, gzip, gzip'", lambda: _answer(_FEED, b"Content-Encoding: gzip, gzip, gzip")),
    _case("gzip bomb of 1 GB in chunks", "error: more than 10485760 bytes", lambda: _answer(_chunks(gzip.compress(b"x" * 1_000 * MEGABYTE)), b"Content-Encoding: gzip", b"Transfer-Encoding: chunked", length=False)),
    _case("a redirect to itself", "error: more than 5 redirects", lambda: _to(b"/rss")),
    _case("a redirect to nowhere", "error: a redirect to no http or https address", lambda: _answer(b"", status=b"301 Moved Permanently")),
    _case("a redirect to a file", "error: a redirect to no http or https address", lambda: _to(b"file:///etc/passwd")),
    _case("a redirect to a script", "error: a redirect to no http or https address", lambda: _to(b"javascript:alert(1)")),
    _case("a redirect to the keys of a cloud", "error: 169.254.169.254 is neither a public nor a private address", lambda: _to(b"http://169.254.169.254/latest/meta-data/")),
    _case("a redirect to them by another spelling", "error: ::ffff:a9fe:a9fe is neither a public nor a private address", lambda: _to(b"http://[::ffff:a9fe:a9fe]/")),
    _case("a redirect to an address of 8 kB", "error: a redirect to no http or https address | error: the answer is not proper HTTP", lambda: _to(b"/" + b"a" * 8_000)),
    _case("a redirect that splits the next request", "error: ", lambda: _to(b"/rss%0d%0aHost:%20evil.invalid\t x")),
)  # fmt: skip
