"""Archives for tests of the whole stream: real news where it is at hand, else the sample, multiplied."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from streams.ingest.article import to_article
from streams.records import Article
from streams.settings import Settings
from streams.up import SAMPLE_ARCHIVE
from tests.helpers.shared import SHARED

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def news(count: int) -> Iterator[dict[str, Any]]:
    """So many raw news items with ids of their own: real ones, spread over all years, or the sample again and again."""
    real = SHARED / "data" / "current_events.jsonl.gz"
    if real.exists():
        with gzip.open(real, "rt", encoding="utf-8") as lines:
            step = max(1, 79_000 // count)
            yield from (json.loads(line) for line in itertools.islice(lines, 0, step * count, step))
        return
    sample = [json.loads(line) for line in SAMPLE_ARCHIVE.read_text(encoding="utf-8").splitlines()]
    for number in range(count):
        item = sample[number % len(sample)]
        yield {**item, "id": f"{item['id']}-{number // len(sample)}"}


def write_archive(path: Path, items: list[dict[str, Any]]) -> Path:
    """The items as JSON lines."""
    path.write_text("".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items), encoding="utf-8")
    return path


def as_articles(items: list[dict[str, Any]]) -> list[Article]:
    """The items as the producers make them; an item that is no article raises."""
    settings = Settings()
    return [to_article(item, now=NOW, settings=settings) for item in items]
