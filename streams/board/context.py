"""What every handler needs, under typed keys of the application; and how HTML and JSON are answered."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Protocol
from urllib.parse import urlencode, urlsplit

import jinja2
import msgspec
from aiohttp import web
from prometheus_client import CollectorRegistry

from models.labels import DEFINITIONS, LABELS
from streams.board.article.found import ArticleFinder
from streams.board.break_list import ListedBreak, all_breaks
from streams.board.changes import new_boot
from streams.board.counts import BOARD_DOMAINS
from streams.board.memo import Memo
from streams.board.model import BoardModel
from streams.board.names import name_of
from streams.board.queries import LABEL_TITLES, Counters, LatestEvidence, counters, latest_of_all
from streams.board.ranking import SummaryCache, Tally, tally
from streams.board.rows import RowCache
from streams.board.sessions import Reader
from streams.board.status import StatusSource
from streams.board.weeks import month_name, week_end, week_name, week_span
from streams.clock import Clock
from streams.metrics import BoardMetrics

HERE = Path(__file__).parent
STATIC = HERE / "static"
#: Most open streams of events at a time.
MOST_STREAMS = 200


@dataclass(slots=True)
class Board:
    """The parts that answers are made of."""

    model: BoardModel
    status: StatusSource
    registry: CollectorRegistry
    metrics: BoardMetrics
    clock: Clock
    templates: jinja2.Environment
    rows: RowCache
    articles: ArticleFinder | None = None
    trained: Path | None = None
    boot: str = field(default_factory=new_boot)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    streams: int = 0
    summaries: SummaryCache = field(init=False)
    counters: Memo[str, Counters] = field(init=False)
    tally: Memo[str, Tally] = field(init=False)
    breaks: Memo[str, list[ListedBreak]] = field(init=False)
    latest: Memo[int, list[LatestEvidence]] = field(init=False)

    def __post_init__(self) -> None:
        """What many readers ask for is made once for each revision of the model; a key of "" means that there is but one."""
        self.summaries = SummaryCache(self.model)
        self.counters = Memo(self.model, lambda model, _: counters(model))
        self.tally = Memo(self.model, tally, revision=_of_standings)
        self.breaks = Memo(self.model, lambda model, _: all_breaks(model), revision=_of_standings)
        self.latest = Memo(self.model, latest_of_all)


def _of_standings(model: BoardModel) -> tuple[int, frozenset[str]]:
    """What does not change with every count: how series stand, and the pairs that are shown."""
    return model.standing_revision, model.members_shown()


BOARD = web.AppKey("board", Board)


@dataclass(frozen=True, slots=True)
class Visit:
    """Who asks, where the board asks for tokens. `may_read` says whether they would be let in again: a stream outlasts many a token."""

    reader: Reader | None
    may_read: Callable[[], bool] = lambda: True


VISIT = web.RequestKey("visit", Visit)


class Shelf(Protocol):
    """The editions of a board, where it has more than one (`streams.board.editions.EditionShelf`)."""

    def board(self, edition: str) -> Board:
        """The parts of an edition; of the one that is shown where the name is empty or none that is held."""

    def named(self, edition: str) -> object:
        """Raises NotFoundError if there is no such edition."""

    def others(self) -> list[str]:
        """The names of the editions that are not shown."""

    def end_streams(self) -> None:
        """Ends every open stream of events."""


SHELF: web.AppKey[Shelf] = web.AppKey("shelf")


def board_of(request: web.Request) -> Board:
    """The parts, of a request: of the edition that is shown, or of the one that `?edition=` names."""
    shelf = request.app.get(SHELF)
    return request.app[BOARD] if shelf is None else shelf.board(request.query.get("edition", ""))


def reader_of(request: web.Request) -> Reader | None:
    """Who asks, where the board asks for tokens; else nobody in particular."""
    return request[VISIT].reader if VISIT in request else None


def json_response(value: object, *, status: int = 200) -> web.Response:
    """`value` as JSON; records of msgspec may stand in it."""
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json", charset="utf-8")


def html_response(request: web.Request, template: str, values: Mapping[str, object], *, status: int = 200) -> web.Response:
    """A rendered template; the model must be held still by the caller."""
    text = board_of(request).templates.get_template(template).render(
        {"path": request.path, "reader": reader_of(request), **values}
    )  # fmt: skip
    return web.Response(text=text, status=status, content_type="text/html", headers={"Cache-Control": "no-cache"})


def make_templates() -> jinja2.Environment:
    """The templates: everything is escaped, and a name that is not there is a fault rather than nothing."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.globals.update(
        labels=LABELS, label_titles=LABEL_TITLES, definitions=DEFINITIONS, domains=BOARD_DOMAINS, name_of=name_of, week_name=week_name,
        week_span=week_span, month_name=month_name, week_end=week_end, static=static_link, article_link=article_link,
        tones={label: f"tone-{number}" for number, label in enumerate(LABELS, 1)},
    )  # fmt: skip
    environment.filters.update(
        number=lambda value: f"{value:,}", percent=percent, points=points, safe_link=safe_link
    )  # fmt: skip
    return environment


@cache
def static_link(name: str) -> str:
    """`/static/board.css?v=...`: changes with the file, so that browsers may keep it for ever."""
    return f"/static/{name}?v={hashlib.blake2b((STATIC / name).read_bytes(), digest_size=6).hexdigest()}"


def percent(ratio: float) -> str:
    """`23%`; one digit more below 1%, so that something never reads as nothing."""
    return f"{ratio * 100:.1f}%" if 0 < ratio < 0.01 else f"{ratio * 100:.0f}%"


def points(change: float) -> str:
    """`+5`, `−5` or `±0`: percentage points."""
    rounded = round(change * 100)
    return "±0" if rounded == 0 else f"{'+' if rounded > 0 else '−'}{abs(rounded)}"


def article_link(article_id: str) -> str:
    """The address of an article's page; an id may be anything, an address among others."""
    return f"/article?{urlencode({'id': article_id})}"


def safe_link(url: str) -> str:
    """`url` when it is an http or https address, else nothing: a feed decides what stands there."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.netloc else ""
