"""How far the workers of an edition are: what became of the articles, and what each stage has still to read. Blocks on the network."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from confluent_kafka import Consumer, KafkaException, TopicPartition

from streams import topology
from streams.errors import KafkaError, RecordError
from streams.kafka.clients import bulk_consumer, rdkafka_security
from streams.kafka.reading import read_to_end
from streams.records import Progress, decode
from streams.settings import Settings

_TIMEOUT_SECONDS = 10.0
_POSTPONED = re.compile(r"^bellwether_postponed_items\{.*\} (\S+)$", re.MULTILINE)
OUTCOMES = ("classified", "duplicates", "dead_letters", "forgotten", "skipped")


@dataclass(frozen=True, slots=True)
class Reading:
    """One look.

    Attributes:
        outcomes: what became of the records of `articles` so far, by the names of `OUTCOMES`.
        left: stage -> records on its input that it has not committed.
    """

    outcomes: Mapping[str, int]
    left: Mapping[str, int]

    @property
    def done(self) -> int:
        """Records of `articles` that are accounted for."""
        return sum(self.outcomes.values())

    @property
    def total(self) -> int:
        """The same once all that stands on `articles` now is; more than there is where compaction has left gaps that are still ahead."""
        return self.done + self.left["classify"]

    @property
    def has_read_all(self) -> bool:
        """Whether every stage has committed all that is on its input."""
        return not any(self.left.values())


class Meter:
    """Looks at one edition, again and again.

    Args:
        settings: in the edition that is looked at.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topic = topology.name_in(settings, topology.PROGRESS)
        self._reader = bulk_consumer(settings, f"{settings.scope}-meter", tells_end=True, wait_ms=10)
        # Joins nothing: it only asks what the group has committed, and what has been written, decided or not.
        self._group = Consumer(
            {
                "bootstrap.servers": settings.kafka_servers, "client.id": f"{settings.scope}-meter", "group.id": topology.worker_group(settings),
                "enable.auto.commit": False, "isolation.level": "read_uncommitted", **rdkafka_security(settings),
            }
        )  # fmt: skip
        self._next = dict.fromkeys(range(settings.partitions), 0)
        self._tallies: dict[int, Progress] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._reader.close()
        self._group.close()

    def read(self) -> Reading:
        """How it stands now.

        Raises:
            KafkaError: if the broker does not answer.
        """
        self._catch_up()
        outcomes = {name: sum(getattr(tally, name) for tally in self._tallies.values()) for name in OUTCOMES}
        try:
            return Reading(outcomes, {stage: self._left(topic) for stage, topic in topology.input_names(self._settings).items()})
        except KafkaException as error:
            raise KafkaError(
                f"the workers' group can't be looked at: {error.args[0].str()}", where=topology.worker_group(self._settings),
                expected="an answer of the broker", todo="look at the broker",
            ) from error  # fmt: skip

    def _catch_up(self) -> None:
        for partition in self._next:
            for chunk in read_to_end(self._reader, self._topic, partition, self._next[partition]):
                for record in chunk:
                    with suppress(RecordError):
                        self._take(decode(Progress, record.value or b""))
                self._next[partition] = chunk[-1].offset + 1

    def _take(self, tally: Progress) -> None:
        """A process that stood still may write an old tally after a newer one."""
        known = self._tallies.get(tally.partition)
        if known is None or known.offset <= tally.offset:
            self._tallies[tally.partition] = tally

    def _left(self, topic: str) -> int:
        left = 0
        asked = [TopicPartition(topic, partition) for partition in range(self._settings.partitions)]
        for found in self._group.committed(asked, timeout=_TIMEOUT_SECONDS):
            low, high = self._group.get_watermark_offsets(TopicPartition(topic, found.partition), timeout=_TIMEOUT_SECONDS)
            left += max(0, high - max(found.offset, low))
        return left


def postponed_at(addresses: Sequence[str]) -> int | None:
    """Items that the workers behind these addresses of /metrics have put off; None while one of them does not answer."""
    found = 0
    for address in addresses:
        try:
            with urllib.request.urlopen(address, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - our own worker's, on this machine
                found += sum(int(float(value)) for value in _POSTPONED.findall(answer.read().decode()))
        except (urllib.error.URLError, OSError):
            return None
    return found
