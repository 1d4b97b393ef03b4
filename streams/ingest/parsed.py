"""What every feed parser gives: entries as the feed states them. Cleaning and dating articles is done elsewhere."""

from __future__ import annotations

import msgspec

#: Most entries that are taken of one document, characters of one field, and warnings.
MAX_ENTRIES = 2_000
MAX_FIELD_CHARS = 2_000_000
MAX_WARNINGS = 50


class ParsedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry. Times are UTC (`2017-08-02T09:30:00Z`); summary and content may be HTML; None where the feed says nothing.

    `id` is the feed's own (guid), else the link, else a hash of the entry. `source` is whom the feed says it has the entry from.
    `unreadable_date` is what stands for a date in an entry that has none that can be read.
    """

    id: str
    title: str | None = None
    url: str | None = None
    published: str | None = None
    updated: str | None = None
    summary: str | None = None
    content: str | None = None
    author: str | None = None
    source: str | None = None
    unreadable_date: str | None = None


class ParsedFeed(msgspec.Struct, frozen=True, kw_only=True):
    """All entries of one document, what was odd about it, and, if it is no feed at all, why (`error`; then no entries).

    Attributes:
        left_out: entries of the document that were not taken: too many, or no entries at all.
        title, site: what the feed calls itself, and the page that it belongs to; "" where it says nothing.
        ttl_seconds: how long it asks to be left alone after it was read, at most a day; 0 where it says nothing.
    """

    entries: list[ParsedEntry] = msgspec.field(default_factory=list)
    warnings: list[str] = msgspec.field(default_factory=list)
    error: str | None = None
    language: str = ""
    left_out: int = 0
    title: str = ""
    site: str = ""
    ttl_seconds: float = 0.0


def bounded_warnings(warnings: list[str]) -> list[str]:
    """At most `MAX_WARNINGS`; the last one says how many there are beyond."""
    if len(warnings) <= MAX_WARNINGS:
        return warnings
    return [*warnings[:MAX_WARNINGS], f"and {len(warnings) - MAX_WARNINGS} more warnings"]
