"""Counting one tumbling window: the facts of a pair's ISO week in, its `Trend` out. Pure.

A *story* is the set of articles that are copies of each other (`streams/trends/stories.py`); copies are counted as articles and folded
as stories. A story carries a label when any of its articles does. The *exposure* is every story about the pair. A story counts in
each week in which it has an article, so that a week's counts depend on no fact of another week.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from models.labels import DOMAINS, LABELS
from streams.records import ALL_DOMAINS, UNDATED, Count, Evidence, Signal, Trend, split_pair
from streams.trends.stories import StoryMemo, story_ids

EVIDENCE_PER_LABEL = 3


def count_week(pair: str, week: str, facts: Sequence[Signal], memo: StoryMemo | None = None) -> Trend:
    """The absolute state of a week; the order of the facts does not matter.

    Args:
        memo: saves the work of comparing articles that were compared before; without it the result is the same.
    """
    source, partner = split_pair(pair)
    stories = memo.ids_of(pair, week, facts) if memo is not None else story_ids(facts)
    copies = Counter(stories.values())
    exposure = _counts(facts, stories)
    counts: dict[str, dict[str, Count]] = {}
    evidence: dict[str, list[Evidence]] = {}
    for label in LABELS:
        labelled = [fact for fact in facts if label in fact.labels]
        if labelled:
            counts[label] = _counts(labelled, stories)
            evidence[label] = best_evidence(labelled, label, stories, copies)
    latest = max((fact.published for fact in facts if fact.dated), default=UNDATED if facts else "")
    return Trend(source=source, partner=partner, week=week, exposure=exposure, counts=counts, evidence=evidence, latest=latest)


def _counts(facts: Sequence[Signal], stories: Mapping[str, str]) -> dict[str, Count]:
    """Domain (and `all`) -> how many, of the domains that have any."""
    ids: dict[str, list[str]] = {domain: [] for domain in (ALL_DOMAINS, *DOMAINS)}
    for fact in facts:
        story = stories[fact.article_id]
        for domain in (ALL_DOMAINS, *DOMAINS):
            if domain == ALL_DOMAINS or domain in fact.domains:
                ids[domain].append(story)
    return {domain: Count(stories=len(set(found)), articles=len(found)) for domain, found in ids.items() if found}


def best_evidence(
    labelled: Sequence[Signal], label: str, stories: Mapping[str, str], copies: Mapping[str, int]
) -> list[Evidence]:
    """The most probable article of each of the most probable stories; ties go to the earlier one, then to the lesser id.

    A fact whose text has gone (`streams.trends.sealing`) is none.

    Args:
        stories: article id -> story id.
        copies: story id -> articles that tell it, whatever their labels.
    """
    told = [fact for fact in labelled if fact.labels[label].evidence]
    ranked = sorted(told, key=lambda fact: (-fact.labels[label].probability, fact.published, fact.article_id))
    best: list[Evidence] = []
    seen: set[str] = set()
    for fact in ranked:
        story = stories[fact.article_id]
        if story in seen:
            continue
        seen.add(story)
        found = fact.labels[label]
        best.append(
            Evidence(
                article_id=fact.article_id, title=fact.title, outlet=fact.outlet, url=fact.url, published=fact.published,
                probability=found.probability, sentence=found.evidence, terms=found.terms, origin=fact.origin, story_id=story, articles=copies[story],
                corrected=fact.corrected,
            )
        )  # fmt: skip
        if len(best) == EVIDENCE_PER_LABEL:
            break
    return best
