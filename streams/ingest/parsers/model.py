"""What every feed parser gives: entries as the feed states them. Cleaning and dating articles is done elsewhere."""

from __future__ import annotations

import msgspec


class ParsedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry. Times are UTC (`2017-08-02T09:30:00Z`); summary and content may be HTML; None where the feed says nothing.

    `id` is the feed's own (guid), else the link, else a hash of the entry.
    """

    id: str
    title: str | None = None
    url: str | None = None
    published: str | None = None
    updated: str | None = None
    summary: str | None = None
    content: str | None = None


class ParsedFeed(msgspec.Struct, frozen=True, kw_only=True):
    """All entries of one document, what was odd about it, and, if it is no feed at all, why (`error`; then no entries)."""

    entries: list[ParsedEntry] = msgspec.field(default_factory=list)
    warnings: list[str] = msgspec.field(default_factory=list)
    error: str | None = None
    language: str = ""
