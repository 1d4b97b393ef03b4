"""`python -m tests.bench.sizes`: bytes that a million articles take on each topic and in each store, before and after old weeks are sealed.

Both stages in memory, without a broker: a topic's bytes are those of the newest record of each key, in batches of 500 compressed by lz4,
as a compacted partition holds them.
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import lz4.frame

from models.predict import Predictor
from streams.classify import memory
from streams.classify.stage import ClassifyStage
from streams.records import encode
from streams.settings import SHIPPED_WATCHLIST
from streams.stage import Batch, InputRecord, Outputs, Stage
from streams.state import PartitionStore
from streams.trends import facts
from streams.trends.stage import TrendsStage
from streams.watchlist import load_watchlist
from tests.bench import loads

BATCH = 512
_FRAME_BYTES = 12  # of one record: lengths, offset and time as differences, headers


class Topics:
    """What stands on the topics of one partition."""

    def __init__(self) -> None:
        self.logs: dict[str, list[InputRecord]] = {}

    def take(self, outputs: Outputs) -> None:
        """Writes what a stage gave."""
        for output in outputs:
            log = self.logs.setdefault(output.route, [])
            log.append(InputRecord(len(log), output.key, output.value))

    def reader(self, route: str) -> Callable[[int], Iterable[list[InputRecord]]]:
        """Reads a topic from an offset."""
        return lambda start: [found] if (found := self.logs.get(route, [])[start:]) else []

    def bytes_of(self, route: str, without: Iterable[bytes | None] = ()) -> int:
        """Compressed, of what a compacted topic keeps, but for some keys."""
        gone = set(without)
        newest = {record.key: record.value for record in self.logs.get(route, []) if record.key not in gone}
        kept = [(key or b"") + value + bytes(_FRAME_BYTES) for key, value in newest.items() if value is not None]
        return sum(len(lz4.frame.compress(b"".join(kept[start : start + 500]))) for start in range(0, len(kept), 500))


def _run(stage: Stage, topics: Topics, route: str) -> None:
    log = topics.logs[route]
    for start in range(0, len(log), BATCH):
        topics.take(stage.process(Batch(route, 0, log[start : start + BATCH])))
        stage.commit(0)


def _file_bytes(path: Path) -> int:
    with sqlite3.connect(path) as db:
        pages, size = (int(db.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "page_size"))
        free = int(db.execute("PRAGMA freelist_count").fetchone()[0])
    return (pages - free) * size


def measure(folder: Path, count: int) -> list[tuple[str, float, float]]:
    """(what, bytes an article before sealing, after it)."""
    topics, now = Topics(), [0.0]
    topics.logs["articles"] = [
        InputRecord(offset, article.id.encode(), encode(article)) for offset, article in enumerate(loads.articles(count))
    ]
    remembered = PartitionStore(folder / "classify.sqlite", memory.SCHEMA, "sizes")
    classify = ClassifyStage(
        Predictor.load(), lambda number: memory.ArticleMemory(remembered, number, lambda _: (), lambda _: ())
    )
    store = PartitionStore(folder / "trends.sqlite", facts.SCHEMA, "sizes")
    trends = TrendsStage(
        load_watchlist(SHIPPED_WATCHLIST), lambda _: facts.FactStore(store, lambda _: (), set, topics.reader("sealed")),
        seconds=lambda: now[0],
    )  # fmt: skip
    for stage, route in ((classify, "articles"), (trends, "signals")):
        stage.open(0)
        _run(stage, topics, route)
    before = {"signals + sealed": topics.bytes_of("signals"), "store of facts": _file_bytes(store.path)}
    now[0] = 60.0
    while trends.is_due(0):
        topics.take(trends.refresh(0))
        trends.commit(0)
    sealed = [record.key for record in topics.logs.get("sealed", [])]
    after = {
        "signals + sealed": topics.bytes_of("signals", without=sealed) + topics.bytes_of("sealed"),
        "store of facts": _file_bytes(store.path),
    }
    same = {name: topics.bytes_of(name) for name in ("articles", "classifications", "trends")}
    same["store of what is remembered of articles"] = _file_bytes(remembered.path)
    rows = [(name, size / count, size / count) for name, size in same.items()]
    return rows + [(name, before[name] / count, after[name] / count) for name in before]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sizes", description=__doc__)
    parser.add_argument("--articles", type=int, default=20_000, help="articles to measure with")
    count = parser.parse_args().articles
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(Path(folder), count)
    print("| MB for a million articles | before | after |\n| --- | --- | --- |")
    for name, before, after in rows:
        print(f"| {name} | {before:.0f} | {after:.0f} |")


if __name__ == "__main__":
    main()
