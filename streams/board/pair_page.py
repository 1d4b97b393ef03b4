"""One pair's page: its series and breaks, what speaks against the reading, its evidence by week."""

from __future__ import annotations

from aiohttp import web

from streams.board.charts import RANGES, pair_charts
from streams.board.context import SHELF, board_of, html_response
from streams.board.leaning import counter_evidence, lean_of
from streams.board.names import name_of
from streams.board.pages import page_frame, shown_pair
from streams.board.queries import evidence_of_pair, pair_row

#: Weeks with evidence on one page: all of the 13 that counter-evidence is looked for in.
EVIDENCE_WEEKS = 13
RANGE_TITLES = {"52": "1 year", "156": "3 years", "260": "5 years", "all": "All"}


async def show_pair(request: web.Request) -> web.Response:
    """`/pairs/BLR-RUS?domain=&until=&weeks=`: the long series of a pair, and its evidence by week."""
    board = board_of(request)
    with board.model.reading():
        view, frame = page_frame(board, request)
        row = pair_row(board.model, shown_pair(board, request), view.domain, view.until)
        charts = pair_charts(board.model, row.key, view.domain, view.until, view.chart_range)
        stories = evidence_of_pair(board.model, row.key, view.until, EVIDENCE_WEEKS + 1)
        weeks = sorted({story.week for story in stories}, reverse=True)
        lean = lean_of(board.model, row.key, view.until)
        back = f"{row.partner}-{row.source}"
        rivals = next((pair.rivals for pair in board.model.watchlist.pairs if pair.key == row.key), ())
        values = {
            **frame, "row": row, "other_editions": others(request), "charts": charts, "ranges": RANGES, "range_titles": RANGE_TITLES, "lean": lean,
            "table": list(zip(*(reversed(chart.slots) for chart in charts.signals), strict=True)),
            "counter": counter_evidence(stories, lean), "older": weeks[EVIDENCE_WEEKS] if len(weeks) > EVIDENCE_WEEKS else None,
            "by_week": [(week, [story for story in stories if story.week == week]) for week in weeks[:EVIDENCE_WEEKS]],
            "back": back if back in board.model.pairs_shown() else "", "rivals": [name_of(code) for code in rivals],
            "floor": board.model.evidence_floor(row.key), "explained": board.articles is not None,
        }  # fmt: skip
        return html_response(request, "pair.html", values)


def others(request: web.Request) -> list[str]:
    """The editions that the pair can be looked at beside."""
    shelf = request.app.get(SHELF)
    return shelf.others() if shelf is not None else []
