"""Server-sent events: one stream for each reader, at most two events a second, and a sign of life when nothing happens.

Nothing is queued for a reader: each asks what changed since its own last event, so a slow one gets fewer and larger steps, and costs
no memory. One that takes nothing at all for `STALLED_SECONDS` is let go, so that it can't hold one of the bounded places.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import msgspec
from aiohttp import web

from streams.board.changes import ChangeFeed
from streams.board.context import MOST_STREAMS, VISIT, board_of
from streams.clock import monotonic_seconds
from streams.errors import BellwetherError
from streams.log import get_logger

log = get_logger("board")

TICK_SECONDS = 0.5
SIGN_OF_LIFE_SECONDS = 15.0
STALLED_SECONDS = 30.0
#: After how many milliseconds browsers come back; not all at the same moment, when the board was started anew.
RETRY_MS = (2_000, 5_000)


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
    feed = ChangeFeed(board.model, board.status, lambda: board.counters.get(""), boot=board.boot, last_id=last_id)
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
    board.streams += 1
    board.metrics.streams.set(board.streams)
    try:
        await response.prepare(request)
        await send_changes(feed, response, board.stopping, request[VISIT].may_read if VISIT in request else lambda: True)
    except ConnectionResetError:
        pass
    except TimeoutError:
        log.info("stalled_reader_let_go", seconds=STALLED_SECONDS)
        if request.transport is not None:
            request.transport.abort()
    finally:
        board.streams -= 1
        board.metrics.streams.set(board.streams)
    return response


async def send_changes(
    feed: ChangeFeed, response: web.StreamResponse, stopping: asyncio.Event, may_read: Callable[[], bool] = lambda: True
) -> None:  # fmt: skip
    """Writes events until `stopping` is set, or the reader may no longer read.

    Raises:
        TimeoutError: if the reader took nothing for `STALLED_SECONDS`.
        ConnectionResetError: if it went away.
    """
    await _write(response, f"retry: {random.randint(*RETRY_MS)}\n\n")
    sent_at = monotonic_seconds()
    while not stopping.is_set() and may_read():
        event = feed.poll()
        if event is not None:
            await _write(response, f"id: {feed.event_id}\nevent: change\ndata: {msgspec.json.encode(event).decode()}\n\n")
            sent_at = monotonic_seconds()
        elif monotonic_seconds() - sent_at > SIGN_OF_LIFE_SECONDS:
            await _write(response, ": nothing new\n\n")
            sent_at = monotonic_seconds()
        try:
            await asyncio.wait_for(stopping.wait(), TICK_SECONDS)
        except TimeoutError:
            continue


async def _write(response: web.StreamResponse, text: str) -> None:
    async with asyncio.timeout(STALLED_SECONDS):
        await response.write(text.encode())
