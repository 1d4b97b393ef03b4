"""Corrections, edits and erasures in any order, a crash at any point, lost disks, a broker that cleans: the same facts.

CLASSIFY runs over its real store, topics as lists. A script says what happens next: an article comes, a person corrects, withdraws or
erases, a batch or a round of corrected facts is worked off and may be cut off at any record. What stands on `signals` in the end is
what the plain definition makes of the last word on everything.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.explanation import Explanation, LabelReason
from models.results import Classified, Text
from streams.classify.memory import SCHEMA, ArticleMemory, Known
from streams.classify.stage import ClassifyStage
from streams.corrections.lookup import Place
from streams.records import Article, Correction, Signal, correction_key, decode, encode
from streams.stage import Batch, Outputs
from streams.state import PartitionStore
from tests.helpers.builders import article, classified, pair_signal
from tests.property.test_crashes import Topics

#: Title -> what the model says of it.
ANSWERS = {
    "two pairs": classified(pair_signal("BLR", "RUS"), pairs=(("BLR", "RUS"), ("BLR", "CHN"))),
    "china": classified(pair_signal("BLR", "CHN", "hedging"), pairs=(("BLR", "CHN"),)),
    "exposure": classified(pairs=(("BLR", "RUS"),)),
    "nothing": classified(pairs=()),
}
ARTICLES = (1, 2)


class Oracle:
    """A model that knows the titles, and would cite the title for any label."""

    version = "1-oracle"

    def classify(self, texts: Sequence[Text]) -> list[Classified]:
        return [ANSWERS[text.title] for text in texts]

    def explain(self, text: Text) -> Explanation:
        reason = LabelReason(
            "cooperation", 0.2, 0.5, decided=False, unsure=False, passage="they met", alone=0.2, terms=("met",), tied=False
        )
        return Explanation(text, ANSWERS[text.title], (reason,))


@dataclass(frozen=True)
class Step:
    """What happens next: `kind` with its article, title or pair and labels, or a flush that dies in a phase (9: after the last)."""

    kind: str
    number: int = 1
    word: str = ""
    labels: tuple[str, ...] = ()
    size: int = 1
    dies_in: int | None = None
    luck: int = 0
    is_disk_lost: bool = False


deaths = st.sampled_from([None, 0, 1, 2, 9])
numbers = st.sampled_from(ARTICLES)
label_sets = st.sampled_from([(), ("cooperation",), ("hedging",), ("cooperation", "hedging")])
luck = st.integers(0, 2**16)
events = st.one_of(
    st.builds(Step, st.just("article"), numbers, st.sampled_from(list(ANSWERS))),
    st.builds(Step, st.just("correct"), numbers, st.sampled_from(["BLR-RUS", "RUS-BLR", "BLR-CHN", "ARM-RUS"]), label_sets),
    st.builds(Step, st.sampled_from(["correct", "withdraw"]), numbers, st.just("")),
    st.builds(Step, st.sampled_from(["withdraw", "erase correction"]), numbers, st.sampled_from(["BLR-RUS", "BLR-CHN", ""])),
    st.builds(Step, st.just("forget"), numbers),
    st.just(Step("clean")),
)
batches = st.builds(Step, st.just("batch"), size=st.integers(1, 3), dies_in=deaths, luck=luck, is_disk_lost=st.booleans())
rounds = st.builds(Step, st.just("round"), dies_in=deaths, luck=luck, is_disk_lost=st.booleans())
#: Something happens; then, mostly, some work is done or cut off.
turns = st.tuples(events, st.lists(st.one_of(batches, rounds), max_size=2)).map(lambda turn: [turn[0], *turn[1]])
scripts = st.lists(turns, min_size=2, max_size=8).map(lambda found: [step for turn in found for step in turn])
#: An article that is classified before anything else happens to it.
KNOWN = [Step("article", 1, "two pairs"), Step("batch")]


@dataclass
class World:
    """One run, and what would be true of it without any of the machinery: the last word on each article."""

    folder: Path
    topics: Topics = field(default_factory=Topics)
    acknowledged: int = 0
    clock: float = 0.0
    newest: dict[int, Article] = field(default_factory=dict)
    said: dict[int, dict[str, Correction]] = field(default_factory=dict)

    position: int = 0
    stage: ClassifyStage | None = None

    def _opened(self, step: Step) -> ClassifyStage | None:
        """The stage; where the last one died, a new one, unless it dies of this step while it takes over."""
        if self.stage is None:
            self.stage = ClassifyStage(Oracle(), self._memory, self._read_articles, seconds=self._seconds)  # type: ignore[arg-type]
            assert self.stage.open(0) is None
            self.position = self.acknowledged
            if not self._flush(self.stage, self.stage.refresh(0), step):
                return None
        return self.stage

    def _memory(self, partition: int) -> ArticleMemory:
        store = PartitionStore(self.folder / "classify" / "0.sqlite", SCHEMA, "origin")
        read = (self.topics.reader(route) for route in ("classifications", "progress", "corrections"))
        return ArticleMemory(store, partition, *read)

    def _read_articles(self, _partition: int, places: Mapping[str, Known]) -> dict[str, Article]:
        """By offset; where compaction has taken the record, the first later one that says the same."""
        found: dict[str, Article] = {}
        for record in self.topics.logs.get("articles", []):
            place: Place | None = places.get((record.key or b"").decode())
            if place is not None and record.value is not None and record.offset >= place.offset:
                value = decode(Article, record.value)
                if value.digest() == place.digest:
                    found.setdefault(value.id, value)
        return found

    def _seconds(self) -> float:
        self.clock += 10
        return self.clock

    # -- what happens --------------------------------------------------------------------------------------------------

    def take(self, step: Step) -> None:
        match step.kind:
            case "article":
                value = self.newest[step.number] = article(step.number, title=step.word)
                self.topics.append("articles", value.id.encode(), encode(value))
            case "forget":
                self.newest.pop(step.number, None)
                self.topics.append("articles", f"article-{step.number}".encode(), None)
            case "correct" | "withdraw" | "erase correction":
                self._say(step)
            case "batch":
                self._work_off_a_batch(step)
            case "round":
                self._work_off_a_round(step)
            case "clean":
                for route in ("articles", "corrections", "classifications"):
                    self.topics.compact(route)

    def _say(self, step: Step) -> None:
        of_article = self.said.setdefault(step.number, {})
        correction = Correction(
            article_id=f"article-{step.number}", pair=step.word, labels=list(step.labels), digest="any", by="Ann", why="it says so",
            at="2026-01-01T00:00:00Z", withdrawn=step.kind == "withdraw",
        )  # fmt: skip
        for pair in [step.word] if step.word else list(of_article):
            of_article.pop(pair, None)
        if step.kind == "correct":
            of_article[step.word] = correction
        value = None if step.kind == "erase correction" else encode(correction)
        self.topics.append("corrections", correction_key(step.word, correction.article_id), value)

    def _work_off_a_batch(self, step: Step) -> None:
        stage, log = self._opened(step), self.topics.logs.get("articles", [])
        records = [record for record in log if record.offset >= self.position][: step.size]
        if stage is None or not records:
            return
        batch = Batch("articles", 0, records)
        if self._flush(stage, stage.process(batch), step):
            self.acknowledged = self.position = batch.next_offset

    def _work_off_a_round(self, step: Step) -> None:
        stage = self._opened(step)
        if stage is not None and stage.is_due(0):
            self._flush(stage, stage.refresh(0), step)

    def _flush(self, stage: ClassifyStage, outputs: Outputs, step: Step) -> bool:
        luck = random.Random(step.luck)
        for number, phase in enumerate(outputs.phases):
            for output in phase:
                if step.dies_in != number or luck.random() < 0.5:
                    self.topics.append(output.route, output.key, output.value)
            if step.dies_in == number:
                return self.die(is_disk_lost=step.is_disk_lost)
        if step.dies_in is not None:
            return self.die(is_disk_lost=step.is_disk_lost)
        stage.commit(0)
        return True

    def die(self, *, is_disk_lost: bool) -> bool:
        """The process is gone; things happen before there is another."""
        if self.stage is not None:
            self.stage.close(0)
        self.stage = None
        if is_disk_lost:
            shutil.rmtree(self.folder / "classify", ignore_errors=True)
        return False

    def come_to_rest(self) -> None:
        """Works off what is left, without another death."""
        end = self.topics.ends.get("articles", 0)
        while self.stage is None or any(r.offset >= self.position for r in self.topics.logs.get("articles", [])):
            self._work_off_a_batch(Step("batch", size=3))
        self.acknowledged = end
        for _ in range(100):
            if not self.stage.is_due(0):
                return
            self._work_off_a_round(Step("round"))
        raise AssertionError("it is due for ever")

    # -- what stands, and what should ----------------------------------------------------------------------------------

    def facts(self) -> dict[str, tuple[set[str], str]]:
        """Key -> (labels, who corrected them)."""
        standing = {key.decode(): decode(Signal, value) for key, value in self.topics.standing("signals").items()}
        return {key: (set(fact.labels), fact.corrected) for key, fact in standing.items()}

    def definition(self) -> dict[str, tuple[set[str], str]]:
        """The last revision of each article; the model's labels for each pair, unless a person has said otherwise."""
        expected: dict[str, tuple[set[str], str]] = {}
        for number, value in self.newest.items():
            answer, said = ANSWERS[value.title], self.said.get(number, {})
            named = {tuple(sorted(pair.split("-"))) for pair in said if pair} | {tuple(sorted(pair)) for pair in answer.pairs}
            for a, b in named:
                for pair in (f"{a}-{b}", f"{b}-{a}"):
                    by_model = {s.label for s in answer.signals if f"{s.source}-{s.partner}" == pair}
                    word = said.get(pair, said.get(""))
                    expected[f"{pair}|{value.id}"] = (set(word.labels), word.by) if word else (by_model, "")
        return expected


