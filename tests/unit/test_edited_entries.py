"""An entry that is edited, from the feed through both stages: one article, whose facts are those of its last revision."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from models.results import Classified, Text
from streams.classify.memory import SCHEMA as MEMORY_SCHEMA
from streams.classify.memory import ArticleMemory
from streams.classify.stage import ClassifyStage
from streams.ingest.entries import find_changes
from streams.ingest.feeds import Feed
from streams.ingest.parsers import parse_feed
from streams.ingest.state import Seen
from streams.records import Count, Trend, decode
from streams.settings import load_settings
from streams.stage import InputRecord, Outputs
from streams.state import PartitionStore
from streams.trends.facts import SCHEMA as FACTS_SCHEMA
from streams.trends.facts import FactStore
from streams.trends.stage import TrendsStage
from streams.watchlist import WatchedPair, Watchlist
from tests.helpers.builders import article_record, batch, classified, pair_signal

FEED = Feed("https://courier.invalid/rss", "Courier", "en")
NOW = datetime(2017, 8, 2, 12, 0, tzinfo=UTC)
EXERCISE = "Belarus and Russia have agreed to hold a joint exercise near Brest in September, the ministry announced."
REFUSAL = "Belarus has refused to hold a joint exercise with Russia near Brest, the ministry says in a corrected statement."
NO_PAIR = "An earlier version of this item was about another matter and has been withdrawn by the editors of the Courier."


class Oracle:
    """A model that goes by two words."""

    version = "1-oracle"

    def classify(self, texts: Sequence[Text]) -> list[Classified]:
        return [self._classify(text.text) for text in texts]

    @staticmethod
    def _classify(text: str) -> Classified:
        if "Russia" not in text:
            return classified(pairs=())
        return classified(pair_signal(label="hedging" if "refused" in text else "cooperation"))


class Stream:
    """The feed's reader, CLASSIFY and TRENDS in a row, over real stores."""

    def __init__(self, folder: Path) -> None:
        self.known: dict[str, Seen] = {}
        self.weeks: dict[str, Trend] = {}
        self._offsets = {"articles": 0, "signals": 0}
        memory = PartitionStore(folder / "classify.sqlite", MEMORY_SCHEMA, "origin")
        self._classify = ClassifyStage(Oracle(), lambda p: ArticleMemory(memory, p, lambda _: [], lambda _: []))  # type: ignore[arg-type]
        facts = PartitionStore(folder / "trends.sqlite", FACTS_SCHEMA, "origin")
        self._trends = TrendsStage(Watchlist((WatchedPair("BLR", "RUS"),)), lambda _: FactStore(facts, lambda _: [], set))
        self._classify.open(0)
        self._trends.open(0)

    def read(self, description: str, *, guid: str = "g1", days: int = 0) -> list[str]:
        """Reads the feed with one entry; the ids of the articles that were sent."""
        document = (
            f'<rss version="2.0"><channel><item><guid isPermaLink="false">{guid}</guid><link>https://courier.invalid/a</link>'
            f"<title>Exercise</title><pubDate>Wed, 02 Aug 2017 09:30:00 GMT</pubDate><description>{description}</description></item></channel></rss>"
        )
        now = NOW + timedelta(days=days)
        changes = find_changes(parse_feed(document.encode(), FEED.url), FEED, self.known, now=now, settings=load_settings())
        self.known |= changes.seen
        if changes.articles:
            articles = [article_record(self._next("articles"), article) for article in changes.articles]
            self._count(self._classify.process(batch(*articles)))
            self._classify.commit(0)
        return [article.id for article in changes.articles]

    def _count(self, outputs: Outputs) -> None:
        signals = [InputRecord(self._next("signals"), o.key, o.value) for o in outputs if o.route == "signals"]
        if not signals:
            return
        for output in self._trends.process(batch(*signals, topic="signals")):
            if output.route == "trends" and output.value is not None:
                self.weeks[output.key.decode()] = decode(Trend, output.value)
            elif output.route == "trends":
                self.weeks.pop(output.key.decode())
        self._trends.commit(0)

    def _next(self, topic: str) -> int:
        self._offsets[topic] += 1
        return self._offsets[topic] - 1

    def counts(self) -> dict[str, Count]:
        """Label -> count of Belarus and Russia in the week."""
        return {label: domains["all"] for label, domains in self.weeks["BLR-RUS|2017-W31"].counts.items()}


@pytest.fixture
def stream(tmp_path: Path) -> Stream:
    return Stream(tmp_path)


def test_an_edit_takes_the_old_label_back_and_counts_the_new_one_once(stream: Stream) -> None:
    first = stream.read(EXERCISE)
    assert stream.counts() == {"cooperation": Count(1, 1)}
    assert stream.read(REFUSAL, days=1) == first
    assert stream.counts() == {"hedging": Count(1, 1)}
    assert stream.weeks["BLR-RUS|2017-W31"].exposure["all"] == Count(1, 1)
    assert stream.read(REFUSAL, days=2) == []


def test_an_edit_that_is_no_longer_about_the_pair_leaves_no_week_behind(stream: Stream) -> None:
    stream.read(EXERCISE)
    stream.read(NO_PAIR, days=1)
    assert stream.weeks == {}


def test_an_edit_under_another_guid_is_an_edit_all_the_same(stream: Stream) -> None:
    first = stream.read(EXERCISE)
    assert stream.read(REFUSAL, guid="g2", days=1) == first
    assert stream.counts() == {"hedging": Count(1, 1)}
