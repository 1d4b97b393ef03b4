"""Hostile feed documents."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable

from tests.hostile.case import MEGABYTE, Case

_ITEM = b"<item><guid>1</guid><title>%s</title><link>https://courier.invalid/1</link><description>%s</description></item>"
SECRET = "root:"


def _rss(content: bytes, *, doctype: bytes = b"") -> bytes:
    return (
        b'<?xml version="1.0" encoding="utf-8"?>'
        + doctype
        + b'<rss version="2.0"><channel><title>C</title>'
        + content
        + b"</channel></rss>"
    )


def _item(title: bytes = b"Title", text: bytes = b"Text") -> bytes:
    return _rss(_ITEM % (title, text))


def _laughs() -> bytes:
    entities = b'<!ENTITY a0 "ha">' + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 11))
    return _rss(_ITEM % (b"&a10;", b"x"), doctype=b"<!DOCTYPE rss [" + entities + b"]>")


def _blowup() -> bytes:
    doctype = b'<!DOCTYPE rss [<!ENTITY a "' + b"a" * 100_000 + b'">]>'
    return _rss(_ITEM % (b"x", b"&a;" * 20_000), doctype=doctype)


def _external(target: bytes) -> bytes:
    return _rss(_ITEM % (b"before &x; after", b"&x;"), doctype=b'<!DOCTYPE rss [<!ENTITY x SYSTEM "' + target + b'">]>')


def _parameter_entity() -> bytes:
    doctype = b'<!DOCTYPE rss [<!ENTITY % f SYSTEM "file:///etc/passwd"><!ENTITY % d "<!ENTITY x \'%f;\'>">%d;]>'
    return _rss(_ITEM % (b"&x;", b"x"), doctype=doctype)


def _base_chain() -> bytes:
    depth = 2_000
    opening = b"".join(b'<div xml:base="%s/">' % (b"a" * 200) for _ in range(depth))
    return (
        b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id><title>t</title><content type="xhtml">' + opening
        + b'<a href="x">x</a>' + b"</div>" * depth + b"</content></entry></feed>"
    )  # fmt: skip


def _json_feed(items: str) -> bytes:
    return ('{"version": "https://jsonfeed.org/version/1.1", "title": "C", "items": ' + items + "}").encode()


def _bomb(megabytes: int, times: int) -> bytes:
    data = b" " * (megabytes * MEGABYTE)
    for _ in range(times):
        data = gzip.compress(data, 9)
    return data


def _case(name: str, answer: str, build: Callable[[], bytes]) -> Case:
    return Case("feed", name, build, answer)


CASES = (
    _case("entity bomb of ten levels", "error: the parser | 1 articles, 0 dead letters; '&a10;'", _laughs),
    _case("one entity of 100 kB, named 20,000 times", "1 articles, 0 dead letters; 'x' of 1, text of 40000", _blowup),
    _case("external entity: a file", "1 articles, 0 dead letters; 'before after' of 12, text of 0", lambda: _external(b"file:///etc/passwd")),
    _case("external entity: an address", "1 articles, 0 dead letters; 'before after' of 12, text of 0", lambda: _external(b"http://127.0.0.1:9/secret")),
    _case("parameter entities around a file", "1 articles, 0 dead letters; '&x;' of 3, text of 1", _parameter_entity),
    _case("external DTD", "1 articles, 0 dead letters; 't' of 1, text of 1", lambda: _rss(_ITEM % (b"t", b"x"), doctype=b'<!DOCTYPE rss SYSTEM "http://127.0.0.1:9/x.dtd">')),
    _case("XInclude of a file", "1 articles, 0 dead letters; 'Title' of 5, text of 0", lambda: _item(text=b'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>')),
    _case("entities that name each other", "1 articles, 0 dead letters; '&a;' of 3, text of 1", lambda: _rss(_ITEM % (b"&a;", b"x"), doctype=b'<!DOCTYPE rss [<!ENTITY a "&b;"><!ENTITY b "&a;">]>')),
    _case("elements 100,000 deep", "0 articles, 0 dead letters | error: the parser", lambda: _rss(b"<a>" * 100_000 + b"</a>" * 100_000)),
    _case("HTML 100,000 deep in an item", "1 articles, 0 dead letters; 'Title' of 5, text of 0", lambda: _item(text=b"&lt;div&gt;" * 100_000)),
    _case("10 MB of <", "error: the parser | 0 articles, 0 dead letters | 1 articles, 0 dead letters", lambda: _rss(b"<" * (10 * MEGABYTE - 200))),
    _case("10 MB of &", "error: the parser", lambda: _item(text=b"&" * (10 * MEGABYTE - 300))),
    _case("10 MB of <!", "error: the parser | 0 articles, 0 dead letters | 1 articles, 0 dead letters", lambda: _rss(b"<!" * (5 * MEGABYTE - 200))),
    _case("10 MB of <a", "error: the parser", lambda: _rss(b"<a " * (3 * MEGABYTE))),
    _case("10 MB of ]]>", "error: the parser", lambda: _rss(b"]]>" * (3 * MEGABYTE))),
    _case("10 MB of <![CDATA[", "error: the parser | 0 articles, 0 dead letters | 1 articles, 0 dead letters", lambda: _rss(b"<![CDATA[" * MEGABYTE)),
    _case("10 MB of <!-- in an item", "error: the parser", lambda: _item(text=b"&lt;!--" * MEGABYTE)),
    _case("10 MB of <? in a channel", "0 articles, 0 dead letters | error: the parser", lambda: _rss(b"<?x " * (2 * MEGABYTE))),
    _case("title of 9 MB", "1 articles, 0 dead letters | error: the parser", lambda: _item(title=b"word " * (9 * MEGABYTE // 5))),
    _case("title of 9 MB without a space", "1 articles, 0 dead letters | error: the parser", lambda: _item(title=b"x" * 9 * MEGABYTE)),
    _case("item id of 9 MB", "error: the parser | 1 articles, 0 dead letters | 2000 articles", lambda: _rss(b"<item><guid>" + b"g" * 9 * MEGABYTE + b"</guid><title>t</title></item>")),
    _case("date of 5 MB of digits", "1 articles, 0 dead letters | error: the parser", lambda: _rss(b"<item><guid>1</guid><title>t</title><pubDate>" + b"1 " * (5 * MEGABYTE // 2) + b"</pubDate></item>")),
    _case("control and direction-changing characters", "1 articles, 0 dead letters; 'abcd\u2026e[31m\u203a31mf' of 15, text of 4", lambda: _item(title="a\u202eb\u2066c\u200bd\x85e&#27;[31m&#x9b;31mf".encode())),
    _case("lone surrogates as references", "1 articles, 0 dead letters; 'a\ufffdb\ufffdc\ufffd' of 6, text of 4", lambda: _item(title=b"a&#xD800;b&#55296;c&#xDFFF;")),
    _case("NUL bytes", "1 articles, 0 dead letters; 'ab\ufffdc' of 4, text of 4", lambda: _item(title=b"a\x00b&#0;c")),
    _case("300,000 items", "error: the parser | 1 articles, 0 dead letters | 2000 articles", lambda: _rss(b"<item><title>t</title></item>" * 300_000)),
    _case("100,000 whole items", "error: the parser | 1 articles, 0 dead letters | 2000 articles", lambda: _rss(b"".join(b"<item><guid>%d</guid><title>t%d</title><description>x</description></item>" % (n, n) for n in range(100_000)))),
    _case("200,000 categories of one item", "error: the parser | 0 articles, 0 dead letters | 1 articles, 0 dead letters", lambda: _rss(b"<item><title>t</title>" + b"<category>c</category>" * 200_000 + b"</item>")),
    _case("200,000 attributes of one element", "error: the parser", lambda: _rss(b"<item " + b" ".join(b'a%d="x"' % n for n in range(200_000)) + b"><title>t</title></item>")),
    _case("an attribute of 9 MB", "error: the parser | 0 articles, 0 dead letters | 1 articles, 0 dead letters", lambda: _rss(b'<item><title>t</title><enclosure url="' + b"u" * 9 * MEGABYTE + b'"/></item>')),
    _case("100,000 namespaces", "1 articles, 0 dead letters | error: the parser", lambda: b"<rss " + b" ".join(b'xmlns:n%d="u:%d"' % (n, n) for n in range(100_000)) + b' version="2.0"><channel><item><title>t</title></item></channel></rss>'),
    _case("bytes that are not UTF-8", "1 articles, 0 dead letters; '\u00ff\u00fe\u00c0\u00af\u00ed \u20ac' of 7, text of 4", lambda: _item(title=b"\xff\xfe\xc0\xaf\xed\xa0\x80")),
    _case("9 MB said to be punycode", "error: the parser failed: UnicodeError", lambda: b'<?xml version="1.0" encoding="punycode"?><rss><channel><item><title>' + b"a-b" * 3 * MEGABYTE + b"</title></item></channel></rss>"),
    _case("9 MB said to be IDNA", "0 articles, 1 dead letters | error: the parser", lambda: b'<?xml version="1.0" encoding="idna"?><rss><channel><item><title>' + b"a." * 4 * MEGABYTE + b"</title></item></channel></rss>"),
    _case("said to be in unicode_escape", "error: the parser failed: UnicodeEncodeError", lambda: b'<?xml version="1.0" encoding="unicode_escape"?><rss><channel><item><title>\\ud800\\x1b</title></item></channel></rss>'),
    _case("said to be in bz2", "1 articles, 0 dead letters; 't' of 1, text of 0", lambda: b'<?xml version="1.0" encoding="bz2"?><rss version="2.0"><channel><item><title>t</title></item></channel></rss>'),
    _case("UTF-7 that hides a tag", "0 articles, 1 dead letters; not-an-article: neither title nor text", lambda: b'<?xml version="1.0" encoding="utf-7"?><rss version="2.0"><channel><item><title>+ADw-script+AD4-</title></item></channel></rss>'),
    _case("a script for a link", "1 articles, 0 dead letters; 't' of 1, text of 0", lambda: _rss(b"<item><guid>1</guid><title>t</title><link>javascript:alert(1)</link></item>")),
    _case("a link 10,000 folders up", "1 articles, 0 dead letters; 't' of 1, text of 0", lambda: _rss(b"<item><guid>1</guid><title>t</title><link>" + b"../" * 10_000 + b"</link></item>")),
    _case("bases 2,000 deep", "error: the parser", _base_chain),
    _case("a style attribute of 1 MB", "1 articles, 0 dead letters | error: the parser", lambda: _item(text=b"&lt;p style=\"" + b"a-a 'b b' " * 100_000 + b"!\"&gt;x&lt;/p&gt;")),
    _case("1 MB of <a< as HTML", "1 articles, 0 dead letters | error: the parser", lambda: _item(text=b"&lt;a" * 200_000)),
    _case("gzip bomb of 1 GB", "error: more than 10485760 bytes", lambda: _bomb(1_000, 1)),
    _case("gzip bomb of 1 GB, twice compressed", "error: not a feed: SAXParseException: <unknown>:2:0: not well-formed (invalid token)", lambda: _bomb(1_000, 2)),
    _case("brackets, 100,000", "error: not a feed: JSON that is nested too deeply", lambda: b"[" * 100_000),
    _case("JSON feed with 100,000 brackets in an item", "error: not a feed: JSON that is nested too deeply", lambda: _json_feed('[{"id": "1", "x": ' + "[" * 100_000)),
    _case("JSON feed with NaN and 1e999", "1 articles, 0 dead letters; '' of 0, text of 1", lambda: _json_feed('[{"id": NaN, "date_published": 1e999, "content_text": "x"}]')),
    _case("JSON feed with names twice", "1 articles, 0 dead letters; '' of 0, text of 1", lambda: _json_feed('[{"id": "1", "id": "2", "content_text": "x"}]')),
    _case("JSON feed with lone surrogates", "1 articles, 0 dead letters; 'a\ufffdb' of 3, text of 1", lambda: _json_feed(json.dumps([{"id": "1", "title": "a\ud800b", "content_text": "\udfff"}]))),
    _case("JSON feed of 3,000,000 empty lists", "error: the parser", lambda: _json_feed("[" + "[]," * 3_000_000 + "[]]")),
    _case("nothing", "error: not a feed: the document is empty", lambda: b""),
    _case("10 MB of NUL", "error: not a feed: SAXParseException: <unknown>:2:0: not well-formed (invalid token) | error: the parser", lambda: b"\x00" * 10 * MEGABYTE),
)  # fmt: skip
