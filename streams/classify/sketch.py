"""A small print of a text, from which copies of it are known again: cut, edited, under another headline, with a paragraph added.

What comes in: title and text. What goes out: a `Sketch`, at most 400 bytes whatever the length of the text. It holds the least hashes
of the text's shingles (runs of words), which for two texts are the same sample of what they share: Broder, "On the resemblance and
containment of documents" (1997), with the bottom hashes of one function in place of many functions. What it does not do: compare
(see `streams/trends/stories.py`).

Words are what stands between white space, without punctuation and case, so that every spaced script is read alike; scripts that are
written without spaces are read by the letter.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from streams.records import SKETCH_HASHES, SKETCH_TITLE_HASHES, Sketch

#: Where the sketch of the beginning ends; a text of fewer words is nothing but its beginning.
LEAD_WORDS = 60
#: A shorter body says too little by itself ("Read more"), so that the title counts as its first words.
MIN_BODY_WORDS = 6
MIN_WORDS = 4
#: What comes after is not read: about 5,000 words.
MAX_CHARS = 32_000
_MAX_KNOWN_WORDS, _LONGEST_WORD = 100_000, 64

_Hashes = NDArray[np.uint64]
_NOT_WORD = re.compile(r"[\W_]+")
# Scripts without spaces between words: Thai, Lao, Burmese, Khmer, Kana, Han.
_UNSPACED = re.compile("([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff])")
_FACTORS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)
_MIX, _HALF = np.uint64(0xFF51AFD7ED558CCD), np.uint64(32)
_ONE = np.uint64(1)


class _WordCodes(dict[str, int]):
    """Word as written -> 64-bit code of the word, odd where it holds a digit; 0 for what is no word. Bounded: what is longer than
    any word counts by its beginning, and is not kept.
    """

    def __missing__(self, written: str) -> int:
        word = _NOT_WORD.sub("", unicodedata.normalize("NFKC", written[:_LONGEST_WORD])).casefold()
        code = int.from_bytes(blake2b(word.encode("utf-8", "replace"), digest_size=8).digest(), "big") & ~1 if word else 0
        if word and any(letter.isdigit() for letter in word):
            code |= 1
        if len(self) >= _MAX_KNOWN_WORDS:
            self.clear()
        if len(written) <= _LONGEST_WORD:
            self[written] = code
        return code


_codes = _WordCodes()


def sketch_of(title: str, text: str) -> Sketch | None:
    """The sketch of an article, or None where there are too few words to tell copies by.

    The title is no part of what is compared: a copy has its own headline, and a heading such as "World in brief" stands over many
    stories.

    >>> one, other = sketch_of("A", "Minsk and Moscow open a joint exercise"), sketch_of("B", "MINSK and Moscow: open a joint exercise.")
    >>> one is not None and other is not None and one.lead == other.lead
    True
    """
    heading, words = _words(title[:MAX_CHARS]), _words(text[:MAX_CHARS])
    if len(words) < MIN_BODY_WORDS:
        words = np.concatenate([heading, words])
    if len(words) < MIN_WORDS:
        return None
    return Sketch(
        title=_least(_mixed(heading), SKETCH_TITLE_HASHES),
        lead=_least(_shingles(words[:LEAD_WORDS], 2), SKETCH_HASHES),
        whole=_least(_shingles(words, 3), SKETCH_HASHES) if len(words) >= LEAD_WORDS else b"",
        numbers=_least(_mixed(words[(words & _ONE) == _ONE]), SKETCH_HASHES),
    )


def _words(text: str) -> _Hashes:
    if not text.isascii() and _UNSPACED.search(text):
        text = _UNSPACED.sub(r" \1 ", text)
    codes: _Hashes = np.frombuffer(array("Q", map(_codes.__getitem__, text.split())), np.uint64)
    words: _Hashes = codes[codes != 0]
    return words


def _shingles(words: _Hashes, length: int) -> _Hashes:
    """Hashes of all runs of so many words."""
    ends = len(words) - length + 1
    runs = words[:ends] * _FACTORS[0]
    for place in range(1, length):
        runs = runs + words[place : place + ends] * _FACTORS[place]
    return _mixed(runs)


def _mixed(values: _Hashes) -> _Hashes:
    # The upper half decides which hashes are the least ones; without the mixing it would follow the first word's.
    folded = values ^ (values >> _HALF)
    return (folded * _MIX) >> _HALF


def _least(hashes: _Hashes, most: int) -> bytes:
    """The least distinct hashes in rising order, four bytes each, big-endian."""
    least: bytes = np.unique(hashes)[:most].astype(">u4").tobytes()
    return least
