"""A crash at any point of any batch, replays cut differently, lost disks: the same counts, and every article told once.

The whole stream in memory: both stages over their real stores, topics as lists. A script says how each batch ends; whatever it
says, what stands on the topics in the end equals the plain definition.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.results import Classified, Text
from streams.classify.facts import facts_of, to_text
from streams.classify.memory import SCHEMA as MEMORY_SCHEMA
from streams.classify.memory import ArticleMemory
from streams.classify.stage import ClassifyStage
from streams.records import Article, DeadLetter, Progress, Signal, Trend, decode, encode, fact_key, pair_key
from streams.stage import Batch, InputRecord, Outputs, Stage
from streams.state import PartitionStore
from streams.trends.facts import SCHEMA as FACTS_SCHEMA
from streams.trends.facts import Cell, FactStore
from streams.trends.stage import TrendsStage
from streams.trends.windows import count_week
from streams.watchlist import WatchedPair, Watchlist
from tests.helpers.builders import article, classified, pair_signal

WATCHED = Watchlist((WatchedPair("BLR", "RUS"),), discover_min_stories=2)

#: Title -> what the model says of it.
ANSWERS = {
    "two pairs": classified(pair_signal("BLR", "RUS"), pairs=(("BLR", "RUS"), ("BLR", "CHN"))),
    "china": classified(pair_signal("BLR", "CHN"), pairs=(("BLR", "CHN"),)),
    "armenia": classified(pair_signal("ARM", "RUS", "hedging"), pairs=(("ARM", "RUS"),)),
    "exposure": classified(pairs=(("BLR", "RUS"),)),
    "nothing": classified(pairs=()),
}


class Oracle:
    """A model that knows the titles; it fails on "fault", and so on every batch that holds one."""

    version = "1-oracle"

    def classify(self, texts: Sequence[Text]) -> list[Classified]:
        return [ANSWERS[text.title] for text in texts]  # KeyError on "fault": the model failed


#: How a batch ends. `at`: the phase in which the process dies, of which only some records arrive; 9 dies after the last flush.
@dataclass(frozen=True)
class Ending:
    size: int
    at: int | None
    lucky: int = 0
    disk: Literal["kept", "lost"] = "kept"
    acknowledged: bool = True


endings = st.builds(
    Ending,
    size=st.integers(1, 4),
    at=st.sampled_from([None, 0, 1, 2, 9]),
    lucky=st.integers(0, 2**16),
    disk=st.sampled_from(["kept", "kept", "lost"]),
    acknowledged=st.booleans(),
)
#: Number of the article, its title, its date.
Revision = tuple[int, str, str]
DAY, NEXT_WEEK = "2017-08-02T09:30:00Z", "2017-08-09T09:30:00Z"
titles = st.sampled_from([*ANSWERS, "fault"])
dates = st.sampled_from([DAY] * 4 + [NEXT_WEEK] * 2 + ["no date"])
inputs: st.SearchStrategy[list[Revision]] = st.lists(st.tuples(st.integers(1, 2), titles, dates), min_size=4, max_size=10)
scripts = st.lists(endings, min_size=2, max_size=8)


def as_record(offset: int, revision: Revision) -> InputRecord:
    number, title, published = revision
    value = article(number, title=title, published=published)
    return InputRecord(offset, value.id.encode(), encode(value))


@dataclass
class Topics:
    """What stands on the topics: each a list of (key, value)."""

    logs: dict[str, list[InputRecord]] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=dict)

    def append(self, route: str, key: bytes, value: bytes | None) -> None:
        offset = self.ends.get(route, 0)
        self.ends[route] = offset + 1
        self.logs.setdefault(route, []).append(InputRecord(offset, key, value))

    def compact(self, route: str, before: float = float("inf")) -> None:
        """Keeps the newest record of each key, as the broker's cleaner does, which leaves alone what is young."""
        log = self.logs.get(route, [])
        newest = {record.key: record for record in log if record.offset < before}
        self.logs[route] = [record for record in log if newest.get(record.key, record) is record or record.offset >= before]

    def reader(self, route: str) -> Callable[[int], Iterable[list[InputRecord]]]:
        def read(start: int) -> Iterable[list[InputRecord]]:
            found = [record for record in self.logs.get(route, []) if record.offset >= start]
            return [found] if found else []

        return read

    def trim(self, route: str, before: int) -> None:
        """Gives up the records before an offset."""
        self.logs[route] = [record for record in self.logs.get(route, []) if record.offset >= before]

    def first_offset(self, route: str) -> int:
        """The offset of the first record that is left, or of the next one."""
        log = self.logs.get(route, [])
        return log[0].offset if log else self.ends.get(route, 0)

    def standing(self, route: str) -> dict[bytes, bytes]:
        newest = {record.key or b"": record.value for record in self.logs.get(route, [])}
        return {key: value for key, value in newest.items() if value is not None}


