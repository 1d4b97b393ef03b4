"""The breaks as JSON, and short addresses of their evidence: what an alert can name without carrying a stranger's text."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from models.labels import LABELS
from streams.board.context import board_of, json_response
from streams.board.counts import BOARD_DOMAINS
from streams.board.model import BoardModel
from streams.board.names import name_of
from streams.board.standings import as_fields
from streams.board.view import BadRequestError, NotFoundError
from streams.metrics import STATUS_NAMES
from streams.records import TrendStanding, pair_key

MOST_STANDINGS = 5_000


async def list_standings(request: web.Request) -> web.Response:
    """`/api/v1/breaks?pair=&signal=&domain=&status=&reported=1`: how the series of the shown pairs stand, with all of their breaks."""
    model, query = board_of(request).model, request.query
    wanted = {"signal": tuple(map(str, LABELS)), "domain": BOARD_DOMAINS, "status": STATUS_NAMES, "reported": ("0", "1")}
    for name, choices in wanted.items():
        if query.get(name, choices[0]) not in choices:
            raise BadRequestError(
                f"no such {name}: {query[name][:40]!r}", where=name, expected=", ".join(choices), todo="choose one of these"
            )
    with model.reading():
        pairs = [pair for pair in model.pairs_shown() if query.get("pair", pair) == pair]
        rows = [standing_as_dict(model, one) for pair in pairs for _, one in sorted(model.standings(pair).items())]
    fields = [name for name in ("signal", "domain", "status") if name in query]
    found = [
        row
        for row in rows
        if all(row[name] == query[name] for name in fields) and row["reported"] >= int(query.get("reported", 0))
    ]
    return json_response({"standings": found[:MOST_STANDINGS], "left_out": max(0, len(found) - MOST_STANDINGS)})


def standing_as_dict(model: BoardModel, one: TrendStanding) -> dict[str, Any]:
    """The record with the pair, and whether its active break is reported when all pairs are looked at together."""
    pair = pair_key(one.source, one.partner)
    reported = (pair, (one.signal, one.domain)) in model.reported()
    names = {"pair": pair, "source_name": name_of(one.source), "partner_name": name_of(one.partner)}
    return {**names, **as_fields(one), "reported": reported}


async def show_evidence(request: web.Request) -> web.StreamResponse:
    """`/evidence/BLR-RUS/cooperation/all/1`: goes on to the first article of the newest break; to the pair's page where it has no address."""
    asked, model = request.match_info, board_of(request).model
    with model.reading():
        one = (
            model.standings(asked["pair"]).get((asked["signal"], asked["domain"]))
            if asked["pair"] in model.pairs_shown()
            else None
        )
    if one is None or not one.breaks:
        raise NotFoundError(
            "there is no break here", where=request.path, expected="a series that has broken", todo="see /api/v1/breaks for those"
        )
    newest, number = one.breaks[-1], int(asked["number"])
    found = newest.evidence[number - 1] if 1 <= number <= len(newest.evidence) else None
    if found and found.url.startswith(("https://", "http://")):
        raise web.HTTPFound(found.url)
    raise web.HTTPFound(f"/pairs/{asked['pair']}?until={found.week if found else newest.alarm}#evidence")
