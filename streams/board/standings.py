"""What stands on `breaks`, in memory: how each series stands, and which breaks are reported when all pairs are looked at together. Pure.

Each series raises its breaks for itself. A board over hundreds of series would always show some that are false: so of the breaks that
are active at a time, those are *reported* whose expected share of false ones stays within a bound (`streams/selection.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from models.labels import LABELS
from streams.board.counts import BOARD_DOMAINS
from streams.errors import RecordError
from streams.records import TrendStanding, decode, pair_key, standing_key
from streams.selection import select_breaks

#: Signal and domain of a pair's series.
Series = tuple[str, str]
BROKEN = "broken"


class Standings:
    """The newest record of each series, by pair."""

    def __init__(self) -> None:
        self._pairs: dict[str, dict[Series, TrendStanding]] = {}

    def apply(self, key: bytes | None, value: bytes | None) -> str | None:
        """Puts a record in the place of the one before it; the pair, if anything changed.

        Raises:
            RecordError: if it is no such record; nothing is changed.
        """
        pair, signal, domain = _read_key(key)
        found = None if value is None else decode(TrendStanding, value)
        if found is not None and standing_key(pair_key(found.source, found.partner), found.signal, found.domain) != key:
            raise RecordError("the key and the value name different series", reason="not-an-article", where=str(key))
        held = self._pairs.get(pair, {})
        if held.get((signal, domain)) == found or signal not in LABELS or domain not in BOARD_DOMAINS:
            return None
        if found is None:
            del held[signal, domain]
        else:
            held[signal, domain] = found
        self._pairs[pair] = held
        return pair

    def of(self, pair: str) -> dict[Series, TrendStanding]:
        """Every series of a pair that has a record."""
        return self._pairs.get(pair, {})

    def reported(self, pairs: Iterable[str], false_share: float) -> set[tuple[str, Series]]:
        """Of the series of these pairs that are broken, those to report together."""
        active = [(pair, series, one) for pair in pairs for series, one in sorted(self.of(pair).items()) if is_active(one)]
        chosen = select_breaks([one.breaks[-1].probability_now for _, _, one in active], false_share)
        return {(active[number][0], active[number][1]) for number in chosen}


def as_fields(one: TrendStanding) -> dict[str, Any]:
    """A record as JSON has it, with whether it is broken now."""
    return {**msgspec.to_builtins(one), "active": is_active(one)}


def is_active(one: TrendStanding) -> bool:
    """Whether a series is broken now: its newest break is young, and most of the shift is still there."""
    return one.status == BROKEN and bool(one.breaks)


def _read_key(key: bytes | None) -> tuple[str, str, str]:
    parts = (key or b"").decode("utf-8", "replace").split("|")
    if len(parts) == 3 and "-" in parts[0]:
        return parts[0], parts[1], parts[2]
    raise RecordError(
        f"not the key of a series: {(key or b'')[:80]!r}", reason="not-an-article", expected="BLR-RUS|cooperation|all"
    )
