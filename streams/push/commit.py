"""Requests onto Kafka, many at a time: what came while the last group was on its way goes as one group, with one flush.

A request is answered when its group is acknowledged, so that under load a hundred requests wait for one round trip together.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from streams.errors import KafkaError
from streams.ingest.publish import ArticlePublisher
from streams.log import get_logger
from streams.records import Article, DeadLetter

log = get_logger("push")
_UNDELIVERABLE = "undeliverable"


@dataclass(slots=True, eq=False)
class Parcel:
    """What one request puts onto the stream. `refused`: positions of articles that the broker refused for themselves."""

    articles: Sequence[Article] = ()
    dead_letters: Sequence[DeadLetter] = ()
    refused: list[int] = field(default_factory=list)


class GroupCommit:
    """The one sender of a push process: a thread that owns the publisher. Start it in the loop that will wait for it.

    Args:
        publisher: where parcels go.
        on_death: called once, from the thread, when the publisher takes nothing any more.
    """

    def __init__(self, publisher: ArticlePublisher, *, on_death: Callable[[KafkaError], None]) -> None:
        self._publisher = publisher
        self._on_death = on_death
        self._changed = threading.Condition()
        self._waiting: list[tuple[Parcel, asyncio.Future[None]]] = []
        self._death: KafkaError | None = None
        self._closing = False
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="push-commit", daemon=True)
        self._thread.start()

    @property
    def death(self) -> KafkaError | None:
        """Why the publisher takes nothing any more; None while it does."""
        return self._death

    def submit(self, parcel: Parcel) -> asyncio.Future[None]:
        """A future that is done when the broker has acknowledged everything in the parcel.

        It raises `KafkaError` if the broker takes nothing any more. What was sent may have arrived even then.
        """
        future: asyncio.Future[None] = self._loop.create_future()
        with self._changed:
            if self._death is not None or self._closing:
                future.set_exception(self._death or KafkaError("push is ending"))
                return future
            self._waiting.append((parcel, future))
            self._changed.notify()
        return future

    async def close(self, seconds: float) -> None:
        """Sends what waits and ends the thread; gives up after so many seconds."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        await asyncio.to_thread(self._thread.join, seconds)
        if self._thread.is_alive():
            self._publisher.abandon()
            await asyncio.to_thread(self._thread.join, 1.0)

    def _run(self) -> None:
        while group := self._take():
            try:
                self._send([parcel for parcel, _ in group])
            except KafkaError as error:
                self._die(error, group)
                return
            self._tell([future for _, future in group], None)

    def _take(self) -> list[tuple[Parcel, asyncio.Future[None]]]:
        with self._changed:
            while not self._waiting and not self._closing:
                self._changed.wait()
            group, self._waiting = self._waiting, []
            return group

    def _send(self, parcels: Sequence[Parcel]) -> None:
        refused = self._refused()
        for parcel in parcels:
            for article in parcel.articles:
                self._publisher.send(article)
            for letter in parcel.dead_letters:
                self._publisher.send_dead_letter(letter)
        self._publisher.flush()
        if self._refused() > refused:
            self._find_refused(parcels)

    def _find_refused(self, parcels: Sequence[Parcel]) -> None:
        # The broker refused something of the group and the counts don't say what. Sent again one by one, each shows its own
        # fate, and what had arrived already is the same article once more.
        for parcel in parcels:
            for position, article in enumerate(parcel.articles):
                before = self._refused()
                self._publisher.send(article)
                self._publisher.flush()
                if self._refused() > before:
                    parcel.refused.append(position)

    def _refused(self) -> int:
        return self._publisher.counts().dead_letters[_UNDELIVERABLE]

    def _die(self, error: KafkaError, group: list[tuple[Parcel, asyncio.Future[None]]]) -> None:
        with self._changed:
            self._death = error
            group, self._waiting = [*group, *self._waiting], []
        log.error("push_ended_by_broker", error=error.what)
        self._tell([future for _, future in group], error)
        self._on_death(error)

    def _tell(self, futures: Sequence[asyncio.Future[None]], error: KafkaError | None) -> None:
        def settle() -> None:
            for future in futures:
                if not future.done():
                    future.set_exception(error) if error is not None else future.set_result(None)

        self._loop.call_soon_threadsafe(settle)
