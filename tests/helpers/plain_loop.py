"""The truth by another way: a plain loop over the articles and dictionaries; no Kafka, no stages, no store, no windows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from models.results import Classified, Text
from streams.classify.facts import to_text
from streams.classify.sketch import sketch_of
from streams.clock import iso_week, parse_utc
from streams.records import Article, Trend, story_fingerprint
from tests.helpers.plain_copies import Told, stories_of

Cell = tuple[str, str, str, str]  # pair, week, domain, label ("" for the exposure)


class Model(Protocol):
    """What classifies: `models.predict.Predictor`, or something around it."""

    def classify(self, texts: Sequence[Text]) -> list[Classified]: ...


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
        """Pair -> stories that carry any signal, those of each week for themselves."""
        found: dict[tuple[str, str], set[str]] = defaultdict(set)
        for (pair, week, domain, label), stories in self.stories.items():
            if label and domain == "all":
                found[pair, week] |= stories
        totals: dict[str, int] = defaultdict(int)
        for (pair, _), stories in found.items():
            totals[pair] += len(stories)
        return dict(totals)


@dataclass
class _Week:
    """What the articles of one pair's week say: article -> domain and label of each of its cells."""

    told: list[Told] = field(default_factory=list)
    cells: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))


def recount(articles: Iterable[Article], predictor: Model) -> Truth:
    """Counts the last revision of each article."""
    last: dict[str, Article] = {}
    for article in articles:
        last[article.id] = article
    weeks: dict[tuple[str, str], _Week] = defaultdict(_Week)
    values = list(last.values())
    for start in range(0, len(values), 512):
        chunk = values[start : start + 512]
        for article, result in zip(chunk, predictor.classify([to_text(a) for a in chunk]), strict=True):
            _note(weeks, article, result)
    truth = Truth(distinct=len(last))
    known: dict[tuple[Told, ...], dict[str, str]] = {}
    for (pair, week), found in weeks.items():
        told = tuple(sorted(found.told))
        if told not in known:
            known[told] = stories_of(told)
        for article_id, cells in found.cells.items():
            for domain, label in cells:
                truth.stories[pair, week, domain, label].add(known[told][article_id])
                truth.articles[pair, week, domain, label].add(article_id)
    return truth


def _note(weeks: dict[tuple[str, str], _Week], article: Article, result: Classified) -> None:
    published = parse_utc(article.published)
    text, sketch = story_fingerprint(article.title, article.text), sketch_of(article.title, article.text)
    told = Told(published.timestamp(), article.id, text, sketch)
    directed: dict[str, dict[str, set[str]]] = {}
    for a, b in result.pairs:
        directed.setdefault(f"{a}-{b}", {})
        directed.setdefault(f"{b}-{a}", {})
    for signal in result.signals:
        directed.setdefault(f"{signal.partner}-{signal.source}", {})
        directed.setdefault(f"{signal.source}-{signal.partner}", {}).setdefault(signal.label, set()).add(signal.domain)
    for pair, labels in directed.items():
        domains = {"all", *result.decided_domains}.union(*labels.values())
        week = weeks[pair, iso_week(published)]
        week.told.append(told)
        week.cells[article.id] = [(domain, label) for domain in domains for label in ("", *labels)]


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
