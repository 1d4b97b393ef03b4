"""The thread that reads `trends`, `breaks`, `progress`, `feeds` and `corrections` whole, by assignment, from the beginning and for ever, into the model.

What comes in: these topics. What goes out: calls of the model, and a `ReplayStatus`. It joins no group and commits nothing: the model is
rebuilt at every start. A broker that goes away is waited for; topics that were made anew are read anew.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Message, TopicPartition

from streams.board.model import BoardModel
from streams.board.settling import settle
from streams.board.status import ReplayStatus
from streams.cause import cause_in
from streams.clock import monotonic_seconds, utc_now
from streams.errors import BellwetherError, RecordError
from streams.kafka.clients import bulk_consumer
from streams.kafka.reading import END_OF_PARTITION, partitions_of, topic_identities
from streams.log import get_logger
from streams.settings import Settings

log = get_logger("board")

Apply = Callable[[bytes | None, bytes | None], None]
_CHUNK = 500
_POLL_SECONDS = 0.2
_ASK_SECONDS = 3.0
#: The broker is asked how it is after so long without a record, and at the latest after so long with some.
_QUIET_SECONDS, _PROBE_SECONDS = 1.0, 10.0
_RETRY_SECONDS = 1.0


class _MadeAnewError(Exception):
    """The topics are not those that were read so far."""


@dataclass(slots=True)
class _Position:
    """Where a partition is read: the next offset, and the end as it was at the start."""

    next: int
    end: int
    begin: int


class Replay:
    """The replay and its thread.

    Args:
        topics: name on the broker of `trends`, `breaks`, `progress`, `feeds` and, where people correct, `corrections`.
        on_death: called in the thread when it ends by a fault of its own, so that the process can end too.
        on_shown: called with the cause (`streams.cause`) of each record of `trends` that was written after the replay had caught up.
    """

    def __init__(
        self, settings: Settings, model: BoardModel, topics: Mapping[str, str], *, on_death: Callable[[BaseException], None],
        on_shown: Callable[[bytes], None] = lambda _cause: None,
    ) -> None:  # fmt: skip
        self._settings = settings
        self._model = model
        self._on_death = on_death
        self._on_shown = on_shown
        self._trends = topics["trends"]
        self._apply: dict[str, Apply] = {
            topics["trends"]: model.apply_trend, topics["breaks"]: model.apply_standing, topics["progress"]: model.apply_progress,
            topics["feeds"]: model.feeds.apply, **({topics["corrections"]: model.said.apply} if "corrections" in topics else {}),
        }  # fmt: skip
        self.records = dict.fromkeys(self._apply, 0)
        self.unreadable = dict.fromkeys(self._apply, 0)
        self._positions: dict[tuple[str, int], _Position] = {}
        self._identities: dict[str, str] = {}
        self._caught_up = False
        self._problem = "the broker has not been asked yet"
        self._heard_at = self._asked_at = 0.0
        self._as_of: datetime | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="board-replay", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self, timeout_seconds: float = 5.0) -> bool:
        """Asks the thread to end and waits for it; False when it has not ended in time."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def status(self) -> ReplayStatus:
        """How far it is; from any thread."""
        positions = list(self._positions.values())
        total = sum(position.end - position.begin for position in positions)
        done = sum(min(position.next, position.end) - position.begin for position in positions)
        return ReplayStatus(
            alive=self._thread.is_alive(), caught_up=self._caught_up, reachable=not self._problem, problem=self._problem, done=done,
            total=total, as_of=self._as_of,
        )  # fmt: skip

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._read_once()
        except BaseException as error:
            self._problem = f"the replay ended by a fault: {error!r}"
            log.error("replay_failed", error=repr(error), exc_info=True)
            self._on_death(error)

    def _read_once(self) -> None:
        """Reads until asked to stop, or until the consumer or the topics are no longer good for it; then waits a moment."""
        consumer = bulk_consumer(self._settings, f"{self._settings.group}-board", tells_end=True)
        try:
            self._begin(consumer)
            while not self._stop.is_set():
                self._step(consumer)
        except _MadeAnewError:
            log.warning("topics_were_made_anew", topics=sorted(self._apply))
            self._forget()
        except (BellwetherError, KafkaException) as error:
            what = error.what if isinstance(error, BellwetherError) else f"Kafka can't be read: {error.args[0].str()}"
            if what != self._problem:
                log.warning("replay_waits", problem=what)
            self._problem = what
            self._stop.wait(_RETRY_SECONDS)
        finally:
            consumer.close()

    def _forget(self) -> None:
        self._model.clear()
        self._positions.clear()
        self._identities.clear()
        self._caught_up = False

    def _begin(self, consumer: Consumer) -> None:
        """Assigns every partition, from the beginning, or from where reading was when a consumer had to be replaced."""
        # Asked first because it gives up early: the admin client waits half a minute for a broker that is not there.
        for topic in self._apply:
            partitions_of(consumer, topic)
        identities = topic_identities(self._settings, self._apply)
        if self._identities and identities != self._identities:
            raise _MadeAnewError
        self._identities = identities
        self._assign(consumer)
        self._problem = ""
        self._heard_at = self._asked_at = monotonic_seconds()
        self._as_of = utc_now()
        self._note_progress()

    def _assign(self, consumer: Consumer) -> None:
        for topic in self._apply:
            for partition in partitions_of(consumer, topic):
                if (topic, partition) not in self._positions:
                    low, high = self._bounds(consumer, topic, partition)
                    self._positions[topic, partition] = _Position(low, high, low)
        consumer.assign(
            [TopicPartition(*key, position.next if position.next > position.begin else OFFSET_BEGINNING) for key, position in
             self._positions.items()]
        )  # fmt: skip

    @staticmethod
    def _bounds(consumer: Consumer, topic: str, partition: int) -> tuple[int, int]:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=_ASK_SECONDS)
        return int(low), int(high)

    def _step(self, consumer: Consumer) -> None:
        messages = consumer.consume(_CHUNK, timeout=_POLL_SECONDS)
        now = monotonic_seconds()
        for message in messages:
            self._take(message)
        if messages:
            self._heard_at = now
            self._as_of = utc_now()
        quiet = now - self._heard_at > _QUIET_SECONDS and now - self._asked_at > _QUIET_SECONDS
        if quiet or now - self._asked_at > _PROBE_SECONDS:
            self._probe(consumer)
        self._note_progress()

    def _take(self, message: Message) -> None:
        error = message.error()
        if error is not None and error.code() != END_OF_PARTITION:
            raise KafkaException(error)
        topic, offset = str(message.topic()), int(message.offset() or 0)
        position = self._positions[topic, int(message.partition() or 0)]
        if offset < position.next:
            raise _MadeAnewError
        if error is not None:
            # The end, which may lie behind offsets that hold no record any more: compaction took them.
            position.next = offset
            return
        try:
            self._apply[topic](_as_bytes(message.key()), _as_bytes(message.value()))
        except RecordError as fault:
            self.unreadable[topic] += 1
            log.warning("record_unreadable", topic=topic, partition=message.partition(), offset=offset, problem=fault.what)
        self.records[topic] += 1
        position.next = offset + 1
        if topic == self._trends and self._caught_up:
            headers = message.headers()
            if cause := cause_in(headers if isinstance(headers, list) else None):
                self._on_shown(cause)

    def _probe(self, consumer: Consumer) -> None:
        """Asks the broker whether it is there, and whether the partitions are still those that are read."""
        for topic in self._apply:
            known = [partition for name, partition in self._positions if name == topic]
            if partitions_of(consumer, topic) != sorted(known):
                self._assign(consumer)
        for (topic, partition), position in self._positions.items():
            if self._bounds(consumer, topic, partition)[1] < position.next:
                raise _MadeAnewError
        self._asked_at = monotonic_seconds()
        self._as_of = utc_now()

    def _note_progress(self) -> None:
        if self._caught_up:
            return
        if all(position.next >= position.end for position in self._positions.values()):
            settle()
            self._caught_up = True
            log.info("caught_up", **{topic.replace("-", "_"): count for topic, count in self.records.items()})


def _as_bytes(value: object) -> bytes | None:
    return bytes(value) if isinstance(value, bytes | bytearray) else None
