"""Whether something is a correction: a record of the topic, or what a person has typed. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from models.labels import DOMAINS, LABELS
from streams.clock import parse_utc
from streams.errors import RecordError
from streams.printable import printable_line
from streams.records import Correction, correction_key, decode
from streams.stage import InputRecord

MAX_BY_CHARS, MAX_WHY_CHARS, MAX_SENTENCE_CHARS, MAX_ID_CHARS = 80, 1_000, 600, 1_000
_PAIR = re.compile(r"([A-Z0-9]{2,20})-([A-Z0-9]{2,20})")


def read_correction(record: InputRecord) -> tuple[str, str, Correction | None]:
    """(pair, article id, correction) of a record; None for a tombstone.

    Raises:
        RecordError: if it is none, and why.
    """
    pair, bar, article = (record.key or b"").decode("utf-8", "replace").partition("|")
    if not bar or not article or (pair and not is_pair(pair)):
        raise _no_correction(f"not the key of a correction: {pair[:80]!r}", "source-partner|article id")
    if record.value is None:
        return pair, article, None
    correction = decode(Correction, record.value, reason="not-a-correction")
    if correction_key(correction.pair, correction.article_id) != record.key:
        raise _no_correction("the key and the value name different articles", f"{pair}|{article}")
    check(correction)
    return pair, article, correction


def check(correction: Correction) -> None:
    """Makes sure that a correction says something that can be laid over a fact.

    Raises:
        RecordError: naming the first field that is wrong.
    """
    if not 0 < len(correction.article_id) <= MAX_ID_CHARS:
        raise _no_correction("there is no article", f"an article id of 1 to {MAX_ID_CHARS} characters")
    if correction.pair and not is_pair(correction.pair):
        raise _no_correction(f"{correction.pair[:40]!r} is no pair", "two different codes such as BLR-RUS, the source first")
    _check_names("label", correction.labels, list(LABELS))
    _check_names("domain", correction.domains, list(DOMAINS))
    if correction.labels and not correction.pair:
        raise _no_correction("it has labels and no pair", "the pair that the labels are about, such as BLR-RUS")
    _check_line("by", correction.by, MAX_BY_CHARS)
    _check_line("why", correction.why, MAX_WHY_CHARS)
    if len(correction.sentence) > MAX_SENTENCE_CHARS:
        raise _no_correction("the sentence is too long", f"at most {MAX_SENTENCE_CHARS} characters")
    try:
        parse_utc(correction.at)
    except (ValueError, OverflowError) as error:
        raise _no_correction(f"its time can't be used: {error}", "ISO 8601, in UTC") from error


def is_pair(text: str) -> bool:
    """Whether a text is a directed pair of two different codes.

    >>> is_pair("BLR-RUS"), is_pair("BLR-BLR"), is_pair("Belarus")
    (True, False, False)
    """
    found = _PAIR.fullmatch(text)
    return found is not None and found[1] != found[2]


def _check_names(what: str, found: Sequence[str], known: Sequence[str]) -> None:
    unknown = [name for name in found if name not in known]
    if unknown or len(set(found)) < len(found):
        named = f"{unknown[0][:40]!r} is no {what}" if unknown else f"a {what} stands there twice"
        raise _no_correction(named, ", ".join(known))


def _check_line(name: str, text: str, most: int) -> None:
    if not text.strip() or len(text) > most or printable_line(text) != text:
        raise _no_correction(f"`{name}` is empty, too long or no plain line", f"1 to {most} characters in one line")


def _no_correction(what: str, expected: str) -> RecordError:
    return RecordError(
        what, reason="not-a-correction", where="corrections", expected=expected, todo="correct it and send it again"
    )
