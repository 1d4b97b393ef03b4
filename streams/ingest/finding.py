"""The feeds at an address that a person typed: the feed itself, those that a page names, or those at the usual places. Blocks."""

from __future__ import annotations

from dataclasses import dataclass

from streams.errors import FeedError
from streams.ingest.answers import Fetched
from streams.ingest.discovery import find_feeds, usual_addresses
from streams.ingest.feeds import MAX_OUTLET_CHARS, Feed
from streams.ingest.fetch import Timeouts
from streams.ingest.parsed import ParsedFeed
from streams.ingest.parsing import FeedParser
from streams.ingest.sources import fetch_now
from streams.ingest.urls import host_of, web_address

_TIMEOUTS = Timeouts(connect=10.0, read=15.0, total=30.0)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A feed that was found, and what it, or the page, calls it."""

    url: str
    title: str = ""

    def as_feed(self, *, outlet: str, language: str, group: str, allow_private: bool) -> Feed:
        """The feed for the list; without an outlet it is called by its title, else by its host."""
        title = "".join(char for char in outlet or self.title if char.isprintable())[:MAX_OUTLET_CHARS].strip()
        return Feed(self.url, title or host_of(self.url), language, group=group, allow_private=allow_private)


def find(url: str, *, allow_private: bool = False) -> list[Candidate]:
    """The feeds at an address, each of which can be read.

    Raises:
        FeedError: if nothing answers there, or no feed is found.
    """
    address = web_address(url if "://" in url else f"https://{url}")
    if not address:
        raise FeedError(f"{url!r} is no http or https address", expected="an address such as https://example.org/rss.xml")
    with FeedParser() as parser:
        fetched = fetch_now(address, allow_private=allow_private, timeouts=_TIMEOUTS)
        parsed = _parse(parser, fetched)
        if parsed.error is None:
            return [Candidate(fetched.moved_to or address, parsed.title)]
        named = find_feeds(fetched.body or b"", fetched.url, fetched.content_type)
        found = [feed for one in named if (feed := _try(parser, one.url, one.title, allow_private=allow_private)) is not None]
        if found:
            return found
        for usual in usual_addresses(fetched.url):
            if (feed := _try(parser, usual, "", allow_private=allow_private)) is not None:
                return [feed]
    raise FeedError(
        f"no feed was found: {parsed.error}", where=address, expected="a feed, or a page that names one",
        todo="look for the feed's address on the site, and give that",
    )  # fmt: skip


def _try(parser: FeedParser, url: str, title: str, *, allow_private: bool) -> Candidate | None:
    try:
        parsed = _parse(parser, fetch_now(url, allow_private=allow_private, timeouts=_TIMEOUTS))
    except FeedError:
        return None
    return Candidate(url, title or parsed.title) if parsed.error is None else None


def _parse(parser: FeedParser, fetched: Fetched) -> ParsedFeed:
    return parser.parse(fetched.body or b"", fetched.url, fetched.content_type)
