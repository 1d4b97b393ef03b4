"""How fast an archive is read: `python -m tests.helpers.archive_figures ARCHIVE.jsonl[.gz]`.

Articles a second through each step and through all of them: lines to clean articles, their language, the states that they name, and the stories
that they form per pair and week, in batches of 512 as the stream has them. One process, nothing written.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from models.reading import Reading, read
from streams.classify.facts import to_text
from streams.classify.sketch import sketch_of
from streams.clock import iso_week, parse_utc, utc_now
from streams.errors import RecordError
from streams.ingest.archive_reading import read_archive
from streams.ingest.article import to_article
from streams.records import Article, Signal, story_fingerprint
from streams.settings import Settings, load_settings
from streams.trends.stories import StoryMemo

BATCH = 512
Cell = tuple[str, str]


def clean_articles(path: Path, settings: Settings) -> Iterator[Article]:
    """The articles of an archive; lines that are none are passed over."""
    for line in read_archive(path):
        try:
            if line.raw is not None:
                yield to_article(line.raw, now=utc_now(), settings=settings)
        except RecordError:
            continue


def facts_of(article: Article, reading: Reading) -> list[tuple[Cell, Signal]]:
    """The article as a fact of each pair that it names, without signals."""
    if not reading.pairs:
        return []
    story, sketch = story_fingerprint(article.title, article.text), sketch_of(article.title, article.text)
    week = iso_week(parse_utc(article.published))
    return [
        ((f"{a}-{b}", week), Signal(
            source=a, partner=b, article_id=article.id, published=article.published, week=week, story_id=story, domains=[], labels={},
            title=article.title, outlet=article.outlet, url=article.url, model="", sketch=sketch,
        ))
        for a, b in reading.pairs
    ]  # fmt: skip


def measure(path: Path) -> dict[str, float]:
    """Seconds in each step; `articles` and `stories` beside them."""
    settings, memo = load_settings(), StoryMemo()
    weeks: dict[Cell, dict[str, Signal]] = defaultdict(dict)
    spent = {"normalise": 0.0, "language": 0.0, "actors": 0.0, "copies": 0.0, "articles": 0.0, "facts": 0.0}
    articles = clean_articles(path, settings)
    while True:
        clock = time.perf_counter()
        batch = list(islice(articles, BATCH))
        clock = _note(spent, "normalise", clock)
        if not batch:
            break
        readings = [read(to_text(article)) for article in batch]
        _ = [reading.pairs for reading in readings]
        clock = _note(spent, "actors", clock)
        _ = [reading.language for reading in readings]
        clock = _note(spent, "language", clock)
        spent["facts"] += _group(memo, weeks, batch, readings)
        _note(spent, "copies", clock)
        spent["articles"] += len(batch)
    return spent


def _group(memo: StoryMemo, weeks: dict[Cell, dict[str, Signal]], batch: Sequence[Article], readings: Sequence[Reading]) -> int:
    found = [fact for article, reading in zip(batch, readings, strict=True) for fact in facts_of(article, reading)]
    for cell, fact in found:
        weeks[cell][fact.article_id] = fact
    for cell in {cell for cell, _ in found}:
        memo.ids_of(*cell, list(weeks[cell].values()))
    return len(found)


def _note(spent: dict[str, float], step: str, since: float) -> float:
    now = time.perf_counter()
    spent[step] += now - since
    return now


def main() -> None:
    """Prints a line for each step."""
    spent = measure(Path(sys.argv[1]))
    articles, facts = spent.pop("articles"), spent.pop("facts")
    for step, seconds in spent.items():
        print(f"{step:<10} {articles / seconds:>8,.0f} articles/s")
    print(
        f"{'together':<10} {articles / sum(spent.values()):>8,.0f} articles/s; {articles:,.0f} articles, {facts:,.0f} facts of pairs"
    )


if __name__ == "__main__":
    main()
