"""Full texts: where a feed holds only the beginnings of its articles, their pages are read. For feeds with `full_text = true`.

What comes in: the articles that a document brought, and that the broker has already. What goes out: those of them of which there is a page
that is theirs, that robots.txt allows to be read and nobody asks money for, with its text; they are sent once more, under the same id. So a
page that hangs delays no article, and whatever goes wrong, the feed's own text stands. What is remembered of an article is of the feed's
text, so that nothing here makes a revision of the feed's.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import urlsplit

import msgspec
from prometheus_client import Counter

from streams.clock import Clock, utc_now
from streams.errors import ConfigError, FeedError
from streams.ingest.answers import Fetched, FetchError
from streams.ingest.feeds import FeedList
from streams.ingest.fetch import Turn
from streams.ingest.gates import ClosedError
from streams.ingest.pages import PageReader, PageReadError, can_read_pages
from streams.ingest.robots import EVERYTHING, NOTHING, Robots, read_robots
from streams.ingest.schedule import BUSY_SECONDS
from streams.ingest.text import clean_text
from streams.ingest.urls import host_of
from streams.log import get_logger
from streams.records import Article

log = get_logger("feeds")
#: Outcome of an article that is not asked for now: too many for one document, or the host is busy.
PUT_OFF = "put-off"
_WITHOUT_REQUEST = frozenset({"long-enough", "no-address", "disallowed"})
#: Pages read for one document of a feed; the articles beyond keep the feed's text.
MAX_PAGES = 20
MAX_PAGE_BYTES = 1_500_000
#: No page is begun later than this after the document's first one: the feed is due again.
MAX_SECONDS = 300.0
#: A feed's text of so many characters is taken for the whole article.
LONG_ENOUGH_CHARS = 1_500
#: Of the longer words at the beginning of the feed's text, this share stands on the right page.
OWN_WORDS_SHARE, OWN_WORDS = 0.5, 40
ROBOTS_HOURS, ROBOTS_UNREACHABLE_HOURS = 24, 1
_MAX_HOSTS = 2_000
#: Linear in the length of the page: nothing here can match in two ways.
_PAYWALL = re.compile(
    rb"\"isAccessibleForFree\"\s*+:\s*+\"?(?:https?://schema\.org/)?(?:false|no)\b|content_tier[\"'][^>]{0,50}?content=[\"']locked"
    rb"|content=[\"']locked[\"'][^>]{0,80}?content_tier|\bdata-paywall=[\"']?true",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"(?:subscribe|sign (?:in|up)|log in|register)\b.{0,40}\bto (?:continue|keep|read)|already a subscriber|"
    r"(?:оформите|купите) подписку|материал доступен (?:только )?(?:по подписке|подписчикам)",
    re.IGNORECASE | re.DOTALL,
)
_WORD = re.compile(r"[^\W\d_]{4,}")


class GetsPages(Protocol):
    """What is used of `Fetcher`."""

    async def get(self, url: str, *, allow_private: bool = ..., turn: Turn = ...) -> Fetched: ...


def check_full_text(feeds: FeedList) -> None:
    """Looks whether what the list asks for is installed.

    Raises:
        ConfigError: if a feed wants full texts and the library for it is missing.
    """
    wanting = [feed.url for feed in feeds.enabled if feed.full_text]
    if wanting and not can_read_pages():
        raise ConfigError(
            f"{len(wanting)} feeds have full_text = true, and the library that reads pages is missing", where=wanting[0],
            expected="trafilatura", todo="pip install 'bellwether[fulltext]', or set full_text = false",
        )  # fmt: skip


class FullTexts:
    """Reads pages for feeds. Use it as a context manager.

    Args:
        fetcher: made with `max_body_bytes=MAX_PAGE_BYTES`.
        keep_quiet: is told a host and the time until which it wants to be left alone.
        counter: counts what became of each article, by outcome.
    """

    def __init__(
        self, fetcher: GetsPages, *, keep_quiet: Callable[[str, datetime], None], counter: Counter, clock: Clock = utc_now
    ) -> None:  # fmt: skip
        self._fetcher = fetcher
        self._clock = clock
        self._keep_quiet = keep_quiet
        self._counter = counter
        self._reader = PageReader()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="page-reader")
        self._robots: OrderedDict[str, tuple[Robots, datetime]] = OrderedDict()

    def __enter__(self) -> FullTexts:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()
        self._thread.shutdown()

    async def longer(self, articles: Sequence[Article], *, turn: Turn, private_host: str = "") -> AsyncIterator[Article]:
        """Those of the articles whose pages hold more than the feed, with the text of their pages, one by one.

        Args:
            private_host: the host that may stand in a private network: a feed from there may name pages anywhere.

        Raises:
            ClosedError: if a stop was asked for meanwhile.
        """
        now = asyncio.get_running_loop().time
        left, until = MAX_PAGES if can_read_pages() else 0, now() + MAX_SECONDS
        for article in articles:
            may_ask = left > 0 and now() < until
            outcome, text = await self._text_of(article, turn, private_host) if may_ask else (PUT_OFF, "")
            left = 0 if outcome == PUT_OFF else left - (outcome not in _WITHOUT_REQUEST)
            self._counter.labels(outcome).inc()
            if outcome == "taken":
                yield msgspec.structs.replace(article, text=text)

    async def _text_of(self, article: Article, turn: Turn, private_host: str) -> tuple[str, str]:
        """(outcome, text) of one article; the text is to be had where the outcome is `taken`."""
        if len(article.text) >= LONG_ENOUGH_CHARS:
            return "long-enough", ""
        if not article.url:
            return "no-address", ""
        allow_private = bool(private_host) and host_of(article.url) == private_host
        try:
            if not (await self._robots_of(article.url, turn, allow_private)).allows(article.url):
                return "disallowed", ""
            page = await self._fetcher.get(article.url, allow_private=allow_private, turn=turn)
        except ClosedError:
            raise
        except FetchError as error:
            return self._failed(error), ""
        except FeedError:
            return "unreachable", ""
        return await self._read(article, page)

    def _failed(self, error: FetchError) -> str:
        if error.status in (429, 503):
            seconds = error.retry_after_seconds or BUSY_SECONDS
            self._keep_quiet(host_of(error.where), self._clock() + timedelta(seconds=seconds))
            return PUT_OFF
        return "paywall" if error.status in (401, 402, 403) else "unreachable"

    async def _read(self, article: Article, page: Fetched) -> tuple[str, str]:
        html = page.body or b""
        if "html" not in page.content_type.lower():
            return "no-page", ""
        if _PAYWALL.search(html):
            return "paywall", ""
        try:
            text = clean_text(await asyncio.get_running_loop().run_in_executor(self._thread, self._reader.read, html))
        except PageReadError as error:
            log.warning("page_not_read", url=article.url, error=str(error))
            return "no-text", ""
        text = text.removeprefix(article.title).lstrip()
        return judge(article, text), text

    async def _robots_of(self, url: str, turn: Turn, allow_private: bool) -> Robots:
        parts = urlsplit(url)
        origin, now = f"{parts.scheme}://{parts.netloc}", self._clock()
        known = self._robots.pop(origin, None)
        if known is None or known[1] <= now:
            known = await self._fetch_robots(origin, now, turn, allow_private)
        self._robots[origin] = known
        if len(self._robots) > _MAX_HOSTS:
            self._robots.popitem(last=False)
        return known[0]

    async def _fetch_robots(self, origin: str, now: datetime, turn: Turn, allow_private: bool) -> tuple[Robots, datetime]:
        # A host without the file allows everything; one that can't be asked allows nothing (RFC 9309, 2.3.1).
        try:
            answer = await self._fetcher.get(f"{origin}/robots.txt", allow_private=allow_private, turn=turn)
        except FetchError as error:
            if 400 <= error.status < 500 and error.status != 429:
                return EVERYTHING, now + timedelta(hours=ROBOTS_HOURS)
            return NOTHING, now + timedelta(hours=ROBOTS_UNREACHABLE_HOURS)
        return read_robots((answer.body or b"").decode("utf-8", "replace")), now + timedelta(hours=ROBOTS_HOURS)


def judge(article: Article, text: str) -> str:
    """Whether a page's text is the article's, and more of it than the feed has."""
    if not text:
        return "no-text"
    if _ASKS.search(text[-500:]):
        return "paywall"
    if len(text) <= len(article.text):
        return "no-text"
    own = [word.casefold() for word in _WORD.findall(article.text or article.title)][:OWN_WORDS]
    there = {word.casefold() for word in _WORD.findall(text)}
    if own and sum(word in there for word in own) < OWN_WORDS_SHARE * len(own):
        return "another-text"
    return "taken"
