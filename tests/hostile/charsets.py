"""Feeds in other charsets than they say, or in those that hardly anybody writes."""

from __future__ import annotations

import codecs

from tests.hostile.case import Case

RUSSIAN = "Беларусь и Россия подписали договор"
CHINESE = "白俄罗斯与俄罗斯签署协议"


def _document(stated: str, title: str = RUSSIAN) -> str:
    declaration = f'<?xml version="1.0" encoding="{stated}"?>' if stated else '<?xml version="1.0"?>'
    return (
        f'{declaration}<rss version="2.0"><channel><title>C</title><item><guid>1</guid><title>{title}</title>'
        "<link>https://courier.invalid/1</link><description>Text</description></item></channel></rss>"
    )


def _case(name: str, title: str, document: bytes) -> Case:
    return Case("feed", name, lambda: document, f"1 articles, 0 dead letters; {title[:30]!r} of {len(title)}, text of 4")


CASES = (
    _case("UTF-16 without its mark", RUSSIAN, _document("utf-16").encode("utf-16-le")),
    _case("UTF-16, big-endian, without its mark", RUSSIAN, _document("utf-16").encode("utf-16-be")),
    _case("UTF-16 that says UTF-8", RUSSIAN, _document("utf-8").encode("utf-16")),
    _case("UTF-32", RUSSIAN, _document("utf-8").encode("utf-32")),
    _case("UTF-8 that says UTF-16", RUSSIAN, _document("utf-16").encode()),
    _case("UTF-8 that says ISO-8859-1", RUSSIAN, _document("iso-8859-1").encode()),
    _case("UTF-8 that says windows-1251", RUSSIAN, _document("windows-1251").encode()),
    _case("UTF-8 that says US-ASCII", RUSSIAN, _document("us-ascii").encode()),
    _case("UTF-8 that says a charset nobody knows", RUSSIAN, _document("x-our-own").encode()),
    _case("ASCII that says UTF-32", "Minsk", _document("utf-32", "Minsk").encode()),
    _case("UTF-8 that says nothing, not even that it is XML", RUSSIAN, _document("", RUSSIAN).partition("?>")[2].encode()),
    _case("windows-1251 that says UTF-8", RUSSIAN, _document("utf-8").encode("cp1251")),
    _case("windows-1251 that says nothing", RUSSIAN, _document("").encode("cp1251")),
    _case("KOI8-R that says UTF-8", RUSSIAN, _document("utf-8").encode("koi8-r")),
    _case("GB18030", CHINESE, _document("gb18030", CHINESE).encode("gb18030")),
    _case("GB18030 that says GB2312", "鎔" + CHINESE, _document("gb2312", "鎔" + CHINESE).encode("gb18030")),
    _case("GB18030 that says UTF-8", CHINESE, _document("utf-8", CHINESE).encode("gb18030")),
    _case("Big5", "臺灣", _document("big5", "臺灣").encode("big5")),
    _case("Shift_JIS", "日本の首相", _document("shift_jis", "日本の首相").encode("shift_jis")),
    _case("ISO-2022-JP", "日本の首相", _document("iso-2022-jp", "日本の首相").encode("iso-2022-jp")),
    _case("EBCDIC", "Minsk", _document("cp037", "Minsk").encode("cp037")),
    _case("French in windows-1252 that says UTF-8", "Élysée: à Minsk", _document("utf-8", "Élysée: à Minsk").encode("cp1252")),
    _case("a byte order mark and blank lines before the declaration", RUSSIAN, codecs.BOM_UTF8 + b"\r\n\t " + _document("utf-8").encode()),
    _case("two byte order marks", RUSSIAN, codecs.BOM_UTF8 * 2 + _document("utf-8").encode()),
    _case("a warning of PHP before the declaration", RUSSIAN, b"<br />\n<b>Warning</b>: date() in x.php on line <b>3</b><br />\n" + _document("utf-8").encode()),
    _case("a script after the end", RUSSIAN, _document("utf-8").encode() + b"\n<script>alert(1)</script><!-- cached -->"),
)  # fmt: skip
