"""The thread that follows the topic `editions`: whoever runs for long and must know which edition is shown.

What comes in: the topic, whole, and for ever. What goes out: a call with all editions once the topic has been read, and after each change.
A broker that goes away is waited for, and so is a topic that is not there yet.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition

from streams.editions.registry import TOPIC, apply_record, with_live
from streams.errors import BellwetherError
from streams.kafka.clients import bulk_consumer
from streams.kafka.reading import END_OF_PARTITION, partitions_of
from streams.log import get_logger
from streams.records import Edition
from streams.settings import Settings
from streams.stage import InputRecord

log = get_logger("editions")

_POLL_SECONDS = 0.25
_RETRY_SECONDS = 2.0


class EditionsFollower:
    """Follows until it is stopped.

    Args:
        on_change: called in the thread with every edition by name, `live` first; it must not block for long.
    """

    def __init__(self, settings: Settings, on_change: Callable[[dict[str, Edition]], object]) -> None:
        self._settings = settings
        self._on_change = on_change
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="editions", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Asks the thread to end; it may be waiting for a broker, and is not waited for."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with closing(bulk_consumer(self._settings, f"{self._settings.group}-editions", tells_end=True)) as consumer:
                    self._follow(consumer)
            except (BellwetherError, KafkaException) as error:
                log.debug("editions_not_read", reason=str(error))
            self._stop.wait(_RETRY_SECONDS)

    def _follow(self, consumer: Consumer) -> None:
        """From the beginning, again after each loss of the broker: the topic is small."""
        waited_for = set(partitions_of(consumer, TOPIC))
        consumer.assign([TopicPartition(TOPIC, partition, OFFSET_BEGINNING) for partition in waited_for])
        found: dict[str, Edition] = {}
        is_news = True
        while not self._stop.is_set():
            message = consumer.poll(_POLL_SECONDS)
            if message is None:
                continue
            error = message.error()
            if error is None:
                apply_record(found, InputRecord(message.offset() or 0, message.key(), message.value(), message.timestamp()[1]))
                is_news = True
            elif error.code() == END_OF_PARTITION:
                waited_for.discard(message.partition() or 0)
                # Told at the end alone: on the way there editions stand that have long been dropped.
                if is_news and not waited_for:
                    self._on_change(with_live(found))
                    is_news = False
            else:
                raise KafkaException(error)
