"""The JSON API, version 1: the same numbers as the pages, without the drawing."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

from aiohttp import web

from models.labels import LABELS
from streams.board.context import Board, board_of, json_response
from streams.board.counts import BOARD_DOMAINS, ROWS, Counts
from streams.board.model import BoardModel
from streams.board.names import name_of
from streams.board.queries import PairRow, Share, cell, counters, evidence_of_pair, newest_week, overview
from streams.board.standing_api import standing_as_dict
from streams.board.view import BadRequestError, NotFoundError, read_domain, read_view, read_week, read_whole
from streams.board.weeks import STRIP_WEEKS, week_name
from streams.records import split_pair

#: Most weeks of one answer about a pair, and most records of one page of `/trends`.
MOST_WEEKS, MOST_RECORDS, USUAL_RECORDS = 1_400, 1_000, 200


async def list_pairs(request: web.Request) -> web.Response:
    """`/api/v1/pairs?domain=&until=`: totals and shares of every shown pair."""
    model = board_of(request).model
    with model.reading():
        newest = newest_week(model)
        if newest < 0:
            return json_response({"domain": read_domain(request.query), "until": None, "left_out": 0, "pairs": []})
        view = read_view(request.query, newest)
        rows = overview(model, view.domain, view.until)
        return json_response(
            {
                "domain": view.domain, "until": week_name(view.until), "left_out": model.pairs_left_out(),
                "pairs": [_pair_summary(model, row, view.domain) for row in rows],
            }
        )  # fmt: skip


def _pair_summary(model: BoardModel, row: PairRow, domain: str) -> dict[str, object]:
    found = model.standings(row.key)
    now = {str(label): standing_as_dict(model, one) for label in LABELS if (one := found.get((label, domain)))}
    return {
        **_heading(row.key), "watched": row.is_watched, "newest_week": week_name(row.newest_week) if row.newest_week >= 0 else None,
        "exposure": {"stories": row.exposure_total, "stories_13_weeks": row.exposure_recent},
        "signals": {
            strip.label: {"stories": strip.total, **_share(strip.share), "standing": _short(now.get(strip.label, {}))} for strip in row.strips
        },
    }  # fmt: skip


def _short(standing: dict[str, Any]) -> dict[str, object] | None:
    """How a signal stands after the last closed week: without the evidence of its breaks, which `/api/v1/breaks` has."""
    if not standing:
        return None
    kept = (
        "week", "status", "age_weeks", "share", "share_low", "share_high", "persistence_4", "persistence_8", "early", "active", "reported"
    )  # fmt: skip
    breaks = [{name: value for name, value in one.items() if name != "evidence"} for one in standing["breaks"]]
    return {**{name: standing[name] for name in kept}, "breaks": breaks}


def _heading(pair: str) -> dict[str, str]:
    source, partner = split_pair(pair)
    return {"pair": pair, "source": source, "partner": partner, "source_name": name_of(source), "partner_name": name_of(partner)}


def _share(share: Share) -> dict[str, object]:
    return {"stories_13_weeks": share.stories, "share_13_weeks": share.ratio, "share_13_weeks_before": share.before}


async def show_pair(request: web.Request) -> web.Response:
    """`/api/v1/pairs/BLR-RUS?domain=&from=&until=`: the weekly series of a pair, and its evidence."""
    model = board_of(request).model
    with model.reading():
        pair = request.match_info["pair"]
        if pair not in model.pairs_held():
            raise NotFoundError(
                f"there is no pair {pair[:40]!r}", where=request.path, expected="a pair such as BLR-RUS", todo="see /api/v1/pairs for all"
            )  # fmt: skip
        first, last = _span(request, model, pair)
        domain = read_domain(request.query)
        totals, window = model.totals(pair), model.window(pair, last, last - first + 1)
        stories = [story for story in evidence_of_pair(model, pair, last, last - first + 1) if story.week >= first]
        return json_response(
            {
                **_heading(pair), "domain": domain,
                "standings": [
                    standing_as_dict(model, one) for (_, of), one in sorted(model.standings(pair).items()) if of == domain
                ],
                "from": week_name(first), "until": week_name(last),
                "totals": {row: cell(totals, row, domain) for row in ROWS},
                "weeks": [
                    {"week": week_name(first + at), **{row: cell(counts, row, domain) for row in ROWS}} for at, counts in enumerate(window)
                ],
                "evidence": [
                    {"week": week_name(story.week), "labels": story.labels, "article": story.evidence} for story in stories
                ],
            }
        )  # fmt: skip


def _span(request: web.Request, model: BoardModel, pair: str) -> tuple[int, int]:
    newest = max(newest_week(model), model.newest_week(pair), STRIP_WEEKS)
    last = read_week(request.query, "until")
    last = newest if last is None else last
    first = read_week(request.query, "from")
    first = last - STRIP_WEEKS + 1 if first is None else first
    if not 0 < last - first + 1 <= MOST_WEEKS:
        raise BadRequestError(
            f"from {week_name(first)} to {week_name(last)} is no span of weeks", where="from, until",
            expected=f"`from` not after `until`, and at most {MOST_WEEKS} weeks", todo="choose another span",
        )  # fmt: skip
    return first, last


async def list_trends(request: web.Request) -> web.Response:
    """`/api/v1/trends?limit=&after=`: every pair's week that stands on `trends`, by key; `next` is the address of the next page."""
    model = board_of(request).model
    limit = read_whole(request.query, "limit", USUAL_RECORDS, MOST_RECORDS)
    after = request.query.get("after", "")
    with model.reading():
        records = _records_after(model, after, limit + 1)
    page = records[:limit]
    address = f"/api/v1/trends?limit={limit}&after={page[-1]['key']}" if len(records) > limit else None
    return json_response({"trends": page, "next": address})


