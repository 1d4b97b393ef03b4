"""The weekly counts as they stand on the stream, for `bellwether trends`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from models.labels import LABELS
from streams.kafka.clients import bulk_consumer
from streams.kafka.reading import read_to_end
from streams.records import ALL_DOMAINS, Trend, decode, pair_key
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Listed:
    """One pair's week."""

    trend: Trend

    @property
    def pair(self) -> str:
        """`BLR-RUS`."""
        return pair_key(self.trend.source, self.trend.partner)

    def to_json(self) -> str:
        """One JSON line: pair, week, exposure, counts, evidence."""
        return json.dumps({"pair": self.pair, **msgspec.to_builtins(self.trend)}, ensure_ascii=False)


def read_trends(settings: Settings, topic: str, pair: str | None) -> list[Listed]:
    """Every pair's week, by pair and week; blocks on the network.

    Raises:
        KafkaError: if the broker can't be read.
    """
    newest: dict[bytes, Trend | None] = {}
    consumer = bulk_consumer(settings, f"{settings.group}-listing", tells_end=True)
    try:
        for partition in range(settings.partitions):
            for chunk in read_to_end(consumer, topic, partition, 0):
                for record in chunk:
                    newest[record.key or b""] = None if record.value is None else decode(Trend, record.value)
    finally:
        consumer.close()
    listed = [Listed(trend) for trend in newest.values() if trend is not None]
    return sorted((row for row in listed if pair in (None, row.pair)), key=lambda row: (row.pair, row.trend.week))


def trends_table(rows: Sequence[Listed]) -> str:
    """A table for a person: stories about the pair, and those with each signal."""
    lines = [f"{'pair':<10} {'week':<9} {'stories':>8}" + "".join(f" {label:>20}" for label in LABELS)]
    for row in rows:
        about = row.trend.exposure.get(ALL_DOMAINS)
        counts = "".join(f" {_stories(row.trend, label):>20}" for label in LABELS)
        lines.append(f"{row.pair:<10} {row.trend.week:<9} {about.stories if about else 0:>8}{counts}")
    return "\n".join(lines)


def _stories(trend: Trend, label: str) -> int:
    count = trend.counts.get(label, {}).get(ALL_DOMAINS)
    return count.stories if count else 0
