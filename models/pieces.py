"""Cuts a text into the pieces that the encoder knows (the scheme of BERT: lower case, no accents, the longest known beginnings).

In: a text. Out: numbers of pieces. Bounded: only the beginning of a text that can fill the asked-for number is read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from models.errors import ModelError

FIRST, LAST, UNKNOWN = "[CLS]", "[SEP]", "[UNK]"
#: A word longer than this is one unknown piece.
MAX_WORD = 100
#: Characters read for each piece that is asked for: no known piece is longer, most are shorter.
_CHARS_A_PIECE = 24
_REMEMBERED = 100_000
_WORD = re.compile(r"[^\W_]+|[^\w\s]|_")


class Pieces:
    """A vocabulary of pieces.

    Args:
        known: the pieces, numbered by place; one that continues a word begins with "##". Empty ones are passed over.

    >>> Pieces(["[UNK]", "[CLS]", "[SEP]", "sign", "##s", "a", "pact"]).of("Signs a páct!", 10)
    [1, 3, 4, 5, 6, 0, 2]

    Raises:
        ModelError: if one of the marks is not among them.
    """

    def __init__(self, known: Sequence[str]) -> None:
        self._numbers = {piece: number for number, piece in enumerate(known) if piece}
        missing = [mark for mark in (FIRST, LAST, UNKNOWN) if mark not in self._numbers]
        if missing:
            raise ModelError(f"The vocabulary lacks {', '.join(missing)}.", where="pieces.txt")
        self._unknown = (self._numbers[UNKNOWN],)
        self._longest = max(map(len, self._numbers))
        self._of_word = lru_cache(_REMEMBERED)(self._cut)

    def of(self, text: str, most: int) -> list[int]:
        """The numbers of the text's pieces between the marks for first and last: at most `most` with both."""
        found = [self._numbers[FIRST]]
        for match in _WORD.finditer(_plain(text[: most * _CHARS_A_PIECE])):
            if len(found) >= most - 1:
                break
            word = match.group()
            found.extend(self._of_word(word) if len(word) <= MAX_WORD else self._unknown)
        return [*found[: most - 1], self._numbers[LAST]]

    def _cut(self, word: str) -> tuple[int, ...]:
        """The longest known beginning, then the longest known continuation, and so on; one unknown piece if that fails."""
        start, found = 0, []
        while start < len(word):
            mark = "##" if start else ""
            for end in range(min(len(word), start + self._longest), start, -1):
                number = self._numbers.get(mark + word[start:end])
                if number is not None:
                    break
            else:
                return self._unknown
            found.append(number)
            start = end
        return tuple(found)


def _plain(text: str) -> str:
    """Lower case without accents."""
    if text.isascii():
        return text.lower()
    return "".join(char for char in unicodedata.normalize("NFD", text.lower()) if unicodedata.category(char) != "Mn")
