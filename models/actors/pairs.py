"""Which pairs of states an item is about.

In: its passages and mentions. Out: unordered pairs, the most telling first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations, product

from models.actors.match import Mention
from models.actors.slots import acting_codes, slots_in
from models.passages import Passage

#: Pairs that one item can be about; the best ranked stay.
MAX_PAIRS = 15
#: More actors than this in one passage are a list, not a relation.
MAX_LISTED = 6


#: What one co-mention is worth: in one passage, in the title and a passage, in neighbouring passages.
_TOGETHER, _WITH_TITLE, _NEIGHBOURS = 1.0, 0.5, 0.2


def article_pairs(passages: Sequence[Passage], mentions: Sequence[Mention]) -> tuple[tuple[str, str], ...]:
    """The pairs (a, b), a < b, that are named together: in one passage, in the title and a passage, or in neighbouring passages.

    A capital that is only the venue ("talks in Vienna") makes no pair where two others are named. A passage or title that lists more
    than `MAX_LISTED` actors makes none. Ranked by how often and how closely the two are named together, then by place; at most
    `MAX_PAIRS`.
    """
    scores: dict[tuple[str, str], float] = defaultdict(float)
    title: list[str] = []
    before: list[str] = []
    for place, passage in enumerate(passages):
        here = acting_codes(slots_in(passage, mentions))
        if len(here) > MAX_LISTED:
            here = []
        _add(scores, combinations(here, 2), _TOGETHER + 1 / (1 + place))
        if passage.kind == "title":
            title = here
            continue
        _add(scores, product(title, here), _WITH_TITLE)
        _add(scores, product(before, here), _NEIGHBOURS)
        before = here or before
    return tuple(sorted(scores, key=lambda pair: -scores[pair])[:MAX_PAIRS])


def _add(scores: dict[tuple[str, str], float], pairs: Iterable[tuple[str, str]], worth: float) -> None:
    """Adds `worth` to every pair of two different codes."""
    for a, b in pairs:
        if a != b:
            scores[min(a, b), max(a, b)] += worth
