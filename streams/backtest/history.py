"""An archive as facts in the order of their event time: read, classified, and kept in a file until they are asked for week by week.

What comes in: archive files. What goes out: the facts of each week. Of an article that comes more than once, its last revision counts.
Memory is bounded by one batch and one week; the file is temporary.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from models.results import Classified, Text
from streams.classify.facts import facts_of, to_text
from streams.clock import utc_now, week_number
from streams.errors import RecordError
from streams.ingest.archive_reading import check_archives, read_archive
from streams.ingest.article import to_article
from streams.records import Article, Signal, decode, encode, pair_key
from streams.settings import Settings
from streams.state import PartitionStore

BATCH = 512
SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (
    article TEXT NOT NULL, pair TEXT NOT NULL, week INTEGER NOT NULL, value BLOB NOT NULL, PRIMARY KEY (article, pair)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_week ON facts (week, pair);
CREATE INDEX IF NOT EXISTS by_pair ON facts (pair, week);
"""


class Model(Protocol):
    """What classifies: `models.predict.Predictor`."""

    @property
    def version(self) -> str: ...
    def classify(self, texts: Sequence[Text]) -> list[Classified]: ...


@dataclass(slots=True)
class Reading:
    """What became of the lines: articles (each revision of one), and those left out by reason (`undated` among them)."""

    articles: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


class History:
    """The facts of an archive.

    Args:
        path: the temporary file.
        wanted: whether a pair is looked at.
    """

    def __init__(self, path: Path, wanted: Callable[[str], bool]) -> None:
        self._store = PartitionStore(path, SCHEMA, "backtest")
        self._wanted = wanted

    def fill(self, paths: Sequence[Path], model: Model, settings: Settings, show: Callable[[int, int], None]) -> Reading:
        """Reads and classifies the archives; `show` is told (lines, bytes) after each batch; blocks.

        Raises:
            ConfigError: for a file that can't be read, before anything is done.
        """
        check_archives(paths)
        reading, batch, done, lines = Reading(), [], 0, 0  # type: Reading, list[Article], int, int
        for path in paths:
            for line in read_archive(path):
                lines += 1
                try:
                    batch.append(_article(line.raw, line.error, settings))
                except RecordError as error:
                    reading.left_out[error.reason] += 1
                if len(batch) == BATCH:
                    self._take(batch, model, reading)
                    show(lines, done + line.position)
            done += path.stat().st_size
        self._take(batch, model, reading)
        show(lines, done)
        return reading

    def _take(self, batch: list[Article], model: Model, reading: Reading) -> None:
        articles = list({article.id: article for article in batch}.values())
        for article, result in zip(articles, model.classify([to_text(article) for article in articles]), strict=True):
            self._store.execute("DELETE FROM facts WHERE article = ?", (article.id,))
            facts = [
                fact for fact in facts_of(article, result, model.version) if self._wanted(pair_key(fact.source, fact.partner))
            ]
            self._store.execute_many(
                "INSERT INTO facts (article, pair, week, value) VALUES (?, ?, ?, ?)",
                [(fact.article_id, pair_key(fact.source, fact.partner), week_number(fact.week), encode(fact)) for fact in facts],
            )
        self._store.commit()
        reading.articles += len(batch)
        batch.clear()

    def weeks(self) -> list[int]:
        """The number of every week with a fact, in order."""
        return [int(str(week)) for (week,) in self._store.query("SELECT DISTINCT week FROM facts ORDER BY week")]

    def facts(self, week: int) -> dict[str, list[Signal]]:
        """Pair -> its facts of a week."""
        found: dict[str, list[Signal]] = {}
        for pair, value in self._store.query("SELECT pair, value FROM facts WHERE week = ? ORDER BY pair, article", (week,)):
            found.setdefault(str(pair), []).append(decode(Signal, bytes(value)))  # type: ignore[call-overload]
        return found

    def facts_of_pair(self, pair: str, until: int) -> Iterator[tuple[int, list[Signal]]]:
        """(week, facts) of a pair before week `until`, in order."""
        sql = "SELECT DISTINCT week FROM facts WHERE pair = ? AND week < ? ORDER BY week"
        for (week,) in self._store.query(sql, (pair, until)):
            rows = self._store.query("SELECT value FROM facts WHERE pair = ? AND week = ? ORDER BY article", (pair, week))
            yield int(str(week)), [decode(Signal, bytes(value)) for (value,) in rows]  # type: ignore[call-overload]

    def close(self) -> None:
        """Closes the file."""
        self._store.close()


def _article(raw: object, error: RecordError | None, settings: Settings) -> Article:
    if not isinstance(raw, dict):
        raise error or RecordError("an empty line", reason="unreadable-line")
    article = to_article(raw, now=utc_now(), settings=settings)
    if article.date_origin != "published":
        raise RecordError(f"its date is {article.date_origin}", reason="undated")
    return article
