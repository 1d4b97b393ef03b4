"""Copies and stories by another way: docs/copies.md in plain sets, every pair of articles compared, no index and no memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from streams.records import Sketch

WINDOW_SECONDS = 3 * 24 * 60 * 60


class Told(NamedTuple):
    """One article about a pair: when it was published (seconds since 1970), the print of its exact text, its sketch."""

    seconds: float
    article: str
    text: str
    sketch: Sketch | None


def stories_of(articles: Sequence[Told]) -> dict[str, str]:
    """Article -> the earliest article of its story: what can be reached from one copy to the next."""
    links: dict[str, list[Told]] = {told.article: [] for told in articles}
    for one in articles:
        links[one.article] = [other for other in articles if one is not other and _are_copies(one, other)]
    found: dict[str, str] = {}
    for first in sorted(articles):
        reached = [first]
        while reached:
            told = reached.pop()
            if told.article not in found:
                found[told.article] = first.article
                reached += links[told.article]
    return found


def _are_copies(one: Told, other: Told) -> bool:
    if abs(one.seconds - other.seconds) > WINDOW_SECONDS:
        return False
    if one.text == other.text:
        return True
    return one.sketch is not None and other.sketch is not None and sketches_are_copies(one.sketch, other.sketch)


def sketches_are_copies(one: Sketch, other: Sketch) -> bool:
    """The rule of docs/copies.md, step by step."""
    if one.whole and other.whole:
        shared, covered = _compare(one.whole, other.whole, 24)
    else:
        shared, covered = _compare(one.lead, other.lead, 24)
    if shared < 3 or shared * 100 < covered * (70 if covered < 10 else 55):
        return False
    if len(_hashes(one.lead)) < 9 or len(_hashes(other.lead)) < 9:
        words, words_covered = _compare(one.title, other.title, 8)
        if words * 2 < words_covered:
            return False
    numbers, numbers_covered = _compare(one.numbers, other.numbers, 24)
    others = numbers_covered - numbers
    if others == 0 or others < numbers:
        return True
    if others > numbers and numbers_covered >= 2:
        return False
    return covered - shared > 3 * others


def _hashes(part: bytes) -> set[bytes]:
    return {part[start : start + 4] for start in range(0, len(part), 4)}


def _compare(one: bytes, other: bytes, most: int) -> tuple[int, int]:
    sets = [_hashes(one), _hashes(other)]
    ends = [max(hashes) for hashes in sets if len(hashes) == most]
    covered = min(len([value for value in hashes if not ends or value <= min(ends)]) for hashes in sets)
    return len(sets[0] & sets[1]), covered
