"""Whom an outlet has a text from: the agency or paper that the feed, the by-line, the dateline or the last line names. Pure.

Where the name may be an everyday word or a short abbreviation, it counts only where agencies are named: in brackets or by itself.
"""

from __future__ import annotations

import re
from functools import lru_cache

from streams.ingest.text import normalise

MAX_ORIGIN_CHARS = 120
#: How far into the text a dateline goes, and how far back from its end a credit stands.
_HEAD_CHARS, _TAIL_CHARS = 160, 120

#: Name as it is shown -> spellings that name it anywhere; after the bar, those that count only by themselves or in brackets.
_AGENCIES = {
    "Reuters": "Reuters|Рейтер, Рейтерс",
    "Associated Press": "Associated Press, Ассошиэйтед Пресс|AP",
    "AFP": "Agence France-Presse, AFP, Франс Пресс|АФП",
    "dpa": "Deutsche Presse-Agentur|dpa",
    "EFE": "Agencia EFE|EFE",
    "ANSA": "|ANSA",
    "UPI": "United Press International|UPI",
    "Bloomberg": "Bloomberg News|Bloomberg",
    "TASS": "TASS, ITAR-TASS, ТАСС, ИТАР-ТАСС|",
    "RIA Novosti": "RIA Novosti, РИА Новости|РИА",
    "Interfax": "Interfax, Интерфакс|",
    "Sputnik": "|Sputnik, Спутник",
    "BelTA": "BelTA, БелТА, БЕЛТА|",
    "BelaPAN": "BelaPAN, БелаПАН|",
    "Ukrinform": "Ukrinform, Укринформ, Укрінформ|",
    "UNIAN": "UNIAN, УНИАН, УНІАН|",
    "Xinhua": "Xinhua, Синьхуа|新华社",
    "Kyodo": "Kyodo News|Kyodo",
    "Yonhap": "Yonhap|",
    "KCNA": "KCNA, ЦТАК|",
    "PTI": "Press Trust of India|PTI",
    "ANI": "Asian News International|ANI",
    "Anadolu": "Anadolu Agency|Anadolu, AA",
    "Armenpress": "Armenpress, Арменпресс|",
    "Azertac": "Azertac, АЗЕРТАДЖ|",
    "Kazinform": "Kazinform, Казинформ|",
    "Kabar": "|Kabar, Кабар",
    "PAP": "Polska Agencja Prasowa|PAP",
    "MTI": "|MTI",
    "Tanjug": "Tanjug, Танјуг|",
    "Agerpres": "Agerpres|",
    "VNA": "Vietnam News Agency|VNA",
    "Antara": "|Antara",
    "Bernama": "Bernama|",
    "IRNA": "|IRNA",
    "SANA": "|SANA",
}  # fmt: skip
_DASH = "[-\u2013\u2014:.]"
# Such as: "MINSK, Aug 2 (Reuters) -", "МИНСК, 2 августа. /ТАСС/.", "МИНСК, 2 авг — РИА Новости.", "Reuters - ".
_DATELINE = (
    r"^(?:[^\n]{{0,60}}?[(/\[]\s*(?P<bracketed>{any})\s*[)/\]]\s*{dash}|(?:[^\n.]{{0,40}}{dash}\s*)?(?P<plain>{sure})\s*{dash})"
)
# "(Reuters)", "Source: TASS", "Источник: ТАСС", "© AFP", "— Interfax", at the very end
_CREDIT = r"(?:[(\[/]|(?:source|from|via|credit|источник|крыніца|джерело)\s*:\s*|[©\u2014\u2013]\s*)(?P<name>{any})\s*[)\]/]?\.?$"


def find_origin(source: str, author: str, text: str, outlet: str) -> str:
    """The name of whom the outlet has the text from; "" where nobody else is named.

    Args:
        source: whom the feed says it has the entry from.
        author: the by-line.
        text: the clean text.
        outlet: whose feed it is; it is not its own origin.
    """
    named = normalise(source[: 4 * MAX_ORIGIN_CHARS], one_line=True)[:MAX_ORIGIN_CHARS].strip()
    found = _agency(named) or named or _in_by_line(author) or _in_text(text)
    return "" if found.casefold() == outlet.casefold() else found


def _in_by_line(author: str) -> str:
    line = author[: 2 * MAX_ORIGIN_CHARS]
    by_itself = _agency(
        re.sub(r"^(?:by|от|аўтар:|автор:)\s+|\s+(?:staff|staff writer|news agency)$", "", line.strip(), flags=re.IGNORECASE)
    )
    if by_itself:
        return by_itself
    found = _patterns()[2].search(line)
    return _name(found[0]) if found else ""


def _in_text(text: str) -> str:
    dateline, credit, _ = _patterns()
    found = dateline.match(text[:_HEAD_CHARS])
    if found:
        return _name(found["bracketed"] or found["plain"])
    found = credit.search(text[-_TAIL_CHARS:].rstrip())
    return _name(found["name"]) if found else ""


def _agency(name: str) -> str:
    return _spellings()[1].get(name.casefold().strip(" .,;"), "")


def _name(spelling: str) -> str:
    return _spellings()[1][spelling.casefold()]


@lru_cache(maxsize=1)
def _spellings() -> tuple[list[str], dict[str, str]]:
    """The spellings that count anywhere; and of each spelling in small letters, the name."""
    sure: list[str] = []
    names: dict[str, str] = {}
    for name, spellings in _AGENCIES.items():
        anywhere, _, alone = spellings.partition("|")
        listed = [spelling.strip() for spelling in anywhere.split(",") if spelling.strip()]
        sure += listed
        names |= {spelling.casefold(): name for spelling in [*listed, *(s.strip() for s in alone.split(",") if s.strip())]}
    return sure, names


@lru_cache(maxsize=1)
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Of a dateline, of a credit, and of a name that counts anywhere."""
    sure, names = _spellings()

    def one_of(spellings: list[str]) -> str:
        return "|".join(re.escape(spelling) for spelling in sorted(spellings, key=len, reverse=True))

    every, certain = one_of(list(names)), one_of(sure)
    return (
        re.compile(_DATELINE.format(any=every, sure=certain, dash=_DASH), re.IGNORECASE),
        re.compile(_CREDIT.format(any=every), re.IGNORECASE),
        re.compile(rf"\b(?:{certain})\b", re.IGNORECASE),
    )
