"""Polite HTTP for feeds: conditional GET, bounded in time, bytes and redirects, public addresses only.

What goes wrong is a `FetchError` with a kind from a closed set; nothing else leaves this module but cancellation.
"""

from __future__ import annotations

import asyncio
import re
import socket
import zlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from types import TracebackType
from urllib.parse import urljoin

import aiohttp

from streams.clock import utc_now
from streams.errors import FeedError
from streams.ingest.addresses import ForbiddenAddressError, public_or_private_socket, public_socket
from streams.ingest.urls import host_of, web_address

MAX_BODY_BYTES = 10 * 1024 * 1024
MAX_REDIRECTS = 5
MAX_RETRY_AFTER_SECONDS = 7 * 86_400.0
MAX_MAX_AGE_SECONDS = 86_400.0
_MAX_VALIDATOR_CHARS = 1_000
_CHUNK_BYTES = 64 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GZIP_MAGIC = b"\x1f\x8b\x08"
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,10})", re.IGNORECASE)
ACCEPT = "application/atom+xml, application/rss+xml, application/rdf+xml, application/feed+json;q=0.9, application/xml;q=0.8, */*;q=0.5"

#: What can go wrong, for metrics and for the state of a feed.
FETCH_PROBLEMS = ("timeout", "connection", "forbidden-address", "redirect", "status", "too-large", "encoding", "protocol")


class FetchError(FeedError):
    """A fetch that gave nothing.

    Args:
        kind: one of `FETCH_PROBLEMS`.
        retry_after_seconds: how long the server asked to be left alone; 0 if it did not.
    """

    def __init__(self, what: str, *, kind: str, where: str, status: int = 0, retry_after_seconds: float = 0.0) -> None:
        self.kind = kind
        self.status = status
        self.retry_after_seconds = retry_after_seconds
        super().__init__(what, where=where, kind=kind, status=status)


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server gave to ask by whether something has changed; "" where it gave nothing."""

    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A good answer. `body` is None when the server said 304: nothing has changed.

    `url` is where it came from after redirects; `moved_to` the new address, if every redirect on the way was a permanent one.
    `max_age_seconds` is for how long the server calls its answer fresh, at most a day; 0 if it does not say.
    """

    url: str
    body: bytes | None
    content_type: str = ""
    validators: Validators = Validators()
    moved_to: str = ""
    max_age_seconds: float = 0.0


#: Given a host, what is entered for the time of one request to it: how a caller spaces its requests.
Turn = Callable[[str], AbstractAsyncContextManager[None]]


