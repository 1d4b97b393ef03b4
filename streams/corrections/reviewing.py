"""Which articles are worth a look first: where people may be wrong by now, then where the model may be.

What comes in: corrections, classifications, facts and counts as they stand on their topics. What goes out: a bounded list, the most
useful first. An article is worth a look

* when a correction of it was made on a revision that has changed since: always first;
* when the model is unsure: the probability of a label lies in the abstain band around its threshold (`models.artifact.Calibration`); the
  nearer to the threshold, the more. That is weighed by what a change of the label would move: a story of a week with few stories moves
  the share of its pair more than one among many, and a watched pair matters more than another.

Facts of sealed weeks are left out: they are of long ago. Memory is bounded by `MAX_CANDIDATES`, however many articles there are.
"""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from streams.corrections.listing import Standing, fold
from streams.errors import RecordError
from streams.records import ALL_DOMAINS, Classification, Signal, Trend, decode, pair_key
from streams.stage import InputRecord

#: The unsurest articles whose facts are looked at.
MAX_CANDIDATES = 5_000
#: What a pair weighs that is not watched, where a watched one weighs 1.
OTHER_PAIR = 0.25

Read = Callable[[str], Iterable[InputRecord]]


@dataclass(frozen=True, slots=True)
class Band:
    """Of one label: the threshold, and the probabilities between which the model is unsure."""

    threshold: float
    low: float
    high: float

    def doubt(self, probability: float) -> float:
        """1 at the threshold, 0 from the ends of the band on."""
        if not self.low <= probability < self.high:
            return 0.0
        reach = self.threshold - self.low if probability < self.threshold else self.high - self.threshold
        return max(0.0, 1 - abs(probability - self.threshold) / reach) if reach > 0 else 1.0


@dataclass(frozen=True, slots=True)
class ReviewTopics:
    """Names on the broker."""

    corrections: str
    classifications: str
    signals: str
    trends: str


@dataclass(frozen=True, slots=True)
class ToReview:
    """One article to look at.

    Attributes:
        reason: `changed`: it was corrected before it changed; `unsure`: the model is.
        label, probability: the label that the model is least sure of; empty and 0 for `changed`.
        pair, week: where the answer matters most; empty where no fact stands.
        worth: what puts it in its place; rises with doubt and with what it would move.
    """

    article_id: str
    title: str
    url: str
    reason: Literal["changed", "unsure"]
    label: str
    probability: float
    pair: str
    week: str
    worth: float


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An article that may be worth a look; `doubt` is above 1 for one that has changed."""

    article_id: str
    label: str
    probability: float
    doubt: float

    @property
    def rank(self) -> tuple[float, str]:
        """The larger, the sooner."""
        return self.doubt, self.article_id


def review(
    read: Read, topics: ReviewTopics, bands: Callable[[Classification], Mapping[str, Band]], watched: frozenset[str], limit: int
) -> list[ToReview]:  # fmt: skip
    """The articles to look at first, the most useful ahead; blocks while it reads.

    Args:
        read: a topic's records, every partition from the beginning to its end.
        bands: of the model that made a classification; empty where that model is not the one at hand.
        watched: the pairs that matter most.
    """
    standing = fold(read(topics.corrections))
    candidates = _candidates(_newest(read(topics.classifications)), standing, bands)
    facts = _facts(read(topics.signals), candidates)
    stories = _stories(read(topics.trends), {(pair_key(f.source, f.partner), f.week) for found in facts.values() for f in found})
    found = [_to_review(candidate, facts.get(candidate.article_id, []), stories, watched) for candidate in candidates.values()]
    kept = [one for one in found if one.pair or one.reason == "changed"]
    return sorted(kept, key=lambda one: (-one.worth, one.article_id))[:limit]


def _newest(records: Iterable[InputRecord]) -> Iterable[tuple[str, Classification | None]]:
    """(article id, classification) in the order of the topic; None for one that is no more."""
    for record in records:
        article_id = (record.key or b"").decode("utf-8", "replace")
        if record.value is None:
            yield article_id, None
            continue
        with contextlib.suppress(RecordError):
            yield article_id, decode(Classification, record.value)


def _candidates(
    newest: Iterable[tuple[str, Classification | None]], standing: Standing, bands: Callable[[Classification], Mapping[str, Band]]
) -> dict[str, _Candidate]:  # fmt: skip
    found: dict[str, _Candidate] = {}
    for article_id, classification in newest:
        candidate = None if classification is None else _candidate(classification, standing, bands(classification))
        if candidate is None:
            found.pop(article_id, None)
            continue
        found[article_id] = candidate
        if len(found) >= 2 * MAX_CANDIDATES:
            found = _best(found)
    return _best(found)


def _best(found: Mapping[str, _Candidate]) -> dict[str, _Candidate]:
    return {one.article_id: one for one in heapq.nlargest(MAX_CANDIDATES, found.values(), key=lambda one: one.rank)}


def _candidate(found: Classification, standing: Standing, bands: Mapping[str, Band]) -> _Candidate | None:
    corrections = standing.get(found.article_id)
    if corrections is not None:
        is_changed = any(correction.digest != found.digest for correction in corrections.values())
        return _Candidate(found.article_id, "", 0.0, 2.0) if is_changed else None
    doubts = [(band.doubt(found.labels.get(label, 0.0)), label) for label, band in bands.items()]
    doubt, label = max(doubts, default=(0.0, ""))
    return _Candidate(found.article_id, label, found.labels[label], doubt) if doubt > 0 else None


def _facts(records: Iterable[InputRecord], wanted: Mapping[str, _Candidate]) -> dict[str, list[Signal]]:
    """The newest facts of the wanted articles."""
    newest: dict[bytes, Signal] = {}
    for record in records:
        key = record.key or b""
        if key.partition(b"|")[2].decode("utf-8", "replace") not in wanted:
            continue
        newest.pop(key, None)
        if record.value is not None:
            with contextlib.suppress(RecordError):
                newest[key] = decode(Signal, record.value)
    found: dict[str, list[Signal]] = {}
    for fact in newest.values():
        found.setdefault(fact.article_id, []).append(fact)
    return found


def _stories(records: Iterable[InputRecord], wanted: set[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """(pair, week) -> stories about the pair, of the wanted ones that stand."""
    found: dict[tuple[str, str], int] = {}
    for record in records:
        pair, _, week = (record.key or b"").decode("utf-8", "replace").partition("|")
        if (pair, week) not in wanted:
            continue
        found.pop((pair, week), None)
        if record.value is not None:
            with contextlib.suppress(RecordError):
                trend = decode(Trend, record.value)
                found[pair, week] = trend.exposure[ALL_DOMAINS].stories if ALL_DOMAINS in trend.exposure else 0
    return found


def _to_review(
    candidate: _Candidate, facts: Sequence[Signal], stories: Mapping[tuple[str, str], int], watched: frozenset[str]
) -> ToReview:  # fmt: skip
    def moves(fact: Signal) -> float:
        pair = pair_key(fact.source, fact.partner)
        return (1.0 if pair in watched else OTHER_PAIR) / (1 + stories.get((pair, fact.week), 0))

    most = max(facts, key=lambda fact: (moves(fact), fact.source, fact.partner), default=None)
    is_changed = candidate.doubt > 1
    worth = candidate.doubt * (moves(most) if most else 0.0) + (1.0 if is_changed else 0.0)
    return ToReview(
        candidate.article_id, most.title if most else "", most.url if most else "", "changed" if is_changed else "unsure", candidate.label,
        candidate.probability, pair_key(most.source, most.partner) if most else "", most.week if most else "", round(worth, 6),
    )  # fmt: skip
