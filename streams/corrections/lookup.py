"""Finding articles again: on `classifications` by id, on `articles` by where they were classified from.

An article is read by its offset. Where that record has been compacted away, because the same article came again later, the partition is
read on from there to its end, once for all that are missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from confluent_kafka import Consumer

from streams.errors import RecordError
from streams.kafka.reading import read_one, read_to_end
from streams.records import Article, Classification, decode
from streams.stage import InputRecord

_READ_SECONDS = 30.0


class Place(Protocol):
    """Where an article was classified from, and which revision it was."""

    @property
    def digest(self) -> str: ...
    @property
    def offset(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Lookup:
    """Reads in the thread that owns its consumers; blocks on the network.

    Args:
        whole: reads partitions (`bulk_consumer(..., tells_end=True)`); assigned to nothing.
        point: reads single records (`point_consumer`).
        articles, classifications: names of the topics.
    """

    whole: Consumer
    point: Consumer
    articles: str
    classifications: str

    def classification(self, partition: int, article_id: str) -> Classification | None:
        """The newest classification of an article; None for one that nobody has classified.

        Raises:
            KafkaError: if the broker stops answering.
            RecordError: if it was written by a newer version.
        """
        newest: bytes | None = None
        key = article_id.encode()
        for chunk in read_to_end(self.whole, self.classifications, partition, 0):
            for record in chunk:
                if record.key == key:
                    newest = record.value
        return None if newest is None else decode(Classification, newest)

    def revisions(self, partition: int, places: Mapping[str, Place]) -> dict[str, Article]:
        """Article id -> the revision with the wanted digest, of those that can still be read.

        Raises:
            KafkaError: if the broker stops answering.
        """
        found: dict[str, Article] = {}
        for article_id, place in places.items():
            record = read_one(self.point, self.articles, partition, place.offset, timeout_seconds=_READ_SECONDS)
            if record is not None:
                _take(found, record, {article_id: place})
        missing = {article_id: place for article_id, place in places.items() if article_id not in found}
        if missing:
            first = min(place.offset for place in missing.values())
            for chunk in read_to_end(self.whole, self.articles, partition, first):
                for record in chunk:
                    _take(found, record, missing)
        return found


def _take(found: dict[str, Article], record: InputRecord, wanted: Mapping[str, Place]) -> None:
    article_id = (record.key or b"").decode("utf-8", "replace")
    if article_id not in wanted or article_id in found or record.value is None:
        return
    try:
        article = decode(Article, record.value)
    except RecordError:
        return
    place = wanted[article_id]
    # The date of an undated article is when it came: another delivery of it has another.
    if article.digest() == place.digest and (record.offset == place.offset or article.date_origin == "published"):
        found[article_id] = article
