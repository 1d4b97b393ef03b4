"""Who may read the board: a token in the head of each request, or a form that signs a browser in. A middleware, and three addresses.

Health, `/metrics` and what pages are drawn with stay open: for probes and Prometheus, and because there is nothing of anybody in them that
the network policy, or the proxy, does not keep. What takes corrections asks for a token of its own.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, Protocol
from urllib.parse import urlencode

from aiohttp import web

from streams.board.attempts import Attempts
from streams.board.context import VISIT, Visit, html_response, json_response, reader_of
from streams.board.refusing import FORM, MAX_TOKEN_CHARS, RefusedError, bearer_of, check_same_origin, read_body, too_fast
from streams.board.sessions import SESSION_SECONDS, Reader, Sessions, Shown, as_reader
from streams.errors import ConfigError
from streams.listening import is_loopback
from streams.log import get_logger

log = get_logger("board")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ASKED = 'Bearer realm="bellwether"'
#: Names of the routes that are open to everybody.
OPEN_ROUTES = frozenset({"static", "metrics", "login", "logout", "correction", "correction-api"})
OPEN_PATHS = frozenset({"/healthz", "/readyz", "/favicon.ico"})
#: Routes of programs that know passwords and no bearer tokens, such as feed readers: the token is the password, under any name.
_FEED_ROUTES = frozenset({"breaks-feed", "bulletin"})
_FOR_PROGRAMS = ("/api/", "/fragments/", "/events")
_COOKIE, _SAFE_COOKIE = "bellwether", "__Host-bellwether"
_MAX_NEXT_CHARS = 2_000


class Tokens(Protocol):
    """The tokens, as the file is now (`streams.push.tokens.TokenCheck`)."""

    def token_of(self, secret: str) -> Shown | None:
        """The token that was shown; in constant time."""

    def named(self, name: str) -> Shown | None:
        """The token of a name."""

    def names(self, role: Literal["read"]) -> frozenset[str]:
        """The names of the tokens that have a role."""

    @property
    def is_damaged(self) -> bool:
        """Whether the file can't be read."""


@dataclass(slots=True)
class Door:
    """Lets readers in.

    Attributes:
        readers: `tokens`, `anyone` or `auto` (BELLWETHER_BOARD_READERS).
        refused: how many wrong tokens of one address are borne.
    """

    tokens: Tokens
    sessions: Sessions
    readers: Literal["auto", "tokens", "anyone"] = "auto"
    refused: Attempts = field(default_factory=lambda: Attempts(at_once=10, per_minute=10))
    _was_closed: bool = False

    @property
    def is_open(self) -> bool:
        """Whether everybody may read. What has once asked for tokens goes on asking until it is started anew, whatever becomes of the file."""
        if self.readers == "anyone":
            return True
        self._was_closed = (
            self._was_closed or self.readers == "tokens" or bool(self.tokens.names("read")) or self.tokens.is_damaged
        )
        return not self._was_closed

    def check_address(self, host: str) -> None:
        """Makes sure that nobody is let in by oversight.

        Raises:
            ConfigError: if the board would be open to other machines without anybody having said so.
        """
        if self.is_open and not is_loopback(host):
            if self.readers == "auto":
                raise ConfigError(
                    "everybody who reaches the port could read the board", where=f"BELLWETHER_BOARD_HOST={host}",
                    expected="a token with the role read, or an address of the loopback",
                    todo="`bellwether tokens add NAME --role read`; or BELLWETHER_BOARD_READERS=anyone, where a proxy or the network lets in only who may read",
                )  # fmt: skip
            log.warning("board_is_open_to_anyone", address=host)

    def reader(self, request: web.Request) -> Reader | None:
        """Who asks, by the token in the head, else by the cookie; None for nobody who may read.

        Raises:
            RefusedError: 429, if too many wrong tokens came from the address.
        """
        if secret := _secret_of(request):
            return as_reader(self.shown(request, secret))
        return self.by_cookie(request)

    def still_reads(self, request: web.Request) -> bool:
        """Whether who was let in would be let in again; nothing is counted."""
        secret = _secret_of(request)
        return (as_reader(self.tokens.token_of(secret)) if secret else self.by_cookie(request)) is not None

    def shown(self, request: web.Request, secret: str) -> Shown | None:
        """The token, if its holder may read. Raises as `reader`."""
        address = request.remote or ""
        if wait := self.refused.wait_seconds(address):
            raise too_fast("too many wrong tokens came from this address", wait)
        token = self.tokens.token_of(secret) if 0 < len(secret) <= MAX_TOKEN_CHARS else None
        if as_reader(token) is None:
            self.refused.take(address)
            log.warning("reader_refused", remote=address, path=request.path)
            return None
        return token

    def by_cookie(self, request: web.Request) -> Reader | None:
        """Who has signed in; None where the session is over, or the token is gone."""
        cookie = request.cookies.get(_SAFE_COOKIE) or request.cookies.get(_COOKIE, "")
        token = self.tokens.named(self.sessions.name_in(cookie))
        return as_reader(token) if token is not None and self.sessions.is_good(cookie, token) else None


DOOR: web.AppKey[Door] = web.AppKey("door", Door)


def add_door(app: web.Application, door: Door) -> None:
    """Puts the door before everything that an application answers."""
    app[DOOR] = door
    app.middlewares.append(_let_in)
    app.on_response_prepare.append(_keep_private)
    app.router.add_get("/sign-in", show_sign_in, name="login")
    app.router.add_post("/sign-in", sign_in, name="login")
    app.router.add_post("/sign-out", sign_out, name="logout")


