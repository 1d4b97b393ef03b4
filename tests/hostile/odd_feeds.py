"""Feeds as careless software writes them: dates, ids, links, namespaces and amounts that no standard knows."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.hostile.case import MEGABYTE, Case

_PLAIN = "1 articles, 0 dead letters; 'T' of 1, text of 1"


def _rss(items: str, head: str = '<rss version="2.0">') -> bytes:
    return f"{head}<channel><title>C</title>{items}</channel></rss>".encode()


def _item(fields: str, guid: str = "1") -> str:
    return f"<item><guid>{guid}</guid><title>T</title><description>x</description>{fields}</item>"


def _case(name: str, answer: str, build: Callable[[], bytes]) -> Case:
    return Case("feed", name, build, answer)


def _date(name: str, stated: str, published: str) -> Case:
    """`published`: what the date is read as, or why it is not."""
    answer = f"{_PLAIN}; id 'url-016f13d8a16a3c47'; {published}"
    fields = f"<link>https://courier.invalid/1</link><pubDate>{stated}</pubDate>"
    return _case(f"a date: {name}", answer, lambda: _rss(f"<item><guid>https://courier.invalid/1</guid><title>T</title><description>x</description>{fields}</item>"))  # fmt: skip


def _json(items: str) -> bytes:
    return ('{"version": "https://jsonfeed.org/version/1.1", "title": "C", "items": ' + items + "}").encode()


def _entries(amount: int, form: str) -> str:
    return "".join(form.replace("#", str(number)) for number in range(amount))


_WHOLE = (
    "<item><guid>#</guid><title>T#</title><link>https://courier.invalid/#</link><description>Text of #</description>"
    "<pubDate>Wed, 02 Aug 2017 09:30:00 GMT</pubDate></item>"
)

CASES = (
    _date("a year of two digits", "Wed, 02 Aug 17 09:00:00 GMT", "2017-08-02T09:00:00Z, published"),
    _date("in Russian, Moscow time", "Ср, 02 авг 2017 09:00:00 МСК", "2017-08-02T06:00:00Z, published"),
    _date("in Arabic digits", "٢٠١٧-٠٨-٠٢T٠٩:٠٠:٠٠Z", "2017-08-02T09:00:00Z, published"),
    _date("in Arabic words", "الأربعاء، ٠٢ أغسطس ٢٠١٧ ٠٩:٠٠", "2017-08-02T09:00:00Z, published"),
    _date("in Chinese", "2017年8月2日 09:00", "2017-08-02T09:00:00Z, published"),
    _date("with a weekday in Japanese", "2017/08/02(水) 09:00", "2017-08-02T09:00:00Z, published"),
    _date("a leap second", "Sat, 31 Dec 2016 23:59:60 GMT", "2017-01-01T00:00:00Z, published"),
    _date("24 o'clock", "2017-08-01T24:00:00Z", "2017-08-02T00:00:00Z, published"),
    _date("seconds since 1970", "1501664400", "2017-08-02T09:00:00Z, published"),
    _date("milliseconds since 1970", "1501664400000", "2017-08-02T09:00:00Z, published"),
    _date("an offset with a name", "Wed, 02 Aug 2017 09:00:00 GMT+3", "2017-08-02T06:00:00Z, published"),
    _date("no space before the zone", "Wed,02 Aug 2017 09:00:00GMT", "2017-08-02T09:00:00Z, published"),
    _date("the wrong weekday", "Mon, 02 Aug 2017 09:00:00 GMT", "2017-08-02T09:00:00Z, published"),
    _date("an offset of 99 hours", "Wed, 02 Aug 2017 09:00:00 +9999", "2017-08-02T12:00:00Z, unreadable"),
    _date("the 30th of February", "Thu, 30 Feb 2017 09:00:00 GMT", "2017-08-02T12:00:00Z, unreadable"),
    _date("a year of five digits", "12017-08-02T09:00:00Z", "2017-08-02T12:00:00Z, unreadable"),
    _date("a year below zero", "-0001-11-30T00:00:00Z", "2017-08-02T12:00:00Z, unreadable"),
    _date("a week", "2017-W31", "2017-08-02T12:00:00Z, unreadable"),
    _date("the first day of 1970", "Thu, 01 Jan 1970 00:00:00 GMT", "2017-08-02T12:00:00Z, absurd"),
    _date("the year 9999", "Fri, 31 Dec 9999 23:59:59 GMT", "2017-08-02T12:00:00Z, future"),
    _date("HTML", "&lt;time datetime='2017-08-02'&gt;2 Aug&lt;/time&gt;", "2017-08-02T12:00:00Z, unreadable"),
    _case("one guid and one link for all items", "3 articles, 0 dead letters; 'T0' of 2, text of 0", lambda: _rss(_entries(3, "<item><guid>https://courier.invalid/</guid><link>https://courier.invalid/</link><title>T#</title></item>"))),
    _case("one guid for other links", "3 articles, 0 dead letters; 'T0' of 2, text of 0", lambda: _rss(_entries(3, "<item><guid>null</guid><link>https://courier.invalid/#</link><title>T#</title></item>"))),
    _case("an item 1,000 times over", _PLAIN, lambda: _rss(_item("") * 1_000)),
    _case("items without link, guid and date", "2 articles, 1 dead letters; 'T' of 1, text of 0", lambda: _rss("<item><title>T</title></item><item><title>T</title></item><item><description>only text</description></item><item/>")),
    _case("an item in an item", "2 articles, 0 dead letters; 'A' of 1, text of 0", lambda: _rss("<item><guid>1</guid><title>A</title><item><guid>2</guid><title>B</title></item></item>")),
    _case("elements without the namespaces of their prefixes", "1 articles, 0 dead letters; 'T' of 1, text of 4", lambda: _rss("<item><title>T</title><dc:date>2017-08-02T09:00:00Z</dc:date><content:encoded>Full</content:encoded></item>")),
    _case("RSS in the namespace of Atom", "1 articles, 0 dead letters; 'T' of 1, text of 1", lambda: _rss(_item(""), '<rss version="2.0" xmlns="http://www.w3.org/2005/Atom">')),
    _case("Atom in a namespace of its own", "1 articles, 0 dead letters; 'T' of 1, text of 0", lambda: b'<feed xmlns="http://example.org/wrong"><entry><id>1</id><title>T</title></entry></feed>'),
    _case("capitals for all elements", "1 articles, 0 dead letters; 'T' of 1, text of 0", lambda: b'<RSS VERSION="2.0"><CHANNEL><ITEM><GUID>1</GUID><TITLE>T</TITLE></ITEM></CHANNEL></RSS>'),
    _case("CDATA in CDATA", "1 articles, 0 dead letters; 'T' of 1, text of 3", lambda: _rss("<item><guid>1</guid><title>T</title><description><![CDATA[<p>x <![CDATA[in]]]]><![CDATA[> y</p>]]></description></item>".replace("in", ""))),
    _case("links against two bases", "1 articles, 0 dead letters; 'T' of 1, text of 0", lambda: b'<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://courier.invalid/x/"><entry xml:base="../"><id>1</id><title>T</title><link href="1"/></entry></feed>'),
    _case("a link in letters that look like Latin ones", _PLAIN, lambda: _rss(_item("<link>https://соuriеr.invalid/1</link>"))),
    _case("a link with a name and a password", _PLAIN, lambda: _rss(_item("<link>https://courier.invalid@evil.invalid:80/1</link>"))),
    _case("a link to port 99999", _PLAIN, lambda: _rss(_item("<link>https://courier.invalid:99999/1</link>"))),
    _case("50,000 items", "2000 articles, 0 dead letters; 'T0' of 2, text of 9", lambda: _rss(_entries(50_000, _WHOLE))),
    _case("50,000 entries of Atom", "2000 articles, 0 dead letters; 'T0' of 2, text of 0", lambda: f'<feed xmlns="http://www.w3.org/2005/Atom">{_entries(50_000, "<entry><id>urn:#</id><title>T#</title></entry>")}</feed>'.encode()),
    _case("an item of 9.9 MB of words", "0 articles, 1 dead letters; too-large: the article is too large", lambda: _rss(_item("").replace("x", "word " * (9_900_000 // 5)))),
    _case("an item of 9.9 MB of HTML in CDATA", "0 articles, 1 dead letters; too-large: the article is too large", lambda: _rss(_item("").replace("x", "<![CDATA[" + "<p>word</p>" * (9_900_000 // 11) + "]]>"))),
    _case("an item of 9.9 MB of escaped HTML", "error: the parser | 0 articles, 1 dead letters; too-large", lambda: _rss(_item("").replace("x", "&lt;p&gt;word&lt;/p&gt; " * (9_900_000 // 26)))),
    _case("an entry of 9.9 MB of XHTML", "error: the parser | 0 articles, 1 dead letters; too-large", lambda: f'<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">{"<p>word</p>" * (9_900_000 // 11)}</div></content></entry></feed>'.encode()),
    _case("an entry of 8 MB of base64", "1 articles, 0 dead letters; 'T' of 1, text of 0", lambda: f'<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id><title>T</title><content type="application/octet-stream">{"QUJD" * (2 * MEGABYTE)}</content></entry></feed>'.encode()),
    _case("50,000 authors of one entry", "1 articles, 0 dead letters; 'T' of 1, text of 0 | error: the parser", lambda: f'<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id><title>T</title>{"<author><name>A</name></author>" * 50_000}</entry></feed>'.encode()),
    _case("60,000 prefixes", "1 articles, 0 dead letters; 'T' of 1, text of 1 | error: the parser", lambda: _rss(_entries(60_000, '<n#:y xmlns:n#="u#">z</n#:y>') + _item(""))),
    _case("900,000 comments before the feed", _PLAIN, lambda: b"<!-- c -->" * 900_000 + _rss(_item(""))),
    _case("entities of HTML without a DTD", "1 articles, 0 dead letters; 'Té—' of 3, text of 1", lambda: _rss(_item("").replace("<title>T", "<title>&nbsp;T&eacute;&mdash;"))),
    _case("characters that are none, and tags of hidden text", "1 articles, 0 dead letters; 'Tab' of 3, text of 1", lambda: _rss(_item("").replace("<title>T", "<title>T\ufffea\uffff\U000e0041\U000e0042b"))),
    _case("references to what is no character, without their ends", "1 articles, 0 dead letters; 'a\ufffdbc\ufffd de' of 8, text of 1", lambda: _rss(_item("").replace("<title>T", "<title>a&#99999999999bc&#xFFFFFFFFFFFFFFFF de"))),
    _case("a web page", "error: not a feed: no feed element in it", lambda: b"<!DOCTYPE html><html><head><title>503</title></head><body><item><title>x</title></item></body></html>"),
    _case("a sitemap", "error: not a feed: no feed element in it", lambda: b'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>https://a.invalid</loc></url></urlset>'),
    _case("JSON feed with numbers for strings and lists in lists", "2 articles, 1 dead letters; '8' of 1, text of 2", lambda: _json('[{"id": 7, "title": 8, "url": 9, "content_text": 10, "date_published": 1501664400}, {"id": true, "content_text": "a"}, {"id": ["x"], "content_html": ["d"]}, [["nested"]], [], null, 7, "s"]')),
    _case("JSON feed with control characters in strings", "1 articles, 0 dead letters; '' of 0, text of 2", lambda: _json('[{"id": "1", "content_text": "a\x00\x01b"}]')),
    _case("JSON feed in UTF-16", "1 articles, 0 dead letters; '' of 0, text of 1", lambda: _json('[{"id": "1", "content_text": "x"}]').decode().encode("utf-16")),
    _case("JSON feed with two lists of items", "1 articles, 0 dead letters; '' of 0, text of 1", lambda: _json('[{"id": "1", "content_text": "abc"}], "items": [{"id": "2", "content_text": "x"}]')),
    _case("JSON feed of 50,000 items", "2000 articles, 0 dead letters; 'T0' of 2, text of 0", lambda: _json(json.dumps([{"id": str(number), "title": f"T{number}"} for number in range(50_000)]))),
    _case("JSON lines", "error: not a feed: JSON was expected: Extra data", lambda: b'{"id": "1", "title": "T"}\r\n{"id": "2", "title": "T"}\r\n'),
    _case("JSONP", "error: not a feed: SAXParseException", lambda: b'callback({"version": "https://jsonfeed.org/version/1", "items": []});'),
)  # fmt: skip
