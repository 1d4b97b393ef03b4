"""RSS 0.9x to 2.0, RDF, Atom and CDF by feedparser."""

from __future__ import annotations

import calendar
import io
from datetime import UTC, datetime
from typing import Any

import feedparser

from streams.clock import format_utc
from streams.ingest.article import hashed_id
from streams.ingest.dates import read_date
from streams.ingest.parsers.model import ParsedEntry, ParsedFeed
from streams.ingest.text import clean_text, mend_surrogates

MAX_ENTRIES = 2_000
MAX_FIELD_CHARS = 2_000_000
MAX_WARNINGS = 50
_MAX_WARNING_CHARS = 300
_LEADING = b"\xef\xbb\xbf \t\r\n"


def looks_like_syndication(data: bytes, _content_type: str) -> bool:
    """Whether it may be XML: anything but JSON, since feeds come under every content type there is."""
    return not data.lstrip(_LEADING).startswith((b"{", b"["))


def parse_syndication(data: bytes, url: str, content_type: str) -> ParsedFeed:
    """See `parse_feed`. At most 2,000 entries are taken, in the order of the document."""
    if not data.strip():
        return ParsedFeed(error="not a feed: the document is empty")
    headers = {"content-type": content_type} if content_type else {}
    if url:
        headers["content-location"] = url
    # As a stream: given bytes, feedparser tries them as the name of a file first.
    parsed = feedparser.parse(io.BytesIO(data), response_headers=headers)
    warnings = [_short(f"{type(problem).__name__}: {problem}")] if (problem := parsed.get("bozo_exception")) is not None else []
    found = list(parsed.get("entries", []))
    if not found and (not parsed.get("version") or (warnings and not parsed.get("feed"))):
        return ParsedFeed(warnings=warnings, error="not a feed: " + (warnings[0] if warnings else "no feed element in it"))
    if len(found) > MAX_ENTRIES:
        warnings.append(f"{len(found)} entries, only the first {MAX_ENTRIES} were taken")
    is_atom = str(parsed.get("version", "")).startswith("atom")
    entries = [_read_entry(entry, number, warnings, is_atom=is_atom) for number, entry in enumerate(found[:MAX_ENTRIES], 1)]
    if len(warnings) > MAX_WARNINGS:
        warnings[MAX_WARNINGS:] = [f"and {len(warnings) - MAX_WARNINGS} more warnings"]
    return ParsedFeed(entries=entries, warnings=warnings, language=str(parsed.get("feed", {}).get("language") or "")[:40])


def _read_entry(entry: Any, number: int, warnings: list[str], *, is_atom: bool) -> ParsedEntry:
    title, summary = _text(entry, "title"), _text(entry, "summary")
    content = _longest_content(entry)
    url = _text(entry, "link")
    published = _time(entry, "published", number, warnings)
    updated = _time(entry, "updated", number, warnings)
    if published is None and updated is not None and not is_atom:
        # RSS and RDF know one date of an item (dc:date among others); feedparser files it under "updated".
        published, updated = updated, None
    given = _text(entry, "id")
    identity = (given or "").strip() or (url or "").strip()
    return ParsedEntry(
        id=identity or hashed_id("entry", title or "", summary or "", content or ""), title=title, url=url, published=published,
        updated=updated, summary=summary, content=content,
    )  # fmt: skip


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


def _time(entry: Any, key: str, number: int, warnings: list[str]) -> str | None:
    parsed, raw = _own(entry, f"{key}_parsed"), _own(entry, key)
    if parsed is None and not raw:
        return None
    moment = _from_struct(parsed) if parsed is not None else read_date(clean_text(str(raw)[:200], one_line=True))
    if moment is None:
        warnings.append(_short(f"entry {number}: unreadable {key} date {str(raw)[:60]!r}"))
        return None
    return format_utc(moment)


def _from_struct(parsed: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(calendar.timegm(parsed), UTC)
    except (ValueError, OverflowError, OSError, TypeError):
        return None


def _short(text: str) -> str:
    return mend_surrogates(" ".join(text.split()))[:_MAX_WARNING_CHARS]
