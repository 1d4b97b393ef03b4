"""Who signals towards whom in a passage that carries a label.

In: the passage, the item's mentions, the label. Out: (source, partner) pairs. Rules, in words:

- The source is the subject of the words that carry the label (`data/direction.tsv`): the last actor before them that stands under no
  preposition ("Kuwait decided not to accept a U.S. offer": KWT); after a passive with "by", the actor after it.
- The partner is the actor that a cue points at ("dependence on Russia", "Moscow's request"), else the first other actor; a rival or a topic
  ("sanctions on Russia", "oil from Norway" beside "dependence on Russia") comes last.
- Joint acts go both ways: cooperation always, displays when they are shared (a state visit, a joint ceremony).
- Of a joint act between a power and another state, the other state's side comes first: the signals are of how states behave towards a power.
- A passage that names fewer than two actors takes the missing one from the rest of the item: what was named last before it, else what the
  item names most.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations

from models.actors.lexicon import read_table
from models.actors.match import Mention
from models.actors.slots import Slot, acting_codes, slots_in
from models.passages import Passage

Pair = tuple[str, str]
#: Pairs that one passage can give; a joint act of more states than this yields is a list.
MAX_DIRECTIONS = 12
_COOPERATION, _DISPLAY, _HEDGING = "cooperation", "symbolic-allegiance", "hedging"
#: Those that other states have commitments to.
POWERS = frozenset(("USA", "RUS", "CHN", "EU", "NATO", "CSTO", "EAEU"))
#: What speaks for a partner beside the cues: being named in the passage, being a power, each mention in the item (up to three).
PRESENT, POWER, NAMED = 1.0, 1.5, 0.3

_PASSIVE_BY = re.compile(r"\b(?:was|were|is|are|been|being)\s+(?:\w+\s+){0,2}$")
_BY = re.compile(r"^(?:\s+[\w-]+){0,3}?\s+by\s+(?:the\s+)?(?:\w+\s+){0,1}$")
_BACKWARD = re.compile(
    r"(?:He|She|It|Its|His|Her|They|Their|The (?:president|prime|premier|country|government|minister|foreign|defen[cs]e|republic|leader|king|army|"
    r"chancellor|kingdom|cabinet|parliament|state|host)\w*|Он|Она|Его|Её|Ее|Их|Они|Республика|Президент|Премьер|Глава|Правительство|Парламент|"
    r"Ён|Яна|Яго|Яе|Іх|Яны|Прэзідэнт|Прэм.ер|Кіраўнік|Урад)\b"
)
_SHARED = re.compile(
    r"\b(?:state visit|visits?|visited|arriv\w+|lands? in|meets?|met|joint(?:ly)?|together|both|each other|host\w*|receiv\w+|welcom\w+|exchange\w*|"
    r"совместн\w+|вместе|визит\w*|прибы\w+|встрети\w+|обменял\w+|сумесн\w+|разам|візіт\w*|прыбы\w+|сустрэ\w+|абмяня\w+)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Cues:
    """The compiled words of one label; None where it has none for a role."""

    subject: re.Pattern[str] | None
    object: re.Pattern[str] | None
    partner_after: re.Pattern[str] | None
    partner_before: re.Pattern[str] | None
    rival_before: re.Pattern[str] | None


def direction(passage: Passage, mentions: Sequence[Mention], label: str, watched_hint: Pair | None = None) -> list[Pair]:
    """(source, partner) of every relation that `passage` reports under `label`, the surest first; empty when there are no two actors.

    Args:
        passage: one of the item's passages.
        mentions: all mentions of the item, offsets in `title + "\\n" + text`: the passage may speak of "the two countries".
        label: value of `models.labels.Label`.
        watched_hint: the (source, partner) that is asked about: settles the order where the passage leaves it open.
    """
    slots = slots_in(passage, mentions)
    codes = _with_carried(passage, mentions, acting_codes(slots))
    if len(codes) < 2:
        return []
    cues = _cues(label)
    acting = [slot for slot in slots if not slot.place] or slots
    source = _source(passage.text, acting, codes, cues)
    partner = _partner(passage.text, acting, cues, source, mentions, label)
    if _is_honoured(passage.text, cues):
        source, partner = partner, source
    shared = label == _COOPERATION or (label == _DISPLAY and _SHARED.search(passage.text) is not None)
    first = (source, partner)
    if watched_hint is not None and set(watched_hint) == {source, partner}:
        first = watched_hint
    elif shared and source in POWERS and partner not in POWERS:
        first = (partner, source)
    if label == _COOPERATION:
        return _joint(passage.text, acting, codes, cues, first)
    return [first, first[::-1]] if shared else [first]


def _with_carried(passage: Passage, mentions: Sequence[Mention], codes: list[str]) -> list[str]:
    """At least two codes, if the item has them: those of the passage, then the ones carried over.

    A passage that opens by pointing back ("He", "Its president", "The country") has the carried one for its subject.
    """
    if len(codes) >= 2:
        return codes
    counts = Counter(m.code for m in mentions if m.code not in codes)
    near = [m.code for m in mentions if m.end <= passage.start and m.code not in codes]
    ranked = sorted(counts, key=lambda code: (-counts[code] - (0.5 if near and code == near[-1] else 0), _first(mentions, code)))
    carried = sorted(ranked[: 2 - len(codes)], key=lambda code: _first(mentions, code))
    if codes and _BACKWARD.match(passage.text):
        return carried + codes
    return codes + carried


def _first(mentions: Sequence[Mention], code: str) -> int:
    return next(m.start for m in mentions if m.code == code)


def _source(text: str, acting: Sequence[Slot], codes: Sequence[str], cues: _Cues) -> str:
    """The subject of the first cue that has one; else the first actor that is no object; else the first."""
    named = {slot.code for slot in acting}
    if codes[0] not in named:
        return codes[0]
    for cue in cues.subject.finditer(text) if cues.subject else ():
        agent = _agent(text, acting, cue)
        if agent is not None:
            return agent
        before = [slot for slot in acting if slot.end <= cue.start()]
        free = [slot for slot in before if not slot.governed]
        if free:
            return free[-1].code
    free = [slot for slot in acting if not slot.governed]
    return free[0].code if free else codes[0]


def _is_honoured(text: str, cues: _Cues) -> bool:
    """Whether the first cue is one of the object, with no agent named: its subject is the partner ("Bush was given a choir in Tallinn")."""
    honoured = cues.object.search(text) if cues.object else None
    if honoured is None or " by " in text[honoured.end() : honoured.end() + 25]:
        return False
    first = cues.subject.search(text) if cues.subject else None
    return first is None or honoured.start() <= first.start()


def _agent(text: str, acting: Sequence[Slot], cue: re.Match[str]) -> str | None:
    """The actor after "by" when the cue is a passive ("was praised by Minsk")."""
    if not _PASSIVE_BY.search(text, max(0, cue.start() - 30), cue.start()):
        return None
    after = [slot for slot in acting if slot.start >= cue.end()]
    return after[0].code if after and _BY.match(text[cue.end() : after[0].start]) else None


def _partner(text: str, acting: Sequence[Slot], cues: _Cues, source: str, mentions: Sequence[Mention], label: str) -> str:
    """The other actor of the item that most speaks for: the cues beside it, its place in the passage, how often the item names it.

    Distance is kept from the strong: for hedging a power, if one is named, is likelier than a small state.
    """
    pointed: dict[str, int] = {}
    for slot in acting:
        pointed[slot.code] = max(pointed.get(slot.code, 0), _pointed_at(text, slot, cues), key=abs)
    counts = Counter(m.code for m in mentions)

    def weight(code: str) -> float:
        power = code in POWERS and label == _HEDGING
        return pointed.get(code, 0) + (code in pointed) * PRESENT + power * POWER + NAMED * min(counts[code], 3)

    others = [code for code in dict.fromkeys([*pointed, *counts]) if code != source]
    return max(others, key=weight)


def _pointed_at(text: str, slot: Slot, cues: _Cues) -> int:
    """+2 for a partner's cue beside the slot, -2 for a rival's."""
    before, after = text[max(0, slot.start - 60) : slot.start], text[slot.end : slot.end + 40]
    if cues.rival_before and cues.rival_before.search(before):
        return -2
    if cues.partner_after and cues.partner_after.search(before):
        return 2
    return 2 if cues.partner_before and cues.partner_before.match(after) else 0


def _joint(text: str, acting: Sequence[Slot], codes: Sequence[str], cues: _Cues, first: Pair) -> list[Pair]:
    """Both ways for the first pair, then for the other pairs of those who take part; rivals and topics take none."""
    out = {slot.code for slot in acting if _pointed_at(text, slot, cues) < 0}
    taking_part = [code for code in codes if code not in out or code in first]
    pairs = [first, first[::-1]]
    for a, b in combinations(taking_part, 2):
        if {a, b} != set(first):
            pairs += [(a, b), (b, a)]
    return pairs[:MAX_DIRECTIONS]


@cache
def _cues(label: str) -> _Cues:
    """The cues of `label` in all languages, compiled."""
    rows = [row for row in read_table("direction.tsv", ("label", "language", "role", "words")) if row["label"] == label]
    words = {role: "|".join(row["words"] for row in rows if row["role"] == role) for role in _Cues.__slots__}

    def compiled(role: str, pattern: str) -> re.Pattern[str] | None:
        return re.compile(pattern.format(words[role]), re.IGNORECASE) if words[role] else None

    gap = r"\s+(?:(?:the|its|a|an|his|their|then|both)\s+)?(?:[\w-]+\s+){{0,1}}$"
    return _Cues(
        subject=compiled("subject", r"\b(?:{})\b"),
        object=compiled("object", r"\b(?:{})\b"),
        partner_after=compiled("partner_after", r"\b(?:{})" + gap),
        partner_before=compiled("partner_before", r"(?:{})"),
        rival_before=compiled("rival_before", r"\b(?:{})" + gap),
    )
