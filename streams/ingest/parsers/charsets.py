"""What a document is written in, where it says so wrongly. Pure; linear in the length of the document.

Servers and publishing systems state charsets that they do not write: UTF-8 under `ISO-8859-1`, UTF-16 under `utf-8`, Cyrillic bytes under
nothing. Taken at their word, every letter of such a feed would be another one, and no state would be found in it.
"""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

#: Fewer bytes beyond ASCII than this tell nothing; more than that many need not be looked at.
LEAST_BYTES, MOST_BYTES = 6, 20_000
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip
_UTF8 = "application/xml; charset=utf-8"
_DECLARATION = re.compile(rb"\A[\xef\xbb\xbf\s]{0,100}+<\?xml\b[^>]{0,300}?\?>", re.IGNORECASE)
_STATED = re.compile(rb"(?:charset|encoding)\s{0,10}=\s{0,10}[\"']?([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
_RUN = re.compile(rb"[\x80-\xff]+")
#: One byte for each character: any bytes are text in these, so that nothing else would tell that they are meant for another charset.
_SINGLE_BYTE = re.compile(r"^(?:iso8859-\d+|cp125\d|cp1252|koi8-[rut]|mac-\w+|latin_1|ascii)$")
#: Of text in Cyrillic most bytes are small letters, and they stand side by side; accents of Latin letters stand alone.
_LEAST_RUN, _LEAST_SHARE = 2.0, 0.65
_SMALL_LETTERS = {"cp1251": bytes(range(0xE0, 0x100)), "koi8-r": bytes(range(0xC0, 0xE0))}


class Rewritten(NamedTuple):
    """A document, its content type, and the charset that it was found in; "" where it was left as it is."""

    data: bytes
    content_type: str
    charset: str


def as_utf8(data: bytes, content_type: str) -> Rewritten:
    """The document as it was given, or in UTF-8 where it is in another charset than it states.

    >>> as_utf8('<?xml version="1.0" encoding="UTF-8"?><a>Минск, Москва</a>'.encode("cp1251"), "text/xml").data.decode()
    '<a>Минск, Москва</a>'
    """
    stated = _stated(data, content_type)
    charset = _charset(data, stated)
    if not charset:
        return Rewritten(data, content_type, "")
    if charset == "utf-8" and not stated:
        return Rewritten(data, _UTF8, "")
    text = data.decode(charset, "replace").removeprefix("\ufeff")
    return Rewritten(_DECLARATION.sub(b"", text.encode("utf-8", "replace")), _UTF8, charset)


def _charset(data: bytes, stated: str) -> str:
    """The charset to go by instead of the stated one; "" where that will do."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name
    if b"\x00" in data[:4]:
        return ""
    if _is_utf8(data):
        is_wrong = stated.startswith(("utf-16", "utf-32")) or (not data.isascii() and (not stated or _SINGLE_BYTE.match(stated)))
        return "utf-8" if is_wrong else ""
    return _guess(data) if stated in ("", "utf-8") else ""


def _stated(data: bytes, content_type: str) -> str:
    # Python's name of the charset that counts: the server's, else the document's own; "" for none that is known.
    declared = _DECLARATION.match(data)
    found = _STATED.search(content_type.encode("ascii", "replace")) or (_STATED.search(declared[0]) if declared else None)
    try:
        return codecs.lookup(found[1].decode()).name if found else ""
    except LookupError:
        return ""


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _guess(data: bytes) -> str:
    runs, high = 0, bytearray()
    for found in _RUN.finditer(data):
        runs += 1
        high += found[0]
        if len(high) >= MOST_BYTES:
            break
    if len(high) < LEAST_BYTES or len(high) / runs < _LEAST_RUN:
        return ""
    for name, letters in _SMALL_LETTERS.items():
        if 1 - len(high.translate(None, letters)) / len(high) >= _LEAST_SHARE:
            return name
    try:
        data.decode("gb18030")
    except UnicodeDecodeError:
        return ""
    return "gb18030"
