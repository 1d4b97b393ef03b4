"""The encoder's training takes only news that it may, teaches in the order that it says, and says what it lacks.

Networks are stood for by plain values here: what torch does with them is seen by `make teach TRIAL=1`.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from models.dataset import corpus_digest, read_corpus, split_frozen
from models.distill.news import unlabelled_texts
from models.distill.plan import Plan
from models.distill.pretrained import sha256_of
from models.encoder import ENCODER_FILE, PIECES_FILE, describe
from models.errors import ModelError
from models.labels import LABELS
from models.train_encoder import LEARNING, RUNS, TRIAL, Effort, Floats, Sources, main, train_encoder
from tests.helpers.labelled import write_small_corpus

PACT = ("", "Belarus and Russia signed an agreement on the joint defence of their air space in Minsk.")
GRAIN = ("", "Egypt will buy a million tonnes of wheat from Russia under an accord of both governments.")
ALONE = ("", "The minister opened a school in the north of the country and thanked its teachers.")


@dataclass
class PlainNetwork:
    """Stands for a network: remembers what it began as, what it was taught, and what it is the mean of."""

    folder: str
    seed: int
    lessons: list[tuple[list[str], Floats, Plan]] = field(default_factory=list)
    parts: list[PlainNetwork] = field(default_factory=list)


class PlainWorkshop:
    """A workshop whose teacher of seed `n` answers every text with `n / 10`."""

    def __init__(self) -> None:
        self.made: list[PlainNetwork] = []

    def pretrained(self, folder: Path, plan: Plan) -> PlainNetwork:
        self.made.append(PlainNetwork(folder.name, plan.seed))
        return self.made[-1]

    def train_network(
        self, network: PlainNetwork, texts: Sequence[str], targets: Floats, plan: Plan, say: Callable[[str], None]
    ) -> None:
        network.lessons.append((list(texts), targets, plan))

    def probabilities(self, network: PlainNetwork, texts: Sequence[str]) -> Floats:
        return np.full((len(texts), 7), network.seed / 10)

    def averaged(self, networks: Sequence[PlainNetwork]) -> PlainNetwork:
        self.made.append(PlainNetwork("mean", 0, parts=list(networks)))
        return self.made[-1]

    def export(self, network: PlainNetwork, texts: Sequence[str], folder: Path) -> None:
        folder.mkdir()
        (folder / ENCODER_FILE).write_text(network.folder)
        (folder / PIECES_FILE).write_text("\n".join(texts))

    def of(self, folder: str) -> list[PlainNetwork]:
        return [network for network in self.made if network.folder == folder]


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    news = tmp_path / "news.jsonl.gz"
    with gzip.open(news, "wt", encoding="utf-8") as file:
        for title, text in (PACT, GRAIN, ALONE, PACT):
            file.write(json.dumps({"title": title, "text": text}) + "\n")
    for name in ("base", "teacher"):
        (tmp_path / name).mkdir()
        for file_name in ("model.safetensors", "config.json", "tokenizer.json"):
            (tmp_path / name / file_name).write_text(name)
    return Sources(
        corpus=write_small_corpus(tmp_path / "corpus"), base=tmp_path / "base", teacher=tmp_path / "teacher", unlabelled=(news,)
    )


def trained(sources: Sources, out: Path, effort: Effort | None = None) -> PlainWorkshop:
    shop = PlainWorkshop()
    train_encoder(sources, out, seed=1, effort=effort or Effort(), say=lambda _: None, workshop=shop)
    return shop


def test_each_teacher_learns_the_items_that_are_not_frozen(sources: Sources, tmp_path: Path) -> None:
    teachers = trained(sources, tmp_path / "out").of("teacher")
    items = split_frozen(read_corpus(sources.corpus))[0]
    assert [teacher.seed for teacher in teachers] == list(range(1, 1 + RUNS))
    for teacher in teachers:
        ((texts, flags, _),) = teacher.lessons
        assert len(texts) == len(items) < len(read_corpus(sources.corpus))
        assert flags[:, 0].tolist() == [LABELS[0] in item.labels for item in items]
        assert not any("Belarus" in text for text in texts)


def test_students_begin_alike_and_each_learns_the_answers_of_its_own_teacher(sources: Sources, tmp_path: Path) -> None:
    students = trained(sources, tmp_path / "out").of("base")
    assert [student.seed for student in students] == [1] * RUNS
    assert [student.lessons[0][1][0, 0] for student in students] == [0.1, 0.2]
    assert {len(student.lessons[0][0]) for student in students} == {2}


def test_what_ships_is_the_mean_of_the_students(sources: Sources, tmp_path: Path) -> None:
    shop = trained(sources, tmp_path / "out")
    [mean] = shop.of("mean")
    assert mean.parts == shop.of("base")
    assert (tmp_path / "out" / ENCODER_FILE).read_text() == "mean"


def test_the_description_names_what_it_was_made_from(sources: Sources, tmp_path: Path) -> None:
    trained(sources, tmp_path / "out")
    described = describe(tmp_path / "out")
    assert described["files"][ENCODER_FILE] == sha256_of(tmp_path / "out" / ENCODER_FILE)
    assert described["unlabelled_sha256"] == {"news.jsonl.gz": sha256_of(sources.unlabelled[0])}
    assert [(run["seed"], run["texts"], run["epochs"]) for run in described["runs"]] == [
        (1, 2, LEARNING.epochs), (2, 2, LEARNING.epochs)
    ]  # fmt: skip
    assert {run["corpus_sha256"] for run in described["runs"]} == {corpus_digest(sources.corpus)}


def test_a_trial_takes_little_and_goes_every_way(sources: Sources, tmp_path: Path) -> None:
    shop = trained(sources, tmp_path / "out", TRIAL)
    lessons = [lesson for network in shop.made for lesson in network.lessons]
    assert len(lessons) == 2 * RUNS
    assert all(len(texts) <= 64 and plan.epochs == 1 for texts, _, plan in lessons)


def test_a_trial_does_not_replace_the_encoder_that_ships(sources: Sources, tmp_path: Path) -> None:
    refused = CliRunner().invoke(main, [str(tmp_path), "--unlabelled", str(sources.unlabelled[0]), "--trial"])
    assert refused.exit_code == 2
    assert "--out" in refused.output


def test_only_news_that_names_two_states_is_taken_and_each_once(sources: Sources) -> None:
    texts = unlabelled_texts(sources.unlabelled, (), 10, seed=0)
    assert len(texts) == 2
    assert all("actorxa" in text and "Russia" not in text for text in texts)


def test_what_the_model_is_measured_on_is_left_out(sources: Sources, tmp_path: Path) -> None:
    measured = tmp_path / "measured.jsonl"
    measured.write_text(json.dumps({"title": "", "text": f"Yesterday {PACT[1]}", "labels": []}) + "\n")
    [kept] = unlabelled_texts(sources.unlabelled, (measured,), 10, seed=0)
    assert "wheat" in kept


def test_the_same_seed_draws_the_same_texts(sources: Sources) -> None:
    assert unlabelled_texts(sources.unlabelled, (), 10, seed=4) == unlabelled_texts(sources.unlabelled, (), 10, seed=4)


def test_no_more_texts_are_taken_than_asked_for(sources: Sources) -> None:
    assert len(unlabelled_texts(sources.unlabelled, (), 1, seed=0)) == 1


def test_a_missing_pretrained_model_is_named(sources: Sources, tmp_path: Path) -> None:
    (sources.teacher / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="is missing"):
        trained(sources, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_missing_packages_are_named_with_the_command_that_brings_them(sources: Sources, tmp_path: Path) -> None:
    if find_spec("torch"):
        pytest.skip("torch is installed here")
    with pytest.raises(ModelError, match=r"(?s)package that is not installed.*make teach"):
        train_encoder(sources, tmp_path / "out", say=lambda _: None)
