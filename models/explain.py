"""Which words of a passage drove a label: the model is linear, so every term's part in the score can be read off.

In: a masked passage, its row of features, a target's weights. Out: the words as they stand in the passage, the heaviest first.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from models.cues import load_cues
from models.features import LETTERS, MASK_WORDS, TokenTfidf, cue_tokens, cut_words, surface_words, words_of
from models.linear import LinearModel

#: Words given for one label, at most.
MAX_TERMS = 5
#: A word that weighs less than this share of the heaviest is not given.
MIN_SHARE = 0.15
#: Words that say nothing by themselves to a reader. Negations are not among them: "not", "without" do explain.
_FUNCTION_WORD_LIST = (
    "a an and are as at be been being but by did do does for from had has have he her his i in into is it its itself of on or our out s said "
    "say says she so than that the their them then there these they this those to too up us was we were what when where which who whom "
    "whose with you after before during about also among between both each every last next other others such one two three new will "
    "would over under through while told 0 "
    "а без бы был была были было в во где для до его ее если же за и из или им их к как когда который которая которые которых ли между на над "
    "о об он она они от по под при с со так также то тот у уже что чтобы это этот эта эти этого этом "
    "аб ад але бы быў была былі было ва да для з за і іх іхняя каб калі каля ли між на над па пад пасля пра пры са так таксама той у яго яе "
    "ён яна яны як які якая якія якіх што гэта гэты гэтая гэтыя гэтага"
)
_FUNCTION_WORDS = frozenset(_FUNCTION_WORD_LIST.split())
_MIN_LETTERS = 2

_Placed = list[tuple[int, str]]


class Explainer:
    """Reads words off a trained model.

    Args:
        linear: the model.
    """

    def __init__(self, linear: LinearModel) -> None:
        vectorizers = linear.vectorizers()
        self._words, self._cues = vectorizers["words"], vectorizers["cues"]
        self._lexicon = load_cues()

    def terms(self, masked: str, row: csr_matrix, weights: NDArray[np.float32]) -> tuple[str, ...]:
        """The words of `masked` that speak for a target, the heaviest first; masked actors and names are never among them.

        Args:
            masked: a masked passage.
            row: its features, `(1, n_features)`.
            weights: of the target, `(n_features,)`.
        """
        words = words_of(masked)
        part = [0.0] * len(words)
        columns = dict(zip(row.indices.tolist(), (row.data * weights[row.indices]).tolist(), strict=True))
        self._spread(part, list(enumerate(cut_words(words, LETTERS))), self._words, 0, columns)
        self._spread(part, cue_tokens(self._lexicon, words), self._cues, len(self._words.vocabulary_), columns)
        total: dict[str, float] = {}
        surface: dict[str, str] = {}
        for place, (word, as_written) in enumerate(zip(words, surface_words(masked), strict=True)):
            if len(word) >= _MIN_LETTERS and not _is_masked(word) and word not in _FUNCTION_WORDS:
                total[word] = total.get(word, 0.0) + part[place]
                surface.setdefault(word, as_written)
        least = MIN_SHARE * max(total.values(), default=0.0)
        best = sorted((word for word in total if total[word] > max(least, 0.0)), key=lambda word: -total[word])
        return tuple(surface[word] for word in best[:MAX_TERMS])

    @staticmethod
    def _spread(part: list[float], tokens: _Placed, tfidf: TokenTfidf, shift: int, columns: dict[int, float]) -> None:
        """Adds each term's contribution to the words that it covers, in equal shares over its places and words."""
        places: dict[int, list[tuple[int, ...]]] = {}
        for span, term in _spans(tokens, tfidf.longest):
            column = tfidf.vocabulary_.get(term)
            if column is not None:
                places.setdefault(column + shift, []).append(span)
        for column, spans in places.items():
            share = columns.get(column, 0.0) / sum(map(len, spans))
            for span in spans:
                for place in span:
                    part[place] += share


def _is_masked(word: str) -> bool:
    """Whether a word stands for an actor or a name, also as a possessive, whose apostrophe `words_of` leaves out."""
    return word in MASK_WORDS or word.removesuffix("s") in MASK_WORDS


def _spans(tokens: _Placed, longest: int) -> Iterator[tuple[tuple[int, ...], str]]:
    """(positions of its words, term) of every n-gram."""
    places, words = [place for place, _ in tokens], [word for _, word in tokens]
    for size in range(1, longest + 1):
        spans = zip(*(places[shift:] for shift in range(size)), strict=False)
        yield from zip(spans, map(" ".join, zip(*(words[shift:] for shift in range(size)), strict=False)), strict=True)