def write(topics: Topics, outputs: Outputs, ending: Ending) -> bool:
    """Delivers the outputs phase by phase; False when the process dies on the way."""
    luck = random.Random(ending.lucky)
    for number, phase in enumerate(outputs.phases):
        for output in phase:
            if ending.at != number or luck.random() < 0.5:
                topics.append(output.route, output.key, output.value)
        if ending.at == number:
            return False
    return ending.at is None


def drive(topics: Topics, route: str, script: list[Ending], new_stage: Callable[[bool], Stage]) -> None:
    """Runs a stage over a topic, by the script and then to the end."""
    stage = new_stage(False)
    started_at = stage.open(0)
    committed = position = started_at or 0
    steps = iter(script)
    refresh(stage, topics)
    while True:
        ending = next(steps, Ending(3, None))
        records = [record for record in topics.logs.get(route, []) if record.offset >= position][: ending.size]
        if not records:
            break
        batch = Batch(route, 0, records)
        if write(topics, stage.process(batch), ending):
            stage.commit(0)
            position = batch.next_offset
            committed = position if ending.acknowledged else committed
            if ending.acknowledged:
                continue
        stage.close(0)
        stage = new_stage(ending.disk == "lost")
        start = stage.open(0)
        position = committed if start is None else start
        refresh(stage, topics)
    stage.close(0)


def refresh(stage: Stage, topics: Topics) -> None:
    write(topics, stage.refresh(0), Ending(1, None))
    stage.commit(0)


