"""A language of the bulletin: its phrases, plurals, numbers, dates, and the names of states. Pure.

The phrases stand in `words/<language>.toml`. Into them go numbers and names of Bellwether's own only, never what a stranger wrote.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal

from models.actors.lexicon import read_table
from models.errors import ModelError
from streams.board.names import name_of
from streams.clock import week_start

Language = Literal["en", "ru", "be"]
LANGUAGES: tuple[Language, ...] = ("en", "ru", "be")
WORDS = Path(__file__).with_name("words")
#: Where the first name of the lexicon is not what a heading wants.
_BETTER = {"ru": {"BLR": "Беларусь"}}
#: Lower bounds of the words for a probability.
_LIKELY = ((0.9, "very"), (0.66, "likely"), (0.5, "rather"), (0.0, "unlikely"))


@dataclass(frozen=True)
class Words:
    """One language.

    Args:
        language: its code.
        table: `words/<language>.toml`.
    """

    language: Language
    table: dict[str, Any]

    @property
    def quotes(self) -> tuple[str, str]:
        """The marks that open and close a quote."""
        opening, closing = self.table["quotes"]
        return str(opening), str(closing)

    def say(self, key: str, **values: object) -> str:
        """The phrase `section.name` with its braces filled in; `signal` gives `Signal` with a capital, too."""
        section, _, name = key.partition(".")
        if "signal" in values:
            values["Signal"] = capital(str(values["signal"]))
        return str(self.table[section][name]).format_map(values)

    def word(self, section: str, name: str) -> str:
        """A word of a table; a name that the language has none for stands for itself."""
        return str(self.table[section].get(name, name.replace("-", " ")))

    def count(self, noun: str, number: int) -> str:
        """`3 stories`, `3 сюжета`."""
        forms = self.table["plurals"][noun]
        return f"{self.whole(number)} {forms[plural_form(self.language, number)]}"

    def whole(self, number: int) -> str:
        """A whole number, in groups of three digits."""
        return f"{number:,}".replace(",", self.table["thousands"])

    def decimal(self, number: float, places: int = 1) -> str:
        """A number with so many decimal places."""
        return f"{number:.{places}f}".replace(".", self.table["decimal"])

    def percent(self, share: float | None) -> str:
        """A share of 0 to 1 as a percentage; with a decimal place below 10 %."""
        value = 100 * (share or 0.0)
        return str(self.table["percent"]).format(self.decimal(value, 1 if 0 < value < 9.95 else 0))

    def probability(self, value: float) -> str:
        """A probability as a percentage, never rounded to certainty."""
        return str(self.table["percent"]).format(self.decimal(100 * min(max(value, 0.01), 0.99), 0))

    def likely(self, value: float) -> str:
        """The words for a probability of lasting."""
        return self.word("likely", next(name for least, name in _LIKELY if value >= least))

    def listed(self, parts: Sequence[str]) -> str:
        """`a, b and c`."""
        return f"{', '.join(parts[:-1])} {self.table['and']} {parts[-1]}" if len(parts) > 1 else "".join(parts)

    def name(self, code: str) -> str:
        """`Belarus` for `BLR`; a code without a name in the language stands for itself."""
        return name_of(code) if self.language == "en" else _names(self.language).get(code, code)

    def pair(self, source: str, partner: str) -> str:
        """`Belarus and Russia`."""
        return str(self.table["pair"]).format(source=self.name(source), partner=self.name(partner))

    def days(self, week: str) -> str:
        """`31 July – 6 August 2017`: the days of an ISO week."""
        first = week_start(week)
        last = first + timedelta(days=6)
        months = self.table["months"]
        head = f"{first.day}"
        if first.month != last.month:
            head += f" {months[first.month - 1]}"
        if first.year != last.year:
            head += f" {first.year}"
        return f"{head} – {last.day} {months[last.month - 1]} {last.year}"


def plural_form(language: str, number: int) -> int:
    """Which of the forms of a noun goes with a number: one, few, many (English: one, other)."""
    if language == "en":
        return int(number != 1)
    last, last_two = number % 10, number % 100
    if last == 1 and last_two != 11:
        return 0
    return 1 if 2 <= last <= 4 and not 12 <= last_two <= 14 else 2


def capital(text: str) -> str:
    """The text with its first letter a capital."""
    return text[:1].upper() + text[1:]


@cache
def words_of(language: Language) -> Words:
    """The words of a language."""
    return Words(language, tomllib.loads((WORDS / f"{language}.toml").read_text(encoding="utf-8")))


@cache
def _names(language: str) -> dict[str, str]:
    """Code -> name in the nominative, from the lexicon of actors."""
    try:
        states = read_table(f"states_{language}.tsv", ("code", "names", "capitals", "demonyms", "people"))
        blocs = read_table("blocs.tsv", ("code", "language", "forms", "needs"))
    except ModelError:
        return {}
    names = {row["code"]: row["forms"] for row in reversed(blocs) if row["language"] == language}
    names |= {row["code"]: row["names"] for row in reversed(states) if row["names"]}
    return {code: _nominative(forms.split("|")[0]) for code, forms in names.items()} | _BETTER.get(language, {})


def _nominative(form: str) -> str:
    """A form of the lexicon without the tags that say how it changes."""
    return " ".join(word.partition("/")[0].partition(">")[0] for word in form.split(" "))
