"""The breaks for people, and as feeds that any reader takes: which there are, how large, how sure, and by which articles."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, time, timedelta
from urllib.parse import urlencode

from aiohttp import web

from streams.board.break_list import (
    PAGE_BREAKS,
    STATES,
    BreakChoice,
    ListedBreak,
    early_news,
    of_domains,
    read_break_choice,
)
from streams.board.context import board_of, html_response, safe_link
from streams.board.pages import SIGNAL_OPTIONS, page_frame, to_short_address
from streams.board.syndication import FORMATS, Item, NewsFeed, listed_links, paragraph
from streams.board.whisker import whisker
from streams.clock import week_start
from streams.records import ALL_DOMAINS

#: Breaks in a feed: more than a reader that asks once a day can miss.
FEED_BREAKS = 60
#: How long a feed may be kept before it is asked for again.
FEED_SECONDS = 300
#: What the form offers: value and text.
STATE_OPTIONS = (("", "any"), ("reported", "reported now"), ("now", "active, reported or not"), ("past", "past"))
DIRECTION_OPTIONS = (("", "any"), ("up", "up"), ("down", "down"))


async def show_breaks(request: web.Request) -> web.Response:
    """`/breaks?domain=&signal=&state=&direction=&pair=&page=`: the breaks, those told last first."""
    to_short_address(request)
    board = board_of(request)
    choice = read_break_choice(request.query)
    with board.model.reading():
        _, frame = page_frame(board, request)
        every = board.breaks.get("")
        found = [one for one in every if choice.means(one)]
        first = (choice.page - 1) * PAGE_BREAKS
        values = {
            **frame, "choice": choice, "found": len(found), "breaks": found[first : first + PAGE_BREAKS], "in_all": len(every),
            "last_page": max(1, -(-len(found) // PAGE_BREAKS)), "page_link": lambda page: choice.link(page=page),
            "signal_options": SIGNAL_OPTIONS, "state_options": STATE_OPTIONS, "direction_options": DIRECTION_OPTIONS,
            "early": early_news(board.model, choice.domain) if choice == BreakChoice(domain=choice.domain) else [],
            "elsewhere": {domain: count for domain, count in of_domains(every).items() if count and domain != choice.domain},
            "counts": {state: sum(one.state == state and one.domain == choice.domain for one in every) for state in STATES},
            "false_share": board.model.false_break_share, "whisker": whisker,
        }  # fmt: skip
        return html_response(request, "breaks.html", values)


async def feed_breaks(request: web.Request) -> web.Response:
    """`/breaks.atom`, `/breaks.rss`, `/breaks.json`, with the choices of the page: the newest breaks as a feed."""
    board, name = board_of(request), request.match_info["format"]
    choice = read_break_choice(request.query)
    with board.model.reading():
        found = [one for one in board.breaks.get("") if choice.means(one)][:FEED_BREAKS]
    body = _feed(found, choice, _origin(request), f"/breaks.{name}").to(name)
    tag = f'"{hashlib.blake2b(body, digest_size=10).hexdigest()}"'
    headers = {"Cache-Control": f"max-age={FEED_SECONDS}", "ETag": tag}
    if tag in (found.strip().removeprefix("W/") for found in request.headers.get("If-None-Match", "").split(",")):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, headers={**headers, "Content-Type": f"{FORMATS[name]}; charset=utf-8"})


def _origin(request: web.Request) -> str:
    """The address by which the reader reached the board; a proxy in front of it says which scheme that was."""
    scheme = request.headers.get("X-Forwarded-Proto", request.scheme)
    return f"{scheme if scheme in ('http', 'https') else request.scheme}://{request.host}"


def _feed(breaks: list[ListedBreak], choice: BreakChoice, origin: str, path: str) -> NewsFeed:
    asked = urlencode(choice.parameters())
    address = f"{origin}{path}" + (f"?{asked}" if asked else "")
    of_alerts = choice.state in ("reported", "now")
    items = [_item(one, origin) for one in breaks]
    return NewsFeed(
        title=f"Bellwether: {'alerts' if of_alerts else 'breaks'}{f' of {choice.pair}' if choice.pair else ''}",
        subtitle="Where the share of a signal in the news about a pair of states jumped to another level.",
        home=f"{origin}{choice.link()}",
        address=address,
        updated=max((item.updated for item in items), default=datetime(1970, 1, 1, tzinfo=UTC)),
        items=items,
    )


def _item(one: ListedBreak, origin: str) -> Item:
    found, domain = one.found, "" if one.domain == ALL_DOMAINS else f"domain={one.domain}&"
    told = datetime.combine(week_start(found.alarm) + timedelta(days=7), time(), UTC)
    html = paragraph(
        f"{one.headline} in week {found.start} (90% interval: {found.size_low:.1f} to {found.size_high:.1f} times). Told after week "
        f"{found.alarm} with probability {found.probability:.2f}; {found.weeks_for} weeks speak for it, {found.weeks_against} against."
    )
    evidence = [(item.title or item.article_id, safe_link(item.url), f", {item.outlet}, {item.week}") for item in found.evidence]
    return Item(
        key=one.key, title=one.headline, link=f"{origin}/pairs/{one.pair}?{domain}until={found.alarm}", html=html + listed_links(evidence),
        updated=told, categories=(one.pair, one.signal, one.domain, found.direction),
    )  # fmt: skip
