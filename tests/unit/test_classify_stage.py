"""The classify stage: what becomes of each article, and which facts stand afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from models.results import Classified, Text
from streams.classify.memory import SCHEMA, ArticleMemory
from streams.classify.stage import ClassifyStage
from streams.errors import ModelError
from streams.records import Classification, DeadLetter, Progress, Signal, decode
from streams.stage import InputRecord, Outputs
from streams.state import PartitionStore
from tests.helpers.builders import article, article_record, batch, classified, pair_signal


class ScriptedPredictor:
    """Answers by the article's title; a title of "crash" raises, as a fault of the model would."""

    version = "1-scripted"

    def __init__(self) -> None:
        self.answers: dict[str, Classified] = {}
        self.asked: list[str] = []

    def classify(self, texts: Sequence[Text]) -> list[Classified]:
        self.asked += [text.title for text in texts]
        if any(text.title == "crash" for text in texts):
            raise RuntimeError("a fault of the model")
        return [self.answers.get(text.title, classified(pair_signal())) for text in texts]


class Log:
    """The compacted topics as lists, for a memory to catch up from."""

    def __init__(self) -> None:
        self.classifications: list[InputRecord] = []
        self.progress: list[InputRecord] = []

    def append(self, outputs: Outputs) -> None:
        for output in outputs:
            target = {"classifications": self.classifications, "progress": self.progress}.get(output.route)
            if target is not None:
                target.append(InputRecord(len(target), output.key, output.value))


def read_from(log: list[InputRecord]) -> object:
    def read(start: int) -> Iterable[list[InputRecord]]:
        return [log[start:]] if log[start:] else []

    return read


class Harness:
    """A stage over a real store, with a log that outlives it."""

    def __init__(self, folder: Path) -> None:
        self.predictor = ScriptedPredictor()
        self.log = Log()
        self.folder = folder
        self.stage = self.new_stage()

    def new_stage(self, **options: int | str) -> ClassifyStage:
        stage = ClassifyStage(self.predictor, self._open, **options)  # type: ignore[arg-type]
        stage.open(0)
        return stage

    def _open(self, partition: int) -> ArticleMemory:
        store = PartitionStore(self.folder / f"classify-{partition}.sqlite", SCHEMA, "origin")
        return ArticleMemory(store, partition, read_from(self.log.classifications), read_from(self.log.progress))  # type: ignore[arg-type]

    def run(self, *records: InputRecord, commit: bool = True) -> Outputs:
        outputs = self.stage.process(batch(*records))
        if commit:
            self.log.append(outputs)
            self.stage.commit(0)
        return outputs


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    return Harness(tmp_path)


def routed(outputs: Outputs, route: str) -> list[tuple[bytes, bytes | None]]:
    return [(output.key, output.value) for output in outputs if output.route == route]


def progress_of(outputs: Outputs) -> Progress:
    return decode(Progress, routed(outputs, "progress")[-1][1] or b"")


def test_an_article_gives_a_fact_for_each_direction_and_a_classification_before_them(harness: Harness) -> None:
    outputs = harness.run(article_record(0, article(1)))
    assert [key for key, _ in routed(outputs, "signals")] == [b"BLR-RUS|article-1", b"RUS-BLR|article-1"]
    assert [output.route for output in outputs.phases[0]] == ["classifications", "progress"]
    assert {output.route for output in outputs.phases[1]} == {"signals"}
    exposure_only = decode(Signal, routed(outputs, "signals")[1][1] or b"")
    assert exposure_only.labels == {}


def test_both_directions_of_a_pair_go_to_one_partition(harness: Harness) -> None:
    outputs = harness.run(article_record(0, article(1)))
    assert {output.partition_by for output in outputs.phases[1]} == {b"BLR-RUS"}


def test_the_same_article_again_is_a_duplicate_and_gives_no_fact(harness: Harness) -> None:
    harness.run(article_record(0, article(1)))
    outputs = harness.run(article_record(1, article(1, ingested="2030-01-01T00:00:00Z")))
    assert routed(outputs, "signals") == []
    assert (progress_of(outputs).classified, progress_of(outputs).duplicates) == (1, 1)


def test_a_duplicate_within_one_batch_is_counted_as_one(harness: Harness) -> None:
    outputs = harness.run(article_record(0, article(1)), article_record(1, article(1)))
    assert len(routed(outputs, "classifications")) == 1
    assert (progress_of(outputs).classified, progress_of(outputs).duplicates) == (1, 1)


def test_an_edit_that_no_longer_names_the_pair_takes_the_facts_back(harness: Harness) -> None:
    harness.run(article_record(0, article(1)))
    harness.predictor.answers["edited"] = classified(pair_signal("BLR", "CHN"), pairs=(("BLR", "CHN"),))
    outputs = harness.run(article_record(1, article(1, title="edited")))
    tombstones = [key for key, value in routed(outputs, "signals") if value is None]
    assert tombstones == [b"BLR-RUS|article-1", b"RUS-BLR|article-1"]
    assert len(routed(outputs, "signals")) == 4


