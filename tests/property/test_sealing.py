"""Sealed weeks under crashes: whatever dies, whoever owns the partition, whatever the broker cleans, the counts are those of all facts.

TRENDS over its real stores, topics as lists. CLASSIFY writes `signals` meanwhile, a piece at a time, so that edits come at any moment of
the sealing; the start of `signals` is given up as soon as that is allowed.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.records import SealedFact, Signal, Trend, decode
from streams.stage import Batch, InputRecord, Outputs
from streams.state import PartitionStore
from streams.trends.facts import SCHEMA, Cell, FactStore
from streams.trends.stage import TrendsStage
from tests.property.test_crashes import ANSWERS, WATCHED, Ending, Revision, Topics, World, define

#: Facts of the first of these weeks are sealed once there is one of the third.
DATES = ("2017-08-02T09:30:00Z", "2017-08-09T09:30:00Z", "2017-08-16T09:30:00Z")
SEAL_AFTER_WEEKS = 1


@dataclass(frozen=True)
class Step:
    """Something that happens.

    Attributes:
        what: `more` of what CLASSIFY wrote arrives; a `batch` is done; a round of sealing (`seal`); the broker cleans (`clean`); the
            partition goes to another `owner`; the owner's disk is `lost`.
        size: how many records, or which owner.
        dies: the owner dies in it, when only some of the outputs have arrived; or behind the last of them.
    """

    what: str
    size: int = 1
    dies: str = "no"
    luck: int = 0


steps = st.lists(
    st.builds(
        Step,
        what=st.sampled_from(["more", "more", "batch", "batch", "batch", "seal", "seal", "seal", "clean", "owner", "lost"]),
        size=st.integers(1, 4),
        dies=st.sampled_from(["no", "no", "no", "flush", "commit"]),
        luck=st.integers(0, 2**16),
    ),
    min_size=4,
    max_size=24,
)
revisions_of_weeks: st.SearchStrategy[list[Revision]] = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from([*ANSWERS]), st.sampled_from(DATES)), min_size=3, max_size=10
)


class DeathError(Exception):
    """The owner died."""


@dataclass
class Partition:
    """One partition of `signals`, who owns it, and what is still to come from CLASSIFY."""

    folder: Path
    to_come: list[InputRecord]
    topics: Topics = field(default_factory=Topics)
    owner: int = 0
    trim_step: int = 1
    now: float = 0.0
    applied: int = 0
    #: Owner -> up to where its disk has seen `signals`. No record is cleaned away before every disk that is still used has seen it:
    #: records are left alone for longer than a disk may sleep.
    seen: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.stage = self._new_stage()

    def _new_stage(self) -> TrendsStage:
        path = self.folder / f"owner-{self.owner}.sqlite"

        def open_facts(_: int) -> FactStore:
            topics = self.topics
            return FactStore(
                PartitionStore(path, SCHEMA, "origin"), topics.reader("signals"), self._standing, topics.reader("sealed"),
                lambda: topics.first_offset("signals"),
            )  # fmt: skip

        def trim(_: int, before: int) -> None:
            self.topics.trim("signals", before)

        return TrendsStage(
            WATCHED, open_facts, seal_after_weeks=SEAL_AFTER_WEEKS, trim=trim, trim_step=self.trim_step, seconds=lambda: self.now
        )

    def _standing(self) -> set[Cell]:
        return {Cell(*key.decode().split("|")) for key in self.topics.standing("trends")}

    def take_over(self, *, owner: int | None = None, step: Step | None = None) -> None:
        """A new process with the disk of its owner, which may be of long ago."""
        self.stage.close(0)
        self.owner = self.owner if owner is None else owner
        self.stage = self._new_stage()
        self.applied = self.seen[self.owner] = self.stage.open(0) or 0
        self._finish(self.stage.refresh(0), step)

    def _finish(self, outputs: Outputs, step: Step | None) -> None:
        dies, luck = (step.dies, random.Random(step.luck)) if step else ("no", random.Random())
        for output in outputs:
            if dies != "flush" or luck.random() < 0.5:
                self.topics.append(output.route, output.key, output.value)
        if dies != "no":
            raise DeathError
        self.stage.commit(0)

    def do(self, step: Step) -> None:
        """Does a step; an owner that dies in it is replaced by a new process with the same disk."""
        try:
            self._do(step)
        except DeathError:
            self.take_over()

    def _do(self, step: Step) -> None:
        if step.what == "more":
            arrived, self.to_come = self.to_come[: step.size], self.to_come[step.size :]
            for record in arrived:
                self.topics.append("signals", record.key or b"", record.value)
        elif step.what == "batch":
            records = [r for r in self.topics.logs.get("signals", []) if r.offset >= self.applied][: step.size]
            if records:
                batch = Batch("signals", 0, records)
                self._finish(self.stage.process(batch), step)
                self.applied = self.seen[self.owner] = batch.next_offset
        elif step.what == "seal":
            self.now += 60
            self._finish(self.stage.refresh(0), step)
        elif step.what == "clean":
            self.topics.compact("signals", min(self.seen.values()))
            self.topics.compact("sealed")
        elif step.what == "owner":
            self.take_over(owner=step.size % 2, step=step)
        else:
            self.lose_disk(step)

    def lose_disk(self, step: Step | None = None) -> None:
        """A new process with nothing."""
        self.stage.close(0)
        for path in self.folder.glob(f"owner-{self.owner}.sqlite*"):
            path.unlink()
        del self.seen[self.owner]
        self.take_over(step=step)

    def finish(self) -> None:
        """All that CLASSIFY wrote arrives and is counted, and all that may be sealed is."""
        self.do(Step("more", len(self.to_come)))
        while any(record.offset >= self.applied for record in self.topics.logs.get("signals", [])):
            self.do(Step("batch", 3))
        for _ in range(100):
            self.do(Step("seal"))
            if not self.stage.waiting(0):
                break

    def weeks(self) -> dict[bytes, Trend]:
        return {key: decode(Trend, value) for key, value in self.topics.standing("trends").items()}


def counts(weeks: dict[bytes, Trend]) -> dict[bytes, object]:
    """All of a week but its evidence, which grows poorer where a sealed fact that was cited is taken back."""
    return {key: (week.exposure, week.counts, week.latest) for key, week in weeks.items()}


def partition_of(folder: Path, revisions: list[Revision], trim_step: int = 1) -> Partition:
    """A partition with nothing in it yet, and all that CLASSIFY will write."""
    world = World(folder / "classify", revisions)
    world.classify([Ending(1, None)] * len(revisions))
    partition = Partition(folder, world.topics.logs.get("signals", []), trim_step=trim_step)
    partition.take_over()
    return partition


LATER: list[Revision] = [(2, "nothing", DATES[2]), (3, "exposure", DATES[2]), (4, "exposure", DATES[0])]
#: Sealed, taken back, and given up: a lost disk must not bring it back. The last two let the rest be given up.
SEALED_THEN_GONE = [(1, "exposure", DATES[0]), (2, "exposure", DATES[2]), (1, "nothing", DATES[0]), *LATER]
#: Sealed; then an edit in a new week, which is taken back while the old reduced record stands.
MOVED_THEN_GONE = [
    (1, "exposure", DATES[0]),
    (2, "exposure", DATES[2]),
    (1, "exposure", DATES[2]),
    (1, "nothing", DATES[2]),
    *LATER,
]
QUIET = [Step("more", 4), Step("batch", 4), Step("seal"), Step("seal")]
#: The other owner has sealed and given up what this one has never read.
BEHIND = [
    Step("more", 4),
    Step("batch", 4),
    Step("owner", 1),
    *[Step("more", 4), Step("batch", 4)] * 2,
    *[Step("seal")] * 2,
    Step("owner", 2),
]
#: A pair that is not watched gets as many stories as it needs to be shown, and loses one again.
SHOWN_THEN_HIDDEN = [(1, "armenia", DATES[0]), (2, "armenia", DATES[1]), (2, "nothing", DATES[1])]
#: The same the other way round: it is shown, loses a story, and gets it back.
HIDDEN_THEN_SHOWN = [(1, "armenia", DATES[0]), (2, "armenia", DATES[1]), (2, "nothing", DATES[1]), (2, "armenia", DATES[1])]
#: The other owner, whose disk is as old as this one's, did the first of it; this one reads all the rest at once.
SEEN_BY_THE_OTHER = [Step("owner", 1), Step("more", 4), Step("batch", 4), Step("owner", 2), Step("more", 9), Step("batch", 9)]
ALL_KNOWN, ONE_MORE = [Step("more", 4), Step("batch", 4)], [Step("more", 2), Step("batch", 2)]
HIDDEN_BY_THE_OTHER = [*ALL_KNOWN, Step("owner", 1), *ONE_MORE, Step("owner", 2), Step("more", 9), Step("batch", 9)]
#: The owner of an older disk comes in between, and goes before it has caught up.
ONE_WEEK: list[Revision] = [(1, "two pairs", DATES[0])]
FROM_BEHIND = [Step("more", 9), Step("owner", 1), Step("owner", 2), Step("owner", 1)]
#: The edit arrives between the reading of the old fact and its reduced record.
AT_THE_WORST_MOMENT = [Step("more", 4), Step("batch", 4), Step("more", 4), Step("seal"), Step("clean"), Step("lost")]


@settings(deadline=None, max_examples=250)
@given(revisions_of_weeks, steps, st.sampled_from([1, 1, 5]))
@example(SEALED_THEN_GONE, QUIET, 1)
@example(MOVED_THEN_GONE, QUIET, 1)
@example(SHOWN_THEN_HIDDEN, SEEN_BY_THE_OTHER, 1)
@example(HIDDEN_THEN_SHOWN, HIDDEN_BY_THE_OTHER, 1)
@example(ONE_WEEK, FROM_BEHIND, 1)
@example(SEALED_THEN_GONE, BEHIND, 1)
@example(MOVED_THEN_GONE, BEHIND, 1)
@example(SEALED_THEN_GONE, AT_THE_WORST_MOMENT, 1)
@example(MOVED_THEN_GONE, AT_THE_WORST_MOMENT, 1)
def test_sealing_changes_no_count_whatever_dies_and_nothing_is_lost_with_the_disk(
    revisions: list[Revision], script: list[Step], trim_step: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        partition = partition_of(Path(folder), revisions, trim_step)
        for step in script:
            partition.do(step)
        partition.finish()
        truth = counts(define(revisions).weeks())
        assert counts(partition.weeks()) == truth
        # Before the broker cleans up and after, since either may come first.
        for _ in range(2):
            partition.topics.logs["trends"] = []
            partition.lose_disk()
            assert counts(partition.weeks()) == truth, "the disk of the last owner held what Kafka did not"
            partition.do(Step("clean"))


def test_a_sealed_fact_is_small_keeps_its_text_where_it_is_evidence_and_is_given_up_on_signals(tmp_path: Path) -> None:
    revisions: list[Revision] = [(number, "exposure", DATES[0]) for number in range(1, 4)] + [(9, "two pairs", DATES[2])]
    revisions += [(4, "two pairs", DATES[0])]
    partition = partition_of(tmp_path, revisions)
    partition.finish()
    sealed = {key: decode(SealedFact, value) for key, value in partition.topics.standing("sealed").items()}
    assert {fact.week for fact in sealed.values()} == {"2017-W31"}
    assert {fact.article_id: bool(fact.text) for key, fact in sealed.items() if key.startswith(b"BLR-RUS|")} == {
        "article-1": False, "article-2": False, "article-3": False, "article-4": True,
    }  # fmt: skip
    left = [decode(Signal, record.value or b"") for record in partition.topics.logs["signals"]]
    assert left[0].article_id == "article-9", "what came before it is sealed, and it is not"
    assert max(len(value) for value in partition.topics.standing("sealed").values() if b"Minsk Courier" not in value) < 200
    shutil.rmtree(tmp_path / "classify")
