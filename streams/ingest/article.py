"""One raw mapping, from an archive line or a feed entry, to one `Article`. Pure: the time of arrival is handed in.

Whatever comes in, the result is an article that encodes to UTF-8 within its bound, or a `RecordError` that names the field.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from streams.clock import format_utc
from streams.errors import RecordError
from streams.ingest.dates import read_date
from streams.ingest.origins import find_origin
from streams.ingest.text import clean_text, normalise
from streams.ingest.urls import canonical_url, shown_address
from streams.records import Article, DateOrigin, encode

if TYPE_CHECKING:
    from streams.settings import Settings

MAX_ID_CHARS = 256
MAX_TITLE_CHARS = 1_000
MAX_OUTLET_CHARS = 200
MAX_AUTHOR_CHARS = 300
#: A character takes at most 4 bytes of UTF-8; a quotation mark or a backslash takes 2 in JSON.
_BYTES_PER_CHAR = 4
#: What software writes that has no date to write.
_NO_DATE = date(1970, 1, 1)

#: Names under which each field may come, the first that holds something wins.
ID_FIELDS = ("id",)
URL_FIELDS = ("url", "link")
TITLE_FIELDS = ("title",)
TEXT_FIELDS = ("text", "content", "body", "summary")
DATE_FIELDS = ("published", "date", "pubDate")
OUTLET_FIELDS = ("outlet", "source")
LANGUAGE_FIELDS = ("language",)
AUTHOR_FIELDS = ("author", "byline")
ORIGIN_FIELDS = ("origin", "agency")
KNOWN_FIELDS = frozenset((
    *ID_FIELDS, *URL_FIELDS, *TITLE_FIELDS, *TEXT_FIELDS, *DATE_FIELDS, *OUTLET_FIELDS, *LANGUAGE_FIELDS, *AUTHOR_FIELDS, *ORIGIN_FIELDS,
))  # fmt: skip
_LANGUAGE = re.compile(r"^([A-Za-z]{2,3})(?:[-_][A-Za-z0-9_-]{1,30})?$")


def to_article(raw: Mapping[str, object], *, now: datetime, settings: Settings) -> Article:
    """The article that `raw` states.

    A publication date that is missing, unreadable, too far ahead or absurdly old becomes `now`, and `date_origin` says so. The id
    is the given one, else a hash of the canonical URL, else of title and text; an id that is long or odd becomes its hash.

    Args:
        raw: fields under the names of `KNOWN_FIELDS`; others are ignored.
        now: time of arrival, aware.
        settings: `max_article_bytes`, `future_tolerance_hours`, `oldest_year`.

    Raises:
        RecordError: `not-an-article` if a field has a wrong type or there is neither title nor text; `too-large` above the bound.
    """
    title_raw, text_raw = _string(raw, TITLE_FIELDS), _string(raw, TEXT_FIELDS)
    _check_size(len(title_raw) + len(text_raw), settings)
    title, text = clean_text(title_raw, one_line=True), clean_text(text_raw)
    if not text and len(title) > MAX_TITLE_CHARS:
        text = title
    title = title[:MAX_TITLE_CHARS].rstrip()
    if not title and not text:
        raise RecordError(
            "neither title nor text",
            reason="not-an-article",
            expected="a string under " + ", ".join((*TITLE_FIELDS, *TEXT_FIELDS)),
        )
    url_raw = _string(raw, URL_FIELDS)
    outlet = normalise(_string(raw, OUTLET_FIELDS)[: 4 * MAX_OUTLET_CHARS], one_line=True)[:MAX_OUTLET_CHARS].rstrip()
    author = _names(raw, AUTHOR_FIELDS)
    published, origin = _event_time(raw, now, settings)
    article = Article(
        id=_article_id(raw, url_raw, title, text), title=title, text=text, published=format_utc(published), date_origin=origin,
        outlet=outlet, url=shown_address(url_raw), language=_language(_string(raw, LANGUAGE_FIELDS)), author=author,
        origin=find_origin(_names(raw, ORIGIN_FIELDS), author, text, outlet), ingested=format_utc(now),
    )  # fmt: skip
    _check_wire_size(article, settings)
    return article


def hashed_id(kind: str, *parts: str) -> str:
    """A stable article id, `kind-` and 32 hex digits, equal for equal parts; safe for any string."""
    text = "\x1f".join(parts)
    return f"{kind}-{hashlib.blake2b(text.encode('utf-8', 'surrogatepass'), digest_size=16).hexdigest()}"


def safe_id(given: str) -> str:
    """`given` where it can stand in a key, else its hash: at most 256 printable characters without `|`."""
    if len(given) <= MAX_ID_CHARS and given.isprintable() and "|" not in given:
        return given
    return hashed_id("id", given)


def _string(raw: Mapping[str, object], names: tuple[str, ...]) -> str:
    for name in names:
        value = raw.get(name)
        if value is None or value == "":
            continue
        if not isinstance(value, str):
            raise RecordError(f"field {name!r} is of type {type(value).__name__}", reason="not-an-article", expected="a string")
        if value.strip():
            return value
    return ""


def _names(raw: Mapping[str, object], fields: tuple[str, ...]) -> str:
    """One name or several; what is no name is left out, since nothing depends on it."""
    for field in fields:
        value = raw.get(field)
        listed = value if isinstance(value, list) else [value]
        names = [clean_text(name[: 4 * MAX_AUTHOR_CHARS], one_line=True) for name in listed[:10] if isinstance(name, str)]
        if found := ", ".join(name for name in names if name)[:MAX_AUTHOR_CHARS].rstrip():
            return found
    return ""


def _article_id(raw: Mapping[str, object], url: str, title: str, text: str) -> str:
    value = raw.get("id")
    if isinstance(value, int) and not isinstance(value, bool):
        # Python refuses to write integers of thousands of digits; such a number is no id.
        if abs(value) >= 10**100:
            raise RecordError("field 'id' is a number of more than 100 digits", reason="not-an-article", expected="a string")
        return str(value)
    if value is not None and not isinstance(value, str):
        raise RecordError(
            f"field 'id' is of type {type(value).__name__}", reason="not-an-article", expected="a string or a whole number"
        )
    if value and value.strip():
        return safe_id(value.strip())
    if url.strip():
        return hashed_id("url", canonical_url(url))
    return hashed_id("text", title, text)


def _event_time(raw: Mapping[str, object], now: datetime, settings: Settings) -> tuple[datetime, DateOrigin]:
    value = next((raw[name] for name in DATE_FIELDS if raw.get(name) not in (None, "")), None)
    if value is None or (isinstance(value, str) and not value.strip()):
        return now, "missing"
    moment = read_date(value)
    if moment is None:
        return now, "unreadable"
    if moment.year < settings.oldest_year or moment.date() == _NO_DATE:
        return now, "absurd"
    if moment > now + timedelta(hours=settings.future_tolerance_hours):
        return now, "future"
    return moment, "published"


def _language(given: str) -> str:
    found = _LANGUAGE.match(given.strip())
    return found[1].lower() if found else ""


def _check_size(chars: int, settings: Settings) -> None:
    # Markup may be several times as long as its text; beyond this it is not worth reading.
    bound = settings.max_article_bytes * 4
    if chars > bound:
        raise _too_large(f"{chars} characters of title and text", settings)


def _check_wire_size(article: Article, settings: Settings) -> None:
    chars = (
        len(article.title)
        + len(article.text)
        + len(article.url)
        + len(article.outlet)
        + len(article.author)
        + len(article.origin)
    )
    if chars * _BYTES_PER_CHAR + 1_000 <= settings.max_article_bytes:
        return
    size = len(encode(article))
    if size > settings.max_article_bytes:
        raise _too_large(f"{size} bytes", settings)


def _too_large(size: str, settings: Settings) -> RecordError:
    return RecordError(
        f"the article is too large: {size}", reason="too-large", expected=f"at most {settings.max_article_bytes} bytes on the wire",
        todo="raise BELLWETHER_MAX_ARTICLE_BYTES, or split the article",
    )  # fmt: skip
