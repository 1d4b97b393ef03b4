"""Polite HTTP for feeds: conditional GET, bounded in time, bytes and redirects, public addresses only.

What goes wrong is a `FetchError` with a kind from a closed set; nothing else leaves this module but cancellation.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from types import TracebackType
from typing import Any
from urllib.parse import urljoin

import aiohttp

from streams.clock import utc_now
from streams.ingest.addresses import ForbiddenAddressError, public_or_private_socket, public_socket
from streams.ingest.answers import GZIP_MAGIC, MAX_BODY_BYTES, NO_VALIDATORS, Fetched, FetchError, Validators, inflate, too_large
from streams.ingest.text import mend_surrogates
from streams.ingest.urls import host_of, web_address

#: Of all answers that are on their way together: many servers may be slow at once (`room.py`), but not large, too.
MAX_BYTES_ON_THEIR_WAY = 256 * 1024 * 1024
MAX_REDIRECTS = 5
MAX_RETRY_AFTER_SECONDS = 7 * 86_400.0
MAX_MAX_AGE_SECONDS = 86_400.0
_MAX_VALIDATOR_CHARS = 1_000
_CHUNK_BYTES = 64 * 1024
_MAX_TOLD_CHARS = 300
MAX_INFORMATIONAL = 8
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,10})", re.IGNORECASE)
ACCEPT = "application/atom+xml, application/rss+xml, application/rdf+xml, application/feed+json;q=0.9, application/xml;q=0.8, */*;q=0.5"

#: Counts bytes of an answer.
Counted = Callable[[int], None]
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
        self._on_their_way = 0

    async def __aenter__(self) -> Fetcher:
        self._sessions = {allow_private: self._session(allow_private) for allow_private in (False, True)}
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for session in self._sessions.values():
            await session.close()

    async def get(
        self, url: str, validators: Validators = NO_VALIDATORS, *, allow_private: bool = False, turn: Turn = _at_once
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
            raise FetchError(f"the connection broke: {_told(error)}", kind="connection", where=url) from error
        except (aiohttp.ClientError, ValueError, OSError) as error:
            raise FetchError(f"the answer is not proper HTTP: {_told(error)}", kind="protocol", where=url) from error

    def _session(self, allow_private: bool) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=0, limit_per_host=2, ttl_dns_cache=60, family=socket.AF_UNSPEC,
            socket_factory=public_or_private_socket if allow_private else public_socket,
        )  # fmt: skip
        limits = self._timeouts
        return aiohttp.ClientSession(
            connector=connector, response_class=_Response, auto_decompress=False, trust_env=False, cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=limits.total, connect=limits.connect, sock_connect=limits.connect, sock_read=limits.read),
            headers={"User-Agent": self._user_agent, "Accept": ACCEPT, "Accept-Encoding": "gzip"},
        )  # fmt: skip

    async def _follow(
        self, session: aiohttp.ClientSession, url: str, validators: Validators, turn: Turn, limit: asyncio.Timeout
    ) -> Fetched:  # fmt: skip
        permanent, moved_to, left = True, "", self._timeouts.total
        now = asyncio.get_running_loop().time
        for _ in range(MAX_REDIRECTS + 1):
            # Until the end of the turn, which a slow answer may have to wait for.
            async with self._counted(url) as counted, turn(host_of(url)):
                began = now()
                limit.reschedule(began + left)
                async with session.get(url, headers=_conditions(validators), allow_redirects=False) as response:
                    if response.status not in _REDIRECTS:
                        fetched = await self._read(response, url, validators, moved_to if permanent else "", counted)
                        limit.reschedule(None)
                        return fetched
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

    async def _read(
        self, response: aiohttp.ClientResponse, url: str, validators: Validators, moved_to: str, counted: Counted
    ) -> Fetched:
        if response.status == 304 and validators != NO_VALIDATORS:
            kept = _validators(response) or validators
            return Fetched(url, None, validators=kept, moved_to=moved_to, max_age_seconds=_max_age_seconds(response))
        if response.status != 200:
            wait = retry_after_seconds(response.headers.get("Retry-After", ""), utc_now())
            raise FetchError(
                f"the server answered {response.status}", kind="status", where=url, status=response.status, retry_after_seconds=wait
            )  # fmt: skip
        body = await self._read_body(response, url, counted)
        kind = response.headers.get("Content-Type", "")[:200]
        return Fetched(url, body, kind, _validators(response) or NO_VALIDATORS, moved_to, _max_age_seconds(response))

    async def _read_body(self, response: aiohttp.ClientResponse, url: str, counted: Counted) -> bytes:
        coding = response.headers.get("Content-Encoding", "").strip().lower()
        if coding not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise FetchError(f"content in the coding {coding[:40]!r}", kind="encoding", where=url, status=200)
        pieces, size = [], 0
        async for piece in response.content.iter_chunked(_CHUNK_BYTES):
            size += len(piece)
            if size > self._max_body_bytes:
                raise too_large(url, self._max_body_bytes)
            counted(len(piece))
            pieces.append(piece)
        body = b"".join(pieces)
        if coding in ("gzip", "x-gzip", "deflate"):
            body = inflate(body, self._max_body_bytes, url)
        # Some servers hand out a feed that is itself a gzip file.
        return inflate(body, self._max_body_bytes, url) if body.startswith(GZIP_MAGIC) else body

    @asynccontextmanager
    async def _counted(self, url: str) -> AsyncIterator[Counted]:
        # For the time of one request: what counts the bytes of its answer among those that are on their way.
        held = 0

        def count(size: int) -> None:
            nonlocal held
            held += size
            self._on_their_way += size
            if self._on_their_way > MAX_BYTES_ON_THEIR_WAY:
                raise FetchError("too much of other feeds is on its way", kind="too-large", where=url, status=200)

        try:
            yield count
        finally:
            self._on_their_way -= held


class _Response(aiohttp.ClientResponse):
    """The library's, which would read informational answers (`100 Continue`) for as long as a server sends them, and do nothing else."""

    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        protocol, heads = connection.protocol, 0
        read = protocol.read

        async def read_head() -> Any:
            nonlocal heads
            heads += 1
            if heads > MAX_INFORMATIONAL + 1:
                raise aiohttp.ClientError(f"more than {MAX_INFORMATIONAL} informational answers")
            return await read()

        protocol.read = read_head
        try:
            return await super().start(connection)
        finally:
            del protocol.read


def _told(error: Exception) -> str:
    # What the library says may hold much of what the server sent.
    text = str(error) if type(error) is aiohttp.ClientError else f"{type(error).__name__}: {error}"
    return mend_surrogates(" ".join(text.split()))[:_MAX_TOLD_CHARS]


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
    return found if found != NO_VALIDATORS else None
