"""Facts whose labels differ between two editions: all are counted, the most telling are held, by pair and signal. Pure.

A fact is an article about a directed pair. What is held is bounded, however many facts differ.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from heapq import heappush, heappushpop
from typing import Literal

import msgspec

from streams.records import Signal, pair_key

#: Changes of one pair and signal that are held, the surest of the model that gives the label.
HELD = 20


class ChangedLabel(msgspec.Struct, frozen=True, kw_only=True):
    """A label that one edition has for an article and a pair, and the other has not.

    Attributes:
        change: `gained` in the new edition, or `lost`.
        old, new: the label's probability for the article by both models; None where the article was not scored.
        sentence: what shows the label, by the model that gives it; empty in a sealed week that does not cite it.
    """

    article_id: str
    pair: str
    week: str
    label: str
    change: Literal["gained", "lost"]
    old: float | None
    new: float | None
    title: str
    outlet: str
    url: str
    sentence: str

    @property
    def step(self) -> float:
        """How far apart the two models are, 0 to 1."""
        return abs((self.new or 0.0) - (self.old or 0.0))


class ChangedLabels:
    """Collects the changes of facts, partition by partition.

    Args:
        since: the first week that both editions count; earlier facts of the old one are left out.
    """

    def __init__(self, since: str) -> None:
        self._since = since
        #: (label, change) -> facts; facts with any label in either edition.
        self.totals: Counter[tuple[str, str]] = Counter()
        self.labelled = 0
        self._held: dict[tuple[str, str], list[tuple[float, str, str, ChangedLabel]]] = defaultdict(list)

    def add(self, old: Mapping[tuple[str, str], Signal], new: Mapping[tuple[str, str], Signal]) -> None:
        """Takes in the facts of one partition that carry a label, by pair and article id, in both editions."""
        for key in old.keys() | new.keys():
            before, after = old.get(key), new.get(key)
            if max(fact.week for fact in (before, after) if fact is not None) >= self._since:
                self.labelled += 1
                self._compare(before, after)

    def _compare(self, old: Signal | None, new: Signal | None) -> None:
        had, has = (set(fact.labels) if fact is not None else set() for fact in (old, new))
        for label in had ^ has:
            fact = new if label in has else old
            assert fact is not None
            self._hold(fact, label, "gained" if label in has else "lost")

    def _hold(self, fact: Signal, label: str, change: Literal["gained", "lost"]) -> None:
        self.totals[label, change] += 1
        pair, said = pair_key(fact.source, fact.partner), fact.labels[label]
        known = {"old" if change == "lost" else "new": said.probability}
        one = ChangedLabel(
            article_id=fact.article_id, pair=pair, week=fact.week, label=label, change=change, old=known.get("old"), new=known.get("new"),
            title=fact.title, outlet=fact.outlet, url=fact.url, sentence=said.evidence,
        )  # fmt: skip
        # The id and the change come before the record, which can't be compared: equal probabilities are common.
        entry, heap = (said.probability, fact.article_id, change, one), self._held[pair, label]
        if len(heap) < HELD:
            heappush(heap, entry)
        else:
            heappushpop(heap, entry)

    def held(self) -> Iterator[ChangedLabel]:
        """Those that are held, by pair and label, the surest first."""
        for series in sorted(self._held):
            yield from (one for *_, one in sorted(self._held[series], key=lambda entry: entry[:3], reverse=True))


def with_probabilities(
    one: ChangedLabel, old: Mapping[str, float] | None, new: Mapping[str, float] | None
) -> ChangedLabel:  # fmt: skip
    """The same with what both models say of the label in the article as a whole."""
    return msgspec.structs.replace(
        one, old=old.get(one.label, one.old) if old else one.old, new=new.get(one.label, one.new) if new else one.new
    )
