"""Evidence, kept compact and bounded: compressed JSON by pair and week, within a budget of bytes. Pure.

When the budget is used up, the oldest week goes, of pairs that are not watched before any of those that are; what is older than
a week that went is not taken in again. Counts are never dropped.
"""

from __future__ import annotations

import zlib
from collections.abc import Container, Iterator

import msgspec

from streams.records import Evidence

#: The default budget. Measured with three stories a label and a week: about 1.2 kB a pair's week, so some 55,000 of those.
EVIDENCE_BYTES = 64 * 1024 * 1024
TITLE_CHARS, SENTENCE_CHARS, OUTLET_CHARS, URL_CHARS, TERMS, TERM_CHARS = 300, 600, 80, 2_000, 8, 40

ByLabel = dict[str, list[Evidence]]
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(ByLabel)


def pack(evidence: ByLabel) -> bytes:
    """Evidence of one week, cut to what a page shows, as few bytes; empty for none."""
    cut = {label: [_cut(item) for item in items] for label, items in evidence.items() if items}
    return zlib.compress(_encoder.encode(cut), 1) if cut else b""


def unpack(value: bytes) -> ByLabel:
    """The opposite of `pack`."""
    return _decoder.decode(zlib.decompress(value)) if value else {}


def _cut(item: Evidence) -> Evidence:
    return msgspec.structs.replace(
        item, title=_shorten(item.title, TITLE_CHARS), sentence=_shorten(item.sentence, SENTENCE_CHARS),
        outlet=_shorten(item.outlet, OUTLET_CHARS), url=item.url if len(item.url) <= URL_CHARS else "",
        terms=[_shorten(term, TERM_CHARS) for term in item.terms[:TERMS]],
    )  # fmt: skip


def _shorten(text: str, chars: int) -> str:
    return text if len(text) <= chars else text[: chars - 1].rstrip() + "…"


class EvidenceStore:
    """Packed evidence by (pair, week number), never more than `budget` bytes of it.

    Args:
        watched: pairs whose evidence is kept longest.
        budget: bytes of packed evidence, without the few that each entry costs besides.
    """

    def __init__(self, watched: frozenset[str], budget: int = EVIDENCE_BYTES) -> None:
        self._watched = watched
        self._budget = budget
        self._by_pair: dict[str, dict[int, bytes]] = {}
        # (False: other pairs, True: watched ones) -> week -> the pairs that have evidence in it.
        self._by_week: dict[bool, dict[int, set[str]]] = {False: {}, True: {}}
        self._floor = {False: 0, True: 0}
        self.size = 0

    def get(self, pair: str, week: int) -> bytes:
        """What is kept of a week, packed; empty for nothing."""
        return self._by_pair.get(pair, {}).get(week, b"")

    def put(self, pair: str, week: int, packed: bytes) -> None:
        """Replaces the evidence of a week; empty removes it."""
        is_watched = pair in self._watched
        self._remove(is_watched, pair, week)
        if not packed or week < self._floor[is_watched]:
            return
        self._by_pair.setdefault(pair, {})[week] = packed
        self._by_week[is_watched].setdefault(week, set()).add(pair)
        self.size += len(packed)
        while self.size > self._budget:
            self._drop_oldest()

    def floor(self, pair: str) -> int:
        """The week before which evidence of a pair is not kept; 0 while nothing had to go."""
        return self._floor[pair in self._watched]

    def weeks(self, pair: str, until: int) -> list[int]:
        """Weeks with evidence up to `until`, newest first."""
        return sorted((week for week in self._by_pair.get(pair, ()) if week <= until), reverse=True)

    def newest_weeks(self, until: int, wanted: Container[str], at_least: int) -> dict[str, int]:
        """Pair -> newest week with evidence up to `until`, of the wanted pairs whose evidence is newest: whole weeks, until enough."""
        found: dict[str, int] = {}
        for week in sorted({week for weeks in self._by_week.values() for week in weeks if week <= until}, reverse=True):
            for weeks in self._by_week.values():
                for pair in weeks.get(week, ()):
                    if pair in wanted:
                        found.setdefault(pair, week)
            if len(found) >= at_least:
                break
        return found

    def read(self, pair: str, until: int) -> Iterator[tuple[int, ByLabel]]:
        """(week, evidence by label), newest week first, up to `until`."""
        for week in self.weeks(pair, until):
            yield week, unpack(self._by_pair[pair][week])

    def _remove(self, is_watched: bool, pair: str, week: int) -> None:
        weeks = self._by_pair.get(pair)
        if weeks is None or week not in weeks:
            return
        self.size -= len(weeks.pop(week))
        if not weeks:
            del self._by_pair[pair]
        pairs = self._by_week[is_watched][week]
        pairs.discard(pair)
        if not pairs:
            del self._by_week[is_watched][week]

    def _drop_oldest(self) -> None:
        is_watched = not self._by_week[False]
        oldest = min(self._by_week[is_watched])
        for pair in list(self._by_week[is_watched][oldest]):
            self._remove(is_watched, pair, oldest)
        self._floor[is_watched] = oldest + 1
