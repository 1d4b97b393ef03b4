"""The corrections that stand, of every partition, for people to read; and whether the revision that each was made on is still the newest.

The same rule as in `streams.corrections.kept`, over dictionaries: corrections are made by hand, so that there is room for all of them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from streams.corrections.checking import read_correction
from streams.errors import RecordError
from streams.kafka.clients import bulk_consumer
from streams.kafka.reading import read_to_end
from streams.records import Classification, Correction, decode
from streams.settings import Settings
from streams.stage import InputRecord

Standing = Mapping[str, Mapping[str, Correction]]


@dataclass(frozen=True, slots=True)
class Listed:
    """One correction that stands. `is_of_newest`: it was made on the revision that counts; None where the article is not known."""

    correction: Correction
    is_of_newest: bool | None


def list_corrections(settings: Settings, corrections: str, classifications: str) -> list[Listed]:
    """Every correction that stands, the latest first; blocks on the network.

    Args:
        corrections, classifications: names of the topics.

    Raises:
        KafkaError: if the broker stops answering.
    """
    found: list[Listed] = []
    with contextlib.closing(bulk_consumer(settings, f"{settings.group}-corrections", tells_end=True)) as consumer:
        for partition in range(settings.partitions):
            standing = fold(record for chunk in read_to_end(consumer, corrections, partition, 0) for record in chunk)
            if not standing:
                continue
            chunks = read_to_end(consumer, classifications, partition, 0)
            newest = newest_classifications((record for chunk in chunks for record in chunk), standing)
            for article_id, of_article in standing.items():
                known = newest.get(article_id)
                found += [Listed(c, None if known is None else c.digest == known.digest) for c in of_article.values()]
    return sorted(found, key=lambda one: (one.correction.at, one.correction.article_id, one.correction.pair), reverse=True)


def fold(records: Iterable[InputRecord]) -> dict[str, dict[str, Correction]]:
    """Article id -> pair -> the correction that stands after the records, in the order of their offsets."""
    standing: dict[str, dict[str, Correction]] = {}
    for record in records:
        try:
            pair, article_id, correction = read_correction(record)
        except RecordError:
            continue
        of_article = {} if not pair else standing.get(article_id, {})
        of_article.pop(pair, None)
        if correction is not None and not correction.withdrawn:
            of_article[pair] = correction
        if of_article:
            standing[article_id] = of_article
        else:
            standing.pop(article_id, None)
    return standing


def newest_classifications(records: Iterable[InputRecord], wanted: Standing) -> dict[str, Classification]:
    """Article id -> its newest classification, of the wanted ones that stand."""
    newest: dict[str, Classification] = {}
    for record in records:
        article_id = (record.key or b"").decode("utf-8", "replace")
        if article_id not in wanted:
            continue
        if record.value is None:
            newest.pop(article_id, None)
            continue
        with contextlib.suppress(RecordError):
            newest[article_id] = decode(Classification, record.value)
    return newest
