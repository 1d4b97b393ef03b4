"""The thread that follows `classifications` into the index, from where it stopped the last time.

What comes in: the topic. What goes out: calls of the index, and how far it is. It joins no group and commits nothing on the broker. A broker
that goes away is waited for; a topic that was made anew is read anew. A fault of it costs the articles' pages, never the board.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from streams.board.article.index import ArticleIndex, Place
from streams.errors import BellwetherError
from streams.kafka.clients import bulk_consumer
from streams.kafka.reading import END_OF_PARTITION, partitions_of, topic_identities
from streams.log import get_logger
from streams.settings import Settings
from streams.stage import InputRecord

log = get_logger("board")

_CHUNK = 1_000
_POLL_SECONDS, _ASK_SECONDS, _RETRY_SECONDS = 0.2, 3.0, 1.0


class _MadeAnewError(Exception):
    """The topic is not the one that was read so far."""


class IndexFollower:
    """The index and its thread.

    Args:
        topic: name of `classifications` on the broker.
        path: the index's file.
    """

    def __init__(self, settings: Settings, topic: str, path: Path) -> None:
        self._settings = settings
        self._topic = topic
        self._path = path
        self._index: ArticleIndex | None = None
        self._next: dict[int, int] = {}
        self._ends: dict[int, int] = {}
        self.problem = "the index of articles has not been opened yet"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="board-articles", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self, timeout_seconds: float) -> bool:
        """Asks the thread to end and waits for it; False when it has not ended in time."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def find(self, article_id: str) -> Place | None:
        """Where an article stands; None where it is not known (yet).

        Raises:
            StateError: if the index can't be read.
        """
        index = self._index
        return index.find(article_id) if index is not None else None

    def has_ended(self, article_id: str) -> bool:
        """Whether the article was erased. Raises like `find`."""
        index = self._index
        return index is not None and index.has_ended(article_id)

    @property
    def missing(self) -> int | None:
        """Offsets that stood on the topic at the start and have not been read; None before the first look, 0 once all have been."""
        ends = dict(self._ends)
        return sum(max(0, end - self._next.get(partition, 0)) for partition, end in ends.items()) if ends else None

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except _MadeAnewError:
                log.warning("topic_was_made_anew", topic=self._topic)
                self._start_anew()
            except (BellwetherError, KafkaException) as error:
                self._tell(error.what if isinstance(error, BellwetherError) else f"Kafka can't be read: {error.args[0].str()}")
            except Exception as error:
                log.error("article_index_failed", error=repr(error), exc_info=True)
                self._tell(f"the index of articles failed: {error!r}")
            finally:
                index, self._index = self._index, None
                if index is not None:
                    index.close()
            self._stop.wait(_RETRY_SECONDS)

    def _start_anew(self) -> None:
        self._ends = {}
        if self._index is not None:
            self._index.start_anew()

    def _tell(self, problem: str) -> None:
        if problem != self.problem:
            log.warning("article_index_waits", problem=problem)
        self.problem = problem

    def _follow(self) -> None:
        """Reads until asked to stop, or until the consumer or the topic is no longer good for it."""
        consumer = bulk_consumer(self._settings, f"{self._settings.group}-board-articles", tells_end=True)
        try:
            # Asked first because it gives up early: the admin client waits longer for a broker that is not there.
            partitions = partitions_of(consumer, self._topic)
            identity = topic_identities(self._settings, [self._topic])[self._topic]
            index = self._index = ArticleIndex(self._path, identity)
            self._next = {partition: index.next_offset(partition) for partition in partitions}
            self._ends = {partition: self._end(consumer, partition) for partition in partitions}
            consumer.assign([TopicPartition(self._topic, *place) for place in self._next.items()])
            self.problem = ""
            while not self._stop.is_set():
                self._take(index, consumer.consume(_CHUNK, timeout=_POLL_SECONDS))
        finally:
            consumer.close()

    def _end(self, consumer: Consumer, partition: int) -> int:
        _, high = consumer.get_watermark_offsets(TopicPartition(self._topic, partition), timeout=_ASK_SECONDS)
        if high < self._next[partition]:
            raise _MadeAnewError
        return int(high)

    def _take(self, index: ArticleIndex, messages: Sequence[Message]) -> None:
        records: dict[int, list[InputRecord]] = defaultdict(list)
        for message in messages:
            partition, offset, error = int(message.partition() or 0), int(message.offset() or 0), message.error()
            if error is not None and error.code() != END_OF_PARTITION:
                raise KafkaException(error)
            if offset < self._next[partition]:
                raise _MadeAnewError
            # At the end, the last offsets may hold no record any more: compaction took them.
            self._next[partition] = offset if error is not None else offset + 1
            if error is None:
                records[partition].append(InputRecord(offset, message.key(), message.value()))
        for partition, found in records.items():
            index.take(partition, found, self._next[partition])
