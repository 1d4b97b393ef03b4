"""Counting one tumbling window: the facts of a pair's ISO week in, its `Trend` out. Pure.

A *story* is the set of articles with one story id; copies are counted as articles and folded as stories. A story carries a label
when any of its articles does. The *exposure* is every story about the pair.
"""

from __future__ import annotations

from collections.abc import Sequence

from models.labels import DOMAINS, LABELS
from streams.records import ALL_DOMAINS, Count, Evidence, Signal, Trend

EVIDENCE_PER_LABEL = 3


def count_week(pair: str, week: str, facts: Sequence[Signal]) -> Trend:
    """The absolute state of a week; the order of the facts does not matter."""
    source, partner = pair.split("-", 1)
    exposure = {domain: count for domain in (ALL_DOMAINS, *DOMAINS) if (count := _count(facts, domain)).articles}
    counts: dict[str, dict[str, Count]] = {}
    evidence: dict[str, list[Evidence]] = {}
    for label in LABELS:
        labelled = [fact for fact in facts if label in fact.labels]
        if labelled:
            counts[label] = {domain: count for domain in (ALL_DOMAINS, *DOMAINS) if (count := _count(labelled, domain)).articles}
            evidence[label] = best_evidence(labelled, label)
    return Trend(source=source, partner=partner, week=week, exposure=exposure, counts=counts, evidence=evidence)


def _count(facts: Sequence[Signal], domain: str) -> Count:
    inside = [fact for fact in facts if domain == ALL_DOMAINS or domain in fact.domains]
    return Count(stories=len({fact.story_id for fact in inside}), articles=len(inside))


def best_evidence(labelled: Sequence[Signal], label: str) -> list[Evidence]:
    """The most probable article of each of the most probable stories; ties go to the earlier one, then to the lesser id."""
    ranked = sorted(labelled, key=lambda fact: (-fact.labels[label].probability, fact.published, fact.article_id))
    best: list[Evidence] = []
    seen: set[str] = set()
    for fact in ranked:
        if fact.story_id in seen:
            continue
        seen.add(fact.story_id)
        found = fact.labels[label]
        best.append(
            Evidence(
                article_id=fact.article_id, title=fact.title, outlet=fact.outlet, url=fact.url, published=fact.published,
                probability=found.probability, sentence=found.evidence, terms=found.terms,
            )
        )  # fmt: skip
        if len(best) == EVIDENCE_PER_LABEL:
            break
    return best
