"""Which counts differ between two editions: by label, by domain, by pair, by a pair's week. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import msgspec

from streams.records import ALL_DOMAINS, Trend, pair_key

#: (pair, week, domain, label) -> stories; the label is empty for the exposure.
Cells = Mapping[tuple[str, str, str, str], int]


class CountChange(msgspec.Struct, frozen=True, kw_only=True):
    """Stories with a label in both editions; `of` says of what: a domain, a pair, or a pair and a week; empty for all together."""

    of: str
    label: str
    old: int
    new: int

    @property
    def change(self) -> int:
        """Stories more, or fewer, in the new edition."""
        return self.new - self.old


class CountChanges(msgspec.Struct, frozen=True, kw_only=True):
    """The changes, over the pairs that stand in both editions and the weeks that both count; the largest first.

    Attributes:
        labels: every label over all pairs.
        domains, pairs, weeks: by domain, by pair, by pair and week; bounded lists.
        cells, cells_changed: pair-weeks with a label in either edition, and those of them whose stories differ.
        pairs_old_only, pairs_new_only: shown in one edition only: over the watchlist's threshold by one model's word alone.
    """

    labels: list[CountChange]
    domains: list[CountChange]
    pairs: list[CountChange]
    weeks: list[CountChange]
    cells: int
    cells_changed: int
    pairs_old_only: list[str]
    pairs_new_only: list[str]


def cells_of(trends: Iterable[Trend], since: str) -> dict[tuple[str, str, str, str], int]:
    """The labelled cells of pairs' weeks from a week on (empty: all)."""
    return {
        (pair_key(trend.source, trend.partner), trend.week, domain, label): count.stories
        for trend in trends
        if trend.week >= since
        for label, domains in trend.counts.items()
        for domain, count in domains.items()
    }


def pairs_of(trends: Iterable[Trend]) -> set[str]:
    """The pairs that stand on `trends`."""
    return {pair_key(trend.source, trend.partner) for trend in trends}


def count_changes(old: Iterable[Trend], new: Iterable[Trend], *, since: str, at_most: int) -> CountChanges:
    """What differs.

    Args:
        since: the first week that both count; earlier weeks of the old edition are left out.
        at_most: how long each list may be.
    """
    old, new = list(old), list(new)
    shared = pairs_of(old) & pairs_of(new)
    before, after = ({cell: count for cell, count in cells_of(side, since).items() if cell[0] in shared} for side in (old, new))
    of_pair_week = _changes(before, after, lambda cell: f"{cell[0]} {cell[1]}", whole=True)
    return CountChanges(
        labels=_changes(before, after, lambda _: "", whole=True),
        domains=_largest(_changes(before, after, lambda cell: cell[2], whole=False), at_most),
        pairs=_largest(_changes(before, after, lambda cell: cell[0], whole=True), at_most),
        weeks=_largest(of_pair_week, at_most), cells=len(of_pair_week), cells_changed=sum(1 for one in of_pair_week if one.change),
        pairs_old_only=sorted(pairs_of(old) - shared), pairs_new_only=sorted(pairs_of(new) - shared),
    )  # fmt: skip


def _changes(before: Cells, after: Cells, name: Callable[[tuple[str, str, str, str]], str], *, whole: bool) -> list[CountChange]:
    """Sums by what `name` says of a cell; over all domains together (`whole`), or over each for itself."""
    sums: tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]] = (Counter(), Counter())
    for side, cells in zip(sums, (before, after), strict=True):
        for cell, count in cells.items():
            if (cell[2] == ALL_DOMAINS) == whole:
                side[name(cell), cell[3]] += count
    keys = sorted(sums[0].keys() | sums[1].keys())
    return [CountChange(of=of, label=label, old=sums[0][of, label], new=sums[1][of, label]) for of, label in keys]


def _largest(changes: list[CountChange], at_most: int) -> list[CountChange]:
    return sorted((one for one in changes if one.change), key=lambda one: (-abs(one.change), one.of, one.label))[:at_most]
