"""A crash at any point of BREAKS, batches cut anyhow, lost disks, an owner who comes back: the records of one quiet run, and no other.

The stage runs over its real store, topics are lists. A script says how each batch ends and when postponed work is done; whatever it says,
what stands on `breaks` in the end is what a fresh stage says of the newest weeks at once.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.records import Trend
from streams.stage import Batch, InputRecord, Outputs
from streams.standing.stage import BreaksStage
from streams.standing.weeks import SCHEMA, WeekStore
from streams.state import PartitionStore
from tests.helpers.standings import FIRST, LATENESS, Seconds, article_of, stepped, trend_record, week_of_pair

#: Three pairs whose counts jump in the 20th week, in the order of their weeks.
HISTORY: list[Trend] = sorted(
    (
        trend
        for number, pair in enumerate(("BLR-RUS", "ARM-RUS", "SRB-EU"))
        for trend in stepped(pair, weeks=34, change=20, seed=number)
    ),
    key=lambda trend: trend.week,
)


@dataclass(frozen=True)
class Ending:
    """How a batch ends.

    Attributes:
        rounds: rounds of postponed work done after it.
        dies: where the process dies: in the flush of the batch, of the rounds (only some records arrive), or not at all.
        disk: what the next process finds: its store, none, or that of an owner of long ago.
    """

    size: int
    rounds: int
    dies: Literal["no", "batch", "round", "commit"]
    lucky: int
    disk: Literal["kept", "lost", "old"]


endings = st.builds(
    Ending, size=st.integers(1, 40), rounds=st.integers(0, 3), dies=st.sampled_from(["no", "no", "batch", "round", "commit"]),
    lucky=st.integers(0, 2**16), disk=st.sampled_from(["kept", "kept", "lost", "old"]),
)  # fmt: skip
#: (place in the history, what becomes of that week later: stories with the signal, -1 for a week that goes, how much later).
edits = st.lists(st.tuples(st.integers(0, len(HISTORY) - 1), st.integers(-1, 40), st.integers(0, 30)), max_size=6)


def log_of(changes: list[tuple[int, int, int]]) -> list[InputRecord]:
    """`trends` with the weeks in order, and each change some records after what it changes."""
    entries: list[tuple[float, bytes | None, bytes | None]] = []
    for place, trend in enumerate(HISTORY):
        record = trend_record(0, trend)
        entries.append((place, record.key, record.value))
    for place, told, later in changes:
        trend = HISTORY[place]
        week = FIRST + place // 3
        changed = week_of_pair(
            f"{trend.source}-{trend.partner}", week, 200, max(told, 0), evidence=[article_of(week, told)] if told > 0 else []
        )
        record = trend_record(0, changed)
        entries.append((place + later + 0.5, record.key, None if told < 0 else record.value))
    entries.sort(key=lambda entry: entry[0])
    return [InputRecord(offset, key, value) for offset, (_, key, value) in enumerate(entries)]


class World:
    """`trends` up to a point, `breaks`, and the disks."""

    def __init__(self, folder: Path, log: list[InputRecord]) -> None:
        self.folder = folder
        self.log = log
        self.written = 0
        self.breaks: dict[bytes, bytes] = {}

    def deliver(self, outputs: Outputs, *, luck: random.Random | None = None) -> None:
        for output in outputs:
            if luck is None or luck.random() < 0.5:
                assert output.route == "breaks"
                if output.value is None:
                    self.breaks.pop(output.key, None)
                else:
                    self.breaks[output.key] = output.value

    def stage(self, disk: Literal["kept", "lost", "old"]) -> tuple[BreaksStage, int]:
        path = self.folder / "breaks-0.sqlite"
        if disk != "kept":
            for suffix in ("", "-wal", "-shm"):
                Path(f"{path}{suffix}").unlink(missing_ok=True)
        if disk == "old" and (self.folder / "old.sqlite").exists():
            shutil.copy(self.folder / "old.sqlite", path)
        half = self.log[: self.written - self.written // 3]  # the rest came after the store had looked for the end

        def open_weeks(_: int) -> WeekStore:
            return WeekStore(PartitionStore(path, SCHEMA, "origin"), lambda start: [found] if (found := half[start:]) else [])

        stage = BreaksStage(open_weeks, lambda _: list(self.breaks.items()), LATENESS, seconds=Seconds())
        start = stage.open(0)
        assert start is not None
        self.do_round(stage)
        return stage, start

    def do_round(self, stage: BreaksStage) -> None:
        self.deliver(stage.refresh(0))
        stage.commit(0)

    def keep_old_disk(self) -> None:
        """What an owner that goes away now would find when it comes back."""
        store = PartitionStore(self.folder / "breaks-0.sqlite", SCHEMA, "origin")
        store.query("SELECT 1")
        store.rollback()
        store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        store.close()
        shutil.copy(self.folder / "breaks-0.sqlite", self.folder / "old.sqlite")

    def run(self, script: list[Ending], *, dies_before_the_last_round: bool = False) -> None:
        stage, position = self.stage("kept")
        steps = iter(script)
        number = 0
        while position < len(self.log):
            ending = next(steps, Ending(50, 0, "no", 0, "kept"))
            batch = Batch("trends", 0, self.log[position : position + ending.size])
            self.written = max(self.written, batch.next_offset)
            if self.survives(stage, batch, ending):
                position = batch.next_offset
                continue
            stage.close(0)
            number += 1
            if number == 1:
                self.keep_old_disk()
            stage, position = self.stage(ending.disk)
        if dies_before_the_last_round:
            stage.close(0)
            stage, _ = self.stage("kept")
        while stage.waiting(0):
            self.do_round(stage)
        stage.close(0)

    def survives(self, stage: BreaksStage, batch: Batch, ending: Ending) -> bool:
        luck = random.Random(ending.lucky)
        outputs = stage.process(batch)
        if ending.dies == "batch":
            self.deliver(outputs, luck=luck)
            return False
        self.deliver(outputs)
        if ending.dies == "commit":
            return False
        stage.commit(0)
        for _ in range(ending.rounds):
            found = stage.refresh(0)
            if ending.dies == "round":
                self.deliver(found, luck=luck)
                return False
            self.deliver(found)
            stage.commit(0)
        return True


def quiet_run(folder: Path, log: list[InputRecord]) -> dict[bytes, bytes]:
    """What a fresh stage says of the newest weeks: no history of batches at all."""
    newest = {record.key: record for record in log}
    world = World(folder, [InputRecord(at, record.key, record.value) for at, record in enumerate(newest.values())])
    world.run([Ending(len(newest), 0, "no", 0, "kept")])
    return world.breaks


@settings(deadline=None, max_examples=60)
@given(changes=edits, script=st.lists(endings, max_size=8), dies=st.booleans())
def test_whatever_dies_the_standings_are_those_of_the_newest_weeks(
    changes: list[tuple[int, int, int]], script: list[Ending], dies: bool
) -> None:
    log = log_of(changes)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as other:
        world = World(Path(folder), log)
        world.run(script, dies_before_the_last_round=dies)
        assert world.breaks == quiet_run(Path(other), log)
