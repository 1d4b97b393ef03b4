"""An article as its page shows it: pieces of text by label, labels with their reasons, actors, pairs. Pure.

Where the model that made the labels can explain them, the passages and words are its own. Where it can't, the passages are the sentences
that the board holds as evidence of the article.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from models.explanation import Explanation, LabelReason, Mark
from models.labels import LABELS
from models.results import Classified, Text
from streams.board.article.found import FoundArticle
from streams.board.model import BoardModel
from streams.board.queries import LABEL_TITLES
from streams.board.weeks import week_number
from streams.clock import iso_week, parse_utc
from streams.records import Article, Correction, split_pair

#: Characters of a text that are shown; the model reads more.
MOST_CHARS = 60_000
#: Pairs that are listed.
MOST_PAIRS = 12


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text; `label` is empty outside of the passages. `words`: (text, whether it weighed), joined the piece."""

    label: str
    words: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class ShownLabel:
    """One label of the article, as it is stored; `reason` where the model that made it can say."""

    label: str
    title: str
    probability: float
    decided: bool
    reason: LabelReason | None


@dataclass(frozen=True, slots=True)
class PairLabel:
    """A label of the article for one pair: the sentence and the words that carry it."""

    label: str
    probability: float
    sentence: str
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownPair:
    """A pair that the article is about; `key` leads to its page where the board shows it. Without labels it counts in the exposure."""

    key: str
    source: str
    partner: str
    is_shown: bool
    labels: tuple[PairLabel, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """What a person says of the article for a pair, or (both codes empty) for every pair; `is_of_this`: of the revision that is shown."""

    source: str
    partner: str
    correction: Correction
    is_of_this: bool


@dataclass(frozen=True, slots=True)
class ShownArticle:
    """Everything that the page says, beyond what `FoundArticle` holds."""

    title: tuple[Piece, ...]
    body: tuple[Piece, ...]
    left_out: int
    week: str
    said: tuple[Said, ...]
    labels: tuple[ShownLabel, ...]
    pairs: tuple[ShownPair, ...]
    more_pairs: int
    actors: tuple[str, ...]
    domains: tuple[tuple[str, float], ...]


def show(model: BoardModel, found: FoundArticle) -> ShownArticle:
    """What is shown of an article; the model must be held still by the caller."""
    article, stored = found.article, found.classification
    week = iso_week(parse_utc(article.published))
    explained = found.explanation if isinstance(found.explanation, Explanation) else None
    of_pairs = _explained_pairs(explained) if explained else _evidence_of(model, article.id, stored.pairs, week)
    source = explained or _from_evidence(article, stored.labels, of_pairs)
    words = _words(explained, of_pairs)
    reasons = {reason.label: reason for reason in explained.reasons} if explained else {}
    pairs = sorted(stored.pairs, key=lambda pair: (not of_pairs.get(pair), pair))
    return ShownArticle(
        title=tuple(_pieces(source.title_pieces(), words)), body=tuple(_pieces(_cut(source.pieces(), MOST_CHARS), words)),
        left_out=max(0, len(article.text) - MOST_CHARS), week=week, said=tuple(_said(model.said.of(article.id), stored.digest)),
        labels=tuple(
            ShownLabel(label, LABEL_TITLES[label], stored.labels.get(label, 0.0), label in stored.decided, reasons.get(label))
            for label in map(str, LABELS)
        ),
        pairs=tuple(_pair(model, pair, of_pairs.get(pair, ())) for pair in pairs[:MOST_PAIRS]), more_pairs=max(0, len(pairs) - MOST_PAIRS),
        actors=explained.classified.actors if explained else tuple(dict.fromkeys(code for pair in stored.pairs for code in split_pair(pair))),
        domains=tuple(sorted(stored.domains.items(), key=lambda entry: -entry[1])),
    )  # fmt: skip


def _said(corrections: Iterable[Correction], digest: str) -> Iterator[Said]:
    for one in corrections:
        source, partner = split_pair(one.pair) if one.pair else ("", "")
        yield Said(source, partner, one, one.digest == digest)


_OfPairs = Mapping[str, Sequence[PairLabel]]


def _explained_pairs(found: Explanation) -> dict[str, list[PairLabel]]:
    pairs: dict[str, list[PairLabel]] = {}
    for signal in found.classified.signals:
        pairs.setdefault(f"{signal.source}-{signal.partner}", []).append(
            PairLabel(signal.label, signal.probability, signal.evidence, signal.terms)
        )
    return pairs


def _evidence_of(model: BoardModel, article_id: str, pairs: Iterable[str], week: str) -> dict[str, list[PairLabel]]:
    """What the board holds of the article as evidence of its week."""
    number = week_number(week)
    found: dict[str, list[PairLabel]] = {}
    for pair in pairs:
        for at, by_label in model.evidence(pair, number, 1):
            for label, items in by_label.items() if at == number else ():
                for item in items:
                    if item.article_id == article_id:
                        told = PairLabel(label, item.probability, item.sentence, tuple(item.terms))
                        found.setdefault(pair, []).append(told)
    return found


def _from_evidence(article: Article, labels: Mapping[str, float], of_pairs: _OfPairs) -> Explanation:
    """The article with the sentences of the evidence as passages; none overlap."""
    whole = f"{article.title}\n{article.text}"
    marks: list[Mark] = []
    for told in sorted((one for found in of_pairs.values() for one in found), key=lambda one: -one.probability):
        start = whole.find(told.sentence) if told.sentence else -1
        end = start + len(told.sentence)
        if start >= 0 and all(end <= mark.start or mark.end <= start for mark in marks):
            marks.append(Mark(start, end, told.label))
    stored = Classified(article.language, dict(labels), (), {}, ())
    return Explanation(Text(article.title, article.text), stored, marks=tuple(sorted(marks, key=lambda mark: mark.start)))


def _words(explained: Explanation | None, of_pairs: _OfPairs) -> dict[str, re.Pattern[str]]:
    """Label -> what finds the words that weighed for it."""
    terms: dict[str, set[str]] = {}
    for reason in explained.reasons if explained else ():
        terms.setdefault(reason.label, set()).update(reason.terms)
    for told in (one for found in of_pairs.values() for one in found):
        terms.setdefault(told.label, set()).update(told.terms)
    return {
        label: re.compile(rf"\b({'|'.join(re.escape(term) for term in sorted(found, key=len, reverse=True))})\b")
        for label, found in terms.items()
        if found
    }


def _cut(pieces: Iterable[tuple[str, str]], chars: int) -> Iterator[tuple[str, str]]:
    for text, label in pieces:
        if chars <= 0:
            return
        yield text[:chars], label
        chars -= len(text)


def _pieces(pieces: Iterable[tuple[str, str]], words: Mapping[str, re.Pattern[str]]) -> Iterator[Piece]:
    for text, label in pieces:
        # A pattern with one group gives the words that weighed at every second place.
        parts = words[label].split(text) if label in words else [text]
        yield Piece(label, tuple((part, at % 2 == 1) for at, part in enumerate(parts) if part))


def _pair(model: BoardModel, pair: str, labels: Sequence[PairLabel]) -> ShownPair:
    source, partner = split_pair(pair)
    return ShownPair(pair, source, partner, pair in model.pairs_shown(), tuple(labels))
