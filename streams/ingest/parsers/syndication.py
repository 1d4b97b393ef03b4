"""RSS 0.9x to 2.0, RDF, Atom and CDF by feedparser."""

from __future__ import annotations

import io
import re
from datetime import datetime
from typing import Any

import feedparser

from streams.clock import format_utc
from streams.ingest.article import hashed_id
from streams.ingest.dates import read_date
from streams.ingest.parsed import MAX_ENTRIES, MAX_FIELD_CHARS, ParsedEntry, ParsedFeed, bounded_warnings
from streams.ingest.parsers.charsets import as_utf8
from streams.ingest.text import clean_text, mend_surrogates

#: Markup of a document larger than this is left as it is (articles are made of text without any): mending it takes most of the time.
LARGE_BYTES = 1_000_000
MAX_TTL_SECONDS = 86_400.0
_PERIOD_SECONDS = {"hourly": 3_600.0, "daily": 86_400.0, "weekly": 604_800.0, "monthly": 2_592_000.0, "yearly": 31_536_000.0}
_MAX_WARNING_CHARS = 300
_REFERENCE = re.compile(rb"&#(?:[xX](?P<hex>[0-9a-fA-F]++)|(?P<decimal>[0-9]++));?")
_MOST_DIGITS = 7
_ENTRY_START = re.compile(rb"<(?:[\w.-]{1,40}:)?(?:item|entry)(?=[\s>/])", re.IGNORECASE)
_ENTRY_END = re.compile(rb"</(?:[\w.-]{1,40}:)?(?:item|entry)\s{0,10}>", re.IGNORECASE)
_MAX_TAIL_BYTES = 100_000
_LEADING = b"\xef\xbb\xbf \t\r\n"


def looks_like_syndication(data: bytes, _content_type: str) -> bool:
    """Whether it may be XML: anything that no other parser took, since feeds come under every content type there is."""
    return bool(data)


def parse_syndication(data: bytes, url: str, content_type: str) -> ParsedFeed:
    """See `parse_feed`. At most 2,000 entries are taken, in the order of the document."""
    if not data.strip(_LEADING):
        return ParsedFeed(error="not a feed: the document is empty")
    data, content_type, charset = as_utf8(data, content_type)
    headers = {"content-type": content_type} if content_type else {}
    if url:
        headers["content-location"] = url
    data, cut = _cut(_mend_references(data))
    # As a stream: given bytes, feedparser tries them as the name of a file first.
    is_usual = len(data) <= LARGE_BYTES
    parsed = feedparser.parse(io.BytesIO(data), response_headers=headers, sanitize_html=is_usual, resolve_relative_uris=is_usual)
    warnings = _warnings(parsed.get("bozo_exception"), content_type)
    if charset:
        warnings.append(f"not in the charset that it states, but in {charset}")
    found = list(parsed.get("entries", []))
    if not found and (not parsed.get("version") or (warnings and not parsed.get("feed"))):
        return ParsedFeed(warnings=warnings, error="not a feed: " + (warnings[0] if warnings else "no feed element in it"))
    amount = len(found) + cut
    if amount > MAX_ENTRIES:
        warnings.append(f"{amount} entries, only the first {MAX_ENTRIES} were taken")
    is_atom = str(parsed.get("version", "")).startswith("atom")
    entries = [_read_entry(entry, number, warnings, is_atom=is_atom) for number, entry in enumerate(found[:MAX_ENTRIES], 1)]
    about = parsed.get("feed") or {}
    return ParsedFeed(
        entries=entries, warnings=bounded_warnings(warnings), language=_line(about.get("language"), 40), left_out=amount - len(entries),
        title=_line(about.get("title"), 200), site=_line(about.get("link"), 2_048), ttl_seconds=_ttl_seconds(about),
    )  # fmt: skip


def _cut(data: bytes) -> tuple[bytes, int]:
    """The document with at most as many entries as are taken, and how many were left out: the library would take a minute for them."""
    amount = start = last = 0
    for found in _ENTRY_START.finditer(data):
        amount += 1
        last = found.start()
        if amount == MAX_ENTRIES + 1:
            start = last
    if amount <= MAX_ENTRIES:
        return data, 0
    end = max((found.end() for found in _ENTRY_END.finditer(data, last)), default=len(data))
    # With what closes the document it stays well-formed; the library takes twice as long for one that is not.
    return data[:start] + (data[end:] if len(data) - end <= _MAX_TAIL_BYTES else b""), amount - MAX_ENTRIES


