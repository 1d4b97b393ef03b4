"""The feeds as a page and as JSON: which ones are read, what comes of them, and what is wrong."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from aiohttp import web

from streams.board.ages import age_text
from streams.board.choosing import MOST_PAGES, read_one_of
from streams.board.context import board_of, html_response, json_response
from streams.board.pages import page_frame
from streams.board.view import read_whole
from streams.clock import parse_utc

#: Rows of one page; the JSON has all.
PAGE_FEEDS = 100
#: States in the order in which they ask for a look, and what they mean.
STATES: dict[str, str] = {
    "silent": "can be read, but publishes nothing for longer than its own past explains",
    "failing": "could not be read of late; it is asked again, less and less often",
    "gone": "its server says that it is no more",
    "waiting": "has not been asked yet",
    "good": "is read, and publishes as it used to",
}


async def list_feeds(request: web.Request) -> web.Response:
    """`/api/v1/feeds`: how each feed is, after its last fetch."""
    board = board_of(request)
    feeds = board.model.feeds.shown(board.clock)
    return json_response({"states": dict(Counter(feed.state for feed in feeds)), "feeds": [feed.as_dict() for feed in feeds]})


async def show_feeds(request: web.Request) -> web.Response:
    """`/feeds?state=&page=`: the same for people, what needs a look first."""
    board = board_of(request)
    state, asked_page = read_one_of(request.query, "state", tuple(STATES)), read_whole(request.query, "page", 1, MOST_PAGES)
    every, now = board.model.feeds.shown(board.clock), board.clock()
    feeds = [feed for feed in every if state in ("", feed.state)]
    last_page = max(1, -(-len(feeds) // PAGE_FEEDS))
    page = min(asked_page, last_page)
    with board.model.reading():
        _, frame = page_frame(board, request)
        values = {
            **frame, "feeds": feeds[(page - 1) * PAGE_FEEDS : page * PAGE_FEEDS], "states": STATES, "state": state, "found": len(feeds),
            "counts": Counter(feed.state for feed in every), "in_all": len(every), "page": page, "last_page": last_page,
            "page_link": lambda page: feeds_link(state, page), "feeds_link": feeds_link, "age": lambda text: age_of(text, now),
        }  # fmt: skip
        return html_response(request, "feeds.html", values)


def feeds_link(state: str, page: int = 1) -> str:
    """The address of the feeds in a state; of all where it is empty."""
    asked = [f"state={state}"] * bool(state) + [f"page={page}"] * (page > 1)
    return f"/feeds?{'&'.join(asked)}" if asked else "/feeds"


def age_of(text: str, now: datetime) -> str:
    """`5 minutes ago`, `in 5 minutes`; nothing for a time that is not known or not readable."""
    try:
        seconds = (now - parse_utc(text)).total_seconds()
    except ValueError:
        return ""
    return f"{age_text(seconds)} ago" if seconds >= 0 else f"in {age_text(-seconds)}"