def _records_after(model: BoardModel, after: str, limit: int) -> list[dict[str, object]]:
    pair_after, _, week_after = after.partition("|")
    pairs = model.pairs_held()
    found: list[dict[str, object]] = []
    for pair in pairs[bisect_right(pairs, pair_after) - (pair_after in pairs) :]:
        for week in model.weeks(pair):
            if pair == pair_after and week_name(week) <= week_after:
                continue
            found.append(
                {
                    "key": f"{pair}|{week_name(week)}",
                    "pair": pair,
                    "week": week_name(week),
                    **_cells(model.window(pair, week, 1)[0]),
                }
            )
            if len(found) == limit:
                return found
    return found


def _cells(counts: Counts) -> dict[str, object]:
    def by_domain(row: str) -> dict[str, dict[str, int]]:
        cells = {domain: cell(counts, row, domain) for domain in BOARD_DOMAINS}
        return {domain: count for domain, count in cells.items() if count["articles"]}

    return {"exposure": by_domain("exposure"), "counts": {label: by_domain(label) for label in LABELS}}


async def show_progress(request: web.Request) -> web.Response:
    """`/api/v1/progress`: what became of the articles, in all and by partition, and how the replay is."""
    board: Board = board_of(request)
    with board.model.reading():
        figures, parts, status = counters(board.model), board.model.progress(), board.status()
    return json_response(
        {
            "articles": {
                "read": figures.articles.read, "classified": figures.articles.classified, "duplicates": figures.articles.duplicates,
                "dead_letters": figures.articles.dead_letters,
            },
            "stories": figures.stories, "pairs": figures.pairs, "left_out": figures.left_out,
            "newest_week": week_name(figures.newest_week) if figures.newest_week >= 0 else None,
            "ready": status.is_ready, "percent": status.percent, "problem": status.problem,
            "partitions": [
                {"partition": part.partition, "offset": part.offset, "classified": part.classified, "duplicates": part.duplicates,
                 "dead_letters": part.dead_letters}
                for part in parts
            ],
        }
    )  # fmt: skip
