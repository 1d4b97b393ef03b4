"""Cuts an item into passages: the title, then the sentences of its body, each with its place in `title + "\\n" + text`.

In: a title and a body, either may be empty. Out: `Passage`s in the order of the text, exactly as the source wrote them.
Bounded: `MAX_TEXT_CHARS` are read, `MAX_PASSAGES` come out, none is longer than `MAX_PASSAGE_CHARS`; the rest is not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

MAX_TEXT_CHARS = 100_000
MAX_PASSAGES = 200
MAX_PASSAGE_CHARS = 1_000

PassageKind = Literal["title", "body"]


@dataclass(frozen=True, slots=True)
class Passage:
    """A title or a sentence.

    Attributes:
        text: as it stands in the source, without the white space around it.
        start: offset of its first character in `title + "\\n" + text`.
        end: offset after its last character there.
        kind: "title" or "body".
    """

    text: str
    start: int
    end: int
    kind: PassageKind


#: Words before a full stop that does not end a sentence. Those of one capital letter (initials, U.S.) are known by their shape.
_ABBREVIATION_WORDS = (
    "mr mrs ms dr prof sr jr st no nos vs v gen lt col maj capt cmdr adm sgt brig rep sen gov hon rev fr msgr pres amb sec "
    "jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri approx est inc ltd co corp bros dept univ assn "
    "e.g i.e cf ph.d vol pp fig art u.s u.k u.n e.u u.s.s.r u.a.e d.c a.m p.m ga calif fla va pa mass conn "
    "г гг в вв им ул пр д стр св т.е т.д т.п т.к н.э тыс млн млрд трлн руб долл коп проф акад ген полк подполк кап лейт адм гос "
    "зам мин пом см напр ред изд обл р-н пос дер вул гл стаг сакр праф акадэм мін гг дал чал"
)  # fmt: skip
_ABBREVIATIONS = frozenset(_ABBREVIATION_WORDS.split())
_BREAK = re.compile(r"[.!?…]+[\"'»”’)\]]*\s+(?=[\"'«“‘„(\[—–-]*\s?[A-ZÀ-ÖØ-ÞĀ-ŽА-ЯЁІЎЇЄҐ0-9])|\s*\n\s*|(?<=[。！？])", re.UNICODE)
_LAST_WORD = re.compile(r"([^\s\"'«“‘„(\[]+)$")
_INITIALS = re.compile(r"(?:[^\W\d_]\.-?)*[^\W\d_]")
_MONTH = (
    r"(?:Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sept?|Oct|Nov|Dec)[a-z]*\.?|январ[ья]|феврал[ья]|марта?|апрел[ья]|ма[йя]|июн[ья]|июл[ья]|"
    r"августа?|сентябр[ья]|октябр[ья]|ноябр[ья]|декабр[ья]|студзеня|лютага|сакавіка|красавіка|мая|чэрвеня|ліпеня|жніўня|верасня|"
    r"кастрычніка|лістапада|снежня"
)
_PLACE = r"[A-ZА-ЯЁІЎ][\w.'’]*(?:[ -][A-ZА-ЯЁІЎ][\w.'’]*){0,3}"
_DATE = rf"(?:(?:{_MONTH})\s+\d{{1,2}}(?:,\s*\d{{4}})?|\d{{1,2}}\s+(?:{_MONTH})(?:\s+\d{{4}})?(?:\s+г\.)?)"
_AGENCY = (
    r"(?:\([^()\n]{2,40}\)|/[^/\n]{2,40}/|(?:РИА Новости|ТАСС|Интерфакс|БелТА|БЕЛТА|Reuters|Xinhua|TASS|AP|AFP|UPI|IANS|PTI))"
)
_DASH = r"(?:--+|[-–—:])"
_DATELINE = re.compile(
    rf"\s*{_PLACE}(?:,\s*{_PLACE}){{0,2}}(?:"
    rf"[,.]?\s*{_DATE}[,.]?\s*(?:{_AGENCY}\.?)?\s*(?:{_DASH}|\.|(?<=[)/.]))\s*"  # MINSK, Aug 2 (BelTA) -
    rf"|,?\s*{_AGENCY}\.?\s*{_DASH}\s*"  # MINSK (Reuters) -
    r")"
)
#: A city in capitals and a dash are enough: "MOSCOW - The ..." (a headline may look so, a body doesn't begin so otherwise).
_BARE_DATELINE = re.compile(
    r"\s*[A-ZА-ЯЁІЎ]{3,}(?:[ -][A-ZА-ЯЁІЎ]{2,}){0,2}(?:,\s*[A-ZА-Я][\w.]+){0,2}\s*(?:--+|[-–—])\s+(?=\S*[a-zа-я])"
)


def dateline_end(text: str, start: int = 0, end: int | None = None) -> int:
    """Offset after the dateline that `text[start:end]` begins with; `start` when there is none.

    >>> text = "MINSK, Aug 2 (BelTA) - The army took part."
    >>> text[dateline_end(text):]
    'The army took part.'
    """
    stop = min(len(text) if end is None else end, start + 120)
    match = _DATELINE.match(text, start, stop) or _BARE_DATELINE.match(text, start, stop)
    return match.end() if match else start


def split_passages(title: str, text: str) -> list[Passage]:
    """The title (if any) and the sentences of `text`, with offsets in `title + "\\n" + text`.

    A dateline stays with the sentence that it opens. A sentence over `MAX_PASSAGE_CHARS` is cut at white space.
    """
    passages = list(_cut(title, 0, min(len(title), MAX_PASSAGE_CHARS), 0, "title"))
    shift = len(title) + 1
    for start, end in _sentences(text[:MAX_TEXT_CHARS]):
        for passage in _cut(text, start, end, shift, "body"):
            if len(passages) == MAX_PASSAGES:
                return passages
            passages.append(passage)
    return passages


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of every sentence, white space around it not yet taken off."""
    start = dateline = 0
    dateline = dateline_end(text)
    for found in _BREAK.finditer(text):
        if found.start() < dateline or not _ends_sentence(text, start, found):
            continue
        yield start, found.end()
        start = found.end()
        if "\n" in found.group():
            dateline = dateline_end(text, start)
    yield start, len(text)


