"""Rules for forms that may mean something else: people called Jordan, the state of Georgia, US in a line of capitals.

In: a candidate of the automaton and its text. Out: the codes it stands for there, often none. Each rule says its default.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from models.actors.lexicon import Entry, Kind

#: Characters to each side that the rules look at, so that a line without end costs no more than a short one.
LINE_REACH = 150
_WORD_BEFORE = re.compile(r"([^\W\d_]+)[ \u00a0]$")


@dataclass(frozen=True, slots=True)
class Context:
    """The text around candidates; what is asked of the whole text is found once.

    Attributes:
        text: the whole text.
        given_names: words that make a surname of the word after them.
        codes: every code that some form in the text may stand for.
    """

    text: str
    given_names: frozenset[str]
    codes: frozenset[str]
    _cues: dict[str, bool] = field(default_factory=dict)

    def has(self, name: str, pattern: re.Pattern[str]) -> bool:
        """Whether `pattern` occurs in the text."""
        if name not in self._cues:
            self._cues[name] = pattern.search(self.text) is not None
        return self._cues[name]

    def word_before(self, start: int) -> str:
        """The word right before `start` (one space between); "" if there is none."""
        found = _WORD_BEFORE.search(self.text, max(0, start - 25), start)
        return found.group(1) if found else ""

    def line_around(self, start: int, end: int) -> str:
        """The part of the line of `start:end` that lies within `LINE_REACH` characters of it."""
        left = self.text[max(0, start - LINE_REACH) : start].rpartition("\n")[2]
        return left + self.text[start : end + LINE_REACH].partition("\n")[0]


def meanings(context: Context, start: int, end: int, entries: tuple[Entry, ...], year: int | None) -> Iterator[tuple[str, Kind]]:
    """(code, kind) of everything that the form at `start:end` stands for."""
    standing = [entry for entry in entries if entry.holds_in(year) and _condition_met(context, entry)]
    if not standing or _is_a_person(context, start, standing[0]):
        return
    rule = _RULES.get(context.text[start:end].title())
    if rule is not None and not rule(context, (start, end)):
        return
    codes = {entry.code for entry in standing}
    if len(codes) > 1 and any(entry.kind == "leader" for entry in standing):
        return  # a surname of two states' leaders at once says nothing
    seen: set[str] = set()
    for entry in standing:
        if entry.code not in seen:
            seen.add(entry.code)
            yield entry.code, entry.kind


def _condition_met(context: Context, entry: Entry) -> bool:
    return not entry.needs or any(word in context.text for word in entry.needs)


def _is_a_person(context: Context, start: int, entry: Entry) -> bool:
    """A given name before it makes a place or a leader's surname somebody else's name (Michael Jordan, Melania Trump)."""
    if entry.kind in ("name", "capital") or entry.alone:
        return context.word_before(start) in context.given_names
    return False


_HYPHENATED = re.compile(r"(?!Pro|Anti|Ex|Post|Non|Mr|Mid)[A-Z][\w.]*[-–]$")
_IN_PLACE_NAME = re.compile(r"-[a-z]+-[A-Z]")


def is_part_of_a_name(text: str, start: int, end: int) -> bool:
    """Whether a surname stands inside a longer hyphenated name (Ernest-Morrison, Barrow-in-Furness), so that it is another one."""
    before = _HYPHENATED.search(text, max(0, start - 25), start)
    return before is not None or _IN_PLACE_NAME.match(text, end) is not None


_US_GEORGIA = re.compile(
    r"Atlanta|Savannah|Augusta|runoff|Senate|Republican|Democrat|GOP|Trump|Biden|Warnock|Ossoff|Kemp|Raffensperger|Abrams|Loeffler|"
    r"Perdue|Arbery|Bulldogs|Fulton|[Cc]ounty|Black voters|Alabama|Florida|Carolina|Texas|Tennessee|Arizona|voting law|sheriff"
)
_CAUCASUS = re.compile(
    r"Tbilisi|Abkhaz|Osseti|Saakashvili|Shevardnadze|Georgian|Caucas|Armenia|Azerbai|Rose Revolution|Black Sea|Ivanishvili|Batumi|Gori\b|"
    r"Adjar|Ajar|Kobakhidze|Garibashvili|Zourabichvili|Margvelashvili|Kavelashvili|Soviet"
)
_DIPLOMACY = re.compile(
    r"\b(?:treat(?:y|ies)|pacts?|ambassador|diplomats?|embassy|foreign minist\w+|defen[cs]e minist\w+|accession|association)\b"
)
_AFTER_A_TOWN = re.compile(r"[A-Z]\w+, $")
_STATESIDE = frozenset(("USA", "GEO", ""))


def _is_the_state_in_the_caucasus(context: Context, span: tuple[int, int]) -> bool:
    """The US state after the name of a town or beside a cue of it; the state in the Caucasus beside a cue of that, of diplomacy, or
    of any actor but the USA. Default (nothing of the kind): the US state.
    """
    if context.has("caucasus", _CAUCASUS):
        return True
    if (
        _AFTER_A_TOWN.search(context.text, max(0, span[0] - 25), span[0])
        and context.word_before(span[0] - 2) not in context.given_names
    ):
        return not context.codes <= _STATESIDE and not context.has("us-georgia", _US_GEORGIA)
    if context.has("us-georgia", _US_GEORGIA):
        return False
    return not context.codes <= _STATESIDE or context.has("diplomacy", _DIPLOMACY)


_NEXT_NAME = re.compile(r" (?!Says|Will|And|To)[A-Z][a-z]+")
_TITLE_WORDS = re.compile(r"\b[a-z]{4,}\b")


def _is_no_given_name(context: Context, span: tuple[int, int]) -> bool:
    """Default: the state; a capitalised word after it (Jordan Spieth) makes it a person, save in a headline in title case."""
    start, end = span
    if _NEXT_NAME.match(context.text, end) is None:
        return True
    line = context.line_around(start, end)
    return _TITLE_WORDS.search(line) is None


def _is_no_pronoun(context: Context, span: tuple[int, int]) -> bool:
    """In a line of capitals US is the pronoun as often as the country: it counts only after THE."""
    start, end = span
    line = context.line_around(start, end)
    return not (line.isupper() and len(line) > 8) or context.word_before(start) == "THE"


_RULES: dict[str, Callable[[Context, tuple[int, int]], bool]] = {
    "Georgia": _is_the_state_in_the_caucasus,
    "Jordan": _is_no_given_name,
    "Chad": _is_no_given_name,
    "Us": _is_no_pronoun,
}
