"""The lexicon of cues: what kind of act, attitude or reservation a word or phrase stands for (`cues.toml`).

In: the words of a text, lower case (`models.features.words_of`). Out: the cues among them, with their places.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from models.errors import ModelError

CUES_FILE = Path(__file__).with_name("cues.toml")
#: Distinct words whose cues are remembered, and the letters of the longest of them; others are looked up anew.
_MEMORY, _MEMORY_LETTERS = 200_000, 30


class _Phrase(NamedTuple):
    """The words of a phrase after its first, and the cue that the whole stands for."""

    rest: tuple[str, ...]
    cue: str


class Cues:
    """The lexicon of cues, ready for lookup.

    Args:
        tables: cue -> language -> words, as in `cues.toml`.
    """

    def __init__(self, tables: dict[str, dict[str, str]]) -> None:
        self.names: tuple[str, ...] = tuple(tables)
        self._exact: dict[str, list[str]] = {}
        self._stems: dict[str, list[str]] = {}
        self._phrases: dict[str, list[_Phrase]] = {}
        self._memory: dict[str, tuple[tuple[str, ...], tuple[_Phrase, ...]]] = {}
        for cue, languages in tables.items():
            for entry in sorted({entry for words in languages.values() for entry in words.split()}):
                self._add(entry, cue)
        self._longest = max(map(len, (*self._stems, *self._phrases)), default=0)

    def find(self, words: Sequence[str]) -> list[tuple[int, str]]:
        """(position, cue) of every cue in `words`, by position."""
        found: list[tuple[int, str]] = []
        for position, word in enumerate(words):
            cues, phrases = self._memory.get(word) or self._look_up(word)
            for cue in cues:
                found.append((position, cue))
            for phrase in phrases:
                following = words[position + 1 : position + 1 + len(phrase.rest)]
                if len(following) == len(phrase.rest) and all(map(_matches, phrase.rest, following)):
                    found.append((position, phrase.cue))
        return found

    def _add(self, entry: str, cue: str) -> None:
        first, *rest = entry.split("_")
        if rest:
            self._phrases.setdefault(first, []).append(_Phrase(tuple(rest), cue))
        elif entry.endswith("*"):
            self._stems.setdefault(entry[:-1], []).append(cue)
        else:
            self._exact.setdefault(entry, []).append(cue)

    def _look_up(self, word: str) -> tuple[tuple[str, ...], tuple[_Phrase, ...]]:
        prefixes = [word[:length] for length in range(1, min(len(word), self._longest) + 1)]
        cues = dict.fromkeys(self._exact.get(word, ()))
        phrases = list(self._phrases.get(word, ()))
        for prefix in prefixes:
            cues.update(dict.fromkeys(self._stems.get(prefix, ())))
            phrases.extend(self._phrases.get(f"{prefix}*", ()))
        answer = (tuple(cues), tuple(phrases))
        if len(self._memory) < _MEMORY and len(word) <= _MEMORY_LETTERS:
            self._memory[word] = answer
        return answer


def _matches(entry: str, word: str) -> bool:
    return word.startswith(entry[:-1]) if entry.endswith("*") else word == entry


@cache
def load_cues(path: Path = CUES_FILE) -> Cues:
    """The cues of a lexicon file; read once a process.

    Raises:
        ModelError: if the file is missing or is not a table of cues.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"The cues can't be read: {error}", where=str(path), expected="TOML, one table a cue", todo="reinstall bellwether"
        ) from error
    return Cues(tables)