def _ends_sentence(text: str, start: int, found: re.Match[str]) -> bool:
    """Whether the mark that was found closes a sentence, rather than an abbreviation, an initial or a list number."""
    mark = found.group()
    if not mark.startswith(".") or mark.startswith("..") or "\n" in mark or mark[1:2] in "\"'»”’)]":
        return True
    word = _LAST_WORD.search(text, max(start, found.start() - 30), found.start())
    if word is None:
        return True
    token = word.group(1)
    if token.lower() in _ABBREVIATIONS:
        return _capital_abbreviation_ends(token, text[found.end() : found.end() + 12])
    if _INITIALS.fullmatch(token):
        return token.count(".") > 0 and _capital_abbreviation_ends(token, text[found.end() : found.end() + 12])
    return not (token.isdigit() and found.start() - start <= 3)


#: What may open a sentence after "... the U.S.": a name there ("U.S. Senate", "U.S. President") belongs to the abbreviation.
_OPENERS = re.compile(
    r"(?:The|A|An|In|On|At|It|He|She|They|But|And|This|That|These|Its|His|Their|We|For|As|After|However|Both|Under)\b"
)


def _capital_abbreviation_ends(token: str, following: str) -> bool:
    """Whether a sentence ends after `token`: only for U.S. and its like, and only when a usual opener follows."""
    return "." in token and token.isupper() and _OPENERS.match(following) is not None


def _cut(text: str, start: int, end: int, shift: int, kind: PassageKind) -> Iterator[Passage]:
    """The passages of `text[start:end]`: one, or several of at most `MAX_PASSAGE_CHARS`; none if it is blank."""
    while start < end:
        stop = end if end - start <= MAX_PASSAGE_CHARS else _white_space_before(text, start, start + MAX_PASSAGE_CHARS)
        piece = text[start:stop]
        left = len(piece) - len(piece.lstrip())
        bare = piece.strip()
        if bare:
            yield Passage(bare, shift + start + left, shift + start + left + len(bare), kind)
        start = stop


def _white_space_before(text: str, start: int, limit: int) -> int:
    """The last offset in the second half of `text[start:limit]` that follows white space; `limit` if there is none."""
    space = text.rfind(" ", start + MAX_PASSAGE_CHARS // 2, limit)
    return limit if space < 0 else space + 1
