"""What a person has said about one article, as corrections. Pure.

What comes in: the words of a command or a form, and the article as it was found. What goes out: the records to write.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.actors.lexicon import known_codes
from streams.clock import Clock, format_utc, utc_now
from streams.corrections.checking import check
from streams.errors import RecordError
from streams.records import Classification, Correction, split_pair


@dataclass(frozen=True, slots=True)
class Said:
    """One thing said. Of `labels` (those that hold), `is_none` (none does) and `is_withdrawn` (the model's word does) exactly one.

    `pair` is empty for every pair of the article.
    """

    by: str
    why: str
    pair: str = ""
    labels: tuple[str, ...] = ()
    is_none: bool = False
    is_withdrawn: bool = False
    domains: tuple[str, ...] = ()
    sentence: str = ""


def as_corrections(said: Said, found: Classification, signalled: Sequence[str], *, clock: Clock = utc_now) -> list[Correction]:
    """The records that say it: one, or where labels are given without a pair, one for each pair that carries a signal now.

    Labels speak of a direction, so that they never stand for pairs that nobody has looked at.

    Args:
        found: the newest classification of the article.
        signalled: the pairs in which the model finds a signal.

    Raises:
        RecordError: if it can't be said so, and how it can.
    """
    if sum((bool(said.labels), said.is_none, said.is_withdrawn)) != 1:
        raise _unclear("labels, none and withdraw go one at a time", "one of them")
    unknown = [code for code in split_pair(said.pair) if code not in known_codes()] if "-" in said.pair else []
    if unknown:
        raise _unclear(f"{unknown[0][:40]!r} is no state or bloc that is known", "codes such as BLR, RUS, EU or NATO")
    if said.labels and not said.pair and not signalled:
        raise _unclear(
            "the article carries no signal, so that labels need a pair", " or ".join(found.pairs) or "a pair such as BLR-RUS"
        )
    corrections = [
        Correction(
            article_id=found.article_id, pair=pair, labels=list(said.labels), digest=found.digest, by=said.by.strip(), why=said.why.strip(),
            at=format_utc(clock()), domains=list(said.domains), sentence=said.sentence.strip(), withdrawn=said.is_withdrawn,
        )
        for pair in (signalled if said.labels and not said.pair else [said.pair])
    ]  # fmt: skip
    for correction in corrections:
        check(correction)
    return corrections


def _unclear(what: str, expected: str) -> RecordError:
    return RecordError(what, reason="not-a-correction", where="the correction", expected=expected, todo="say it so")
