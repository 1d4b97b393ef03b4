"""The feeds as a page and as JSON: which ones are read, what comes of them, and what is wrong."""

from __future__ import annotations

from collections import Counter

from aiohttp import web

from streams.board.context import board_of, html_response, json_response

#: Most rows of the page; the JSON has all.
MOST_ROWS = 2_000


async def list_feeds(request: web.Request) -> web.Response:
    """`/api/v1/feeds`: how each feed is, after its last fetch."""
    board = board_of(request)
    feeds = board.model.feeds.shown(board.clock)
    return json_response({"states": dict(Counter(feed.state for feed in feeds)), "feeds": [feed.as_dict() for feed in feeds]})


async def show_feeds(request: web.Request) -> web.Response:
    """`/feeds`: the same for people, what needs a look first."""
    board = board_of(request)
    feeds = board.model.feeds.shown(board.clock)
    states = Counter(feed.state for feed in feeds)
    return html_response(
        request, "feeds.html", {"feeds": feeds[:MOST_ROWS], "states": states, "left_out": max(0, len(feeds) - MOST_ROWS)}
    )
