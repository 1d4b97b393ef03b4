"""The truth by another way: a plain loop over the articles and dictionaries; no Kafka, no stages, no store, no windows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from models.predict import Predictor
from models.results import Classified
from streams.classify.facts import to_text
from streams.clock import iso_week, parse_utc
from streams.records import Article, Trend, story_fingerprint

Cell = tuple[str, str, str, str]  # pair, week, domain, label ("" for the exposure)


@dataclass
class Truth:
    """Counts as sets: cell -> stories, cell -> articles."""

    stories: dict[Cell, set[str]] = field(default_factory=lambda: defaultdict(set))
    articles: dict[Cell, set[str]] = field(default_factory=lambda: defaultdict(set))
    distinct: int = 0

    def counts(self, pairs: set[str]) -> dict[Cell, tuple[int, int]]:
        """Cell -> (stories, articles) of the given pairs."""
        return {cell: (len(self.stories[cell]), len(self.articles[cell])) for cell in self.articles if cell[0] in pairs}

    def labelled_stories(self) -> dict[str, int]:
        """Pair -> stories that carry any signal."""
        found: dict[str, set[str]] = defaultdict(set)
        for (pair, _, domain, label), stories in self.stories.items():
            if label and domain == "all":
                found[pair] |= stories
        return {pair: len(stories) for pair, stories in found.items()}


def recount(articles: Iterable[Article], predictor: Predictor) -> Truth:
    """Counts the last revision of each article."""
    last: dict[str, Article] = {}
    for article in articles:
        last[article.id] = article
    truth = Truth(distinct=len(last))
    values = list(last.values())
    for start in range(0, len(values), 512):
        chunk = values[start : start + 512]
        for article, result in zip(chunk, predictor.classify([to_text(a) for a in chunk]), strict=True):
            _count(truth, article, result)
    return truth


def _count(truth: Truth, article: Article, result: Classified) -> None:
    week = iso_week(parse_utc(article.published))
    story = story_fingerprint(article.title, article.text)
    directed: dict[str, dict[str, set[str]]] = {}
    for a, b in result.pairs:
        directed.setdefault(f"{a}-{b}", {})
        directed.setdefault(f"{b}-{a}", {})
    for signal in result.signals:
        directed.setdefault(f"{signal.partner}-{signal.source}", {})
        directed.setdefault(f"{signal.source}-{signal.partner}", {}).setdefault(signal.label, set()).add(signal.domain)
    for pair, labels in directed.items():
        domains = {"all", *result.decided_domains}.union(*labels.values())
        for domain in domains:
            for label in ("", *labels):
                truth.stories[pair, week, domain, label].add(story)
                truth.articles[pair, week, domain, label].add(article.id)


def counts_of(trends: Iterable[Trend]) -> dict[Cell, tuple[int, int]]:
    """The same cells as the stream has them."""
    found: dict[Cell, tuple[int, int]] = {}
    for trend in trends:
        pair = f"{trend.source}-{trend.partner}"
        for domain, count in trend.exposure.items():
            found[pair, trend.week, domain, ""] = (count.stories, count.articles)
        for label, domains in trend.counts.items():
            for domain, count in domains.items():
                found[pair, trend.week, domain, label] = (count.stories, count.articles)
    return found
