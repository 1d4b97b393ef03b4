"""The board's application over a model, served from a thread, for tests that look at it from outside."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aiohttp import web
from prometheus_client import CollectorRegistry

from streams.board.article.found import ArticleFinder
from streams.board.exporter import BoardCollector
from streams.board.model import BoardModel
from streams.board.status import ReplayStatus
from streams.board.web import build_app


@contextmanager
def serving(
    model: BoardModel, status: Callable[[], ReplayStatus], *, port: int = 0, articles: ArticleFinder | None = None,
    prepare: Callable[[web.Application], None] = lambda _app: None,
) -> Iterator[str]:  # fmt: skip
    """The address at which the board answers.

    Args:
        prepare: called with the application before it is served.
    """
    started, loop = threading.Event(), asyncio.new_event_loop()
    addresses: list[str] = []
    stop = asyncio.Event()

    async def serve() -> None:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(BoardCollector(model, status))
        app = build_app(model, status, registry, articles=articles)
        prepare(app)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        addresses.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
        started.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert started.wait(30)
    try:
        yield addresses[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        loop.close()
