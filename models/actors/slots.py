"""The actors of one passage in the places they have in its sentence: subject, after a preposition, or mere venue.

In: a passage and the item's mentions. Out: `Slot`s in the order of the text. No parser: prepositions and order do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from models.actors.match import Mention
from models.passages import Passage, dateline_end


@dataclass(frozen=True, slots=True)
class Slot:
    """One mention in its sentence.

    Attributes:
        code: the state or bloc.
        start: offset in the passage.
        end: offset after it in the passage.
        place: only the venue ("talks in Vienna"): the state takes no part by being it.
        governed: stands under a preposition or as an object, so that it is hardly the subject.
    """

    code: str
    start: int
    end: int
    place: bool
    governed: bool


_VENUE = re.compile(r"(?:^|\W)(?:in|In|at|near|outside|Near|At|в|во|В|под|у|ў|У|пад)\s+(?:the\s+|[A-Z][a-z]+,\s+)?$")
_PREPOSITION = re.compile(
    r"\b(?:in|with|to|of|from|by|for|on|against|over|between|towards?|into|at|near|upon|among|alongside|despite|without|than|after|about|"
    r"urges?|urged|asks?|asked|told|tells|meets?|met|с|со|к|ко|от|для|из|между|против|при|у|по|на|в|во|з|са|да|ад|паміж|супраць|пры|ў)\s+"
    r"(?:(?:the|its|their|his|her|a|an|both|then|former|new|neighbou?ring|ally|visiting)\s+){0,2}(?:[\w-]+\s+){0,1}$",
    re.IGNORECASE,
)
#: A bare comma joins only inside a list: where another comma or an "and" follows.
_LIST_GOES_ON = re.compile(r"(?:[’']s)?(?:,| and| or| и| і| або| или)\s")
_CONJUNCTION = re.compile(r"^(?:[’']s)?\s*(?:,|and|or|,\s*and|и|і|або|или|&|[-–—])\s*(?:the\s+)?$", re.IGNORECASE)


def slots_in(passage: Passage, mentions: Sequence[Mention]) -> list[Slot]:
    """The slots of `passage`; one that only joins another ("Paris and London") stands as that other does."""
    text = passage.text
    opening = dateline_end(text)
    found: list[Slot] = []
    for mention in mentions:
        if mention.start < passage.start or mention.end > passage.end:
            continue
        start, end = mention.start - passage.start, mention.end - passage.start
        before = text[max(opening, start - 40) : start]
        if found and found[-1].code != mention.code and _joined(text, found[-1].end, start, end):
            found.append(Slot(mention.code, start, end, found[-1].place, found[-1].governed))
            continue
        place = mention.kind == "capital" and _VENUE.search(before) is not None
        found.append(Slot(mention.code, start, end, place, place or _PREPOSITION.search(before) is not None))
    return found


def _joined(text: str, previous_end: int, start: int, end: int) -> bool:
    """Whether the mention at `start:end` only joins the one that ends at `previous_end`."""
    between = text[previous_end:start]
    if _CONJUNCTION.match(between) is None:
        return False
    return between.strip() != "," or _LIST_GOES_ON.match(text, end) is not None


def acting_codes(slots: Sequence[Slot]) -> list[str]:
    """The codes in order of first mention, without those that are only venues, unless fewer than two are left then."""
    acting = dict.fromkeys(slot.code for slot in slots if not slot.place)
    if len(acting) < 2:
        acting = dict.fromkeys(slot.code for slot in slots)
    return list(acting)
