"""Push's process: the server and the thread that sends, from start to SIGTERM."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable

from aiohttp import web

from streams.clock import Clock, utc_now
from streams.errors import KafkaError
from streams.ingest.publish import ArticlePublisher
from streams.listening import cannot_listen, is_loopback, web_root
from streams.log import get_logger
from streams.metrics import PushMetrics
from streams.push.commit import GroupCommit
from streams.push.connections import Connections
from streams.push.limits import Budget, RateLimit
from streams.push.tokens import TokenCheck, TokenFile
from streams.push.web import Push, build_app
from streams.settings import Settings

log = get_logger("push")
_SHUTDOWN_SECONDS = 3.0
#: So long what a client still sends after its answer is read and thrown away: cut off at once, it would not see the answer.
_LINGER_SECONDS = 1.0
_MAX_HEAD_FIELDS = 64
_BACKLOG = 256


class PushServer:
    """A server over a publisher; use it as an async context manager. `address` says where it listens.

    Args:
        on_death: called when the publisher takes nothing any more; the server then answers 503.

    Raises:
        ConfigError: on entering, if the port can't be had.
    """

    def __init__(
        self, settings: Settings, publisher: ArticlePublisher, metrics: PushMetrics, *, on_death: Callable[[KafkaError], None],
        connections: Connections | None = None, clock: Clock = utc_now,
    ) -> None:  # fmt: skip
        self._settings = settings
        self._publisher = publisher
        self._metrics = metrics
        self._on_death = on_death
        self._connections = connections or Connections()
        self._connections.on_change = metrics.connections.set
        self._clock = clock
        self.address = ""

    async def __aenter__(self) -> PushServer:
        settings = self._settings
        self._commit = GroupCommit(self._publisher, on_death=self._on_death)
        self.push = Push(
            settings, TokenCheck(TokenFile(settings.push_tokens_file)), self._commit, self._metrics,
            RateLimit(settings.push_articles_per_second), Budget(settings.push_in_work_bytes, self._metrics.bytes_in_work.set),
            self._connections, self._clock,
        )  # fmt: skip
        # What a body is compressed with is undone within a bound, in `body.py`, and not by the server.
        self._runner = web.AppRunner(
            build_app(self.push), access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS, lingering_time=_LINGER_SECONDS,
            auto_decompress=False, logger=_quiet(), max_headers=_MAX_HEAD_FIELDS, keepalive_timeout=self._connections.idle_seconds,
        )  # fmt: skip
        await self._runner.setup()
        try:
            await self._listen()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listening.close()
        await self._close()

    async def _listen(self) -> None:
        host, port = self._settings.push_host, self._settings.push_port
        make = self._runner.server
        assert make is not None
        try:
            self._listening = await asyncio.get_running_loop().create_server(
                self._connections.guard(make), host, port, backlog=_BACKLOG, reuse_address=True
            )
        except OSError as error:
            raise cannot_listen("push", host, port, error, "BELLWETHER_PUSH") from error
        self.address = web_root(self._listening.sockets[0].getsockname())

    async def _close(self) -> None:
        await self._runner.cleanup()
        await self._commit.close(_SHUTDOWN_SECONDS)
        self.push.threads.shutdown(wait=False, cancel_futures=True)


def _quiet() -> logging.Logger:
    # The server would write a trace for each request that is no proper HTTP: anybody could fill the disk. Faults of our own are
    # logged where they are answered, in `web.py`.
    logger = logging.getLogger("aiohttp.server.push")
    logger.setLevel(logging.CRITICAL)
    return logger


def run_push(
    settings: Settings, publisher: ArticlePublisher, metrics: PushMetrics, *, on_listening: Callable[[str], None] | None = None
) -> None:  # fmt: skip
    """Runs the server; blocks until SIGTERM or SIGINT.

    Raises:
        ConfigError: if the port can't be had.
        KafkaError: if the broker takes nothing any more.
    """
    asyncio.run(_serve(settings, publisher, metrics, on_listening))


async def _serve(
    settings: Settings, publisher: ArticlePublisher, metrics: PushMetrics, on_listening: Callable[[str], None] | None
) -> None:  # fmt: skip
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    deaths: list[KafkaError] = []

    def end_by(error: KafkaError) -> None:
        deaths.append(error)
        loop.call_soon_threadsafe(stop.set)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with PushServer(settings, publisher, metrics, on_death=end_by) as server:
        log.info("push_listening", address=server.address)
        if not is_loopback(settings.push_host):
            log.warning("push_listens_without_tls", host=settings.push_host)
        if on_listening is not None:
            on_listening(server.address)
        await stop.wait()
    if deaths:
        raise deaths[0]
    log.info("push_stopped")
