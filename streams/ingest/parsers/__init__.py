"""Feed parsers: bytes to entries. A new type of feed is one file beside this one and one line in `PARSERS`.

A parser runs in a process of its own (see `streams/ingest/parsing.py`): it may be slow or die on a hostile document.
"""

from __future__ import annotations

from collections.abc import Callable

from streams.ingest.parsed import ParsedFeed
from streams.ingest.parsers.jsonfeed import looks_like_json, parse_json_feed
from streams.ingest.parsers.syndication import looks_like_syndication, parse_syndication

#: (whether the parser is for such bytes and content type, the parser); the first that says yes is taken.
PARSERS: tuple[tuple[Callable[[bytes, str], bool], Callable[[bytes, str, str], ParsedFeed]], ...] = (
    (looks_like_json, parse_json_feed),
    (looks_like_syndication, parse_syndication),
)


def parse_feed(data: bytes, url: str, content_type: str = "") -> ParsedFeed:
    """The entries of a feed document, in its order.

    Args:
        data: the document, decompressed.
        url: where it came from: relative links are resolved against it; "" for none.
        content_type: the server's `Content-Type`; "" if unknown.

    Errors are values: a document that is no feed gives `ParsedFeed.error`.
    """
    for is_mine, parse in PARSERS:
        if is_mine(data, content_type):
            return parse(data, url, content_type)
    return ParsedFeed(error="not a feed: the document is empty")
