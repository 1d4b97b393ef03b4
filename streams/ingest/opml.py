"""Feed lists of other readers: OPML in and out. Pure.

The XML of strangers is read by expat with everything switched off that could make it big or look elsewhere: a document type
declaration, and with it every entity of its own, is refused before any of it is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from streams.errors import FeedError
from streams.ingest.feeds import MAX_FEEDS, MAX_OUTLET_CHARS, Feed
from streams.ingest.text import normalise
from streams.ingest.urls import host_of, web_address

MAX_OPML_BYTES = 10 * 1024 * 1024
MAX_DEPTH = 50
_ADDRESS_NAMES = ("xmlurl", "xmluri", "url")


class _RefusedError(Exception):
    """What the document may not hold; the message says what."""


@dataclass(slots=True)
class Imported:
    """What an OPML document holds: feeds in its order, each URL once, and what was left out, as sentences."""

    feeds: list[Feed] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def read_opml(data: bytes, where: str = "") -> Imported:
    """The feeds of an OPML document; the outermost folder becomes the group.

    Raises:
        FeedError: if it is no OPML, is too large or too deep, or declares a document type.
    """
    if len(data) > MAX_OPML_BYTES:
        raise FeedError(f"more than {MAX_OPML_BYTES} bytes", where=where, expected="an OPML document")
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    try:
        parser.Parse(data, True)  # noqa: FBT003 - expat takes no keyword
    except _RefusedError as error:
        raise FeedError(str(error), where=where, expected="an OPML document") from error
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise FeedError(f"not well-formed XML: {error}", where=where, expected="an OPML document") from error
    if not reader.is_opml:
        raise FeedError("XML, but no OPML", where=where, expected="<opml> with <outline xmlUrl=...> in its body")
    return reader.found


def _refuse_doctype(*_: object) -> None:
    raise _RefusedError("it declares a document type, which OPML does not need and entity bombs do")


class _Reader:
    """expat's handlers."""

    def __init__(self) -> None:
        self.found = Imported()
        self.is_opml = False
        self._open: list[str] = []
        self._seen: set[str] = set()

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise _RefusedError(f"it is nested more than {MAX_DEPTH} deep")
        tag = tag.rpartition(" ")[2].lower()
        if not self._open:
            self.is_opml = tag == "opml"
        known = {name.lower(): value for name, value in attributes.items()}
        title = _heading(known.get("text", "")) or _heading(known.get("title", ""))
        self._open.append(title if tag == "outline" else "")
        if tag == "outline" and self.is_opml:
            self._take(known, title)

    def end(self, _tag: str) -> None:
        self._open.pop()

    def _take(self, attributes: Mapping[str, str], title: str) -> None:
        raw = next((attributes[name] for name in _ADDRESS_NAMES if attributes.get(name)), "")
        if not raw or (attributes.get("type", "").lower() == "link" and "xmlurl" not in attributes):
            return
        url = web_address(raw)
        if not url:
            self._warn(f"{raw[:100]!r} is not an http or https address")
        elif url in self._seen:
            self._warn(f"{url} stands there more than once")
        elif len(self.found.feeds) >= MAX_FEEDS:
            raise _RefusedError(f"it holds more than {MAX_FEEDS} feeds")
        else:
            self._seen.add(url)
            group = next((name for name in self._open[:-1] if name), "")
            self.found.feeds.append(Feed(url, title or host_of(url), _language(attributes), group=group))

    def _warn(self, text: str) -> None:
        if len(self.found.warnings) < 100:
            self.found.warnings.append(text)


def _heading(text: str) -> str:
    kept = "".join(char for char in normalise(text, one_line=True) if char.isprintable())
    return kept[:MAX_OUTLET_CHARS].strip()


def _language(attributes: Mapping[str, str]) -> str:
    code = attributes.get("language", "")[:10].lower().partition("-")[0]
    return code if 2 <= len(code) <= 3 and code.isascii() and code.isalpha() else ""


def write_opml(feeds: Iterable[Feed]) -> str:
    """An OPML 2.0 document of the feeds, by group; what other readers can't know (intervals, flags) is left out."""
    by_group: dict[str, list[Feed]] = {}
    for feed in feeds:
        by_group.setdefault(feed.group, []).append(feed)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<opml version="2.0">',
        "  <head><title>Bellwether's feeds</title></head>",
        "  <body>",
    ]
    for group, members in by_group.items():
        lines.extend([f"    <outline text={quoteattr(group)} title={quoteattr(group)}>"] if group else [])
        lines.extend(("      " if group else "    ") + _outline(feed) for feed in members)
        lines.extend(["    </outline>"] if group else [])
    return "\n".join([*lines, "  </body>", "</opml>", ""])


def _outline(feed: Feed) -> str:
    outlet = quoteattr(feed.outlet)
    language = f" language={quoteattr(feed.language)}" if feed.language else ""
    return f'<outline type="rss" text={outlet} title={outlet} xmlUrl={quoteattr(feed.url)}{language}/>'
