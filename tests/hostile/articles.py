"""Hostile records on the topic `articles`, as a producer that is not Bellwether's own could write them."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from streams.records import Article, encode
from tests.hostile.case import MEGABYTE, Case

_STATES = (
    "Belarus",
    "Russia",
    "China",
    "Poland",
    "Ukraine",
    "Lithuania",
    "Latvia",
    "Germany",
    "France",
    "Turkey",
    "India",
    "Iran",
    "Israel",
)
_SIGNED = "Belarus and Russia signed an agreement in Minsk on Tuesday. "


def _article(**fields: object) -> bytes:
    plain: dict[str, object] = {"id": "hostile", "title": "t", "text": "x", "published": "2017-08-02T09:30:00Z"}
    return encode(Article(**{**plain, **fields}))  # type: ignore[arg-type]


def _raw(**fields: object) -> bytes:
    return msgspec.json.encode(
        {"id": "hostile", "title": "t", "text": "x", "published": "2017-08-02T09:30:00Z", "v": 1, **fields}
    )


def _case(name: str, answer: str, build: Callable[[], bytes]) -> Case:
    return Case("classify", name, build, answer)


CASES = (
    _case("brackets, 100,000", "0 facts, 1 dead letters; not-an-article: not a Article: Expected `object`, got `array`", lambda: b"[" * 100_000),
    _case("objects 100,000 deep in a field nobody reads", "0 facts, 1 dead letters; not-json: not JSON: maximum recursion depth exceeded while deseri", lambda: b'{"id": "hostile", "x": ' + b'{"a":' * 100_000),
    _case("nothing", "0 facts, 1 dead letters; not-json: not JSON: Input data was truncated", lambda: b""),
    _case("bytes that are not UTF-8", "0 facts, 1 dead letters; not-json: not JSON: 'utf-8' codec can't decode byte 0xff in posit", lambda: _article().replace(b'"t"', b'"\xff\xfe"')),
    _case("lone surrogates", "0 facts, 1 dead letters; not-json: not JSON: JSON is malformed: unexpected end of escaped ", lambda: _article().replace(b'"t"', b'"a\\ud800b"')),
    _case("NaN for a version", "0 facts, 1 dead letters; not-json: not JSON: JSON is malformed: invalid character (byte ", lambda: _article().replace(b'"v":1', b'"v":NaN')),
    _case("1e999 for a version", "0 facts, 1 dead letters; not-an-article: not a Article: Number out of range - at `$.v`", lambda: _article().replace(b'"v":1', b'"v":1e999')),
    _case("a name twice", "0 facts, 0 dead letters", lambda: _article().replace(b'"title":"t"', b'"title":"t","title":"u"')),
    _case("a newer version", "0 facts, 1 dead letters; newer-version: record of version 2", lambda: _raw(v=2)),
    _case("a text that is a list", "0 facts, 1 dead letters; not-an-article: not a Article: Expected `str`, got `array` - at `", lambda: _raw(text=["x"])),
    _case("an id that is not the key", "0 facts, 1 dead letters; not-an-article: its key is not its id", lambda: _article(id="other")),
    _case("a date of week 99", "0 facts, 1 dead letters; not-an-article: its publication date can't be used: Invalid isofo", lambda: _article(published="2017-W99")),
    _case("a date of the year 0", "0 facts, 1 dead letters; not-an-article: its publication date can't be used: year 0 is out", lambda: _article(published="0000-00-00T00:00:00Z")),
    _case("a text of 900 kB without a space", "0 facts, 0 dead letters", lambda: _article(text="x" * 900_000)),
    _case("a text of one sentence of 900 kB", "0 facts, 0 dead letters", lambda: _article(text="word " * 180_000)),
    _case("a text of 300,000 sentences", "0 facts, 0 dead letters", lambda: _article(text="A. " * 300_000)),
    _case("a text of 900 kB of states", "30 facts, 0 dead letters", lambda: _article(text=" and ".join(_STATES * 7_000))),
    _case("a text of 15,000 agreements", "2 facts, 0 dead letters", lambda: _article(text=_SIGNED * 15_000)),
    _case("a title of 900 kB of states", "12 facts, 0 dead letters", lambda: _article(title=" and ".join(_STATES * 7_000))),
    _case("a text of 900 kB of quotation marks and brackets", "0 facts, 0 dead letters", lambda: _article(text="\"'([{" * 180_000)),
    _case("a text of 900 kB of dots", "0 facts, 0 dead letters", lambda: _article(text="." * 900_000)),
    _case("a text of 900 kB of line ends", "0 facts, 0 dead letters", lambda: _article(text="\n" * 900_000)),
    _case("a text of 900 kB of digits", "0 facts, 0 dead letters", lambda: _article(text="1,234.5 " * 110_000)),
    _case("a text of 150,000 ligatures that grow in NFKC", "0 facts, 0 dead letters", lambda: _article(text="\ufdfa" * 150_000)),
    _case("a text of 225,000 emoji", "0 facts, 0 dead letters", lambda: _article(text="\U0001f600" * 225_000)),
    _case("a text of 450,000 combining marks out of order", "0 facts, 0 dead letters", lambda: _article(text="a" + "\u0301\u0323" * 224_000)),
    _case("a text of 225,000 different letters of all scripts", "0 facts, 0 dead letters", lambda: _article(text="".join(chr(0x4E00 + n % 20_000) for n in range(225_000)))),
    _case("control and direction-changing characters", "2 facts, 0 dead letters", lambda: _article(title="a\u202eb\x1b[31m\x00c", text=_SIGNED + "\u2066\x9b")),
    _case("an outlet and a URL of 400 kB", "2 facts, 0 dead letters", lambda: _article(outlet="o" * 400_000, url="https://c.invalid/" + "u" * 400_000, text=_SIGNED)),
    _case("a language that does not exist", "0 facts, 0 dead letters", lambda: _article(language="\x1b[2J" * 1_000, text=_SIGNED)),
    _case("a value of 4 MB", "2 facts, 0 dead letters", lambda: _article(text=_SIGNED * (4 * MEGABYTE // len(_SIGNED)))),
)  # fmt: skip
