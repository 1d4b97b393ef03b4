"""JSON Feed 1.0 and 1.1 (jsonfeed.org). What one item gets wrong costs that item at most, never the feed.

Numbers are kept as the text that they are written in: an id of 1e999 or of a thousand digits is an id like any other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

from streams.clock import format_utc
from streams.ingest.article import hashed_id
from streams.ingest.dates import read_date
from streams.ingest.parsed import MAX_ENTRIES, MAX_FIELD_CHARS, ParsedEntry, ParsedFeed, bounded_warnings
from streams.ingest.text import clean_text, mend_surrogates

#: A feed that says it has come to its end is asked once a day all the same: such words are taken back now and then.
EXPIRED_TTL_SECONDS = 86_400.0
_VERSION = "jsonfeed.org/version/"
_LEADING = b"\xef\xbb\xbf \t\r\n\x00"
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")


def looks_like_json(data: bytes, _content_type: str) -> bool:
    """Whether it may be JSON; the content type says nothing, since servers send JSON Feed under five of them."""
    start = data[:1_000].removeprefix(_WIDE_MARKS[0]).removeprefix(_WIDE_MARKS[1])
    return start.lstrip(_LEADING).startswith((b"{", b"["))


def parse_json_feed(data: bytes, url: str, _content_type: str) -> ParsedFeed:
    """See `parse_feed`. At most 2,000 items are taken, in the order of the document."""
    warnings: list[str] = []
    try:
        value = json.loads(
            _decode(data, warnings), parse_float=str, parse_int=str, parse_constant=lambda _name: None, strict=False,
            object_pairs_hook=lambda pairs: _object(pairs, warnings),
        )  # fmt: skip
    except RecursionError:
        return ParsedFeed(error="not a feed: JSON that is nested too deeply")
    except ValueError as error:
        return ParsedFeed(warnings=warnings, error=f"not a feed: JSON was expected: {str(error)[:200]}")
    version = value.get("version") if isinstance(value, dict) else None
    items = value.get("items") if isinstance(value, dict) else None
    if not isinstance(items, list):
        return ParsedFeed(error="not a feed: JSON, but no JSON Feed: it has no list of items")
    if not isinstance(version, str) or _VERSION not in version:
        if not _holds_items(items):
            return ParsedFeed(error="not a feed: JSON, but no JSON Feed: it states no version")
        warnings.append("it states no version of JSON Feed")
    return _read_feed(value, items, url, warnings)


def _read_feed(value: Mapping[str, Any], items: list[Any], url: str, warnings: list[str]) -> ParsedFeed:
    if len(items) > MAX_ENTRIES:
        warnings.append(f"{len(items)} entries, only the first {MAX_ENTRIES} were taken")
    feed_author = _author(value)
    entries = []
    for number, item in enumerate(items[:MAX_ENTRIES], 1):
        if isinstance(item, dict):
            entries.append(_read_item(item, number, url, feed_author, warnings))
        else:
            warnings.append(f"entry {number}: not an object but {_kind(item)}")
    expired = value.get("expired") is True
    if expired:
        warnings.append("the feed says that it has ended")
    return ParsedFeed(
        entries=entries, warnings=bounded_warnings(warnings), language=(_text(value, "language") or "")[:40],
        left_out=len(items) - len(entries), title=clean_text((_text(value, "title") or "")[:800], one_line=True)[:200],
        site=(_text(value, "home_page_url") or "")[:2_048], ttl_seconds=EXPIRED_TTL_SECONDS if expired else 0.0,
    )  # fmt: skip


def _read_item(item: Mapping[str, Any], number: int, url: str, feed_author: str | None, warnings: list[str]) -> ParsedEntry:
    link = _link(item, "url", url) or _link(item, "external_url", url)
    title, summary = _text(item, "title"), _text(item, "summary")
    content = _text(item, "content_html") or _text(item, "content_text")
    given = (_text(item, "id") or "").strip()
    if not given:
        warnings.append(f"entry {number}: without an id")
    published, updated = _time(item, "date_published", number, warnings), _time(item, "date_modified", number, warnings)
    stated = item.get("date_published") or item.get("date_modified")
    return ParsedEntry(
        id=given or link or hashed_id("entry", title or "", summary or "", content or ""), title=title, url=link,
        published=published, updated=updated, unreadable_date=_shown(stated) if stated and not (published or updated) else None,
        summary=summary, content=content, author=_author(item) or feed_author,
    )  # fmt: skip


def _decode(data: bytes, warnings: list[str]) -> str:
    encoding = json.detect_encoding(data)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        warnings.append(f"not {error.encoding}: {error.reason} at byte {error.start}")
        return data.decode(encoding, "replace")


def _object(pairs: list[tuple[str, Any]], warnings: list[str]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs) and len(warnings) < MAX_ENTRIES:
        warnings.append("a name stands twice in one object; the last one counts")
    return found


def _holds_items(items: list[Any]) -> bool:
    return any(
        isinstance(item, dict) and item.get("id") and ("content_html" in item or "content_text" in item) for item in items[:10]
    )


def _text(value: Mapping[str, Any], name: str) -> str | None:
    found = value.get(name)
    return mend_surrogates(found[:MAX_FIELD_CHARS]) if isinstance(found, str) and found else None


def _link(item: Mapping[str, Any], name: str, base: str) -> str | None:
    found = (_text(item, name) or "").strip()
    try:
        return urljoin(base, found) if found else None
    except ValueError:
        return found


def _author(value: Mapping[str, Any]) -> str | None:
    # 1.1 has a list, 1.0 had one.
    listed = value.get("authors")
    people = listed if isinstance(listed, list) and listed else [value.get("author")]
    names = [
        clean_text(person["name"][:300], one_line=True)
        for person in people[:10]
        if isinstance(person, dict) and _text(person, "name")
    ]
    return ", ".join(name for name in names if name)[:300] or None


def _time(item: Mapping[str, Any], name: str, number: int, warnings: list[str]) -> str | None:
    raw = item.get(name)
    if raw is None or raw == "":
        return None
    moment = read_date(raw)
    if moment is None:
        warnings.append(f"entry {number}: unreadable {name} {_shown(raw)!r}")
        return None
    return format_utc(moment)


def _shown(value: object) -> str:
    return mend_surrogates(" ".join(str(value)[:60].split()))


def _kind(value: object) -> str:
    return {str: "text or a number", list: "a list", bool: "true or false"}.get(type(value), "nothing")
