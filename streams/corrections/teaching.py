"""Corrected articles as labelled items, to train a model with.

What comes in: the corrections that stand, and the newest revision of their articles. What goes out: rows as the corpus has them
(`models.dataset`). An item carries every label of its article: those that people gave, and for pairs that nobody corrected those that
the model finds. What was corrected on a revision that has changed since teaches nothing until somebody looks at it again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from models.dataset import LANGUAGES, Item, split_frozen
from models.labels import LABELS
from models.results import Classified, Text
from streams.clock import parse_utc
from streams.corrections.listing import Standing, fold, newest_classifications
from streams.corrections.lookup import Lookup
from streams.kafka.reading import read_to_end
from streams.records import Article, Correction, pair_key, split_pair

#: What an item of a corpus must say of its register, which nobody knows of news from feeds.
STYLE = "newspaper"

Classify = Callable[[Sequence[Text]], list[Classified]]


@dataclass(slots=True)
class Taught:
    """The rows, and how many articles teach nothing, by reason: `changed`, `gone`, `language`, `no pair`."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def read_taught(lookup: Lookup, corrections: str, partitions: int, classify: Classify) -> Taught:
    """The items of every partition, by article id; blocks on the network.

    Args:
        corrections: name of the topic.
        classify: of the model in force.

    Raises:
        KafkaError: if the broker stops answering.
    """
    taught = Taught()
    for partition in range(partitions):
        chunks = read_to_end(lookup.whole, corrections, partition, 0)
        standing = fold(record for chunk in chunks for record in chunk)
        _take(taught, lookup, partition, standing, classify)
    taught.rows.sort(key=lambda row: str(row["id"]))
    return taught


def _take(taught: Taught, lookup: Lookup, partition: int, standing: Standing, classify: Classify) -> None:
    if not standing:
        return
    chunks = read_to_end(lookup.whole, lookup.classifications, partition, 0)
    known = newest_classifications((record for chunk in chunks for record in chunk), standing)
    fitting = {
        article_id: found
        for article_id, found in known.items()
        if all(correction.digest == found.digest for correction in standing[article_id].values())
    }
    articles = lookup.revisions(partition, fitting)
    taught.left_out["changed"] += len(known) - len(fitting)
    taught.left_out["gone"] += len(standing) - len(known) + len(fitting) - len(articles)
    for article_id, article in articles.items():
        [result] = classify([Text(article.title, article.text, parse_utc(article.published).date(), article.language or None)])
        reason = add_row(taught.rows, article, result, standing[article_id])
        if reason:
            taught.left_out[reason] += 1


def add_row(rows: list[dict[str, Any]], article: Article, result: Classified, corrections: Mapping[str, Correction]) -> str:
    """Adds the item of a corrected article; returns why it teaches nothing, or ""."""
    by_pair = labels_by_pair(result, corrections)
    carrying = [pair for pair, labels in by_pair.items() if labels]
    pairs = [*(pair for pair in carrying if pair in corrections), *carrying, *(pair for pair in corrections if pair), *by_pair]
    if result.language not in LANGUAGES:
        return "language"
    if not pairs:
        return "no pair"
    source, partner = split_pair(pairs[0])
    labels: set[str] = set().union(*by_pair.values())
    domains = next((list(c.domains) for c in corrections.values() if c.domains), list(result.decided_domains))
    row = {
        "title": article.title, "text": article.text, "labels": [str(label) for label in LABELS if label in labels], "source": source,
        "partner": partner, "domain": domains, "language": result.language, "style": STYLE, "year": int(article.published[:4]),
    }  # fmt: skip
    rows.append({"id": training_id(article.id), **row})
    return ""


def labels_by_pair(result: Classified, corrections: Mapping[str, Correction]) -> dict[str, set[str]]:
    """Directed pair -> the labels that hold: people's where they said something, else the model's."""
    pairs = {pair_key(*pair) for a, b in result.pairs for pair in ((a, b), (b, a))}
    pairs |= {pair_key(signal.source, signal.partner) for signal in result.signals} | {pair for pair in corrections if pair}
    found: dict[str, set[str]] = {pair: set() for pair in sorted(pairs)}
    for signal in result.signals:
        found[pair_key(signal.source, signal.partner)].add(signal.label)
    for pair in found:
        correction = corrections.get(pair, corrections.get(""))
        if correction is not None:
            found[pair] = set(correction.labels)
    return found


def training_id(article_id: str) -> str:
    """An item's id that is trained on: what is kept out for the frozen tests follows from ids, and a correction must not go there."""
    return next(name for name in _names(article_id) if not split_frozen([Item(name, "", "", ())])[1])


def _names(article_id: str) -> Iterable[str]:
    yield f"corrected {article_id}"
    number = 2
    while True:
        yield f"corrected {article_id} {number}"
        number += 1
