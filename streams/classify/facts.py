"""From one classified article to its facts: one for each directed pair that the article is about."""

from __future__ import annotations

from models.results import Classified, PairSignal, Text
from streams.classify.sketch import sketch_of
from streams.clock import iso_week, parse_utc
from streams.records import Article, LabelFact, Signal, story_fingerprint

MAX_EVIDENCE_CHARS = 600
MAX_TITLE_CHARS = 300
MAX_URL_CHARS = 2_000
MAX_OUTLET_CHARS = 120


def to_text(article: Article) -> Text:
    """What the model reads of an article."""
    return Text(article.title, article.text, parse_utc(article.published).date(), article.language or None)


def facts_of(article: Article, result: Classified, model: str) -> list[Signal]:
    """The facts of an article, ordered by pair. A pair that the article is about without a signal gives one in each direction:
    the exposure, without which a share means nothing.
    """
    directed = {pair for a, b in result.pairs for pair in ((a, b), (b, a))}
    by_pair: dict[tuple[str, str], list[PairSignal]] = {pair: [] for pair in directed}
    for signal in result.signals:
        by_pair.setdefault((signal.source, signal.partner), []).append(signal)
        by_pair.setdefault((signal.partner, signal.source), [])
    if not by_pair:
        return []
    story, sketch = story_fingerprint(article.title, article.text), sketch_of(article.title, article.text)
    week = iso_week(parse_utc(article.published))
    return [
        Signal(
            source=source, partner=partner, article_id=article.id, published=article.published, week=week, story_id=story,
            domains=_domains(result, by_pair[source, partner]), labels=_labels(by_pair[source, partner]), title=article.title[:MAX_TITLE_CHARS],
            outlet=article.outlet[:MAX_OUTLET_CHARS], url=article.url[:MAX_URL_CHARS], model=model,
            origin=article.origin[:MAX_OUTLET_CHARS], sketch=sketch, dated=article.date_origin == "published",
        )
        for source, partner in sorted(by_pair)
    ]  # fmt: skip


def _domains(result: Classified, signals: list[PairSignal]) -> list[str]:
    """The article's domains, and those of the passages that carry the pair's signals."""
    return sorted(set(result.decided_domains) | {signal.domain for signal in signals})


def _labels(signals: list[PairSignal]) -> dict[str, LabelFact]:
    best: dict[str, PairSignal] = {}
    for signal in signals:
        if signal.label not in best or signal.probability > best[signal.label].probability:
            best[signal.label] = signal
    return {
        label: LabelFact(
            probability=round(best[label].probability, 4), evidence=best[label].evidence[:MAX_EVIDENCE_CHARS], terms=list(best[label].terms)
        )
        for label in sorted(best)
    }  # fmt: skip
