"""The names by which states and blocs go: read from `data/*.tsv`, expanded into case forms, compiled into one automaton.

A table has a header row, tab-separated cells, and `|` between the values of a cell; lines that start with `#` are comments
(provenance stands there). A new country is rows in the tables, no code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

import ahocorasick_rs

from models.actors import inflect
from models.errors import ModelError

Kind = Literal["name", "capital", "demonym", "people", "metonym", "leader", "bloc", "stop"]

DATA = Path(__file__).with_name("data")
#: Years that no leader's time in office ends before or begins after: for entries without dates.
ALWAYS = ((0, 9999),)


@dataclass(frozen=True, slots=True)
class Entry:
    """What one surface form stands for.

    Attributes:
        code: ISO 3166-1 alpha-3, or a bloc's code; "" for a stop phrase.
        kind: what sort of name it is.
        years: spans of years (inclusive) in which it stands for the code.
        needs: words of which one must stand in the text for an ambiguous form to count; empty for no condition.
        alone: a surname without its given name (another given name before it makes it another person).
    """

    code: str
    kind: Kind
    years: tuple[tuple[int, int], ...] = ALWAYS
    needs: tuple[str, ...] = ()
    alone: bool = False

    def holds_in(self, year: int | None) -> bool:
        """Whether the entry counts in `year`; an unknown year admits every entry."""
        return year is None or any(first <= year <= last for first, last in self.years)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All forms, compiled: `entries[i]` are the meanings of the automaton's pattern `i`."""

    automaton: ahocorasick_rs.AhoCorasick
    entries: tuple[tuple[Entry, ...], ...]
    given_names: frozenset[str]
    codes: frozenset[str]


@cache
def lexicon() -> Lexicon:
    """The lexicon of this version; built on first use (under half a second), then shared.

    Raises:
        ModelError: if a table is missing or malformed.
    """
    forms: dict[str, list[Entry]] = {}
    for form, entry in _all_forms():
        known = forms.setdefault(form, [])
        if entry not in known:
            known.append(entry)
    automaton = ahocorasick_rs.AhoCorasick(list(forms), matchkind=ahocorasick_rs.MatchKind.LeftmostLongest)
    codes = frozenset(entry.code for entries in forms.values() for entry in entries if entry.code)
    given = frozenset(row["name"] for row in read_table("given_names.tsv", ("name",)))
    return Lexicon(automaton, tuple(map(tuple, forms.values())), given, codes)


@cache
def known_codes() -> frozenset[str]:
    """The code of every state and bloc that a text can be found to name."""
    states = read_table("states_en.tsv", ("code", "names", "capitals", "demonyms", "people"))
    blocs = read_table("blocs.tsv", ("code", "language", "forms", "needs"))
    return frozenset(row["code"] for row in (*states, *blocs))


