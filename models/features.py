"""Text transformers: what of a masked text the classifiers look at.

In: texts in which the actors are masked (`models.actors`). Out: texts of plain tokens for scikit-learn's vectorizers. Two views: `WordTokens`
keeps the words, `CueTokens` keeps only what kind of act, attitude or reservation each stands for (`cues.toml`), so that
"Minsk declines to host" and «Ереван отказался принять» look alike, and words that the corpus lacks still count.

Both transformers are stateless: they learn nothing, and their parameters are plain values. `feature_union` puts them and their
vectorizers together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from operator import itemgetter
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from models.actors.mask import BLOC_WORD, ROLE_WORDS, STATE_WORDS
from models.cues import Cues, load_cues
from models.postponed import postponed

with postponed("scipy.stats"):
    from sklearn.base import BaseEstimator, TransformerMixin
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import FeatureUnion, Pipeline

#: Words of a text that are looked at: what a news item is about is said by then, and the cost of a long one stays bounded.
MAX_TOKENS = 3_000

#: What stands for an actor in a masked text.
ACTOR_WORDS = frozenset((*STATE_WORDS, BLOC_WORD, *ROLE_WORDS.values()))
#: What stands for any other name (a person, a town, a firm) inside a sentence.
NAME_WORD = "namex"
MASK_WORDS = ACTOR_WORDS | {NAME_WORD}

_CAPITALISED = r"[A-ZА-ЯЁІЎ][\w'’-]*"
_NAME = re.compile(
    rf"(?<=[\w,;:)] )(?=[A-ZА-ЯЁІЎ][\w'’-]*[a-zа-яёіў]){_CAPITALISED}(?:[ -](?:of |the |bin |al-|al |de )?{_CAPITALISED})*"
)
_WORD = re.compile(r"[^\W\d_]+(?:['’ʼ-][^\W\d_]+)*|\d+")
_APOSTROPHES = str.maketrans({"'": None, "’": None, "ʼ": None, "ё": "е"})
_NUMBER = "0"
#: Words whose plain form is remembered, at most, and the letters of the longest of them: that bounds the memory, and few words are longer.
_REMEMBERED, _REMEMBERED_LETTERS = 100_000, 30


def mask_names(text: str) -> str:
    """`text` with every name inside a sentence (a run of capitalised words that something precedes) replaced by `NAME_WORD`.

    >>> mask_names("actorxa thanked Ivan Petrov in Krasny Bor.")
    'actorxa thanked namex in namex.'
    """
    return _NAME.sub(NAME_WORD, text)


def words_of(text: str) -> list[str]:
    """The words of a text, in order: lower case, without apostrophes, ё as е; every number is "0". At most `MAX_TOKENS`.

    >>> words_of("Minsk won't host 12 jets")
    ['minsk', 'wont', 'host', '0', 'jets']
    """
    return [_plain(word) if len(word) <= _REMEMBERED_LETTERS else _plain.__wrapped__(word) for word in surface_words(text)]


def surface_words(text: str) -> list[str]:
    """The words of a text as they stand in it: `words_of` of the same text gives the plain form of each.

    >>> surface_words("Minsk won't host 12 jets")
    ['Minsk', "won't", 'host', '12', 'jets']
    """
    return _WORD.findall(text)[:MAX_TOKENS]


@lru_cache(_REMEMBERED)
def _plain(word: str) -> str:
    return _NUMBER if word[0].isdigit() else word.lower().translate(_APOSTROPHES)


class TextTransformer(TransformerMixin, BaseEstimator):
    """Stateless transformer of texts into texts: fit learns nothing."""

    def fit(self, X: Iterable[str], y: Any = None) -> Self:  # noqa: N803 - scikit-learn's name
        """Learns nothing."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.requires_fit = False
        return tags


