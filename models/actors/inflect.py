"""Case forms of Russian and Belarusian names, adjectives and surnames, by rule of their endings.

In: nominatives from the tables. Out: every form that may stand in a text. The rules make some forms that nobody writes (both
plural genitives, both vowels of an instrumental): a form too many finds nothing, a form too few loses a mention.

A word may carry a tag: `/0` does not change, `/m` masculine or `/f` feminine on a soft sign, `/p` plural; `Nom>Stem` gives a stem
that differs from the nominative. Words of a phrase change together: adjectives agree, small words stay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

#: Nominative, genitive, dative, accusative, instrumental, locative: for each the forms that are in use.
Cases = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Paradigms:
    """How one language expands the columns of its table of states."""

    names: Callable[[str], list[str]]
    capitals: Callable[[str], list[str]]
    demonyms: Callable[[str], list[str]]
    people: Callable[[str], list[str]]


def forms_of(value: str, language: str) -> list[str]:
    """All forms of a name or phrase in `language` ("ru", "be"); in any other language the value itself."""
    if language not in ("ru", "be"):
        return [value]
    words = [_cases(word, language) for word in value.split(" ")]
    return list(dict.fromkeys(" ".join(choice) for case in range(6) for choice in product(*(word[case] for word in words))))


def surname_forms(value: str, language: str) -> list[str]:
    """All forms of a leader's surname, or of a full name word by word (masculine endings; `/0` for words that do not change)."""
    words = [_surname_word_forms(word, language) for word in value.split(" ")]
    return list(dict.fromkeys(map(" ".join, product(*words))))


def _surname_word_forms(word: str, language: str) -> list[str]:
    bare, tag, stem = _parts(word)
    if tag == "0" or len(bare) < 3 or (not tag and bare[-1] in "оуиеэюыі"):
        return [bare]
    if bare.endswith(("ий", "ый", "кі", "ой")) and len(bare) > 4:
        return adjective_forms(bare, language)[:-1]
    if bare[-1] in "ая":
        endings = "ы и і е э у ю ой ей ай ам ём цы"
        return [bare, *(stem + ending for ending in endings.split())]
    stem = stem[:-1] + "в" if language == "be" and stem.endswith("ў") else stem
    endings = "я ю ем е і" if bare[-1] in "йь" else "а у ым ом ам е ем"
    return [bare, *(stem + ending for ending in endings.split())]


def adjective_forms(value: str, language: str) -> list[str]:
    """All forms of an adjective given in the nominative masculine, and its first half of a compound (`российско-`)."""
    stem = value[:-2] if language == "ru" else value[:-1]
    if language == "ru":
        endings = (value[-2:] + " ого ому им ым ом ая ой ую ое ие ые их ых ими ыми").split()
        return [stem + ending for ending in dict.fromkeys(endings)] + [stem + "о-"]
    vowel = value[-1]
    endings = f"{vowel} ага аму {vowel}м ая ай ую ае {vowel}я {vowel}х {vowel}мі".split()
    return [stem + ending for ending in endings] + [stem + "а-"]


def people_forms(value: str, language: str) -> list[str]:
    """All forms of a people given in the plural (`россияне`, `немцы`, `казахи`), singular masculine among them."""
    plural = {"ru": "ам ами ах", "be": "ам амі ах"}[language].split()
    if value.endswith("не"):
        stem, single = value[:-1], [value[:-1] + "ин" + end for end in ("", "а", "у", "ом", "е")]
        single += [value[:-1] + "ін" + end for end in ("", "а", "у", "ам", "е")] if language == "be" else []
        women = [value[:-1] + "к" + end for end in ("а", "и", "і", "е", "у", "ой", "ай")]
        return [value, stem, *(stem + end for end in plural), *single, *women]
    if value.endswith("цы"):
        stem = value[:-1]
        root = stem[:-1]
        nominative = root[:-1] + "ец" if root.endswith("й") else root.removesuffix("ь") + "ец"
        single = [nominative, *(stem + end for end in ("а", "у", "ем", "ам", "е", "ев", "аў"))]
        return [value, *(stem + end for end in plural), *single]
    stem = value[:-1]
    genitive = ("ов", "") if language == "ru" else ("аў", "")
    return [value, *(stem + end for end in (*genitive, *plural, "а", "у", "ом", "е"))]


def _parts(word: str) -> tuple[str, str, str]:
    """(word, tag, stem) of a cell's word."""
    bare, _, tag = word.partition("/")
    nominative, _, stem = bare.partition(">")
    if not stem:
        stem = nominative[:-1] if nominative[-1:] in "аяьйоыи" else nominative
    return nominative, tag, stem


def _cases(word: str, language: str) -> Cases:
    """The six cases of one word of a name."""
    bare, tag, stem = _parts(word)
    if tag == "0" or len(bare) < 3 or not bare[-1].isalpha() or bare.isupper():
        return ((bare,),) * 6
    if tag == "p":
        return _plural(bare, stem, language)
    adjective = _adjective(bare, language) if not tag else None
    if adjective is not None:
        return adjective
    return (_russian if language == "ru" else _belarusian)(bare, tag, stem)


