"""`/editions`: the editions there are; `/editions/b/pairs/BLR-RUS`: the series of a pair as two editions have them, side by side."""

from __future__ import annotations

from aiohttp import web

from streams.board.charts import RANGES, PairCharts, pair_charts
from streams.board.context import SHELF, Board, Shelf, board_of, html_response, json_response
from streams.board.editions import EditionShelf, Held
from streams.board.names import name_of
from streams.board.pages import page_frame, shown_pair
from streams.board.pair_page import RANGE_TITLES
from streams.board.view import NotFoundError
from streams.records import split_pair
from streams.settings import LIVE


def add_editions(app: web.Application, shelf: EditionShelf) -> None:
    """Lets the application show editions; before it starts."""
    app[SHELF] = shelf
    app.add_routes(
        [
            web.get("/editions", show_editions),
            web.get("/editions/{edition}/pairs/{pair}", show_beside),
            web.get("/api/v1/editions", list_editions),
        ]
    )


async def list_editions(request: web.Request) -> web.Response:
    """`/api/v1/editions`: the editions that this board holds, and which one its pages show."""
    shelf = shelf_of(request)
    return json_response({"shown": shelf.shown.edition.name, "editions": [_fields(held) for held in shelf.all]})


async def show_editions(request: web.Request) -> web.Response:
    """`/editions`: the same for people."""
    shelf, board = shelf_of(request), board_of(request)
    with board.model.reading():
        _, frame = page_frame(board, request)
        pairs = board.model.pairs_shown()
        values = {
            **frame, "editions": [_fields(held) for held in shelf.all], "shown": shelf.shown.edition.name, "first_pair": pairs[0] if pairs else "",
        }  # fmt: skip
        return html_response(request, "editions.html", values)


async def show_beside(request: web.Request) -> web.Response:
    """`/editions/b/pairs/BLR-RUS?domain=&until=&weeks=`: what is shown (or `live`, where that is the same), and the edition beside it."""
    shelf, board = shelf_of(request), board_of(request)
    other = shelf.named(request.match_info["edition"])
    first = shelf.shown if shelf.shown is not other else shelf.named(LIVE)
    with board.model.reading():
        view, frame = page_frame(board, request)
        pair = shown_pair(board, request)
    source, partner = split_pair(pair)
    sides = [
        (held.edition.name, held.replay.status(), _charts(held.board, pair, view.domain, view.until, view.chart_range))
        for held in (first, other)
    ]
    series = list(zip(*(charts.signals for _, _, charts in sides), strict=True))
    values = {
        **frame, "pair": pair, "source_name": name_of(source), "partner_name": name_of(partner), "sides": sides, "series": series,
        "ranges": RANGES, "range_titles": RANGE_TITLES,
    }  # fmt: skip
    with board.model.reading():
        return html_response(request, "beside.html", values)


def _charts(board: Board, pair: str, domain: str, until: int, chart_range: str) -> PairCharts:
    with board.model.reading():
        return pair_charts(board.model, pair, domain, until, chart_range)


def _fields(held: Held) -> dict[str, object]:
    """An edition for people and programs; `read` are the records of `articles` that its workers have accounted for."""
    status, one = held.replay.status(), held.edition
    return {
        "name": one.name, "model": one.model, "since": one.since, "made": one.made, "switched_to": one.shown,
        "read": held.board.model.articles().read, "ready": status.is_ready,
    }  # fmt: skip


def shelf_of(request: web.Request) -> EditionShelf:
    """The editions of the board.

    Raises:
        NotFoundError: if this board shows one edition and knows of no others.
    """
    shelf: Shelf | None = request.app.get(SHELF)
    if not isinstance(shelf, EditionShelf):
        raise NotFoundError(
            "this board shows one edition", where=request.path, expected="a board that follows editions", todo="start at /"
        )
    return shelf
