"""The invariant: the counts are a function of the set of latest facts, whatever way they came."""

from __future__ import annotations

import itertools
import random
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.classify.sketch import sketch_of
from streams.clock import parse_utc
from streams.records import Signal, Trend, decode, pair_key
from streams.stage import InputRecord
from streams.state import PartitionStore
from streams.trends.facts import SCHEMA, FactStore
from streams.trends.stage import TrendsStage
from streams.trends.windows import count_week
from streams.watchlist import WatchedPair, Watchlist
from tests.helpers.builders import batch, fact, fact_record, tombstone
from tests.helpers.plain_copies import Told, stories_of

WATCHED = Watchlist((WatchedPair("BLR", "RUS"), WatchedPair("ARM", "RUS")), discover_min_stories=2)

#: No sketch; a text, its copy by another headline, a cut of it; another text.
_TEXT = (
    "Belarus and Russia have agreed to hold a joint exercise near Brest in September, the defence ministry in Minsk announced."
)
SKETCHES = [
    None, sketch_of("Exercise", _TEXT), sketch_of("Armies meet", _TEXT), sketch_of("Exercise", _TEXT[:60]),
    sketch_of("Exercise", "Nobody asked the ambassador about the flights over the border of which Minsk complains."),
]  # fmt: skip

facts = st.builds(
    fact,
    st.integers(1, 6),
    labels=st.sampled_from([(), ("cooperation",), ("hedging",), ("cooperation", "hedging")]),
    source=st.sampled_from(["BLR", "ARM", "VNM"]),
    week=st.sampled_from(["2017-W31", "2017-W32"]),
    story_id=st.sampled_from(["s1", "s2", "s3"]),
    sketch=st.sampled_from(SKETCHES),
    published=st.sampled_from(["2017-08-01T00:00:00Z", "2017-08-03T00:00:00Z", "2017-08-06T00:00:00Z"]),
    domains=st.sampled_from([["security"], ["economy", "politics"]]),
    probability=st.sampled_from([0.6, 0.9]),
)
#: An event is a fact, or a fact taken back.
histories = st.lists(st.tuples(facts, st.booleans()), max_size=25)


def as_records(history: list[tuple[Signal, bool]]) -> list[InputRecord]:
    records = []
    for offset, (signal, is_taken_back) in enumerate(history):
        pair = pair_key(signal.source, signal.partner)
        records.append(tombstone(offset, pair, signal.article_id) if is_taken_back else fact_record(offset, signal))
    return records


def new_stage(folder: Path) -> TrendsStage:
    stage = TrendsStage(WATCHED, lambda p: FactStore(PartitionStore(folder / f"{p}.sqlite", SCHEMA, "origin"), lambda _: [], set))
    stage.open(0)
    return stage


def play(records: list[InputRecord], cuts: set[int], *, crash_at: set[int] = frozenset()) -> dict[bytes, Trend]:  # type: ignore[assignment]
    """The weeks that stand on `trends` after the records, in batches cut at `cuts`; a crash loses what was not committed."""
    standing: dict[bytes, Trend] = {}
    with tempfile.TemporaryDirectory() as folder:
        stage = new_stage(Path(folder))
        edges = sorted({0, len(records), *(cut for cut in cuts if cut < len(records))})
        for start, end in itertools.pairwise(edges):
            for attempt in range(2 if start in crash_at else 1):
                outputs = stage.process(batch(*records[start:end], topic="signals"))
                for output in outputs:
                    if output.value is None:
                        standing.pop(output.key, None)
                    else:
                        standing[output.key] = decode(Trend, output.value)
                if start in crash_at and attempt == 0:
                    stage.close(0)
                    stage = new_stage(Path(folder))
            stage.commit(0)
        stage.close(0)
    return standing


def expected(history: list[tuple[Signal, bool]]) -> dict[bytes, Trend]:
    """The weeks by the definition: a dictionary of the latest facts, counted."""
    latest: dict[tuple[str, str], Signal] = {}
    for signal, is_taken_back in history:
        key = pair_key(signal.source, signal.partner), signal.article_id
        latest.pop(key, None)
        if not is_taken_back:
            latest[key] = signal
    weeks: dict[tuple[str, str], list[Signal]] = {}
    for (pair, _), signal in latest.items():
        weeks.setdefault((pair, signal.week), []).append(signal)
    labelled: Counter[str] = Counter()
    for (pair, _), found in weeks.items():
        stories = stories_of([Told(parse_utc(s.published).timestamp(), s.article_id, s.story_id, s.sketch) for s in found])
        labelled[pair] += len({stories[signal.article_id] for signal in found if signal.labels})
    shown = WATCHED.keys | {pair for pair, amount in labelled.items() if amount >= WATCHED.discover_min_stories}
    return {f"{pair}|{week}".encode(): count_week(pair, week, found) for (pair, week), found in weeks.items() if pair in shown}


@settings(deadline=None, max_examples=60)
@given(histories, st.sets(st.integers(0, 25), max_size=6))
def test_batching_does_not_matter(history: list[tuple[Signal, bool]], cuts: set[int]) -> None:
    assert play(as_records(history), cuts) == expected(history)


@settings(deadline=None, max_examples=60)
@given(histories, st.sets(st.integers(0, 25), max_size=6), st.sets(st.integers(0, 25), max_size=6))
def test_a_crash_before_any_commit_does_not_matter(history: list[tuple[Signal, bool]], cuts: set[int], crashes: set[int]) -> None:
    assert play(as_records(history), cuts, crash_at=crashes) == expected(history)


@settings(deadline=None, max_examples=60)
@given(histories)
def test_a_history_played_twice_gives_the_same_counts(history: list[tuple[Signal, bool]]) -> None:
    assert play(as_records([*history, *history]), {7, 13}) == expected(history)


@given(st.lists(facts, max_size=12), st.randoms())
def test_the_order_of_the_facts_of_a_week_does_not_matter(found: list[Signal], rng: random.Random) -> None:
    same = list({signal.article_id: signal for signal in found}.values())
    shuffled = rng.sample(same, len(same))
    assert count_week("BLR-RUS", "2017-W31", same) == count_week("BLR-RUS", "2017-W31", shuffled)
