"""Connections kept in bounds: how many, how long a request's head may take, how long one may idle, and what a half-closed one gets.

The web server bounds the size of a request's head but neither the time it takes nor the number of connections.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

from aiohttp import StreamReader, web

HEAD_SECONDS = 10.0
IDLE_SECONDS = 75.0
HALF_CLOSED_SECONDS = 1.0
MAX_CONNECTIONS = 512
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nRetry-After: 1\r\nConnection: close\r\n"
    b'Content-Length: 91\r\n\r\n{"type":"urn:bellwether:push:busy","title":"Too many connections","status":503,"errors":[]}'
)


class Connections:
    """All connections of a server.

    Args:
        most: one more gets a 503 and is closed.
        head_seconds: from the first byte of a request (or the connection) to the end of its head.
        idle_seconds: without a byte, between two requests; also the longest that an answer may take to be read.
    """

    def __init__(
        self, *, most: int = MAX_CONNECTIONS, head_seconds: float = HEAD_SECONDS, idle_seconds: float = IDLE_SECONDS
    ) -> None:
        self.most = most
        self.head_seconds = head_seconds
        self.idle_seconds = idle_seconds
        #: Told how many connections there are.
        self.on_change: Callable[[float], None] = lambda _count: None
        self._open: dict[asyncio.BaseTransport, _Guarded] = {}

    def guard(self, make: Callable[[], asyncio.BaseProtocol]) -> Callable[[], asyncio.BaseProtocol]:
        """A factory of protocols over `make`'s, for `loop.create_server`."""
        return lambda: _Guarded(self, cast(asyncio.Protocol, make()))

    @contextmanager
    def at_work(self, request: web.BaseRequest) -> Iterator[Callable[[], bool]]:
        """While a request is being answered: no clock runs on its connection. Yields what tells whether the client has ended its half.

        A body that the end of the client's half cuts off fails at once with a `ConnectionError`.
        """
        guarded = self._open.get(request.transport) if request.transport is not None else None
        if guarded is None:
            yield lambda: False
            return
        guarded.begin(request.content)
        try:
            yield lambda: guarded.half_closed
        finally:
            guarded.done()

    def admit(self, transport: asyncio.BaseTransport, guarded: _Guarded) -> bool:
        """Takes a connection in, if there is room."""
        if len(self._open) >= self.most:
            return False
        self._open[transport] = guarded
        self.on_change(len(self._open))
        return True

    def forget(self, transport: asyncio.BaseTransport | None) -> None:
        """A connection has ended."""
        if transport is not None and self._open.pop(transport, None) is not None:
            self.on_change(len(self._open))


class _Guarded(asyncio.Protocol):
    """One connection: hands everything on to the web server's protocol, and runs the clock between requests."""

    def __init__(self, connections: Connections, inner: asyncio.Protocol) -> None:
        self._connections = connections
        self._inner = inner
        self._transport: asyncio.Transport | None = None
        self._clock: asyncio.TimerHandle | None = None
        self._body: StreamReader | None = None
        self._idle = False
        self._admitted = False
        self.half_closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._admitted = self._connections.admit(transport, self)
        if not self._admitted:
            self._transport.write(_FULL)
            self._transport.close()
            return
        self._inner.connection_made(transport)
        self._run_clock(self._connections.head_seconds)

    def data_received(self, data: bytes) -> None:
        if not self._admitted:
            return
        if self._idle:
            self._idle = False
            self._run_clock(self._connections.head_seconds)
        self._inner.data_received(data)

    def eof_received(self) -> bool:
        # True keeps our half open, for an answer that is still being worked out, or is about to be.
        self.half_closed = True
        if not self._admitted or self._idle:
            return False
        self._inner.eof_received()
        if self._body is None:
            self._run_clock(HALF_CLOSED_SECONDS)
        else:
            self._cut(self._body)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_clock()
        self._connections.forget(self._transport)
        self._transport = None
        if self._admitted:
            self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        if self._admitted:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._admitted:
            self._inner.resume_writing()

    def begin(self, body: StreamReader) -> None:
        """A request is being answered."""
        self._body = body
        self._idle = False
        self._stop_clock()
        if self.half_closed:
            self._cut(body)

    def done(self) -> None:
        """Its answer is made; it has still to be read."""
        self._body = None
        self._idle = True
        if self._transport is not None:
            self._run_clock(self._connections.idle_seconds)

    @staticmethod
    def _cut(body: StreamReader) -> None:
        if not body.is_eof():
            body.set_exception(ConnectionResetError("the client ended its half in the middle of the body"))

    def _run_clock(self, seconds: float) -> None:
        self._stop_clock()
        self._clock = asyncio.get_running_loop().call_later(seconds, self._time_out)

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _time_out(self) -> None:
        if self._transport is not None:
            self._transport.abort()
