"""The articles of a benchmark: real news where it is beside the checkout, else the sample again and again; the same for everyone."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

from streams.ingest.article import to_article
from streams.records import Article, encode
from streams.settings import Settings
from tests.helpers.shared import SHARED

NOW = datetime(2030, 1, 1, tzinfo=UTC)
#: Real archives and how many items each has.
REAL = (("current_events.jsonl.gz", 79_638), ("rss_2021.jsonl.gz", 24_578))


def is_real() -> bool:
    """Whether the real archives are at hand."""
    return all((SHARED / "data" / name).exists() for name, _ in REAL)


def most() -> int:
    """The most articles that may be asked for; without real archives the sample gives as many."""
    return sum(count for _, count in REAL)


def _items(count: int) -> Iterator[dict[str, Any]]:
    """So many items, each with an id of its own, spread evenly over the archives."""
    if not is_real():
        # Imported here: it brings Faust in, whose memory would count against the model alone.
        from tests.helpers.archives import news

        yield from news(count)
        return
    step = max(1, most() // count)
    lines = itertools.chain.from_iterable(_lines(name) for name, _ in REAL)
    yield from (json.loads(line) for line in itertools.islice(lines, 0, step * count, step))


def _lines(name: str) -> Iterator[str]:
    with gzip.open(SHARED / "data" / name, "rt", encoding="utf-8") as lines:
        yield from lines


@cache
def articles(count: int) -> tuple[Article, ...]:
    """So many articles, as the producers make them."""
    settings = Settings()
    return tuple(to_article(item, now=NOW, settings=settings) for item in _items(count))


def records(count: int) -> list[tuple[bytes, bytes]]:
    """The same as key and value on the topic `articles`."""
    return [(article.id.encode(), encode(article)) for article in articles(count)]
