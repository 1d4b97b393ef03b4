"""What stands on the stream, for `bellwether trends`: the weekly counts, and how each series stands."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from models.labels import LABELS
from streams.board.standings import Series, Standings, as_fields
from streams.errors import RecordError
from streams.kafka.reading import whole_topic
from streams.records import ALL_DOMAINS, FeedStatus, Trend, TrendStanding, decode, pair_key
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Listed:
    """One pair's week; with the pair's newest one, how its signals stand (by signal, all domains together)."""

    trend: Trend
    standings: Mapping[str, dict[str, object]] = field(default_factory=dict)

    @property
    def pair(self) -> str:
        """`BLR-RUS`."""
        return pair_key(self.trend.source, self.trend.partner)

    def to_json(self) -> str:
        """One JSON line: pair, week, exposure, counts, evidence; `standings` in the line of the pair's newest week."""
        known = {"standings": self.standings} if self.standings else {}
        return json.dumps({"pair": self.pair, **msgspec.to_builtins(self.trend), **known}, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class ListedStanding:
    """How one series stands, and whether its active break is reported when all pairs are looked at together."""

    record: TrendStanding
    reported: bool

    def as_dict(self) -> dict[str, object]:
        """The record as JSON has it."""
        return {**as_fields(self.record), "reported": self.reported}


def _read(settings: Settings, topic: str) -> Iterator[tuple[bytes, bytes | None]]:
    return ((record.key or b"", record.value) for record in whole_topic(settings, f"{settings.group}-listing", topic))


def read_trends(settings: Settings, topic: str, pair: str | None) -> list[Listed]:
    """Every pair's week, by pair and week; blocks on the network.

    Raises:
        KafkaError: if the broker can't be read.
    """
    newest = {key: None if value is None else decode(Trend, value) for key, value in _read(settings, topic)}
    listed = [Listed(trend) for trend in newest.values() if trend is not None]
    return sorted((row for row in listed if pair in (None, row.pair)), key=lambda row: (row.pair, row.trend.week))


def read_feeds(settings: Settings, topic: str) -> list[FeedStatus]:
    """How each feed is, as `ingest feeds` last told, by URL; blocks on the network.

    Raises:
        KafkaError: if the broker can't be read.
    """
    newest = dict(_read(settings, topic))
    return [decode(FeedStatus, value) for _, value in sorted(newest.items()) if value is not None]


def read_standings(settings: Settings, topic: str) -> dict[str, dict[Series, ListedStanding]]:
    """Pair -> (signal, domain) -> how the series stands; blocks on the network.

    Raises:
        KafkaError: if the broker can't be read.
    """
    held = Standings()
    pairs: set[str] = set()
    for key, value in _read(settings, topic):
        try:
            if pair := held.apply(key, value):
                pairs.add(pair)
        except RecordError:
            continue  # of a newer version: what can be read is listed
    reported = held.reported(sorted(pairs), settings.false_break_share)
    return {
        pair: {series: ListedStanding(one, (pair, series) in reported) for series, one in sorted(held.of(pair).items())}
        for pair in sorted(pairs)
    }


def with_standings(rows: Sequence[Listed], standings: Mapping[str, Mapping[Series, ListedStanding]]) -> list[Listed]:
    """The rows, with how the pair stands in the newest one of each pair."""
    newest = {row.pair: row.trend.week for row in rows}

    def of(row: Listed) -> dict[str, dict[str, object]]:
        found = standings.get(row.pair, {}) if newest[row.pair] == row.trend.week else {}
        return {label: one.as_dict() for (label, domain), one in found.items() if domain == ALL_DOMAINS}

    return [Listed(row.trend, of(row)) for row in rows]


def trends_table(rows: Sequence[Listed]) -> str:
    """A table for a person: stories about the pair, and those with each signal."""
    lines = [f"{'pair':<10} {'week':<9} {'stories':>8}" + "".join(f" {label:>20}" for label in LABELS)]
    for row in rows:
        about = row.trend.exposure.get(ALL_DOMAINS)
        counts = "".join(f" {_stories(row.trend, label):>20}" for label in LABELS)
        lines.append(f"{row.pair:<10} {row.trend.week:<9} {about.stories if about else 0:>8}{counts}")
    return "\n".join(lines)


def standings_table(rows: Iterable[TrendStanding]) -> str:
    """A table for a person: how each series stands, how likely it is to last, its share, its last break."""
    head = f"{'pair':<10} {'signal':<20} {'status':<13} {'4 weeks on':>10} {'8':>5}  {'share, 90 % interval':<24} {'week':<9} last break"
    return "\n".join([head, *(_standing_line(one) for one in rows)])


def _standing_line(one: TrendStanding) -> str:
    share = f"{one.share:6.1%} ({one.share_low:.1%} to {one.share_high:.1%})"
    last = one.breaks[-1] if one.breaks else None
    broke = (
        f"{last.start}, {last.direction} x{last.size:.2f} ({last.size_low:.2f} to {last.size_high:.2f}), said after {last.alarm}"
        if last
        else "none"
    )
    early = f"; {one.early.week} is out of the ordinary ({one.early.direction}, {one.early.probability:.0%})" if one.early else ""
    pair = pair_key(one.source, one.partner)
    return f"{pair:<10} {one.signal:<20} {one.status:<13} {one.persistence_4:>10.0%} {one.persistence_8:>5.0%}  {share:<24} {one.week:<9} {broke}{early}"


def _stories(trend: Trend, label: str) -> int:
    count = trend.counts.get(label, {}).get(ALL_DOMAINS)
    return count.stories if count else 0
