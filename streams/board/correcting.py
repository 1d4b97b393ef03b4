"""`POST /api/v1/corrections` for programs, `POST /article/correction` for the form on the article's page: what people say of an article.

A program shows its token in the head and is refused before its body is read. A browser's form has it in a password field, unless its
reader has signed in with one that may correct, and must come from this board's own page. Who says it is the name of the token, never what
the request claims. Every accepted and every refused request leaves a line in the log, without the token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, Protocol

import msgspec
from aiohttp import web

from streams.board.attempts import Attempts
from streams.board.context import BOARD, article_link, html_response, json_response, reader_of
from streams.board.refusing import FORM, JSON, MAX_TOKEN_CHARS, RefusedError, bearer_of, check_same_origin, read_body, too_fast
from streams.board.view import BadRequestError
from streams.corrections.wording import Said, as_corrections
from streams.errors import KafkaError, RecordError
from streams.log import get_logger
from streams.records import Article, Classification, Correction

log = get_logger("corrections")

ROLE: Literal["correct"] = "correct"
#: Longest wait for the broker, in seconds.
WRITE_SECONDS = 20.0


class Authority(Protocol):
    """Who may correct (`streams.push.tokens.TokenCheck`)."""

    def name_of(self, secret: str, role: Literal["correct"]) -> str:
        """The name of the token; "" for one that is not good for the role."""


class ArticleLookup(Protocol):
    """Finds articles (`streams.board.article.desk.ArticleDesk`)."""

    async def look_up(self, article_id: str) -> tuple[Article, Classification]:
        """The article and what was found in it. Raises like `ArticleFinder.find`."""


class Writer(Protocol):
    """Writes corrections (`streams.corrections.writing.CorrectionWriter`); blocks."""

    def write(self, corrections: Iterable[Correction]) -> None: ...


class _Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The JSON body. One of `labels`, `none` and `withdraw`; `pair` may be left out with the last two."""

    article: str
    why: str
    pair: str = ""
    labels: list[str] = []
    none: bool = False
    withdraw: bool = False
    domains: list[str] = []
    sentence: str = ""

    def said(self, by: str) -> Said:
        """What it says, in the name of the token."""
        return Said(
            by, self.why, self.pair, tuple(self.labels), self.none, self.withdraw, tuple(self.domains), self.sentence
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Correcting:
    """Who may correct, and what writes it."""

    authority: Authority
    writer: Writer


@dataclass(slots=True)
class CorrectionDesk:
    """What corrections are taken with.

    Attributes:
        accepted, refused: how many requests of one token, and how many with a wrong one from one address, are borne.
    """

    articles: ArticleLookup
    parts: Correcting
    accepted: Attempts = field(default_factory=lambda: Attempts(at_once=60, per_minute=60))
    refused: Attempts = field(default_factory=lambda: Attempts(at_once=10, per_minute=10))
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def take(self, request: web.Request) -> web.Response:
        """Answers one request: 202 with the corrections, or (to a form) the article's page.

        Raises:
            RefusedError, BadRequestError, and what looking an article up raises.
        """
        is_form = request.content_type == FORM
        if is_form:
            check_same_origin(request)
            self._check_address(request)
            wanted, secret = await _read_form(request)
            reader = reader_of(request)
            name = reader.name if reader is not None and reader.may_correct and not secret else self._named(request, secret)
        elif request.content_type == JSON:
            self._check_address(request)
            name = self._named(request, bearer_of(request))
            wanted = await _read_json(request)
        else:
            raise RefusedError(415, "the Content-Type is not taken", expected=f"{JSON} or {FORM}")
        self._check_pace(name)
        corrections = await self._write(name, wanted)
        if is_form:
            raise web.HTTPSeeOther(article_link(wanted.article) + "#said")
        return json_response({"accepted": corrections}, status=202)

    def _check_address(self, request: web.Request) -> None:
        wait = self.refused.wait_seconds(request.remote or "")
        if wait:
            raise too_fast("too many wrong tokens came from this address", wait)

    def _named(self, request: web.Request, secret: str) -> str:
        name = self.parts.authority.name_of(secret, ROLE) if 0 < len(secret) <= MAX_TOKEN_CHARS else ""
        if not name:
            self.refused.take(request.remote or "")
            log.warning("correction_refused", reason="token", remote=request.remote or "")
            raise RefusedError(
                401, "the token is not good for corrections" if secret else "there is no token", expected="a token with the role `correct`",
                todo="`bellwether tokens add NAME --role correct` makes one", headers={"WWW-Authenticate": 'Bearer realm="bellwether"'},
            )  # fmt: skip
        return name

    def _check_pace(self, name: str) -> None:
        wait = self.accepted.wait_seconds(name)
        if wait:
            raise too_fast(f"{name} corrects too fast", wait)
        self.accepted.take(name)

    async def _write(self, name: str, wanted: _Request) -> list[Correction]:
        _, found = await self.articles.look_up(wanted.article)
        try:
            corrections = as_corrections(wanted.said(name), found, ())
        except RecordError as error:
            raise BadRequestError(error.what, where=error.where, expected=error.expected, todo=error.todo) from error
        try:
            async with self._writing, asyncio.timeout(WRITE_SECONDS):
                await asyncio.to_thread(self.parts.writer.write, corrections)
        except (TimeoutError, KafkaError) as error:
            raise RefusedError(
                503, "the broker has not acknowledged it", todo="send it again: what comes twice counts once", headers={"Retry-After": "10"}
            ) from error  # fmt: skip
        for one in corrections:
            log.info(
                "article_corrected", by=one.by, article=one.article_id, pair=one.pair or "every pair", labels=one.labels, withdrawn=one.withdrawn
            )  # fmt: skip
        return corrections


async def _read_json(request: web.Request) -> _Request:
    try:
        return msgspec.json.decode(await read_body(request), type=_Request)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequestError(
            f"the body is not a correction: {error}", where="the body", expected="one JSON object with article, why, and labels, none or withdraw",
            todo="see docs/corrections.md",
        ) from error  # fmt: skip


async def _read_form(request: web.Request) -> tuple[_Request, str]:
    """(what it says, the token)."""
    await read_body(request)
    form = await request.post()

    def one(name: str) -> str:
        value = form.get(name, "")
        return value if isinstance(value, str) else ""

    said, labels = one("said"), [value for value in form.getall("label", []) if isinstance(value, str)]
    return _Request(
        article=one("article"), why=" ".join(one("why").split()), pair=one("pair"), labels=labels if said == "labels" else [],
        none=said == "none", withdraw=said == "withdraw", sentence=one("sentence"),
    ), one("token").strip()  # fmt: skip


CORRECTIONS: web.AppKey[CorrectionDesk] = web.AppKey("corrections", CorrectionDesk)


def add_corrections(app: web.Application, desk: CorrectionDesk) -> None:
    """Lets a board's application take corrections, and show the form for them."""
    app[CORRECTIONS] = desk
    app[BOARD].templates.globals["correctable"] = True
    app.router.add_post("/api/v1/corrections", post_correction, name="correction-api")
    app.router.add_post("/article/correction", post_correction, name="correction")


async def post_correction(request: web.Request) -> web.Response:
    """Both addresses; a refusal is JSON for programs, and a page for people."""
    try:
        return await request.app[CORRECTIONS].take(request)
    except RefusedError as error:
        if request.path.startswith("/api/"):
            fields = {"what": error.what, "where": error.where, "expected": error.expected, "todo": error.todo}
            response = json_response({"error": fields}, status=error.status)
        else:
            values = {"error": error, "status_code": error.status, "near": ()}
            response = html_response(request, "error.html", values, status=error.status)
        response.headers.update(error.headers)
        return response
