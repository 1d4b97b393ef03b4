"""The rows of each table, read from the topics as they are now, in an order that does not depend on how they were written."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from streams import topology
from streams.board.listing import read_standings, read_trends
from streams.export.tables import BREAKS, FACTS, STANDINGS, TRENDS, Row, break_rows, fact_rows, standing_row, trend_rows
from streams.records import TrendStanding, pair_key
from streams.settings import Settings
from streams.worker import Recovery


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows.

    Attributes:
        pair: only this one, such as BLR-RUS; empty for all.
        since, until: the first and the last ISO week; empty for no bound. A break counts by its alarm.
    """

    pair: str = ""
    since: str = ""
    until: str = ""

    def takes(self, pair: str, week: str) -> bool:
        """Whether a row about a pair and week is wanted."""
        return self.pair in ("", pair) and self.since <= week and (not self.until or week <= self.until)


def read_table(settings: Settings, table: str, wanted: Wanted) -> Iterator[Row]:
    """The rows of a table of `streams.export.tables.TABLES`; blocks on the network.

    Facts are gathered in a file in the system's folder for temporary files, so that memory stays bounded.

    Raises:
        KafkaError: if the broker can't be read.
        StateError: if that file can't be written.
    """
    reader = {FACTS.name: _facts, TRENDS.name: _trends, STANDINGS.name: _standings, BREAKS.name: _breaks}[table]
    return reader(settings, wanted)


def _facts(settings: Settings, wanted: Wanted) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="bellwether-export-") as folder:
        recovery = Recovery(settings.model_copy(update={"data_dir": Path(folder)}))
        for partition in range(settings.partitions):
            store = recovery.open_facts(partition)
            for fact in store.facts():
                if wanted.takes(pair_key(fact.source, fact.partner), fact.week):
                    yield from fact_rows(fact)
            store.close()


def _trends(settings: Settings, wanted: Wanted) -> Iterator[Row]:
    for listed in read_trends(settings, topology.name_in(settings, topology.TRENDS), wanted.pair or None):
        if wanted.takes(listed.pair, listed.trend.week):
            yield from trend_rows(listed.trend)


def _standings(settings: Settings, wanted: Wanted) -> Iterator[Row]:
    return (standing_row(one) for one in _series(settings) if wanted.takes(pair_key(one.source, one.partner), one.week))


def _breaks(settings: Settings, wanted: Wanted) -> Iterator[Row]:
    alarm = [column.name for column in BREAKS.columns].index("alarm")
    for one in _series(settings):
        for row in break_rows(one):
            if wanted.takes(pair_key(one.source, one.partner), str(row[alarm])):
                yield row


def _series(settings: Settings) -> Iterator[TrendStanding]:
    for found in read_standings(settings, topology.name_in(settings, topology.BREAKS)).values():
        yield from (one.record for one in found.values())
