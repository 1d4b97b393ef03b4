"""The shapes that classification takes in and gives back: plain frozen data, shared by every caller of `models`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class Text:
    """One item to classify.

    Attributes:
        title: headline; may be empty.
        text: body, plain text; may be empty.
        published: event date, which says who led a state then; None means unknown (all of a state's leaders count).
        language: ISO 639-1 code if the sender knows it, else None to have it detected.
    """

    title: str
    text: str
    published: date | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class PairSignal:
    """One decided label, tied to the pair of states that it is about.

    Attributes:
        source: code of the state or bloc that signals (ISO 3166-1 alpha-3, or `EU`, `NATO`, ...).
        partner: code of the state or bloc it signals towards.
        label: value of `models.labels.Label`.
        probability: calibrated, 0..1.
        domain: value of `models.labels.Domain`: the main domain of the passage.
        evidence: the passage that drove the label, as it stands in the text.
        terms: the words that weighed most, heaviest first; at most 5.
    """

    source: str
    partner: str
    label: str
    probability: float
    domain: str
    evidence: str
    terms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Classified:
    """What one item was found to say.

    Attributes:
        language: ISO 639-1 code, or "und" when it could not be told.
        labels: calibrated article-level probability of every label, 0..1.
        decided: the labels over their thresholds.
        domains: probability of every domain, 0..1.
        decided_domains: the domains over their thresholds; the main one first, never empty.
        actors: codes of the states and blocs that the item names, each once, in order of first mention.
        pairs: unordered pairs that the item is about (both named in one passage): (a, b) with a < b; bounded, see
            `models.actors.MAX_PAIRS`.
        signals: the decided labels by pair.
        abstained: why nothing was decided although there was text ("language", "no-actors", ...); "" otherwise.
        unsure: the labels whose probability lies in the abstain band around their threshold: a reader should look before they are
            relied on. Whether they are decided is still said by the threshold.
        thresholds: label -> the probability from which on it was decided; empty where nothing was scored.
    """

    language: str
    labels: dict[str, float]
    decided: tuple[str, ...]
    domains: dict[str, float]
    decided_domains: tuple[str, ...]
    actors: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    signals: tuple[PairSignal, ...] = field(default=())
    abstained: str = ""
    unsure: tuple[str, ...] = ()
    thresholds: dict[str, float] = field(default_factory=dict)
