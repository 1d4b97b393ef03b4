"""Which language a text is in: letters decide where they can, then function words, then lingua's n-gram models.

In: any text. Out: an ISO 639-1 code, or `UNDETERMINED`. Texts are read up to `MAX_CHARS` characters: the language of an item
does not change later on, and the cost of a long one stays bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from lingua import Language, LanguageDetector, LanguageDetectorBuilder

UNDETERMINED = "und"
#: Characters of a text that are looked at.
MAX_CHARS = 2_000
#: Letters that a text must have before anything is said about it.
MIN_LETTERS = 4

_LATIN = ("ENGLISH", "POLISH", "GERMAN", "FRENCH", "SPANISH", "ITALIAN", "PORTUGUESE", "TURKISH")
_CYRILLIC = ("RUSSIAN", "BELARUSIAN", "UKRAINIAN")
#: Scripts that one language (of those that news comes in) owns; first hit wins, so kana stand before Han.
_SCRIPTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("zh", re.compile("[\u4e00-\u9fff]")),
    ("ko", re.compile("[\uac00-\ud7af]")),
    ("fa", re.compile("[\u067e\u0686\u0698\u06af]")),
    ("ar", re.compile("[\u0600-\u06ff]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("el", re.compile("[\u0370-\u03ff]")),
    ("ka", re.compile("[\u10a0-\u10ff]")),
    ("hy", re.compile("[\u0530-\u058f]")),
    ("hi", re.compile("[\u0900-\u097f]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
)
#: Cyrillic letters by which a language gives itself away, in the order in which they are asked for.
_FOREIGN_CYRILLIC: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("mk", re.compile("[ѓќѕ]")),
    ("sr", re.compile("[јљњћђџ]")),
    ("kk", re.compile("[қғұәһ]")),
    ("ky", re.compile("[үөң]")),
    ("tg", re.compile("[ӣӯҳҷ]")),
)
_CYRILLIC_LETTERS = re.compile("[\u0400-\u04ff]")
_LETTERS = re.compile(r"[^\W\d_]")
_NOT_LATIN = re.compile("[^\x00-\u024f\u1e00-\u1eff\u2000-\u20cf\u2100-\u22ff]")
_WORDS = re.compile(r"[a-z']+")
#: Function words of English. Those that another language here has too ("to", "by" in Polish, "has" in Spanish) only add to the others' share.
_SHARED_WORDS = frozenset(("to", "by", "at", "as", "not", "over", "his", "her", "he", "up", "more", "out", "has", "new"))
_ENGLISH_WORDS = (
    "the of and for with from that is are have had been were its it's will after says said their they "
    "she who this which would could about into against than what how why you your amid but down when where"
)
_ENGLISH = frozenset(_ENGLISH_WORDS.split())
#: Share of function words from which a text is English.
_ENGLISH_SHARE = 0.08


def detect_language(text: str) -> str:
    """ISO 639-1 code of the language that `text` is mostly in, or "und" when it has too few letters or nothing stands out.

    >>> detect_language("Мінск і Масква дамовіліся аб пастаўках нафты")
    'be'
    """
    sample = text[:MAX_CHARS]
    if not sample.isascii():
        found = _by_script(sample)
        if found is not None:
            return found
    return _by_latin(sample)


def preload() -> None:
    """Loads what `detect_language` would load bit by bit, with all cores at once: for a process that reads a stream."""
    LanguageDetectorBuilder.from_languages(*_named(_LATIN)).with_preloaded_language_models().build()


def detect_languages(texts: Iterable[str]) -> list[str]:
    """`detect_language` of every text, in order."""
    return [detect_language(text) for text in texts]


def _by_script(sample: str) -> str | None:
    """The language when the script tells it (or narrows it to the Cyrillic ones); None for text in Latin letters."""
    odd = _NOT_LATIN.findall(sample)
    if len(odd) * 2 < len(_LETTERS.findall(sample)) or not odd:
        return None
    cyrillic = len(_CYRILLIC_LETTERS.findall(sample))
    if cyrillic * 2 >= len(odd):
        return _by_cyrillic(sample.lower()) if cyrillic >= MIN_LETTERS else UNDETERMINED
    for code, pattern in _SCRIPTS:
        if pattern.search(sample):
            return code
    return None


def _by_cyrillic(sample: str) -> str:
    """The Cyrillic language by its own letters, else by lingua among Belarusian, Russian and Ukrainian.

    A quoted name may carry one foreign letter, so the letters are counted against each other where two languages meet.
    """
    for code, pattern in _FOREIGN_CYRILLIC:
        if len(pattern.findall(sample)) * 50 > len(sample):
            return code
    i, yi = sample.count("і"), sample.count("и")
    yery = sample.count("ы") + sample.count("э") + sample.count("ё")
    ukrainian = sample.count("ї") + sample.count("є") + sample.count("ґ")
    if i > yi:  # only Belarusian writes no "и" at all
        return "be" if sample.count("ў") + yery >= ukrainian and yi * 10 <= i else "uk"
    if i + ukrainian > yery:
        return "uk"
    if yery:
        return "ru"
    if sample.count("ъ") * 60 > len(sample):
        return "bg"
    return _ask(_CYRILLIC, sample)


def _by_latin(sample: str) -> str:
    """English by its function words, the rest by lingua."""
    words = _WORDS.findall(sample.lower())
    if sum(map(len, words)) < MIN_LETTERS:
        return UNDETERMINED
    own = [word for word in words if word in _ENGLISH]
    shared = sum(word in _SHARED_WORDS for word in words)
    sure = len(set(own)) > 1 or (len(own) == 1 and sample.isascii())  # one word may belong to a foreign name
    if sure and len(own) + shared >= _ENGLISH_SHARE * len(words):
        return "en"
    return _ask(_LATIN, sample)


def _ask(names: tuple[str, ...], sample: str) -> str:
    """lingua's answer among the named languages."""
    language = _detector(names).detect_language_of(sample)
    return UNDETERMINED if language is None else str(language.iso_code_639_1.name).lower()


@cache
def _detector(names: tuple[str, ...]) -> LanguageDetector:
    """Built on first use, then kept: its models are loaded once a process."""
    return LanguageDetectorBuilder.from_languages(*_named(names)).build()


def _named(names: tuple[str, ...]) -> list[Language]:
    return [getattr(Language, name) for name in names]