class WordTokens(TextTransformer):
    """Masked texts as their words, cut to their first letters, joined by single spaces.

    Cutting folds the forms of a word into one ("signs", "signed"; «отказался», «отказала») in every language alike; it won .005 in
    cross-validation and halves the vocabulary. Masks stay whole.

    Args:
        letters: letters of a word that are kept.

    >>> WordTokens(letters=5).transform(["Minsk, again, didn't cooperate with actorxa."])
    ['minsk again didnt coope with actorxa']
    """

    def __init__(self, letters: int = 5) -> None:
        self.letters = letters

    def transform(self, X: Iterable[str]) -> list[str]:  # noqa: N803 - scikit-learn's name
        """One text of tokens for each text of `X`, in order."""
        return [" ".join(cut_words(words_of(text), self.letters)) for text in X]


def cut_words(words: Sequence[str], letters: int) -> list[str]:
    """Each word cut to its first `letters`, masks whole."""
    return [word if word in MASK_WORDS else word[:letters] for word in words]


class CueTokens(TextTransformer):
    """Masked texts as the sequence of their cues and masked actors; everything else is left out.

    >>> CueTokens().transform(["actorxa refused to host a base"])
    ['actorxa refuse host base']
    """

    def transform(self, X: Iterable[str]) -> list[str]:  # noqa: N803 - scikit-learn's name
        """One text of tokens for each text of `X`, in order."""
        cues = load_cues()
        return [" ".join(token for _, token in cue_tokens(cues, words_of(text))) for text in X]


def cue_tokens(cues: Cues, words: Sequence[str]) -> list[tuple[int, str]]:
    """(position, token) of every cue and masked actor in `words`, by position: what `CueTokens` keeps of them."""
    found = cues.find(words)
    actors = [(position, word) for position, word in enumerate(words) if word in ACTOR_WORDS]
    return sorted(found + actors, key=itemgetter(0)) if actors else found


class TokenTfidf(TfidfVectorizer):
    """TF-IDF over n-grams of tokens that single spaces part, with logarithmic term counts; float32.

    It is scikit-learn's vectorizer, but that splitting at spaces replaces the regular expression (2.1 times as fast).

    Args:
        longest: the n of the longest n-grams.
        min_df: number of texts that a term must be in to count.

    >>> TokenTfidf(longest=2, min_df=1).fit(["actorxa signs", "actorxa refuses"]).get_feature_names_out().tolist()
    ['actorxa', 'actorxa refuses', 'actorxa signs', 'refuses', 'signs']
    """

    def __init__(self, longest: int = 1, min_df: int = 2) -> None:
        super().__init__(lowercase=False, sublinear_tf=True, dtype=np.float32, min_df=min_df)
        self.longest = longest

    @classmethod
    def of(cls, terms: Sequence[str], idf: NDArray[np.float32], *, longest: int) -> Self:
        """A vectorizer that has learned: the features' terms in their order, and the inverse document frequency of each.

        Raises:
            ValueError: if a term stands twice, or there are not as many frequencies as terms.
        """
        vectorizer = cls(longest=longest)
        vectorizer.vocabulary = {term: place for place, term in enumerate(terms)}
        if len(vectorizer.vocabulary) != len(terms):
            raise ValueError("a term stands twice")
        vectorizer.idf_ = idf
        return vectorizer

    def build_analyzer(self) -> Callable[[str], list[str]]:
        """The function that gives a text's terms."""
        return self.terms

    def terms(self, text: str) -> list[str]:
        """Every n-gram of the text's tokens: all of one token in order, then all of two, and so on."""
        tokens = text.split()
        terms = list(tokens)
        for size in range(2, self.longest + 1):
            terms.extend(map(" ".join, zip(*(tokens[shift:] for shift in range(size)), strict=False)))
        return terms


#: Letters of a word that `WordTokens` keeps, and the n of the longest n-grams of both views.
LETTERS, LONGEST = 5, 2
#: View of a masked text -> what makes its tokens, in the order of the features.
VIEWS: Mapping[str, Callable[[], TextTransformer]] = {"words": partial(WordTokens, letters=LETTERS), "cues": CueTokens}


def feature_union(vectorizers: Mapping[str, TokenTfidf]) -> FeatureUnion:
    """The step from masked texts to features: every view through its own vectorizer, side by side."""
    return FeatureUnion(
        [(view, Pipeline([("tokens", tokens()), ("tfidf", vectorizers[view])])) for view, tokens in VIEWS.items()]
    )
