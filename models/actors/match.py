"""Finds the states and blocs that a text names.

In: a text (an item's title and body, joined by a line break). Out: `Mention`s in the order of the text, none overlapping.
One pass of an Aho-Corasick automaton (leftmost-longest, case-sensitive) finds candidates; word boundaries, datelines and the
rules of `ambiguity` throw out those that are none. Stop phrases ("Washington Post") are patterns of the same automaton.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from models.actors import ambiguity
from models.actors.lexicon import Entry, Kind, lexicon
from models.passages import MAX_TEXT_CHARS, Passage, dateline_end


@dataclass(frozen=True, slots=True)
class Mention:
    """One place where a text names a state or bloc.

    Attributes:
        code: ISO 3166-1 alpha-3 code, or a bloc's (`EU`, `NATO`, ...).
        start: offset of its first character.
        end: offset after its last character.
        kind: name, capital, demonym (adjective), people, metonym, leader or bloc.
        surface: the characters themselves.
    """

    code: str
    start: int
    end: int
    kind: Kind
    surface: str


def find_actors(text: str, published: date | None = None) -> list[Mention]:
    """The mentions in `text`, by place; leaders count in their years of office (all of them when `published` is None).

    A dateline ("MINSK, Aug 2 (BelTA) -") is no mention. At most `MAX_TEXT_CHARS` characters are read.

    >>> [(m.code, m.kind) for m in find_actors("Minsk and the Kremlin sign a deal")]
    [('BLR', 'capital'), ('RUS', 'metonym')]
    """
    text = text[:MAX_TEXT_CHARS]
    year = published.year if published else None
    candidates = _candidates(text)
    if not candidates:
        return []
    candidates = _outside_datelines(text, candidates)
    return list(_decided(text, candidates, year))


def mentions_in(passage: Passage, mentions: Sequence[Mention]) -> list[Mention]:
    """The mentions that stand in `passage`, with offsets counted from its start."""
    return [
        replace(mention, start=mention.start - passage.start, end=mention.end - passage.start)
        for mention in mentions
        if passage.start <= mention.start and mention.end <= passage.end
    ]


_Candidate = tuple[int, int, tuple[Entry, ...]]
_SMALL_WORDS = re.compile(r"\b(?:Of|The|And|To|In|For|On|With|By|At|From|De)\b")


def _candidates(text: str) -> list[_Candidate]:
    """All matches at word boundaries, stop phrases among them; lines all in capitals are read in title case as well."""
    found = list(_matches(text, 0))
    if any(len(line) > 8 and line.isupper() for line in text.split("\n")):
        found = _merged(found, _capital_matches(text))
    return found


def _capital_matches(text: str) -> Iterator[_Candidate]:
    """The matches in lines all in capitals, as if they were in title case ("JAPAN TO HELP U.S.")."""
    start = 0
    for line in text.split("\n"):
        titled = _SMALL_WORDS.sub(lambda word: word.group().lower(), line.title()) if len(line) > 8 and line.isupper() else ""
        if len(titled) == len(line):
            yield from _matches(titled, start)
        start += len(line) + 1


def _merged(first: list[_Candidate], second: Iterator[_Candidate]) -> list[_Candidate]:
    """Both lists by place; where two overlap the longer one stays."""
    kept: list[_Candidate] = []
    for candidate in sorted([*first, *second], key=lambda c: (c[0], -c[1])):
        if not kept or candidate[0] >= kept[-1][1]:
            kept.append(candidate)
    return kept


def _matches(text: str, shift: int) -> Iterator[_Candidate]:
    """Matches of the automaton that begin and end at word boundaries."""
    known = lexicon()
    size = len(text)
    for pattern, start, end in known.automaton.find_matches_as_indexes(text):
        if start and text[start - 1].isalnum():
            continue
        if end < size and text[end].isalnum() and text[end - 1].isalnum():
            continue
        yield start + shift, end + shift, known.entries[pattern]


def _outside_datelines(text: str, candidates: list[_Candidate]) -> list[_Candidate]:
    """The candidates that no dateline at the start of a line covers."""
    kept: list[_Candidate] = []
    line, opened = -1, 0  # the start of the line that was looked at last, and where its dateline ends
    for candidate in candidates:
        start = max(line, text.rfind("\n", max(line, 0), candidate[0]) + 1)
        if start != line:
            line, opened = start, dateline_end(text, start)
        if candidate[0] >= opened:
            kept.append(candidate)
    return kept


def _decided(text: str, candidates: list[_Candidate], year: int | None) -> Iterator[Mention]:
    """The mentions that the candidates are, after the rules for ambiguous forms."""
    sure = frozenset(entries[0].code for _, _, entries in candidates)
    context = ambiguity.Context(text, lexicon().given_names, sure)
    previous = 0
    for start, end, entries in candidates:
        joined, previous = previous == start - 1, end
        if not entries[0].code or (entries[0].alone and not joined and ambiguity.is_part_of_a_name(text, start, end)):
            continue
        end -= text[end - 1] in "-–"
        for code, kind in ambiguity.meanings(context, start, end, entries, year):
            yield Mention(code, start, end, kind, text[start:end])
