"""Requests that are not taken, each with its status; and whether a form comes from this board's own pages."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from aiohttp import web

from streams.errors import BellwetherError
from streams.log import get_logger

log = get_logger("board")

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
#: Of a token that somebody shows; a longer one is none.
MAX_TOKEN_CHARS = 200


class RefusedError(BellwetherError):
    """A request that is not taken, with its status."""

    def __init__(
        self, status: int, what: str, *, expected: str = "", todo: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        self.status = status
        self.headers = dict(headers or {})
        super().__init__(what, where="this board", expected=expected, todo=todo)


def too_fast(what: str, wait_seconds: int) -> RefusedError:
    """429, with the time to wait."""
    return RefusedError(429, what, todo=f"wait {wait_seconds} s", headers={"Retry-After": str(wait_seconds)})


def check_same_origin(request: web.Request) -> None:
    """Refuses a form of another site's page. What is no browser sends neither header, and shows a token all the same.

    Browsers send `Sec-Fetch-Site` to addresses that they trust (TLS, this machine), and `Origin` to the others.

    Raises:
        RefusedError: 403.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    is_own = site == "same-origin" if site is not None else origin is None or urlsplit(origin).netloc == request.host
    if not is_own:
        log.warning("form_refused", path=request.path, reason="foreign page", remote=request.remote or "")
        raise RefusedError(403, "the form is not of this board's page", todo="send it from a page of this board")


async def read_body(request: web.Request) -> bytes:
    """The body, of at most the application's bound.

    Raises:
        RefusedError: 413.
    """
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise RefusedError(413, "the body is too large", expected=error.text or "a few kB") from error


def bearer_of(request: web.Request) -> str:
    """The token in the head, `Authorization: Bearer ...`; empty for none."""
    given = request.headers.getall("Authorization", [])
    scheme, _, secret = given[0].strip().partition(" ") if len(given) == 1 else ("", "", "")
    return secret.strip() if scheme.lower() == "bearer" else ""
