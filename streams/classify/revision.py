"""What one revision of an article comes to: its classification, its facts, and the facts that no longer hold. Pure.

What comes in: the article, the model's result, what people say against it, and what stood because of an earlier revision. The stage
puts the parts in an order in which a crash does no harm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from models.explanation import Explanation
from models.labels import LABELS
from models.results import Classified, Text
from streams.classify.facts import MAX_EVIDENCE_CHARS, facts_of, to_text
from streams.corrections.overlay import Cited, corrected_facts, mark_of, with_corrected_pairs
from streams.records import Article, Classification, Correction, encode, fact_key, home_key, pair_key, split_pair
from streams.stage import Output

CLASSIFICATIONS, SIGNALS = "classifications", "signals"


class Explainer(Protocol):
    """The model's side of a citation: `models.predict.Predictor`."""

    @property
    def version(self) -> str: ...
    def explain(self, text: Text) -> Explanation: ...


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision that could be classified; `offset` is where it stands on `articles`."""

    offset: int
    article: Article
    result: Classified


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a revision comes to. `gone` are tombstones of facts that stood before."""

    classification: Classification
    facts: list[Output]
    gone: list[Output]


def outcome_of(
    revision: Revision, stood: Iterable[str], corrections: Mapping[str, Correction], model: Explainer
) -> Outcome:  # fmt: skip
    """What a revision comes to.

    Args:
        stood: the pairs that may have a fact because of an earlier revision.
        corrections: of the article, by pair.
        model: the one that gave the result.
    """
    article = revision.article
    result = with_corrected_pairs(revision.result, corrections.values())
    facts = facts_of(article, result, model.version)
    if corrections:
        facts = corrected_facts(facts, corrections, _cited(article, corrections, model))
    pairs = sorted({pair_key(fact.source, fact.partner) for fact in facts})
    classification = Classification(
        article_id=article.id, digest=article.digest(), offset=revision.offset, pairs=pairs, language=result.language,
        labels={label: round(p, 4) for label, p in result.labels.items()}, decided=list(result.decided),
        domains={domain: round(p, 4) for domain, p in result.domains.items()}, model=model.version,
        correction=mark_of(corrections.values()),
    )  # fmt: skip
    outputs = [
        Output(SIGNALS, fact_key(pair_key(f.source, f.partner), article.id), encode(f), home_key(f.source, f.partner))
        for f in facts
    ]  # fmt: skip
    return Outcome(classification, outputs, taken_back(article.id, sorted(set(stood) - set(pairs))))


def taken_back(article_id: str, pairs: Iterable[str]) -> list[Output]:
    """Tombstones of an article's facts."""
    return [Output(SIGNALS, fact_key(pair, article_id), None, home_key(*split_pair(pair))) for pair in pairs]


def classification_output(classification: Classification) -> Output:
    """The record of `classifications`."""
    return Output(CLASSIFICATIONS, classification.article_id.encode(), encode(classification))


def _cited(article: Article, corrections: Mapping[str, Correction], model: Explainer) -> Cited:
    """What the model would cite for each label; the headline or the beginning of the text where it would cite nothing."""
    cited: dict[str, tuple[str, list[str]]] = {
        str(label): ((article.title or article.text)[:MAX_EVIDENCE_CHARS], []) for label in LABELS
    }
    if any(correction.labels for correction in corrections.values()):
        for reason in model.explain(to_text(article)).reasons:
            if reason.passage:
                cited[reason.label] = (reason.passage[:MAX_EVIDENCE_CHARS], list(reason.terms))
    return cited
