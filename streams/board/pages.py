"""The overview for people, and the fragments of it that the script fetches anew; what every page's head is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from aiohttp import web

from streams.board.ages import age_text
from streams.board.choosing import PAGE_ROWS, SORTS, Choice, read_choice, without_standing
from streams.board.context import Board, board_of, html_response
from streams.board.queries import LABEL_TITLES, newest_week
from streams.board.ranking import BY_URGENCY, chosen_pairs
from streams.board.view import NotFoundError, View, read_view, shorter
from streams.board.weeks import LAST_WEEK, SHARE_WEEKS, STRIP_WEEKS, week_monday, week_number
from streams.clock import iso_week

#: Breaks told of at the head of the overview.
HEADLINES = 4
#: News whose newest week ended longer ago than this is called old: a week closes two days after its end, and holidays are quiet.
OLD_NEWS = timedelta(days=14)
#: What the form offers: value and text.
SIGNAL_OPTIONS = (("", "any"), *LABEL_TITLES.items())
STATUS_OPTIONS = (("", "any"), *((status, status.replace("-", " ")) for status in BY_URGENCY))
SORT_OPTIONS = tuple((name if name != "list" else "", text) for name, text in SORTS.items())


async def show_overview(request: web.Request) -> web.Response:
    """`/?domain=&until=&find=&signal=&status=&sort=&page=`: pairs x signals, how they stand, and the latest evidence."""
    to_short_address(request)
    board = board_of(request)
    with board.model.reading():
        view, frame = page_frame(board, request)
        asked = read_choice(request.query)
        choice = asked if view.is_newest else without_standing(asked)
        shown = _pairs(board, view, choice) if frame["has_news"] else ()
        last_page = max(1, -(-len(shown) // PAGE_ROWS))
        choice = replace(choice, page=min(choice.page, last_page))
        page = shown[(choice.page - 1) * PAGE_ROWS : choice.page * PAGE_ROWS]
        latest = board.latest.get(view.until)
        values = {
            **frame, **_standing(board, view.domain), **_rows(board, view, choice, page), "choice": choice, "found": len(shown),
            "left_choice": asked != replace(choice, page=asked.page), "last_page": last_page, "first_week": view.until - STRIP_WEEKS + 1,
            "page_link": lambda page: choice.link(view, page=page), "watchlist": board.model.watchlist, "sorts": SORTS,
            "signal_options": SIGNAL_OPTIONS, "status_options": STATUS_OPTIONS, "sort_options": SORT_OPTIONS,
            "latest": [entry for entry in latest if not choice.narrows or entry.key in shown],
        }  # fmt: skip
        return html_response(request, "overview.html", values)


def _standing(board: Board, domain: str) -> dict[str, object]:
    """What has changed, and how many series stand how."""
    breaks = [one for one in board.breaks.get("") if one.domain == domain]
    reported = [one for one in breaks if one.state == "reported"]
    return {
        "tally": board.tally.get(domain), "reported": reported[:HEADLINES], "reported_in_all": len(reported), "newest_breaks": breaks[:HEADLINES],
    }  # fmt: skip


def to_short_address(request: web.Request) -> None:
    """Sends a browser that filled in a form on to the address that is worth keeping, without what was left empty.

    Raises:
        web.HTTPFound: if there is a shorter one.
    """
    if (query := shorter(request.query)) is not None:
        raise web.HTTPFound(f"{request.path}?{query}" if query else request.path)


def _pairs(board: Board, view: View, choice: Choice) -> Sequence[str]:
    shown = board.model.pairs_shown()
    if choice.is_usual:
        return shown
    return chosen_pairs([board.summaries.get(pair, view.domain, view.until) for pair in shown], choice)


def _rows(board: Board, view: View, choice: Choice, page: Sequence[str]) -> dict[str, object]:
    """The rows of a page; those of the watchlist apart from the others where that is the order."""
    watched = board.model.watchlist.keys
    apart = choice.sort == "list"
    return {
        "rows": [board.rows.get(pair, view) for pair in page if not apart or pair in watched],
        "others": [board.rows.get(pair, view) for pair in page if apart and pair not in watched],
    }


async def show_fragment(request: web.Request) -> web.Response:
    """`/fragments/pair/BLR-RUS`: the row of the overview's table."""
    board = board_of(request)
    with board.model.reading():
        view = read_view(request.query, _newest(board))
        row = board.rows.get(shown_pair(board, request), view)
    return web.Response(text=row, content_type="text/html", headers={"Cache-Control": "no-cache"})


def shown_pair(board: Board, request: web.Request) -> str:
    """The pair that the address names.

    Raises:
        NotFoundError: if it is not one of those shown.
    """
    pair = request.match_info["pair"]
    if pair not in board.model.pairs_shown():
        raise NotFoundError(
            f"the pair {pair[:40]!r} is not shown", where="the address", expected="a watched pair such as BLR-RUS, or one over the threshold",
            todo="see / for the pairs that are, or add it to the watchlist",
        )  # fmt: skip
    return pair


def _newest(board: Board) -> int:
    newest = newest_week(board.model)
    return newest if newest >= 0 else week_number(iso_week(board.clock()))


def page_frame(board: Board, request: web.Request) -> tuple[View, dict[str, object]]:
    """The view, and what every page's head is made of."""
    view = read_view(request.query, _newest(board))
    figures, status, now = board.counters.get(""), board.status(), board.clock()
    return view, {
        "view": view, "path": request.path, "figures": figures, "status": status, "has_news": figures.newest_week >= 0,
        "event_id": f"{board.boot}-{board.model.revision}", "now": now, "news_age": _news_age(figures.newest_week, now),
        "explained": board.articles is not None,
        "outage": age_text((now - status.as_of).total_seconds()) if status.problem and status.as_of else "",
        "earlier": view.until - SHARE_WEEKS, "later": min(view.until + SHARE_WEEKS, max(figures.newest_week, view.until), LAST_WEEK),
    }  # fmt: skip


def _news_age(newest: int, now: datetime) -> str:
    """How long ago the newest week ended, where that is long; else nothing."""
    if newest < 0:
        return ""
    ended = datetime.combine(week_monday(newest) + timedelta(days=7), time(), UTC)
    return age_text((now - ended).total_seconds()) if now - ended > OLD_NEWS else ""
