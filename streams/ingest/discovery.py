"""Feeds that a site's page names, and the places where feeds usually stand. Pure: bytes in, addresses out."""

from __future__ import annotations

import codecs
import html
import re
from dataclasses import dataclass
from urllib.parse import urljoin

from streams.ingest.feeds import MAX_OUTLET_CHARS
from streams.ingest.text import clean_text
from streams.ingest.urls import web_address

MAX_PAGE_BYTES = 2_000_000
MAX_FOUND = 50
_TYPES = frozenset(
    {
        "application/rss+xml", "application/atom+xml", "application/rdf+xml", "application/feed+json", "application/json", "text/xml",
        "application/xml", "application/x-rss+xml", "application/x-cdf",
    }
)  # fmt: skip
#: What publishing systems declare as JSON is their programming interface more often than a feed.
_DOUBTFUL_TYPE = "application/json"
_SURE_TYPES = _TYPES - {"application/json", "text/xml", "application/xml"}
# Not the library's HTML parser: on unclosed tags and quotes its time grows with the square of the page.
_TAG = re.compile(r"<(link|base|a)(?=[\s/])([^<>]{0,4000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"(?<![\w-])([\w-]{1,40}+)\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'][^\s]*+))")
_LINK_WORDS = re.compile(r"(?:^|[/._?=-])(?:rss|atom|feed|feeds|rdf)(?:$|[/._?=&-])|\.(?:rss|atom|rdf|cdf)$", re.IGNORECASE)
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,30})", re.IGNORECASE)
#: Codecs of Python's that no page is written in; some of them take time that grows with the square of the length.
_NO_CHARSETS = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "utf-7"})
_BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
#: Where publishing systems put their feeds; asked only when the page names none.
USUAL_PATHS = ("/feed", "/rss", "/rss.xml", "/feed.xml", "/atom.xml", "/index.xml", "/feed.json", "/feeds/posts/default")


@dataclass(frozen=True, slots=True)
class FoundFeed:
    """One address that the page names as a feed, with the title that it gives; a link in the text is less sure than a declaration."""

    url: str
    title: str = ""
    declared: bool = True


def find_feeds(page: bytes, url: str, content_type: str = "") -> list[FoundFeed]:
    """The feeds that an HTML page names: those it declares in its order, else links that look like feeds; each once, at most 50.

    Args:
        page: the page, of which the first 2 MB are read, in time that grows with its length and no faster.
        url: where it came from: relative links are resolved against it, or against its own `<base>`.
        content_type: the server's, for the charset.
    """
    declared: dict[str, FoundFeed] = {}
    linked: dict[str, FoundFeed] = {}
    base = url
    for found in _TAG.finditer(_without_comments(_decode(page[:MAX_PAGE_BYTES], content_type))):
        tag, values = found[1].lower(), _attributes(found[2])
        if tag == "base" and values.get("href"):
            base = web_address(_join(base, values["href"])) or base
        elif tag == "link" and _declares_feed(values):
            _add(declared, values, base, is_declared=True)
        elif tag == "a" and (_mime(values) in _SURE_TYPES or _LINK_WORDS.search(values.get("href", "").partition("#")[0])):
            _add(linked, values, base, is_declared=False)
    return list((declared or linked).values())


def usual_addresses(url: str) -> list[str]:
    """Where a feed of the site may stand, likeliest first."""
    return [address for path in USUAL_PATHS if (address := web_address(urljoin(url, path)))]


def _without_comments(text: str) -> str:
    kept, at = [], 0
    while (start := text.find("<!--", at)) >= 0:
        kept.append(text[at:start])
        end = text.find("-->", start + 4)
        if end < 0:
            return "".join(kept)
        at = end + 3
    return "".join([*kept, text[at:]])


def _attributes(text: str) -> dict[str, str]:
    # Of a name that comes twice the first one counts, as in a browser.
    values: dict[str, str] = {}
    for found in _ATTRIBUTE.finditer(text):
        values.setdefault(found[1].lower(), html.unescape(next((value for value in found.groups()[1:] if value is not None), "")))
    return values


def _declares_feed(values: dict[str, str]) -> bool:
    kind = _mime(values)
    is_sure = kind in _TYPES and (kind != _DOUBTFUL_TYPE or "feed" in values.get("href", "").lower())
    return is_sure and "alternate" in values.get("rel", "").lower().split()


def _add(found: dict[str, FoundFeed], values: dict[str, str], base: str, *, is_declared: bool) -> None:
    url = web_address(_join(base, values["href"])) if values.get("href") else ""
    if url and url not in found and len(found) < MAX_FOUND:
        title = clean_text(values.get("title", ""), one_line=True)
        found[url] = FoundFeed(url, "".join(char for char in title if char.isprintable())[:MAX_OUTLET_CHARS].strip(), is_declared)


def _join(base: str, href: str) -> str:
    try:
        # `feed:` before an address, or in the place of `http:`, is an old habit.
        return urljoin(base, re.sub(r"^feed:(?://)?(?=https?:)|^feed:(?=//)", "", href.strip()))
    except ValueError:
        return ""


def _mime(values: dict[str, str]) -> str:
    return values.get("type", "").partition(";")[0].strip().lower()


def _decode(page: bytes, content_type: str) -> str:
    mark = next((name for start, name in _BYTE_ORDER_MARKS.items() if page.startswith(start)), "")
    stated = _CHARSET.search(content_type.encode("ascii", "replace")) or _CHARSET.search(page[:4_096])
    for name in (mark, stated[1].decode() if stated else "", "utf-8"):
        try:
            if name and codecs.lookup(name).name.replace("_", "-") not in _NO_CHARSETS:
                return page.decode(name, "replace")
        except (LookupError, ValueError):
            continue
    return page.decode("utf-8", "replace")
