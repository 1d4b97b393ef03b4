"""Copies in the stream: what the stages count of real texts and their copies is what the plain loop counts."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

import streams
from streams.classify.facts import facts_of, to_text
from streams.records import Article, Signal, Trend, decode
from streams.state import PartitionStore
from streams.trends.facts import SCHEMA, FactStore
from streams.trends.stage import TrendsStage
from streams.watchlist import WatchedPair, Watchlist
from tests.faults.truth import RememberingPredictor
from tests.helpers.builders import batch, fact_record
from tests.helpers.copies import CHANGES, Item, short_items
from tests.helpers.plain_loop import Truth, counts_of, recount

WATCHED = Watchlist(
    (WatchedPair("BLR", "RUS"), WatchedPair("ARM", "RUS"), WatchedPair("SRB", "EU"), WatchedPair("KAZ", "RUS")),
    discover_min_stories=4,
)


def articles() -> list[Article]:
    """The sample archive in one month, each article with several copies; dates go over the ends of weeks and windows."""
    rng = random.Random(4)
    others = short_items(rng, 50)
    lines = Path(streams.__file__).with_name("sample").joinpath("archive.jsonl").read_text(encoding="utf-8").splitlines()
    found = []
    for number, row in enumerate(map(json.loads, lines[:80])):
        texts = [Item(row["title"], row["text"], row["language"])]
        for change in rng.sample(list(CHANGES.values()), 3):
            texts.append(change(rng.choice(texts), rng, others))
        day = rng.randint(1, 17)
        for copy, item in enumerate(texts):
            published = f"2017-08-{day + rng.choice((0, 0, 1, 2, 5)):02}T{rng.randint(0, 23):02}:00:00Z"
            found.append(Article(id=f"{number}-{copy}", title=item.title, text=item.text, published=published))
    return found


@pytest.fixture(scope="module")
def told() -> tuple[list[Signal], Truth]:
    """The facts of the articles, and the truth about them."""
    predictor, found = RememberingPredictor(), articles()
    results = predictor.classify([to_text(article) for article in found])
    facts = [fact for article, result in zip(found, results, strict=True) for fact in facts_of(article, result, "1")]
    return facts, recount(found, predictor)


def play(folder: Path, facts: list[Signal], size: int) -> Iterator[Trend]:
    stage = TrendsStage(WATCHED, lambda p: FactStore(PartitionStore(folder / f"{p}.sqlite", SCHEMA, "origin"), lambda _: [], set))
    stage.open(0)
    standing: dict[bytes, bytes | None] = {}
    records = [fact_record(offset, fact) for offset, fact in enumerate(facts)]
    for start in range(0, len(records), size):
        outputs = stage.process(batch(*records[start : start + size], topic="signals"))
        standing |= {output.key: output.value for output in outputs if output.route == "trends"}
        stage.commit(0)
    stage.close(0)
    return (decode(Trend, value) for value in standing.values() if value is not None)


@pytest.mark.parametrize(("seed", "size"), [(1, 3), (2, 100)])
def test_the_stage_counts_stories_as_the_plain_loop_does_whatever_the_order_and_the_batches(
    tmp_path: Path, told: tuple[list[Signal], Truth], seed: int, size: int
) -> None:
    facts, truth = told
    enough = WATCHED.discover_min_stories
    shown = {*WATCHED.keys, *(pair for pair, stories in truth.labelled_stories().items() if stories >= enough)}
    expected = truth.counts(shown)
    assert counts_of(play(tmp_path, random.Random(seed).sample(facts, len(facts)), size)) == expected
    exposure = [count for (_, _, domain, label), count in expected.items() if (domain, label) == ("all", "")]
    assert sum(stories for stories, _ in exposure) < 0.5 * sum(articles for _, articles in exposure)