class World:
    """One run: an input, a script for each stage."""

    def __init__(self, folder: Path, revisions: list[Revision]) -> None:
        self.folder = folder
        self.topics = Topics({"articles": [as_record(offset, revision) for offset, revision in enumerate(revisions)]})

    def classify(self, script: list[Ending]) -> None:
        drive(self.topics, "articles", script, self._classify_stage)

    def trends(self, script: list[Ending]) -> None:
        drive(self.topics, "signals", script, self._trends_stage)

    def _disk(self, stage: str, *, new: bool) -> Path:
        if new:
            shutil.rmtree(self.folder / stage, ignore_errors=True)
        return self.folder / stage / "0.sqlite"

    def _classify_stage(self, new_disk: bool) -> Stage:
        path = self._disk("classify", new=new_disk)

        def memory(partition: int) -> ArticleMemory:
            store = PartitionStore(path, MEMORY_SCHEMA, "origin")
            return ArticleMemory(store, partition, self.topics.reader("classifications"), self.topics.reader("progress"))

        return ClassifyStage(Oracle(), memory)  # type: ignore[arg-type]

    def _trends_stage(self, new_disk: bool) -> Stage:
        path = self._disk("trends", new=new_disk)

        def facts(_: int) -> FactStore:
            return FactStore(PartitionStore(path, FACTS_SCHEMA, "origin"), self._read_half, self._standing_weeks)

        return TrendsStage(WATCHED, facts)

    def _read_half(self, start: int) -> Iterable[list[InputRecord]]:
        """The rest was written after the store had looked for the end."""
        return [found[: len(found) // 2] for found in self.topics.reader("signals")(start) if len(found) > 1]

    def _standing_weeks(self) -> set[Cell]:
        return {Cell(*key.decode().split("|")) for key in self.topics.standing("trends")}

    def tally(self) -> tuple[int, int, int]:
        newest = [decode(Progress, value) for value in self.topics.standing("progress").values()]
        return sum(p.classified for p in newest), sum(p.duplicates for p in newest), sum(p.dead_letters for p in newest)

    def facts(self) -> dict[bytes, Signal]:
        return {key: decode(Signal, value) for key, value in self.topics.standing("signals").items()}

    def weeks(self) -> dict[bytes, Trend]:
        return {key: decode(Trend, value) for key, value in self.topics.standing("trends").items()}

    def buried(self) -> set[str]:
        return {decode(DeadLetter, value).where for value in self.topics.standing("dead-letters").values()}


@dataclass
class Truth:
    """The definition: one record after the other, no batches, no crashes."""

    tally: tuple[int, int, int]
    facts: dict[bytes, Signal]
    buried: set[str]

    def weeks(self) -> dict[bytes, Trend]:
        cells: dict[tuple[str, str], list[Signal]] = {}
        labelled: dict[str, set[str]] = {}
        for signal in self.facts.values():
            pair = pair_key(signal.source, signal.partner)
            cells.setdefault((pair, signal.week), []).append(signal)
            if signal.labels:
                labelled.setdefault(pair, set()).add(signal.story_id)
        shown = WATCHED.keys | {pair for pair, found in labelled.items() if len(found) >= WATCHED.discover_min_stories}
        return {
            f"{pair}|{week}".encode(): count_week(pair, week, found) for (pair, week), found in cells.items() if pair in shown
        }


def define(revisions: list[Revision]) -> Truth:
    last: dict[str, Article] = {}
    duplicates = classified_count = 0
    buried = set()
    for offset, (number, title, published) in enumerate(revisions):
        value = article(number, title=title, published=published)
        if published == "no date" or title == "fault":
            buried.add(f"articles/0/{offset}")
        elif value.id in last and last[value.id].digest() == value.digest():
            duplicates += 1
        else:
            classified_count += 1
            last[value.id] = value
    facts = {}
    for value in last.values():
        to_text(value)
        for signal in facts_of(value, ANSWERS[value.title], Oracle.version):
            facts[fact_key(pair_key(signal.source, signal.partner), value.id)] = signal
    return Truth((classified_count, duplicates, len(buried)), facts, buried)


#: The classification arrived (luck 1: the first record of two), the tally did not; the replay then sees the records one by one.
HALF_TOLD = [Ending(1, None), Ending(2, 0, lucky=1), Ending(1, None)]
#: The edit's classification arrived, and none of its facts.
HALF_TAKEN_BACK = [Ending(1, None), Ending(1, 2, lucky=7), Ending(1, None)]


@settings(deadline=None, max_examples=150)
@given(inputs, scripts)
@example([(1, "nothing", DAY), (1, "nothing", DAY), (1, "china", DAY)], HALF_TOLD)
@example([(1, "two pairs", DAY), (1, "nothing", DAY)], HALF_TAKEN_BACK)
@example([(1, "china", DAY), (1, "fault", DAY)], [])
def test_whatever_dies_in_classify_the_facts_and_the_tally_are_those_of_one_quiet_run(
    revisions: list[Revision], script: list[Ending]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), revisions)
        world.classify(script)
        truth = define(revisions)
        assert world.facts() == truth.facts
        assert world.buried() == truth.buried
        assert world.tally() == truth.tally


def play_in_halves(folder: Path, revisions: list[Revision], first: list[Ending], second: list[Ending], *, cleaned: bool) -> World:
    """TRENDS reads half of the facts; the broker may clean `signals`; it reads the rest."""
    world = World(folder, revisions)
    world.classify([])
    signals = world.topics.logs.get("signals", [])
    world.topics.logs["signals"] = signals[: len(signals) // 2]
    world.trends(first)
    world.topics.logs["signals"] = signals
    if cleaned:
        world.topics.compact("signals")
    world.trends(second)
    return world


@settings(deadline=None, max_examples=100)
@given(inputs, scripts, scripts)
def test_whatever_dies_in_trends_the_weeks_are_those_of_the_facts(
    revisions: list[Revision], first: list[Ending], second: list[Ending]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert play_in_halves(Path(folder), revisions, first, second, cleaned=False).weeks() == define(revisions).weeks()


#: Died when `trends` had been told of a pair that is shown from now on; the next process sees at once that it is not.
SHOWN_AND_HIDDEN: list[Revision] = [
    *[(1, title, DAY) for title in ("two pairs", "two pairs", "china", "china", "china")],
    *[(2, "china", DAY), (1, "nothing", DAY), (2, "two pairs", DAY)],
]
DIED_AFTER_SHOWING = [Ending(1, None, acknowledged=False)] * 2 + [
    Ending(1, None, disk="lost", acknowledged=False),
    Ending(1, 0, lucky=1, acknowledged=False),
]


@settings(deadline=None, max_examples=100)
@given(inputs, scripts, scripts)
@example(SHOWN_AND_HIDDEN, DIED_AFTER_SHOWING, [])
@example([(1, "two pairs", DAY), (1, "two pairs", NEXT_WEEK)], [], [Ending(1, 9, disk="lost")])
def test_a_disk_that_is_lost_when_the_broker_has_cleaned_the_log_leaves_no_week_behind(
    revisions: list[Revision], first: list[Ending], second: list[Ending]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert play_in_halves(Path(folder), revisions, first, second, cleaned=True).weeks() == define(revisions).weeks()
