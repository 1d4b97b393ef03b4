"""The board's process: a model, the thread that fills it, and the application that shows it, from start to SIGTERM."""

from __future__ import annotations

import asyncio
import errno
import signal
from collections.abc import Callable, Mapping

import psutil
from aiohttp import web
from prometheus_client import CollectorRegistry, ProcessCollector

from streams.board.exporter import BoardCollector
from streams.board.model import BoardModel
from streams.board.replay import Replay
from streams.board.web import build_app
from streams.errors import BellwetherError, ConfigError, StateError
from streams.log import get_logger
from streams.metrics import add_build_info
from streams.settings import Settings
from streams.watchlist import Watchlist

log = get_logger("board")

_SHUTDOWN_SECONDS = 2.0


def run_board(
    settings: Settings, watchlist: Watchlist, *, topics: Mapping[str, str], on_listening: Callable[[str], None] | None = None
) -> None:  # fmt: skip
    """Runs the board; blocks until SIGTERM or SIGINT.

    Args:
        topics: name on the broker of `trends`, `breaks` and `progress`.
        on_listening: called with the address once the board answers there.

    Raises:
        ConfigError: if no broker is set, or something else listens on the port.
        StateError: if the replay ended by a fault of its own.
    """
    if not settings.kafka_servers:
        raise ConfigError(
            "no broker is set", where="BELLWETHER_KAFKA_SERVERS", expected="host:port", todo="`bellwether kafka start`, or set it"
        )  # fmt: skip
    asyncio.run(_serve(settings, watchlist, topics, on_listening))


async def _serve(
    settings: Settings, watchlist: Watchlist, topics: Mapping[str, str], on_listening: Callable[[str], None] | None
) -> None:  # fmt: skip
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    deaths: list[BaseException] = []

    def end_by(error: BaseException) -> None:
        deaths.append(error)
        loop.call_soon_threadsafe(stop.set)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    model = BoardModel(watchlist, false_break_share=settings.false_break_share)
    replay = Replay(settings, model, topics, on_death=end_by)
    runner = web.AppRunner(
        build_app(model, replay.status, _registry(model, replay)), access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS
    )  # fmt: skip
    await runner.setup()
    try:
        address = await _listen(runner, settings)
        replay.start()
        log.info("board_listening", address=address)
        if on_listening is not None:
            on_listening(address)
        await stop.wait()
    finally:
        await runner.cleanup()
        if not replay.stop(_SHUTDOWN_SECONDS):
            log.warning("replay_still_busy")
    if deaths:
        raise StateError(
            f"the replay ended by a fault: {deaths[0]!r}", where="the board", todo="look at its log; it is a bug"
        ) from deaths[0]
    log.info("board_stopped")


def _registry(model: BoardModel, replay: Replay) -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    add_build_info(registry, process="board")
    registry.register(
        BoardCollector(model, replay.status, records=lambda: replay.records, unreadable=lambda: replay.unreadable)
    )  # fmt: skip
    return registry


async def _listen(runner: web.AppRunner, settings: Settings) -> str:
    """Binds the port; returns the address to open.

    Raises:
        ConfigError: saying what listens there, or why the address can't be had.
    """
    host, port = settings.board_host, settings.board_port
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise _cannot_listen(host, port, error) from error
    bound = runner.addresses[0]
    shown = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
    return f"http://{shown}:{bound[1]}"


def _cannot_listen(host: str, port: int, error: OSError) -> BellwetherError:
    if error.errno == errno.EADDRINUSE:
        return ConfigError(
            f"the board can't listen: {what_listens(port)} listens there already", where=f"{host}:{port}", expected="a free port",
            todo="end that process, or set BELLWETHER_BOARD_PORT to another port (0 takes a free one)",
        )  # fmt: skip
    return ConfigError(
        f"the board can't listen: {error.strerror or error}", where=f"{host}:{port}", expected="an address of this machine",
        todo="set BELLWETHER_BOARD_HOST and BELLWETHER_BOARD_PORT to an address that this user may use",
    )  # fmt: skip


def what_listens(port: int) -> str:
    """The process that listens on a TCP port, as `name (process 123)`; `another process` where the system doesn't say."""
    try:
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    except (psutil.Error, OSError):
        pass
    return "another process"