#: A correction that adds a pair is cut off after its first facts, and withdrawn before the next start.
WITHDRAWN_HALFWAY = [
    *(Step("article", 1, "china"), Step("batch"), Step("correct", 1, "BLR-RUS", ("hedging",))),
    *(Step("round", dies_in=1, luck=1), Step("withdraw", 1, "BLR-RUS")),
]
#: The first flush of a round arrived, and nothing after it.
NOTHING_BUT_THE_MARK = [*KNOWN, Step("correct", 1, "BLR-RUS", ("hedging",)), Step("round", dies_in=0, luck=1)]
#: Facts of a new pair arrived; then the article is edited, and the correction withdrawn, before anybody knows.
NEW_PAIR_HALFWAY = [
    *KNOWN,
    *(Step("correct", 1, "ARM-RUS", ("hedging",)), Step("round", dies_in=2, luck=2, is_disk_lost=True)),
    *(Step("withdraw", 1, "ARM-RUS"), Step("article", 1, "nothing"), Step("batch", dies_in=1, is_disk_lost=True)),
]
#: The article comes again, the broker has cleaned the record that was classified, and only then it is corrected.
CORRECTED_AFTER_CLEANING = [
    *(Step("article", 1, "china"), Step("batch"), Step("article", 1, "china"), Step("batch"), Step("clean")),
    Step("correct", 1, "BLR-CHN"),
]
#: Erased and sent again in one batch, of which the first part arrived.
ERASED_AND_BACK = [
    *(Step("article", 1, "two pairs"), Step("batch"), Step("forget", 1), Step("article", 1, "two pairs")),
    Step("batch", size=2, dies_in=0, luck=3),
]


@settings(deadline=None, max_examples=200)
@given(st.one_of(scripts, scripts.map(lambda script: [*KNOWN, *script])))
@example(NOTHING_BUT_THE_MARK)
@example(NEW_PAIR_HALFWAY)
@example(WITHDRAWN_HALFWAY)
@example(CORRECTED_AFTER_CLEANING)
@example(ERASED_AND_BACK)
def test_whatever_dies_the_facts_are_those_of_the_last_revision_and_the_last_word(script: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        for step in script:
            world.take(step)
        world.come_to_rest()
        assert world.facts() == world.definition()
        # Whoever comes next, on a new disk, with clean topics, finds nothing to do and changes nothing.
        world.take(Step("clean"))
        world.die(is_disk_lost=True)
        world.come_to_rest()
        assert world.facts() == world.definition()
        world.die(is_disk_lost=True)


def test_the_tally_counts_erasures_for_what_they_are(tmp_path: Path) -> None:
    world = World(tmp_path)
    for step in ERASED_AND_BACK:
        world.take(step)
    world.come_to_rest()
    tally = next(iter(world.topics.standing("progress").values()))
    assert b'"classified":2,"duplicates":0,"dead_letters":0,"forgotten":1' in tally
