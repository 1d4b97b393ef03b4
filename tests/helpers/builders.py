"""Builders with telling defaults: a test names only what it is about."""

from __future__ import annotations

from models.results import Classified, PairSignal
from streams.records import Article, LabelFact, Signal, encode, fact_key, pair_key
from streams.stage import Batch, InputRecord


def article(number: int = 1, **changes: object) -> Article:
    """An article of 2 August 2017 (2017-W31)."""
    fields: dict[str, object] = {
        "id": f"article-{number}",
        "title": "Belarus and Russia hold exercise",
        "text": f"Belarus and Russia begin joint exercise number {number}.",
        "published": "2017-08-02T09:30:00Z",
        "outlet": "Minsk Courier",
        "url": f"https://news.invalid/{number}",
    }
    return Article(**{**fields, **changes})  # type: ignore[arg-type]


def fact(number: int = 1, *, labels: tuple[str, ...] = ("cooperation",), probability: float = 0.9, **changes: object) -> Signal:
    """A fact of BLR-RUS in 2017-W31, of a story of its own."""
    fields: dict[str, object] = {
        "source": "BLR",
        "partner": "RUS",
        "article_id": f"article-{number}",
        "published": "2017-08-02T09:30:00Z",
        "week": "2017-W31",
        "story_id": f"story-{number}",
        "domains": ["security"],
        "labels": {
            label: LabelFact(probability=probability, evidence=f"sentence {number}", terms=["exercise"]) for label in labels
        },
        "title": f"title {number}",
        "outlet": "Minsk Courier",
        "url": f"https://news.invalid/{number}",
        "model": "1-test",
    }
    return Signal(**{**fields, **changes})  # type: ignore[arg-type]


def fact_record(offset: int, signal: Signal) -> InputRecord:
    """The record of `signals` that carries a fact."""
    return InputRecord(offset, fact_key(pair_key(signal.source, signal.partner), signal.article_id), encode(signal))


def tombstone(offset: int, pair: str, article_id: str) -> InputRecord:
    """The record of `signals` that takes a fact back."""
    return InputRecord(offset, fact_key(pair, article_id), None)


def article_record(offset: int, value: Article) -> InputRecord:
    """The record of `articles` that carries an article."""
    return InputRecord(offset, value.id.encode(), encode(value))


def batch(*records: InputRecord, topic: str = "articles", partition: int = 0) -> Batch:
    """A batch of one partition."""
    return Batch(topic, partition, list(records))


def classified(*signals: PairSignal, pairs: tuple[tuple[str, str], ...] = (("BLR", "RUS"),)) -> Classified:
    """What the model says of an article about security."""
    labels = {"cooperation": 0.1, "symbolic-allegiance": 0.1, "hedging": 0.1}
    labels |= {signal.label: signal.probability for signal in signals}
    domains = {"security": 0.9, "economy": 0.1, "politics": 0.1, "society": 0.1}
    decided = tuple(dict.fromkeys(signal.label for signal in signals))
    return Classified("en", labels, decided, domains, ("security",), pairs[0] if pairs else (), pairs, signals)


def pair_signal(source: str = "BLR", partner: str = "RUS", label: str = "cooperation", probability: float = 0.9) -> PairSignal:
    """A decided label of a pair."""
    return PairSignal(
        source, partner, label, probability, "security", "Belarus and Russia begin a joint exercise.", ("exercise",)
    )
