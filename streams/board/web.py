"""The board's HTTP application: routes, headers, errors, health and metrics. No Kafka: a model and a status are handed in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from streams.board import about, api, break_page, feeds, live, pages, pair_page, standing_api
from streams.board.article.found import ArticleFinder, GoneError, NotNowError
from streams.board.article.page import show_article
from streams.board.context import BOARD, SHELF, STATIC, Board, board_of, html_response, json_response, make_templates
from streams.board.model import BoardModel
from streams.board.rows import RowCache
from streams.board.status import StatusSource
from streams.board.view import BadRequestError, NotFoundError
from streams.clock import Clock, monotonic_seconds, utc_now
from streams.errors import BellwetherError
from streams.log import get_logger
from streams.metrics import BoardMetrics

log = get_logger("board")

#: Pairs that are named where one is not shown.
_MOST_NEAR = 8

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
#: Nothing from elsewhere, nothing inline: what a feed says can't become a script.
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), camera=(), microphone=()",
    "Server": "Bellwether",
}
_STATUS_OF: tuple[tuple[type[BellwetherError], int], ...] = (
    (BadRequestError, 400),
    (NotFoundError, 404),
    (GoneError, 410),
    (live.TooManyStreamsError, 503),
    (NotNowError, 503),
)


def build_app(
    model: BoardModel, status: StatusSource, registry: CollectorRegistry, *, clock: Clock = utc_now, articles: ArticleFinder | None = None,
    trained: Path | None = None,
) -> web.Application:  # fmt: skip
    """The application over a model; the collectors of `/metrics` stand in `registry`; no links to articles without `articles`.

    `trained` is the folder of the classifier that `/about` tells of; None means the one that comes with Bellwether.
    """
    app = web.Application(middlewares=[_answer], client_max_size=16_384)
    templates = make_templates()
    app[BOARD] = Board(
        model, status, registry, BoardMetrics(registry), clock, templates, RowCache(model, templates), articles, trained
    )
    get = partial(web.get, allow_head=True)
    app.add_routes(
        [
            get("/", pages.show_overview, name="overview"),
            get("/pairs/{pair}", pair_page.show_pair, name="pair"),
            get("/article", show_article, name="article"),
            get("/fragments/pair/{pair}", pages.show_fragment, name="fragment"),
            web.get("/events", live.events, name="events", allow_head=False),
            get("/api/v1/pairs", api.list_pairs),
            get("/api/v1/pairs/{pair}", api.show_pair),
            get("/api/v1/trends", api.list_trends),
            get("/api/v1/breaks", standing_api.list_standings),
            get(r"/evidence/{pair}/{signal}/{domain}/{number:\d{1,3}}", standing_api.show_evidence, name="evidence"),
            get("/api/v1/progress", api.show_progress),
            get("/breaks", break_page.show_breaks, name="breaks"),
            get("/breaks.{format:atom|rss|json}", break_page.feed_breaks, name="breaks-feed"),
            get("/feeds", feeds.show_feeds, name="feeds"),
            get("/about", about.show_about, name="about"),
            get("/api/v1/feeds", feeds.list_feeds),
            get("/healthz", show_health),
            get("/readyz", show_readiness),
            get("/metrics", show_metrics, name="metrics"),
            get("/favicon.ico", show_favicon),
            get("/static/{name}", show_static, name="static"),
        ]
    )
    app.on_response_prepare.append(_add_headers)
    app.on_shutdown.append(_end_streams)
    return app


async def show_health(_request: web.Request) -> web.Response:
    """`/healthz`: 200 while the process answers."""
    return json_response({"status": "alive"})


async def show_readiness(request: web.Request) -> web.Response:
    """`/readyz`: 200 when everything that stood on the topics has been read and the replay runs; else 503 with the reason."""
    status = board_of(request).status()
    return json_response(
        {"ready": status.is_ready, "reason": status.reason, "percent": status.percent}, status=200 if status.is_ready else 503
    )  # fmt: skip


async def show_metrics(request: web.Request) -> web.Response:
    """`/metrics`, in the format that the scraper asks for; made in a thread, because it takes longer than a page."""
    encode, content_type = choose_encoder(", ".join(request.headers.getall("Accept", [])))
    body = await asyncio.to_thread(encode, board_of(request).registry)
    response = web.Response(body=body, headers={"Content-Type": content_type, "Cache-Control": "no-store"})
    response.enable_compression()
    return response


async def show_static(request: web.Request) -> web.Response:
    """`/static/...`: a file of the package by its plain name; its address changes with its content."""
    name = request.match_info["name"]
    content_type = _STATIC_TYPES.get(name)
    if content_type is None:
        raise NotFoundError(
            f"there is no file {name[:40]!r}", where=request.path, expected=", ".join(_STATIC_TYPES), todo="start at /"
        )
    body = (STATIC / name).read_bytes()
    kept = "public, max-age=31536000, immutable" if "v" in request.query else "no-cache"
    return web.Response(body=body, content_type=content_type, charset="utf-8", headers={"Cache-Control": kept})


_STATIC_TYPES = {
    "board.css": "text/css", "lists.css": "text/css", "detail.css": "text/css", "board.js": "text/javascript",
    "favicon.svg": "image/svg+xml",
}  # fmt: skip


async def show_favicon(_request: web.Request) -> web.Response:
    """`/favicon.ico`: where the icon is."""
    raise web.HTTPFound("/static/favicon.svg")


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """The same on every answer; a page with a policy of its own (a bulletin) keeps it."""
    policy = response.headers.get("Content-Security-Policy", SECURITY_HEADERS["Content-Security-Policy"])
    response.headers.update({**SECURITY_HEADERS, "Content-Security-Policy": policy})


async def _end_streams(app: web.Application) -> None:
    shelf = app.get(SHELF)
    if shelf is None:
        app[BOARD].stopping.set()
    else:
        shelf.end_streams()


_COMPRESSED = frozenset({"overview", "pair", "article", "breaks", "breaks-feed", "feeds", "about", "api", "static", "editions"})


@web.middleware
async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Times the request, and turns errors into answers: JSON for the API, a page for people."""
    route = _route(request)
    metrics = board_of(request).metrics
    started = monotonic_seconds()
    try:
        _check_edition(request)
        response = await handler(request)
        if route in _COMPRESSED and response.status == 200:
            response.enable_compression()
        return response
    except BellwetherError as error:
        status = next((status for kind, status in _STATUS_OF if isinstance(error, kind)), 500)
        return _error_response(request, status, error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _error_response(request, error.status, _of_http(request, error))
    except Exception as error:
        metrics.errors.labels(route).inc()
        log.error("request_failed", path=request.path, error=repr(error), exc_info=True)
        return _error_response(
            request, 500, BellwetherError("the board failed to answer", where=request.path, todo="look at the board's log")
        )  # fmt: skip
    finally:
        if route != "events":
            metrics.request_seconds.labels(route).observe(monotonic_seconds() - started)


def _check_edition(request: web.Request) -> None:
    """Refuses `?edition=` of one that there is not: what is shown would be taken for it."""
    shelf, edition = request.app.get(SHELF), request.query.get("edition", "")
    if shelf is not None and edition:
        shelf.named(edition)


def _route(request: web.Request) -> str:
    if request.path.startswith("/api/"):
        return "api"
    if request.path in ("/healthz", "/readyz"):
        return "health"
    if request.path.startswith("/editions"):
        return "editions"
    return request.match_info.route.name or "other"


def _of_http(request: web.Request, error: web.HTTPException) -> BellwetherError:
    if error.status == 404:
        return NotFoundError(
            "there is nothing at this address",
            where=request.path,
            expected="/, /pairs/BLR-RUS, /breaks, /feeds, /about or /api/v1/...",
            todo="start at /",
        )
    return BellwetherError(
        f"the request can't be answered: {error.reason}", where=request.path, expected="GET of an address that there is"
    )


def _error_response(request: web.Request, status: int, error: BellwetherError) -> web.Response:
    if request.path.startswith(("/api/", "/fragments/", "/events", "/metrics")):
        fields = {"what": error.what, "where": error.where, "expected": error.expected, "todo": error.todo}
        return json_response({"error": fields}, status=status)
    values = {"error": error, "status_code": status, "near": _near(request) if status == 404 else ()}
    return html_response(request, "error.html", values, status=status)


def _near(request: web.Request) -> list[str]:
    """Shown pairs of the states that the address of a pair names, which may be the other way round or written small."""
    asked = set(request.match_info.get("pair", "").upper().split("-"))
    shown = board_of(request).model.pairs_shown()
    return sorted((pair for pair in shown if asked & set(pair.split("-"))), key=lambda pair: -len(asked & set(pair.split("-"))))[
        :_MOST_NEAR
    ]
