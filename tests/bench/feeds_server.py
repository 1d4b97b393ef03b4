"""`python -m tests.bench.feeds_server PORT FEEDS ITEMS`: so many RSS feeds of so many items each, on every address of 127/8.

`/feed/N` is feed N, with an ETag. `POST /fresh?feeds=K` puts a new item into the first K feeds; `/served` tells when each new item was
first sent, as seconds since 1970; `/span` how long it took from the first to the last request since it was last asked.
"""

from __future__ import annotations

import gzip
import hashlib
import itertools
import sys
import time
from collections.abc import Iterator
from email.utils import formatdate
from xml.sax.saxutils import escape

from aiohttp import web

from streams.records import Article
from tests.bench.loads import articles

_FEEDS = web.AppKey("feeds", list)
_SERVED = web.AppKey("served", dict)
_TIMES = web.AppKey("times", list)


class BenchFeed:
    """One feed: its document, compressed as servers keep it, and its ETag."""

    def __init__(self, number: int, items: list[str]) -> None:
        self.number = number
        self._items = items
        self._fresh = 0
        self.newest = ""
        self._render()

    def add(self) -> None:
        """Puts a new item at the top; the oldest leaves."""
        self._fresh += 1
        self.newest = f"{self.number}-fresh-{self._fresh}"
        self._items = [
            _item(self.newest, f"Fresh item {self.newest}", "Minsk and Moscow signed something today."),
            *self._items[:-1],
        ]
        self._render()

    def _render(self) -> None:
        text = f'<?xml version="1.0"?><rss version="2.0"><channel><title>Feed {self.number}</title>{"".join(self._items)}</channel></rss>'
        self.document = gzip.compress(text.encode(), 1)
        self.etag = f'"{hashlib.blake2b(self.document, digest_size=8).hexdigest()}"'


def _item(guid: str, title: str, text: str, moment: float | None = None) -> str:
    date = formatdate(time.time() if moment is None else moment, usegmt=True)
    return (
        f'<item><guid isPermaLink="false">{guid}</guid><title>{escape(title)}</title><link>https://bench.invalid/{guid}</link>'
        f"<pubDate>{date}</pubDate><description>{escape(text)}</description></item>"
    )


def make_feeds(feeds: int, items: int) -> list[BenchFeed]:
    """The feeds; real news again and again, each item with an id of its own."""
    news = itertools.cycle(articles(min(feeds * items, 20_000)))
    now = time.time()
    return [BenchFeed(number, list(_items(number, items, news, now))) for number in range(feeds)]


def _items(number: int, items: int, news: Iterator[Article], now: float) -> Iterator[str]:
    for index in range(items):
        article = next(news)
        yield _item(f"{number}-{index}", article.title, article.text, now - 1_800 * (index + 1))


async def _feed(request: web.Request) -> web.Response:
    request.app[_TIMES].append(time.monotonic())
    feed = request.app[_FEEDS][int(request.match_info["number"])]
    if request.headers.get("If-None-Match") == feed.etag:
        return web.Response(status=304, headers={"ETag": feed.etag})
    if feed.newest:
        request.app[_SERVED].setdefault(feed.newest, time.time())
    headers = {"ETag": feed.etag, "Content-Type": "application/rss+xml; charset=utf-8", "Content-Encoding": "gzip"}
    return web.Response(body=feed.document, headers=headers)


async def _fresh(request: web.Request) -> web.Response:
    for feed in request.app[_FEEDS][: int(request.query["feeds"])]:
        feed.add()
    return web.json_response({})


async def _served(request: web.Request) -> web.Response:
    return web.json_response(request.app[_SERVED])


async def _span(request: web.Request) -> web.Response:
    times = request.app[_TIMES]
    seconds = times[-1] - times[0] if times else 0.0
    times.clear()
    return web.json_response({"seconds": seconds})


def main() -> None:
    """Serves until it is killed."""
    port, feeds, items = (int(argument) for argument in sys.argv[1:])
    app = web.Application()
    app[_FEEDS], app[_SERVED], app[_TIMES] = make_feeds(feeds, items), {}, []
    app.router.add_get("/feed/{number}", _feed)
    app.router.add_post("/fresh", _fresh)
    app.router.add_get("/served", _served)
    app.router.add_get("/span", _span)
    web.run_app(app, host="0.0.0.0", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main()