@web.middleware
async def _let_in(request: web.Request, handler: Handler) -> web.StreamResponse:
    door = request.app[DOOR]
    if door.is_open:
        return await handler(request)
    name = request.match_info.route.name or ""
    if name in OPEN_ROUTES or request.path in OPEN_PATHS:
        # Who it is, all the same: a form may be sent by somebody who has signed in.
        request[VISIT] = Visit(door.by_cookie(request))
        return await handler(request)
    try:
        reader = door.reader(request)
    except RefusedError as error:
        return _refusal(error)
    if reader is None:
        return _ask(request)
    request[VISIT] = Visit(reader, partial(door.still_reads, request))
    return await handler(request)


async def _keep_private(request: web.Request, response: web.StreamResponse) -> None:
    """What somebody was let in for is kept by no cache between."""
    if reader_of(request) is not None and request.match_info.route.name not in OPEN_ROUTES:
        response.headers["Cache-Control"] = f"private, {response.headers.get('Cache-Control', 'no-cache')}"
        response.headers["Vary"] = "Cookie, Authorization"


def _ask(request: web.Request) -> web.StreamResponse:
    """401 for programs; people are led to the form, and from there to what they wanted."""
    is_feed = request.match_info.route.name in _FEED_ROUTES and not request.path.endswith(".html")
    if is_feed or request.path.startswith(_FOR_PROGRAMS) or request.method not in ("GET", "HEAD"):
        asked = f'{ASKED}, Basic realm="bellwether: the token is the password", charset="UTF-8"' if is_feed else ASKED
        return _refusal(
            RefusedError(
                401, "there is no token that may read", expected="`Authorization: Bearer <token>`", headers={"WWW-Authenticate": asked},
                todo="`bellwether tokens add NAME --role read` makes one",
            )
        )  # fmt: skip
    wanted = request.path_qs
    raise web.HTTPSeeOther("/sign-in" + (f"?{urlencode({'next': wanted})}" if wanted != "/" else ""))


def _refusal(error: RefusedError) -> web.Response:
    fields = {"what": error.what, "where": error.where, "expected": error.expected, "todo": error.todo}
    response = json_response({"error": fields}, status=error.status)
    response.headers.update({"Cache-Control": "no-store", **error.headers})
    return response


async def show_sign_in(request: web.Request) -> web.Response:
    """`/sign-in`: the form; whoever has signed in, or needn't, goes on."""
    wanted = _local(request.query.get("next", ""))
    if request.app[DOOR].is_open or reader_of(request) is not None:
        raise web.HTTPSeeOther(wanted)
    return _form(request, wanted)


def _form(request: web.Request, wanted: str, error: RefusedError | None = None) -> web.Response:
    response = html_response(request, "sign_in.html", {"wanted": wanted, "error": error}, status=error.status if error else 200)
    response.headers.update({"Cache-Control": "no-store", **(error.headers if error else {})})
    return response


async def sign_in(request: web.Request) -> web.Response:
    """`POST /sign-in`: a cookie for a token, and on to what was wanted."""
    wanted = "/"
    try:
        check_same_origin(request)
        if request.content_type != FORM:
            raise RefusedError(415, "the Content-Type is not taken", expected=FORM)
        await read_body(request)
        form = await request.post()
        wanted = _local(str(form.get("next", "")))
        token = request.app[DOOR].shown(request, str(form.get("token", "")).strip())
        if token is None:
            raise RefusedError(401, "this token is not good for reading", expected="one with the role read or correct")
    except RefusedError as error:
        return _form(request, wanted, error)
    log.info("signed_in", by=token.name, remote=request.remote or "")
    response = web.HTTPSeeOther(wanted)
    is_safe = _is_encrypted(request)
    response.set_cookie(
        _SAFE_COOKIE if is_safe else _COOKIE, request.app[DOOR].sessions.start(token), max_age=SESSION_SECONDS, path="/", httponly=True,
        samesite="Lax", secure=is_safe,
    )  # fmt: skip
    raise response


async def sign_out(request: web.Request) -> web.Response:
    """`POST /sign-out`: the cookie and what the browser has kept are gone."""
    try:
        check_same_origin(request)
    except RefusedError as error:
        return _refusal(error)
    if (reader := reader_of(request)) is not None:
        log.info("signed_out", by=reader.name)
    response = web.HTTPSeeOther("/sign-in")
    for name, is_safe in ((_COOKIE, False), (_SAFE_COOKIE, True)):
        if name in request.cookies:
            response.del_cookie(name, path="/", httponly=True, samesite="Lax", secure=is_safe)
    response.headers["Clear-Site-Data"] = '"cache"'
    raise response


def _local(address: str) -> str:
    """An address of this board, and of no other site; the front page instead of anything else."""
    is_own = address.startswith("/") and not address.startswith(("//", "/\\", "/sign-")) and len(address) <= _MAX_NEXT_CHARS
    return address if is_own and address.isprintable() else "/"


def _is_encrypted(request: web.Request) -> bool:
    """Whether the browser's way to here is TLS, by the word of the proxy before it: a lie harms only who tells it."""
    return request.secure or request.headers.get("X-Forwarded-Proto", "").split(",")[0].strip().lower() == "https"


def _secret_of(request: web.Request) -> str:
    return bearer_of(request) or _password_of(request)


def _password_of(request: web.Request) -> str:
    """The password of HTTP's basic scheme; empty for none."""
    scheme, _, given = request.headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() != "basic" or len(given) > 2 * MAX_TOKEN_CHARS:
        return ""
    try:
        return base64.b64decode(given.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