def _warnings(problem: Exception | None, content_type: str) -> list[str]:
    if problem is None or (isinstance(problem, feedparser.NonXMLContentType) and not content_type):
        return []
    return [_short(f"{type(problem).__name__}: {problem}")]


def _mend_references(data: bytes) -> bytes:
    # References to what is no character (`&#xD800;`, `&#99999999999`) make feedparser fail, and one of them would cost the whole feed.
    return _REFERENCE.sub(_mend_reference, data) if b"&#" in data else data


def _mend_reference(found: re.Match[bytes]) -> bytes:
    digits = (found["hex"] or found["decimal"]).lstrip(b"0") or b"0"
    code = int(digits, 16 if found["hex"] else 10) if len(digits) <= _MOST_DIGITS else 0
    is_character = 0 < code < 0xD800 or 0xDFFF < code <= 0x10FFFF
    return found[0] if is_character else b"&#xFFFD;"


def _read_entry(entry: Any, number: int, warnings: list[str], *, is_atom: bool) -> ParsedEntry:
    title, summary = _text(entry, "title"), _text(entry, "summary")
    content = _longest_content(entry)
    url = _text(entry, "link")
    published = _time(entry, "published", number, warnings)
    updated = _time(entry, "updated", number, warnings)
    if published is None and updated is not None and not is_atom:
        # RSS and RDF know one date of an item (dc:date among others); feedparser files it under "updated".
        published, updated = updated, None
    unreadable = _line(_own(entry, "published"), 100) or _line(_own(entry, "updated"), 100) or None
    given = _text(entry, "id")
    identity = (given or "").strip() or (url or "").strip()
    return ParsedEntry(
        id=identity or hashed_id("entry", title or "", summary or "", content or ""), title=title, url=url,
        published=format_utc(published) if published else None, updated=format_utc(updated) if updated else None,
        unreadable_date=None if published or updated else unreadable, summary=summary, content=content,
        author=_line(entry.get("author"), 300) or None, source=_source(entry),
    )  # fmt: skip


def _ttl_seconds(about: Any) -> float:
    # RSS's own element counts in minutes; the syndication module of RDF in parts of a period.
    ttl = _line(about.get("ttl"), 20)
    if ttl.isascii() and ttl.isdigit():
        return min(float(ttl) * 60, MAX_TTL_SECONDS)
    period = _PERIOD_SECONDS.get(_line(about.get("sy_updateperiod"), 20).lower(), 0.0)
    times = _line(about.get("sy_updatefrequency"), 20)
    return min(period / max(1, int(times) if times.isascii() and times.isdigit() else 1), MAX_TTL_SECONDS)


def _source(entry: Any) -> str | None:
    source = entry.get("source")
    return (_line(source.get("title"), 300) or None) if isinstance(source, dict) else None


def _line(value: object, most: int) -> str:
    return clean_text(value[: most * 4], one_line=True)[:most].strip() if isinstance(value, str) else ""


def _own(entry: Any, key: str) -> Any:
    # feedparser answers for "updated" with "published" when there is none; only what the entry itself holds counts here.
    return dict.get(entry, key)


def _text(entry: Any, key: str) -> str | None:
    value = entry.get(key)
    return mend_surrogates(value[:MAX_FIELD_CHARS]) if isinstance(value, str) and value else None


def _longest_content(entry: Any) -> str | None:
    values = [part.get("value") for part in entry.get("content") or [] if _is_text_type(part.get("type"))]
    texts = [value for value in values if isinstance(value, str) and value]
    return mend_surrogates(max(texts, key=len)[:MAX_FIELD_CHARS]) if texts else None


def _is_text_type(kind: object) -> bool:
    return not isinstance(kind, str) or not kind or kind.startswith("text/") or kind.endswith(("xml", "html"))


def _time(entry: Any, key: str, number: int, warnings: list[str]) -> datetime | None:
    raw = _own(entry, key)
    if not raw:
        return None
    text = clean_text(str(raw)[:200], one_line=True)
    # What the library makes of it does not count: it finds a year in any six digits, and fills what is missing from today.
    moment = read_date(text)
    if moment is None:
        warnings.append(_short(f"entry {number}: unreadable {key} date {str(raw)[:60]!r}"))
    return moment


def _short(text: str) -> str:
    return mend_surrogates(" ".join(text.split()))[:_MAX_WARNING_CHARS]
