"""What a bulletin is made of, read from the broker: the topics `trends` and `breaks`, and the rivals of the watchlist."""

from __future__ import annotations

from streams import topology
from streams.board.listing import read_standings, read_trends
from streams.bulletin.build import Stands, stands_of
from streams.settings import Settings
from streams.watchlist import load_watchlist


def read_stands(settings: Settings) -> Stands:
    """Everything that stands on the topics now; blocks on the network.

    Raises:
        KafkaError: if the broker can't be read.
        ConfigError: if the watchlist is wrong.
    """
    rivals = {(pair.source, pair.partner): pair.rivals for pair in load_watchlist(settings.watchlist).pairs}
    said = read_standings(settings, topology.name_in(settings, topology.BREAKS))
    trends = read_trends(settings, topology.name_in(settings, topology.TRENDS), None)
    return stands_of((row.trend for row in trends), (one.record for found in said.values() for one in found.values()), rivals)
