"""The pages for people, and the fragments of them that the script fetches anew."""

from __future__ import annotations

from aiohttp import web

from streams.board.charts import RANGES, pair_charts
from streams.board.context import Board, board_of, html_response
from streams.board.counts import BOARD_DOMAINS
from streams.board.names import name_of
from streams.board.queries import PairRow, counters, evidence_of_pair, latest_of_all, newest_week, pair_row
from streams.board.view import NotFoundError, View, read_view
from streams.board.weeks import LAST_WEEK, SHARE_WEEKS, STRIP_WEEKS, week_number
from streams.clock import iso_week

#: Weeks with evidence on one page of a pair.
EVIDENCE_WEEKS = 26
RANGE_TITLES = {"52": "1 year", "156": "3 years", "260": "5 years", "all": "All"}


async def show_overview(request: web.Request) -> web.Response:
    """`/`: pairs x signals, and the latest evidence."""
    board = board_of(request)
    with board.model.reading():
        view, frame = _frame(board, request)
        shown, watchlist = board.model.pairs_shown() if frame["has_news"] else (), board.model.watchlist
        values = {
            **frame, "watched": [board.rows.get(pair, view) for pair in shown if pair in watchlist.keys],
            "others": [board.rows.get(pair, view) for pair in shown if pair not in watchlist.keys],
            "latest": latest_of_all(board.model, view.until), "watchlist": watchlist, "first_week": view.until - STRIP_WEEKS + 1,
        }  # fmt: skip
        return html_response(request, "overview.html", values)


async def show_pair(request: web.Request) -> web.Response:
    """`/pairs/BLR-RUS`: the long series of a pair, and its evidence by week."""
    board = board_of(request)
    with board.model.reading():
        view, frame = _frame(board, request)
        row = pair_row(board.model, _shown_pair(board, request), view.domain, view.until)
        charts = pair_charts(board.model, row.key, view.domain, view.until, view.chart_range)
        stories = evidence_of_pair(board.model, row.key, view.until, EVIDENCE_WEEKS + 1)
        weeks = sorted({story.week for story in stories}, reverse=True)
        older = weeks[EVIDENCE_WEEKS] if len(weeks) > EVIDENCE_WEEKS else None
        back = f"{row.partner}-{row.source}"
        rivals = next((pair.rivals for pair in board.model.watchlist.pairs if pair.key == row.key), ())
        values = {
            **frame, "row": row, "charts": charts, "ranges": RANGES, "range_titles": RANGE_TITLES, "older": older,
            "by_week": [(week, [story for story in stories if story.week == week]) for week in weeks[:EVIDENCE_WEEKS]],
            "back": back if back in board.model.pairs_shown() else "", "rivals": [name_of(code) for code in rivals],
            "floor": board.model.evidence_floor(row.key), "numbers": _numbers(board, row, view),
        }  # fmt: skip
        return html_response(request, "pair.html", values)


async def show_fragment(request: web.Request) -> web.Response:
    """`/fragments/pair/BLR-RUS`: the row of the overview's table."""
    board = board_of(request)
    with board.model.reading():
        view = read_view(request.query, _newest(board))
        row = board.rows.get(_shown_pair(board, request), view)
    return web.Response(text=row, content_type="text/html", headers={"Cache-Control": "no-cache"})


def _numbers(board: Board, row: PairRow, view: View) -> list[tuple[int, int, list[int]]]:
    """The last 13 weeks as numbers, newest first: (week, stories about the pair, stories with each signal)."""
    window = board.model.window(row.key, view.until, SHARE_WEEKS)[:, :, BOARD_DOMAINS.index(view.domain), 0].tolist()
    return [(view.until - back, counts[0], counts[1:]) for back, counts in enumerate(reversed(window))]


def _shown_pair(board: Board, request: web.Request) -> str:
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


def _frame(board: Board, request: web.Request) -> tuple[View, dict[str, object]]:
    """The view, and what every page's head is made of."""
    view = read_view(request.query, _newest(board))
    figures, status = counters(board.model), board.status()
    return view, {
        "view": view, "path": request.path, "figures": figures, "status": status, "has_news": figures.newest_week >= 0,
        "event_id": f"{board.boot}-{board.model.revision}", "now": board.clock(),
        "earlier": view.until - SHARE_WEEKS, "later": min(view.until + SHARE_WEEKS, max(figures.newest_week, view.until), LAST_WEEK),
    }  # fmt: skip
