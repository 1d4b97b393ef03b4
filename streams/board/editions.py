"""The editions that a board holds, each with a model of its own, and which of them its pages show.

What comes in: all editions, whenever one of them changes (`streams.editions.following`). What goes out: the parts of the edition that is
shown, or of one that an address names. A switch goes over when the other edition has been read: until then the old one is shown, whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from streams import metrics
from streams.board.article.desk import ArticleDesk
from streams.board.context import Board
from streams.board.exporter import BoardCollector
from streams.board.replay import Replay
from streams.board.view import NotFoundError
from streams.editions.registry import shown_of
from streams.log import get_logger
from streams.records import Edition
from streams.settings import LIVE

log = get_logger("board")

LOOK_SECONDS = 0.2
STOP_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Held:
    """One edition on this board: what its pages are made of, the thread that fills it, its articles, its figures."""

    edition: Edition
    board: Board
    replay: Replay
    articles: ArticleDesk | None
    figures: BoardCollector

    def start(self) -> None:
        """Starts its threads."""
        self.replay.start()
        if self.articles is not None:
            self.articles.start()

    def stop(self) -> None:
        """Ends its streams and its threads; blocks for a moment."""
        if self.articles is not None:
            self.articles.stop()
        if not self.replay.stop(STOP_SECONDS):
            log.warning("replay_still_busy", edition=self.edition.name)


class EditionShelf(Collector):
    """Every edition of the board; belongs to the event loop. As a collector it tells of the edition that is shown, and of no other.

    Args:
        first: `live`, which is always there.
        hold: makes what is held of another edition; it is started here.
        on_shown: told of the edition that is shown from now on.
    """

    def __init__(
        self, first: Held, hold: Callable[[Edition], Held], on_shown: Callable[[Edition], None] = lambda _edition: None
    ) -> None:  # fmt: skip
        self._held = {LIVE: first}
        self._hold = hold
        self._on_shown = on_shown
        self._shown = self._wanted = LIVE
        self._going_over: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Future[None]] = set()

    @property
    def shown(self) -> Held:
        """The one that is shown."""
        return self._held[self._shown]

    @property
    def all(self) -> list[Held]:
        """Every one, `live` first."""
        return list(self._held.values())

    def others(self) -> list[str]:
        """The names of those that are not shown."""
        return [name for name in self._held if name != self._shown]

    def board(self, edition: str) -> Board:
        """The parts of an edition; of the one that is shown where the name is empty or none that is held."""
        return self._held.get(edition, self.shown).board

    def named(self, edition: str) -> Held:
        """What is held of an edition.

        Raises:
            NotFoundError: if there is no such edition.
        """
        if edition not in self._held:
            raise NotFoundError(
                f"there is no edition {edition[:40]!r}", where="the address", expected=", ".join(self._held), todo="see /editions for those that there are"
            )  # fmt: skip
        return self._held[edition]

    def follow(self, editions: Mapping[str, Edition]) -> None:
        """Takes over what there is now: holds what is new, lets go what was dropped, and goes over to what is shown."""
        for name, edition in editions.items():
            if name not in self._held or (name != LIVE and self._held[name].edition.made != edition.made):
                self._let_go(name)
                self._held[name] = self._hold(edition)
                self._held[name].start()
                log.info("edition_held", edition=name, model=edition.model)
        self._wanted = shown_of(editions)
        for name in [name for name in self._held if name not in editions]:
            self._let_go(name)
        if self._going_over is None or self._going_over.done():
            self._going_over = asyncio.ensure_future(self._go_over())

    def _let_go(self, name: str) -> None:
        held = self._held.pop(name, None)
        if held is None:
            return
        if name == self._shown:
            self._shown = LIVE
        _end_streams(held.board)
        ended = asyncio.ensure_future(asyncio.to_thread(held.stop))
        self._closing.add(ended)
        ended.add_done_callback(self._closing.discard)

    async def _go_over(self) -> None:
        """Shows what is wanted, once it has been read, or at once where what is shown has not been read either."""
        while self._shown != self._wanted:
            wanted = self._held[self._wanted]
            if wanted.replay.status().is_ready or not self.shown.replay.status().is_ready:
                before, self._shown = self.shown, self._wanted
                # Readers come back by themselves, are told that all has changed, and fetch the pages anew.
                _end_streams(before.board)
                self._on_shown(wanted.edition)
                log.info("edition_shown", edition=self._shown)
            else:
                await asyncio.sleep(LOOK_SECONDS)

    def end_streams(self) -> None:
        """Ends every open stream of events."""
        for held in self._held.values():
            held.board.stopping.set()

    def stop(self) -> None:
        """Ends every edition; blocks for a moment."""
        if self._going_over is not None:
            self._going_over.cancel()
        for held in self._held.values():
            held.stop()

    def describe(self) -> Iterable[Metric]:
        """Nothing, so that registering does not compute everything once."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The figures of the edition that is shown; and which one that is."""
        shown = self.shown
        info = GaugeMetricFamily(metrics.EDITION_INFO.name, metrics.EDITION_INFO.help, labels=metrics.EDITION_INFO.labels)
        info.add_metric((shown.edition.name,), 1)
        yield info
        yield from shown.figures.collect()


def _end_streams(board: Board) -> None:
    """Ends the streams that are open now; those to come have an event of their own."""
    board.stopping.set()
    board.stopping = asyncio.Event()
