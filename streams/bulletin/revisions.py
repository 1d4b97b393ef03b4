"""What late news has changed since an earlier bulletin, kept as JSON: its counts then against those that stand now. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from models.labels import LABELS
from streams.bulletin.figures import Revision
from streams.bulletin.past import PairWeeks
from streams.clock import week_number
from streams.errors import ConfigError

#: What a revision is of, beside the labels: the stories about the pair.
EXPOSURE = "exposure"


class _Signal(msgspec.Struct, frozen=True):
    label: str
    stories: int


class _Pair(msgspec.Struct, frozen=True):
    pair: str
    stories: int
    signals: list[_Signal]


class _Told(msgspec.Struct, frozen=True):
    """The fields of a bulletin's JSON that are looked at."""

    week: str
    pairs: list[_Pair]
    quiet: list[str]


@dataclass(frozen=True, slots=True)
class Earlier:
    """The counts of an earlier bulletin: pair -> (exposure or label) -> stories; of quiet pairs the labels only."""

    week: str
    counts: Mapping[str, Mapping[str, int]]


def read_earlier(text: bytes, where: str) -> Earlier:
    """The counts that a bulletin's JSON holds.

    Raises:
        ConfigError: if it is no such JSON.
    """
    try:
        told = msgspec.json.decode(text, type=_Told)
        week_number(told.week)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise ConfigError(
            f"this is no bulletin: {error}", where=where, expected="what `bellwether bulletin --json` has written",
            todo="name another file",
        ) from error  # fmt: skip
    none = dict.fromkeys(map(str, LABELS), 0)
    counts = dict.fromkeys(told.quiet, none)
    for pair in told.pairs:
        # Before the pair's first news, or ahead of all news, a bulletin has no signals to count.
        counts[pair.pair] = {EXPOSURE: pair.stories, **none, **{signal.label: signal.stories for signal in pair.signals}}
    return Earlier(told.week, counts)


def revisions_since(pairs: Mapping[str, PairWeeks], earlier: Earlier, only: str = "") -> tuple[Revision, ...]:
    """What differs now, by pair: the stories about it first, then each label. A pair that is no longer shown is left out.

    Args:
        only: this pair alone; empty for all.
    """
    week = week_number(earlier.week)
    found = []
    for key in sorted(earlier.counts.keys() & pairs.keys()):
        if only in ("", key):
            now = pairs[key].counts(week, week)[0, :, 0].tolist()
            standing = dict(zip((EXPOSURE, *map(str, LABELS)), now, strict=True))
            then = earlier.counts[key]
            found += [
                Revision(key, earlier.week, what, then[what], number)
                for what, number in standing.items()
                if what in then and then[what] != number
            ]
    return tuple(found)