def _plural(bare: str, stem: str, language: str) -> Cases:
    ins, genitive = ("ами", "ов") if language == "ru" else ("амі", "аў")
    return (bare,), (stem, stem + genitive), (stem + "ам",), (bare,), (stem + ins,), (stem + "ах",)


_RU_ADJECTIVES = {
    "ая": "ая|ой|ой|ую|ой|ой",
    "ое": "ое|ого|ому|ое|ым,им|ом",
    "ый": "ый|ого|ому|ый,ого|ым|ом",
    "ий": "ий|ого|ому|ий,ого|им|ом",
    "ые": "ые|ых|ым|ые,ых|ыми|ых",
    "ие": "ие|их|им|ие,их|ими|их",
}
_BE_ADJECTIVES = {
    "ая": "ая|ай|ай|ую|ай|ай",
    "ае": "ае|ага|аму|ае|ым,ім|ым,ім",
    "кі": "кі|кага|каму|кі,кага|кім|кім",
    "ны": "ны|нага|наму|ны,нага|ным|ным",
    "ыя": "ыя|ых|ым|ыя,ых|ымі|ых",
    "ія": "ія|іх|ім|ія,іх|імі|іх",
}


def _adjective(bare: str, language: str) -> Cases | None:
    """The cases of an adjective; None when the word is none (Россия is no adjective, Расія neither: only -скія and -кія are)."""
    table = _RU_ADJECTIVES if language == "ru" else _BE_ADJECTIVES
    row = table.get(bare[-2:])
    if row is None or len(bare) < 5 or (bare[-2:] in ("ія", "ыя") and not bare.endswith(("кія", "ныя"))):
        return None
    stem = bare[:-2]
    return tuple(tuple(stem + ending for ending in case.split(",")) for case in row.split("|"))


def _with(stem: str, endings: str) -> Cases:
    """Cases from a stem and endings: `|` between cases, `,` between variants, `-` for none."""
    return tuple(tuple(stem + ending.replace("-", "") for ending in case.split(",")) for case in endings.split("|"))


def _russian(bare: str, tag: str, stem: str) -> Cases:
    last = bare[-1]
    if bare.endswith("ия"):
        return _with(stem, "я|и|и|ю|ей|и")
    if last == "я":
        return _with(stem, "я|и|е|ю|ей,ёй|е")
    if last == "а":
        return _with(stem, f"а|{'и' if stem[-1] in 'гкхжшщч' else 'ы'}|е|у|ой,ей|е")
    if last == "ь":
        return _with(stem, "ь|и|и|ь|ью|и" if tag == "f" else "ь|я|ю|ь|ем,ём|е")
    if last == "й":
        return _with(stem, "й|я|ю|й|ем|е")
    if last in "оеиуэюы":
        return ((bare,),) * 6
    return ((bare,), *_with(stem, "а|у")[:2], (bare,), *_with(stem, "ом,ем|е"))


_SOFTENED = {"к": "ц", "г": "з", "х": "с", "д": "дз", "т": "ц"}


def _belarusian(bare: str, tag: str, stem: str) -> Cases:
    last = bare[-1]
    if last == "я":
        return _with(stem, "я|і|і|ю|яй,ёй|і")
    if last == "а":
        soft = stem[:-1] + _SOFTENED.get(stem[-1], stem[-1])
        locative = (soft + "е", soft + "ы")
        return (bare,), (stem + "ы", stem + "і"), locative, (stem + "у",), (stem + "ай", stem + "ой"), locative
    if last == "ь":
        return _with(stem, f"ь|і|і|ь|{stem[-1]}ю,ю|і" if tag == "f" else "ь|я,ю|ю|ь|ем|і")
    if last == "й":
        return _with(stem, "й|я,ю|ю|й|ем|і")
    if last in "оеіуэюы":
        return ((bare,),) * 6
    stem = stem[:-1] + "в" if stem.endswith("ў") else stem
    soft = stem[:-1] + {"д": "дз", "т": "ц"}.get(stem[-1], stem[-1])
    return (
        (bare,),
        (stem + "а", stem + "у"),
        (stem + "у",),
        (bare,),
        (stem + "ам", stem + "ом"),
        (soft + "е", stem + "у", soft + "ы"),
    )


RUSSIAN = Paradigms(
    lambda value: forms_of(value, "ru"), lambda value: forms_of(value, "ru"),
    lambda value: adjective_forms(value, "ru"), lambda value: people_forms(value, "ru"),
)  # fmt: skip
BELARUSIAN = Paradigms(
    lambda value: forms_of(value, "be"), lambda value: forms_of(value, "be"),
    lambda value: adjective_forms(value, "be"), lambda value: people_forms(value, "be"),
)  # fmt: skip
