"""A request's body, read within bounds: of what type it is, how long it may take, how large it may be, also decompressed."""

from __future__ import annotations

import asyncio
from types import TracebackType

from aiohttp import HttpVersion11, web

from streams.ingest.answers import FetchError, inflate
from streams.push.items import BodyKind
from streams.push.limits import Budget
from streams.push.problems import PushError

BODY_SECONDS = 20.0
KINDS: dict[str, BodyKind] = {
    "application/json": "json", "application/jsonl": "json-lines", "application/x-ndjson": "json-lines",
    "application/ndjson": "json-lines", "application/x-jsonlines": "json-lines",
}  # fmt: skip


class Held:
    """What one request holds of the budget: until the end of the `with`, or until the broker has it."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._size = 0
        self._future: asyncio.Future[None] | None = None

    def __enter__(self) -> Held:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        if self._future is None or self._future.done():
            self._give_back()

    def grow_to(self, size: int) -> None:
        """Makes sure that so many bytes are held.

        Raises:
            PushError: `busy`, if there is no room.
        """
        if size > self._size:
            if not self._budget.take(size - self._size):
                raise PushError(
                    "as many bytes are in work as may be", kind="busy", todo="send it again a little later", headers={"Retry-After": "1"}
                )  # fmt: skip
            self._size = size

    def until(self, future: asyncio.Future[None]) -> None:
        """Holds on beyond the `with`, until the future is done: a request may stop waiting for what is still on its way."""
        self._future = future
        future.add_done_callback(self._finish)

    def _finish(self, future: asyncio.Future[None]) -> None:
        if not future.cancelled():
            future.exception()
        self._give_back()

    def _give_back(self) -> None:
        size, self._size = self._size, 0
        self._budget.give_back(size)


def body_kind(request: web.Request) -> BodyKind:
    """What the body is said to be.

    Raises:
        PushError: `unsupported-type`.
    """
    kind = KINDS.get(request.content_type)
    charset = (request.charset or "utf-8").lower()
    if kind is None or charset not in ("utf-8", "utf8", "us-ascii"):
        raise PushError(
            "the Content-Type is not taken", kind="unsupported-type", expected=", ".join(KINDS) + ", in UTF-8",
            headers={"Accept-Post": ", ".join(KINDS)},
        )  # fmt: skip
    return kind


def check_coding(request: web.Request) -> None:
    """Refuses codings other than a single gzip.

    Raises:
        PushError: `unsupported-type`.
    """
    if _coding(request) not in ("", "identity", "gzip"):
        raise PushError(
            "the Content-Encoding is not taken", kind="unsupported-type", expected="gzip, once, or none", headers={"Accept-Encoding": "gzip"}
        )  # fmt: skip


def check_length(request: web.Request, max_bytes: int) -> None:
    """Refuses a body that says itself that it is too large.

    Raises:
        PushError: `too-large`.
    """
    if (request.content_length or 0) > max_bytes:
        raise _too_large(max_bytes)


async def read_body(request: web.Request, held: Held, max_bytes: int, *, seconds: float | None = None) -> bytes:
    """The whole body, decompressed; what it takes is held before it is read.

    Raises:
        PushError: `busy`, `too-slow`, `too-large`, or `unreadable-request` for a damaged one.
    """
    held.grow_to(request.content_length or 0)
    if request.headers.get("Expect", "").lower() == "100-continue" and request.version >= HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    bound = BODY_SECONDS if seconds is None else seconds
    try:
        async with asyncio.timeout(bound):
            body = await _read_pieces(request, held, max_bytes)
    except TimeoutError as error:
        raise PushError(f"the body was not whole after {bound:g} s", kind="too-slow", headers={"Connection": "close"}) from error
    if _coding(request) != "gzip":
        return body
    try:
        decoded = inflate(body, max_bytes, "the body")
    except FetchError as error:
        if error.kind == "too-large":
            raise _too_large(max_bytes) from error
        raise PushError(error.what, kind="unreadable-request", expected="a whole gzip stream") from error
    held.grow_to(len(body) + len(decoded))
    return decoded


async def _read_pieces(request: web.Request, held: Held, max_bytes: int) -> bytes:
    pieces, size = [], 0
    try:
        async for piece in request.content.iter_any():
            size += len(piece)
            if size > max_bytes:
                raise _too_large(max_bytes)
            held.grow_to(size)
            pieces.append(piece)
    except (web.RequestPayloadError, ConnectionError, ValueError) as error:
        raise PushError("the body broke off, or is not framed as HTTP wants", kind="unreadable-request") from error
    return b"".join(pieces)


def _coding(request: web.Request) -> str:
    return ",".join(request.headers.getall("Content-Encoding", [])).strip().lower()


def _too_large(max_bytes: int) -> PushError:
    return PushError(
        f"the body is larger than {max_bytes} bytes", kind="too-large", expected=f"at most {max_bytes} bytes, also when decompressed",
        todo="send it in several requests",
    )  # fmt: skip