def _at_once(_host: str) -> AbstractAsyncContextManager[None]:
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Bounds in seconds: to get a connection, between two pieces of an answer, and for all of it, redirects included."""

    connect: float = 15.0
    read: float = 20.0
    total: float = 60.0


def user_agent(contact: str = "") -> str:
    """How Bellwether names itself to servers, and whom they may write to."""
    return f"Bellwether/{version('bellwether')} (news feed reader{f'; +{contact}' if contact else ''})"


class Fetcher:
    """Two HTTP sessions: one connects to public addresses only, one also to private ones. Use it as an async context manager."""

    def __init__(self, timeouts: Timeouts = Timeouts(), *, max_body_bytes: int = MAX_BODY_BYTES, contact: str = "") -> None:
        self._timeouts = timeouts
        self._max_body_bytes = max_body_bytes
        self._user_agent = user_agent(contact)
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Fetcher:
        self._sessions = {allow_private: self._session(allow_private) for allow_private in (False, True)}
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for session in self._sessions.values():
            await session.close()

    async def get(
        self, url: str, validators: Validators = Validators(), *, allow_private: bool = False, turn: Turn = _at_once
    ) -> Fetched:  # fmt: skip
        """One conditional GET with its redirects. What `turn` waits does not count against the bounds in time.

        Raises:
            FetchError: on anything but a whole 200 or a 304.
        """
        try:
            async with asyncio.timeout(None) as limit:
                return await self._follow(self._sessions[allow_private], url, validators, turn, limit)
        except TimeoutError as error:
            raise FetchError("no whole answer in time", kind="timeout", where=url) from error
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, ForbiddenAddressError):
                raise FetchError(str(error.os_error), kind="forbidden-address", where=url) from error
            raise FetchError(f"no connection: {error.os_error}", kind="connection", where=url) from error
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientPayloadError) as error:
            raise FetchError(f"the connection broke: {error}", kind="connection", where=url) from error
        except (aiohttp.ClientError, ValueError, OSError) as error:
            raise FetchError(
                f"the answer is not proper HTTP: {type(error).__name__}: {error}", kind="protocol", where=url
            ) from error

    def _session(self, allow_private: bool) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=64, limit_per_host=2, ttl_dns_cache=60, family=socket.AF_UNSPEC,
            socket_factory=public_or_private_socket if allow_private else public_socket,
        )  # fmt: skip
        limits = self._timeouts
        return aiohttp.ClientSession(
            connector=connector, auto_decompress=False, trust_env=False, cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=limits.total, connect=limits.connect, sock_connect=limits.connect, sock_read=limits.read),
            headers={"User-Agent": self._user_agent, "Accept": ACCEPT, "Accept-Encoding": "gzip"},
        )  # fmt: skip

    async def _follow(
        self, session: aiohttp.ClientSession, url: str, validators: Validators, turn: Turn, limit: asyncio.Timeout
    ) -> Fetched:  # fmt: skip
        permanent, moved_to, left = True, "", self._timeouts.total
        now = asyncio.get_running_loop().time
        for _ in range(MAX_REDIRECTS + 1):
            async with turn(host_of(url)):
                began = now()
                limit.reschedule(began + left)
                async with session.get(url, headers=_conditions(validators), allow_redirects=False) as response:
                    if response.status not in _REDIRECTS:
                        return await self._read(response, url, validators, moved_to if permanent else "")
                    target = web_address(urljoin(url, response.headers.get("Location", "")))
                    if not target or "Location" not in response.headers:
                        raise FetchError(
                            "a redirect to no http or https address", kind="redirect", where=url, status=response.status
                        )
                    permanent = permanent and response.status in (301, 308)
                    url = moved_to = target
                left -= now() - began
                limit.reschedule(None)
        raise FetchError(f"more than {MAX_REDIRECTS} redirects", kind="redirect", where=url)

    async def _read(self, response: aiohttp.ClientResponse, url: str, validators: Validators, moved_to: str) -> Fetched:
        if response.status == 304 and validators != Validators():
            kept = _validators(response) or validators
            return Fetched(url, None, validators=kept, moved_to=moved_to, max_age_seconds=_max_age_seconds(response))
        if response.status != 200:
            wait = retry_after_seconds(response.headers.get("Retry-After", ""), utc_now())
            raise FetchError(
                f"the server answered {response.status}", kind="status", where=url, status=response.status, retry_after_seconds=wait
            )  # fmt: skip
        body = await self._read_body(response, url)
        kind = response.headers.get("Content-Type", "")[:200]
        return Fetched(url, body, kind, _validators(response) or Validators(), moved_to, _max_age_seconds(response))

    async def _read_body(self, response: aiohttp.ClientResponse, url: str) -> bytes:
        coding = response.headers.get("Content-Encoding", "").strip().lower()
        if coding not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise FetchError(f"content in the coding {coding[:40]!r}", kind="encoding", where=url, status=200)
        pieces, size = [], 0
        async for piece in response.content.iter_chunked(_CHUNK_BYTES):
            size += len(piece)
            if size > self._max_body_bytes:
                raise _too_large(url, self._max_body_bytes)
            pieces.append(piece)
        body = b"".join(pieces)
        if coding in ("gzip", "x-gzip", "deflate"):
            body = inflate(body, self._max_body_bytes, url)
        # Some servers hand out a feed that is itself a gzip file.
        return inflate(body, self._max_body_bytes, url) if body.startswith(_GZIP_MAGIC) else body


def inflate(data: bytes, max_bytes: int, where: str) -> bytes:
    """The content of gzip or deflate data; never holds more than `max_bytes` and one byte of it.

    Raises:
        FetchError: if it is damaged, cut or too large.
    """
    if not data:
        return b""
    window = (
        _GZIP_OR_ZLIB
        if data[:1] in (b"\x1f", b"\x78", b"\x58", b"\x68", b"\x48", b"\x38", b"\x28", b"\x18", b"\x08")
        else -zlib.MAX_WBITS
    )
    reader = zlib.decompressobj(window)
    try:
        content = reader.decompress(data, max_bytes + 1)
    except zlib.error as error:
        raise FetchError(f"damaged compression: {error}", kind="encoding", where=where, status=200) from error
    if len(content) > max_bytes:
        raise _too_large(where, max_bytes)
    if not reader.eof:
        raise FetchError("cut compression", kind="encoding", where=where, status=200)
    return content


def retry_after_seconds(value: str, now: datetime) -> float:
    """Seconds that a Retry-After header asks for, as a number or as a date; 0 if it asks for nothing, at most a week."""
    text = value.strip()[:100]
    if text.isascii() and text.isdigit():
        return min(float(text), MAX_RETRY_AFTER_SECONDS)
    try:
        moment = parsedate_to_datetime(text)
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)) - now
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
    return min(max(0.0, seconds.total_seconds()), MAX_RETRY_AFTER_SECONDS)


def _conditions(validators: Validators) -> dict[str, str]:
    headers = {}
    if validators.etag:
        headers["If-None-Match"] = validators.etag
    if validators.last_modified:
        headers["If-Modified-Since"] = validators.last_modified
    return headers


def _max_age_seconds(response: aiohttp.ClientResponse) -> float:
    found = _MAX_AGE.search(response.headers.get("Cache-Control", "")[:500])
    age = response.headers.get("Age", "").strip()[:10]
    spent = float(age) if age.isascii() and age.isdigit() else 0.0
    return min(max(0.0, float(found[1]) - spent), MAX_MAX_AGE_SECONDS) if found else 0.0


def _validators(response: aiohttp.ClientResponse) -> Validators | None:
    etag, modified = response.headers.get("ETag", ""), response.headers.get("Last-Modified", "")
    found = Validators(*(text if len(text) <= _MAX_VALIDATOR_CHARS and text.isprintable() else "" for text in (etag, modified)))
    return found if found != Validators() else None


def _too_large(url: str, max_bytes: int) -> FetchError:
    return FetchError(f"more than {max_bytes} bytes", kind="too-large", where=url, status=200)
