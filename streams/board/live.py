"""Server-sent events: one stream for each reader, at most two events a second, and a sign of life when nothing happens."""

from __future__ import annotations

import asyncio

import msgspec
from aiohttp import web

from streams.board.changes import ChangeFeed
from streams.board.context import MOST_STREAMS, board_of
from streams.clock import monotonic_seconds
from streams.errors import BellwetherError

TICK_SECONDS = 0.5
SIGN_OF_LIFE_SECONDS = 15.0


class TooManyStreamsError(BellwetherError):
    """As many streams are open as may be: status 503."""


async def events(request: web.Request) -> web.StreamResponse:
    """`/events`: `change` events with the figures and the pairs that changed, as JSON."""
    board = board_of(request)
    if board.streams >= MOST_STREAMS:
        raise TooManyStreamsError(
            f"{board.streams} streams of events are open", where="/events", expected=f"at most {MOST_STREAMS}", todo="reload the page by hand"
        )  # fmt: skip
    last_id = request.headers.get("Last-Event-ID") or request.query.get("last", "")
    feed = ChangeFeed(board.model, board.status, boot=board.boot, last_id=last_id)
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
    board.streams += 1
    board.metrics.streams.set(board.streams)
    try:
        await response.prepare(request)
        await response.write(b"retry: 2000\n\n")
        await _send(feed, response, board.stopping)
    except ConnectionResetError:
        pass
    finally:
        board.streams -= 1
        board.metrics.streams.set(board.streams)
    return response


async def _send(feed: ChangeFeed, response: web.StreamResponse, stopping: asyncio.Event) -> None:
    sent_at = monotonic_seconds()
    while not stopping.is_set():
        event = feed.poll()
        if event is not None:
            data = msgspec.json.encode(event).decode()
            await response.write(f"id: {feed.event_id}\nevent: change\ndata: {data}\n\n".encode())
            sent_at = monotonic_seconds()
        elif monotonic_seconds() - sent_at > SIGN_OF_LIFE_SECONDS:
            await response.write(b": nothing new\n\n")
            sent_at = monotonic_seconds()
        try:
            await asyncio.wait_for(stopping.wait(), TICK_SECONDS)
        except TimeoutError:
            continue