def test_a_record_that_comes_again_after_a_crash_gives_the_same_outputs_and_is_counted_once(harness: Harness) -> None:
    first = harness.run(article_record(0, article(1)))
    again = harness.run(article_record(0, article(1)))
    assert list(again) == list(first)


def test_an_older_revision_that_comes_again_does_not_undo_the_newer_one(harness: Harness) -> None:
    harness.run(article_record(0, article(1)), article_record(1, article(1, title="newer")))
    outputs = harness.run(article_record(0, article(1)))
    assert routed(outputs, "signals") == []


def test_a_lost_disk_is_rebuilt_from_the_topics(harness: Harness, tmp_path: Path) -> None:
    harness.run(article_record(0, article(1)))
    harness.folder = tmp_path / "new-disk"
    harness.stage = harness.new_stage()
    outputs = harness.run(article_record(1, article(1)))
    assert routed(outputs, "signals") == []
    assert (progress_of(outputs).classified, progress_of(outputs).duplicates) == (1, 1)


def test_uncommitted_state_is_gone_after_a_restart(harness: Harness) -> None:
    harness.run(article_record(0, article(1)), commit=False)
    harness.stage.close(0)
    harness.stage = harness.new_stage()
    assert len(routed(harness.run(article_record(0, article(1))), "signals")) == 2


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"not json", "not-json"),
        (b"\xff\xfe", "not-json"),
        (b"[]", "not-an-article"),
        (b'{"id": "x"}', "not-an-article"),
        (b'{"id":"x","title":"t","text":"t","published":"2017-01-01T00:00:00Z","v":99}', "newer-version"),
        (b"", "not-json"),
    ],
)
def test_bad_data_becomes_a_dead_letter_with_its_place_and_reason(harness: Harness, value: bytes, reason: str) -> None:
    outputs = harness.run(InputRecord(7, b"x", value), article_record(8, article(1)))
    [(_, letter)] = routed(outputs, "dead-letters")
    found = decode(DeadLetter, letter or b"")
    assert (found.reason, found.where) == (reason, "articles/0/7")
    assert (progress_of(outputs).dead_letters, progress_of(outputs).classified) == (1, 1)


def test_an_article_that_the_model_fails_on_does_not_take_the_others_with_it(harness: Harness) -> None:
    outputs = harness.run(
        article_record(0, article(1)), article_record(1, article(2, title="crash")), article_record(2, article(3))
    )
    assert len(routed(outputs, "classifications")) == 2
    [(_, letter)] = routed(outputs, "dead-letters")
    assert decode(DeadLetter, letter or b"").reason == "classify-failed"
    assert (progress_of(outputs).classified, progress_of(outputs).dead_letters) == (2, 1)


def test_too_many_dead_letters_in_a_row_end_the_worker(harness: Harness) -> None:
    harness.stage = harness.new_stage(max_dead_in_a_row=3)
    harness.run(InputRecord(0, b"x", b"junk"), InputRecord(1, b"x", b"junk"))
    with pytest.raises(ModelError, match="3 records in a row"):
        harness.run(InputRecord(2, b"x", b"junk"))


def test_one_good_article_starts_the_count_of_dead_letters_again(harness: Harness) -> None:
    harness.stage = harness.new_stage(max_dead_in_a_row=3)
    harness.run(InputRecord(0, b"x", b"junk"), InputRecord(1, b"x", b"junk"))
    harness.run(article_record(2, article(1)))
    harness.run(InputRecord(3, b"x", b"junk"), InputRecord(4, b"x", b"junk"))


def test_the_classification_says_which_model_and_which_pairs(harness: Harness) -> None:
    outputs = harness.run(article_record(5, article(1)))
    found = decode(Classification, routed(outputs, "classifications")[0][1] or b"")
    assert (found.offset, found.pairs, found.model) == (5, ["BLR-RUS", "RUS-BLR"], "1-scripted")


def test_a_tally_that_a_woken_process_wrote_over_a_newer_one_is_told_again_at_the_take_over(tmp_path: Path) -> None:
    harness = Harness(tmp_path)
    for offset in range(3):
        harness.run(article_record(offset, article(offset + 1)))
    harness.log.progress.append(InputRecord(3, b"0", harness.log.progress[0].value))
    stage = harness.new_stage()
    (told,) = list(stage.refresh(0))
    assert decode(Progress, told.value or b"").classified == 3
    harness.log.append(Outputs([[told]]))
    assert list(harness.new_stage().refresh(0)) == []
