"""The board's process: a model, the thread that fills it, and the application that shows it, from start to SIGTERM."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Mapping, Sequence

from aiohttp import web
from prometheus_client import CollectorRegistry, ProcessCollector

from streams.board.article.desk import ArticleDesk
from streams.board.article.explaining import Explainer
from streams.board.broker import BrokerWatch
from streams.board.bulletins import add_bulletins
from streams.board.context import BOARD
from streams.board.correcting import Correcting, CorrectionDesk, add_corrections
from streams.board.door import Door, add_door
from streams.board.edition_pages import add_editions
from streams.board.editions import EditionShelf
from streams.board.holding import EditionParts, held_live, make_shelf
from streams.board.model import BoardModel
from streams.board.replay import Replay
from streams.board.web import build_app
from streams.cause import read_cause
from streams.clock import utc_now
from streams.editions.following import EditionsFollower
from streams.errors import ConfigError, StateError
from streams.listening import cannot_listen, web_root
from streams.log import get_logger
from streams.metrics import FreshnessMetrics, add_build_info, article_exemplar
from streams.settings import Settings
from streams.watchlist import Watchlist

log = get_logger("board")

_SHUTDOWN_SECONDS = 2.0


def run_board(
    settings: Settings, watchlist: Watchlist, *, topics: Mapping[str, str], surveyed: Sequence[str] = (), group: str = "",
    open_explainer: Callable[[], Explainer] | None = None, correcting: Correcting | None = None, door: Door | None = None,
    parts: EditionParts | None = None, on_listening: Callable[[str], None] | None = None,
) -> None:  # fmt: skip
    """Runs the board; blocks until SIGTERM or SIGINT.

    Args:
        topics: name on the broker of `trends`, `breaks`, `progress` and `feeds`; with `open_explainer`, of `articles` and
            `classifications` too.
        surveyed: names of the topics that `/metrics` tells of as the broker sees them; none: nothing of the kind.
        group: the workers' consumer group.
        open_explainer: loads the model that explains articles; None: the board has no pages of articles.
        correcting: who may correct articles, and what writes it; None: nobody can.
        door: lets readers in; None: everybody reads.
        parts: what other editions are read from; None: this board shows one, and follows no switch.
        on_listening: called with the address once the board answers there.

    Raises:
        ConfigError: if no broker is set, something else listens on the port, or others would read without anybody having said so.
        StateError: if the replay ended by a fault of its own.
    """
    if not settings.kafka_servers:
        raise ConfigError(
            "no broker is set", where="BELLWETHER_KAFKA_SERVERS", expected="host:port", todo="`bellwether kafka start`, or set it"
        )  # fmt: skip
    watch = BrokerWatch(settings, surveyed, group) if surveyed else None
    articles = ArticleDesk(settings, topics, open_explainer) if open_explainer else None
    desk = CorrectionDesk(articles, correcting) if articles and correcting else None
    if door is not None:
        door.check_address(settings.board_host)
    asyncio.run(_serve(settings, watchlist, topics, watch, articles, desk, door, parts, on_listening))


async def _serve(
    settings: Settings, watchlist: Watchlist, topics: Mapping[str, str], watch: BrokerWatch | None,
    articles: ArticleDesk | None, corrections: CorrectionDesk | None, door: Door | None, parts: EditionParts | None,
    on_listening: Callable[[str], None] | None,
) -> None:  # fmt: skip
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    deaths: list[BaseException] = []

    def end_by(error: BaseException) -> None:
        deaths.append(error)
        loop.call_soon_threadsafe(stop.set)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    model = BoardModel(watchlist, false_break_share=settings.false_break_share)
    registry = CollectorRegistry(auto_describe=False)
    observe = _age_observer(FreshnessMetrics(registry))
    replay = Replay(
        settings, model, topics, on_death=end_by, on_shown=lambda cause: _observe_shown(shelf, replay, cause, observe)
    )
    ProcessCollector(registry=registry)
    add_build_info(registry, process="board")
    if watch is not None:
        registry.register(watch)
    app = build_app(model, replay.status, registry, articles=articles, trained=settings.model)
    add_bulletins(app, settings.bulletins_folder)
    _add_people(app, corrections, door)
    shelf = make_shelf(settings, held_live(app[BOARD], replay, articles), parts, watch, end_by, observe)
    add_editions(app, shelf)
    registry.register(shelf)
    follower = EditionsFollower(settings, lambda found: loop.call_soon_threadsafe(shelf.follow, found))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        address = await _listen(runner, settings)
        shelf.shown.start()
        if watch is not None:
            watch.start()
        if parts is not None:
            follower.start()
        log.info("board_listening", address=address)
        if on_listening is not None:
            on_listening(address)
        await stop.wait()
    finally:
        follower.stop()
        await runner.cleanup()
        if watch is not None:
            watch.stop()
        shelf.stop()
    if deaths:
        raise StateError(
            f"the replay ended by a fault: {deaths[0]!r}", where="the board", todo="look at its log; it is a bug"
        ) from deaths[0]
    log.info("board_stopped")


def _add_people(app: web.Application, corrections: CorrectionDesk | None, door: Door | None) -> None:
    """Those who correct, and those who may read at all."""
    if corrections is not None:
        add_corrections(app, corrections)
    if door is not None:
        add_door(app, door)


def _age_observer(freshness: FreshnessMetrics) -> Callable[[bytes], None]:
    """What takes the age of the article that a record is due to, at the moment when the record is shown."""

    def observe(value: bytes) -> None:
        if (cause := read_cause(value)) is not None:
            age = utc_now().timestamp() - cause.written_ms / 1000
            freshness.article_to_board_seconds.observe(max(0.0, age), article_exemplar(value))

    return observe


def _observe_shown(shelf: EditionShelf, replay: Replay, cause: bytes, observe: Callable[[bytes], None]) -> None:
    """What an edition that nobody looks at takes in is fresh for nobody."""
    if shelf.shown.replay is replay:
        observe(cause)


async def _listen(runner: web.AppRunner, settings: Settings) -> str:
    """Binds the port; returns the address to open.

    Raises:
        ConfigError: saying what listens there, or why the address can't be had.
    """
    host, port = settings.board_host, settings.board_port
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise cannot_listen("the board", host, port, error, "BELLWETHER_BOARD") from error
    return web_root(runner.addresses[0])