def read_table(name: str, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """The rows of a table of `data/`, as dictionaries by column.

    Raises:
        ModelError: if the file is missing, its header differs, or a row has too many or too few cells.
    """
    path = DATA / name
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ModelError("a table of the actor lexicon is missing", where=name, expected="a readable file",
                         todo="reinstall the package") from error  # fmt: skip
    rows = [(n, line.split("\t")) for n, line in enumerate(lines, 1) if line and not line.startswith("#")]
    if not rows or tuple(rows[0][1]) != columns:
        raise ModelError("a table of the actor lexicon has a wrong header", where=name, expected=" ".join(columns),
                         todo="restore the header row")  # fmt: skip
    for number, cells in rows[1:]:
        if len(cells) != len(columns):
            raise ModelError(f"a row has {len(cells)} cells", where=f"{name}:{number}", expected=f"{len(columns)}, tab-separated",
                             todo="add or remove tabs")  # fmt: skip
    return [dict(zip(columns, cells, strict=True)) for _, cells in rows[1:]]


def _values(cell: str) -> list[str]:
    return [value for value in cell.split("|") if value]


def _all_forms() -> Iterator[tuple[str, Entry]]:
    """Every surface form with its meaning, from every table."""
    yield from _english_states()
    for language in ("ru", "be"):
        yield from _slavic_states(language)
    yield from _other_names()
    yield from _historical()
    yield from _leaders()
    for row in read_table("stop_phrases.tsv", ("language", "phrase")):
        for form in inflect.forms_of(row["phrase"], row["language"]):
            yield form, Entry("", "stop")


def _historical() -> Iterator[tuple[str, Entry]]:
    """The names of states that are gone, with the years in which they could act."""
    for row in read_table("historical.tsv", ("code", "years", "kind", "language", "forms")):
        kind = _KINDS[row["kind"]]
        for value in _values(row["forms"]):
            for form in _expanded(value, row["language"], _COLUMN_OF.get(kind, "names")):
                yield form, Entry(row["code"], kind, years=(_span(row["years"]),))


def _english_states() -> Iterator[tuple[str, Entry]]:
    for row in read_table("states_en.tsv", ("code", "names", "capitals", "demonyms", "people")):
        for column, kind in _COLUMNS:
            for form in _values(row[column]):
                yield form, Entry(row["code"], kind)


_COLUMNS: tuple[tuple[str, Kind], ...] = (
    ("names", "name"),
    ("capitals", "capital"),
    ("demonyms", "demonym"),
    ("people", "people"),
)


def _slavic_states(language: str) -> Iterator[tuple[str, Entry]]:
    """Names, adjectives and peoples of one Slavic language in all their cases."""
    for row in read_table(f"states_{language}.tsv", ("code", "names", "capitals", "demonyms", "people")):
        for column, kind in _COLUMNS:
            for value in _values(row[column]):
                for form in _expanded(value, language, column):
                    yield form, Entry(row["code"], kind)


def _expanded(value: str, language: str, column: str) -> Iterator[str]:
    """The forms of a cell's value; a Slavic one in lower case stands capitalised too (official names, a sentence's start)."""
    paradigms = {"ru": inflect.RUSSIAN, "be": inflect.BELARUSIAN}.get(language)
    if paradigms is None:
        yield value
        return
    expand: Callable[[str], list[str]] = getattr(paradigms, column)
    for form in expand(value):
        yield form
        if form[0].islower():
            yield form[0].upper() + form[1:]


def _other_names() -> Iterator[tuple[str, Entry]]:
    """Blocs; the palaces, ministries, armies and state firms that stand for a state; its other cities."""
    for table, kind in _OTHER_TABLES:
        for row in read_table(table, ("code", "language", "forms", "needs")):
            entry = Entry(row["code"], kind, needs=tuple(_values(row["needs"])))
            for value in _values(row["forms"]):
                for form in inflect.forms_of(value, row["language"]):
                    yield form, entry


_COLUMN_OF: dict[Kind, str] = {kind: column for column, kind in _COLUMNS}
_KINDS: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}
_OTHER_TABLES: tuple[tuple[str, Kind], ...] = (("blocs.tsv", "bloc"), ("metonyms.tsv", "metonym"), ("cities.tsv", "capital"))


def _leaders() -> Iterator[tuple[str, Entry]]:
    """Leaders by full name, by surname where it is safe alone, and by surname in Russian and Belarusian."""
    for row in read_table("leaders.tsv", ("code", "years", "names", "alone", "ru", "be")):
        years = tuple(_span(value) for value in row["years"].split(","))
        for form in _values(row["names"]):
            yield form, Entry(row["code"], "leader", years)
        for form in _values(row["alone"]):
            yield form, Entry(row["code"], "leader", years, alone=True)
        for language in ("ru", "be"):
            for value in _values(row[language]):
                for form in inflect.surname_forms(value, language):
                    yield form, Entry(row["code"], "leader", years, alone=True)


def _span(value: str) -> tuple[int, int]:
    first, _, last = value.partition("-")
    return int(first), int(last or first)
