"""A list of news as Atom (RFC 4287), RSS 2.0 and JSON Feed 1.1: bytes that any reader of feeds takes. Pure.

What strangers wrote is escaped by the writers, and characters that XML can't hold are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from html import escape
from uuid import NAMESPACE_URL, uuid5
from xml.etree import ElementTree as ET

from streams.clock import format_utc

ATOM = "http://www.w3.org/2005/Atom"
#: Content types by the name of the format.
FORMATS = {"atom": "application/atom+xml", "rss": "application/rss+xml", "json": "application/feed+json"}
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of news.

    Attributes:
        key: what it is known by, for ever.
        link: an absolute address.
        html: what it says, already escaped.
        updated: aware, UTC.
    """

    key: str
    title: str
    link: str
    html: str
    updated: datetime
    categories: tuple[str, ...] = ()

    @property
    def urn(self) -> str:
        """The same for the same key on every machine, as readers want it who ask two boards."""
        return f"urn:uuid:{uuid5(NAMESPACE_URL, f'bellwether:{self.key}')}"


@dataclass(frozen=True, slots=True)
class NewsFeed:
    """A list of news, newest first; `updated` is aware, UTC."""

    title: str
    subtitle: str
    home: str
    address: str
    updated: datetime
    items: Sequence[Item]

    def to(self, name: str) -> bytes:
        """The feed in the format of that name, a key of `FORMATS`."""
        return {"atom": _atom, "rss": _rss, "json": _json}[name](self)


def _atom(feed: NewsFeed) -> bytes:
    root = ET.Element("feed", xmlns=ATOM)
    _add(root, "id", feed.address)
    _add(root, "title", feed.title)
    _add(root, "subtitle", feed.subtitle)
    _add(root, "updated", format_utc(feed.updated))
    _add(root, "link", rel="self", type=FORMATS["atom"], href=feed.address)
    _add(root, "link", rel="alternate", type="text/html", href=feed.home)
    _add(_add(root, "author"), "name", "Bellwether")
    for item in feed.items:
        entry = _add(root, "entry")
        _add(entry, "id", item.urn)
        _add(entry, "title", item.title)
        _add(entry, "updated", format_utc(item.updated))
        _add(entry, "published", format_utc(item.updated))
        _add(entry, "link", rel="alternate", type="text/html", href=item.link)
        for term in item.categories:
            _add(entry, "category", term=term)
        _add(entry, "content", item.html, type="html")
    return _document(root)


def _rss(feed: NewsFeed) -> bytes:
    ET.register_namespace("atom", ATOM)
    root = ET.Element("rss", version="2.0")
    channel = _add(root, "channel")
    _add(channel, "title", feed.title)
    _add(channel, "link", feed.home)
    _add(channel, "description", feed.subtitle)
    _add(channel, "language", "en")
    _add(channel, "lastBuildDate", format_datetime(feed.updated))
    _add(channel, f"{{{ATOM}}}link", rel="self", type=FORMATS["rss"], href=feed.address)
    for item in feed.items:
        found = _add(channel, "item")
        _add(found, "title", item.title)
        _add(found, "link", item.link)
        _add(found, "guid", item.urn, isPermaLink="false")
        _add(found, "pubDate", format_datetime(item.updated))
        for term in item.categories:
            _add(found, "category", term)
        _add(found, "description", item.html)
    return _document(root)


def _json(feed: NewsFeed) -> bytes:
    found = {
        "version": "https://jsonfeed.org/version/1.1", "title": feed.title, "description": feed.subtitle, "home_page_url": feed.home,
        "feed_url": feed.address, "language": "en", "authors": [{"name": "Bellwether"}],
        "items": [
            {
                "id": item.urn, "url": item.link, "title": item.title, "content_html": item.html, "date_published": format_utc(item.updated),
                "date_modified": format_utc(item.updated), "tags": list(item.categories),
            }
            for item in feed.items
        ],
    }  # fmt: skip
    return json.dumps(found, ensure_ascii=False, indent=1).encode("utf-8", "replace")


def _add(parent: ET.Element, name: str, text: str = "", **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, name, {key: _clean(value) for key, value in attributes.items()})
    element.text = _clean(text) or None
    return element


def _clean(text: str) -> str:
    return _NOT_IN_XML.sub("", text)


def _document(root: ET.Element) -> bytes:
    ET.indent(root)
    body: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return body + b"\n"


def paragraph(text: str) -> str:
    """A paragraph of plain text."""
    return f"<p>{escape(text)}</p>"


def listed_links(entries: Sequence[tuple[str, str, str]]) -> str:
    """A list of (title, address or nothing, what stands behind it); empty for none."""
    lines = [
        f"<li>{f'<a href={chr(34)}{escape(link)}{chr(34)}>{escape(title)}</a>' if link else escape(title)}{escape(rest)}</li>"
        for title, link, rest in entries
    ]
    return f"<ul>{''.join(lines)}</ul>" if lines else ""
