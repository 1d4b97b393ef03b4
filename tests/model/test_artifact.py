"""A stored model is loaded only if it is, byte for byte, the one that its manifest names and that this version can use."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models import artifact, linear
from models.artifact import MANIFEST_FILE, MODEL_FILE, TRAINED, load
from models.cues import CUES_FILE
from models.errors import ModelError
from models.labels import TARGETS
from models.linear import LinearModel
from models.pipeline import build_pipeline
from models.train import train
from tests.helpers.labelled import write_small_corpus

#: Which of twelve texts carry which target: every target is on some and not on others.
TRUTH = np.array([[(row + column) % 3 == 0 for column in range(len(TARGETS))] for row in range(12)], dtype=int)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    train(write_small_corpus(folder / "corpus"), folder / "model", seed=3)
    return folder / "model"


@pytest.fixture
def copy(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "model"))


def edit_manifest(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / MANIFEST_FILE
    manifest = json.loads(path.read_text(encoding="utf-8"))
    change(manifest)
    path.write_text(json.dumps(manifest), encoding="utf-8")


def put_model(folder: Path, content: bytes) -> None:
    """Replaces the model and makes the manifest name it, so that only what is inside can be objected to."""
    (folder / MODEL_FILE).write_bytes(content)
    edit_manifest(folder, lambda m: m["files"].update({MODEL_FILE: artifact._sha256(content)}))


def test_training_twice_gives_the_same_bytes(trained: Path, tmp_path: Path) -> None:
    train(write_small_corpus(tmp_path / "corpus"), tmp_path / "again", seed=3)
    for name in (MODEL_FILE, MANIFEST_FILE):
        assert (tmp_path / "again" / name).read_bytes() == (trained / name).read_bytes(), name


def test_another_seed_is_another_version(trained: Path, tmp_path: Path) -> None:
    report = train(write_small_corpus(tmp_path / "corpus"), tmp_path / "other", seed=4)
    assert report.version == load(tmp_path / "other").version != load(trained).version


def test_a_loaded_model_scores_as_the_trained_one_did_to_the_last_bit(trained: Path, tmp_path: Path) -> None:
    texts = ["actorxa signed a pact with actorxb", "actorxa declined to host a base of actorxb"]
    pipeline = build_pipeline().fit(["actorxa signs a pact", "actorxa refuses a base", "actorxa signs"] * 4, TRUTH)
    artifact.save(LinearModel.of(pipeline), load(trained).manifest, tmp_path)
    _, scores = load(tmp_path).linear.score(texts)
    assert np.array_equal(scores, pipeline.decision_function(texts).astype(np.float32))


def test_nothing_of_a_model_tells_when_or_where_it_was_made(trained: Path) -> None:
    content = (trained / MODEL_FILE).read_bytes() + (trained / MANIFEST_FILE).read_bytes()
    assert str(trained).encode() not in content
    assert str(Path.home()).encode() not in content


def test_the_shipped_model_loads_within_a_second_and_is_small() -> None:
    started = time.perf_counter()
    load()
    assert time.perf_counter() - started < 1
    assert sum(path.stat().st_size for path in TRAINED.iterdir()) < 8_000_000


def test_a_missing_model_says_where_and_how_to_train(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as raised:
        load(tmp_path)
    assert raised.value.where == str(tmp_path / MANIFEST_FILE)
    assert "bellwether train" in raised.value.todo


def test_a_changed_byte_is_refused(copy: Path) -> None:
    model = bytearray((copy / MODEL_FILE).read_bytes())
    model[len(model) // 2] ^= 1
    (copy / MODEL_FILE).write_bytes(bytes(model))
    with pytest.raises(ModelError, match="not the file that the model's manifest names"):
        load(copy)


def test_changed_cues_are_refused(copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / CUES_FILE.name
    other.write_text('[sign]\nen = "sign"\n', encoding="utf-8")
    monkeypatch.setattr(artifact, "CUES_FILE", other)
    with pytest.raises(ModelError, match=r"cues\.toml is not the file"):
        load(copy)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda m: m.update(label_version=99), "labels of version 99"),
        (lambda m: m.update(labels=["cooperation"]), "labels of version"),
        (lambda m: m["versions"].update({"scikit-learn": "0.1.0"}), r"scikit-learn 0\.1\.0"),
        (lambda m: m["versions"].pop("scipy"), "scipy an unknown version"),
        (lambda m: m.update(format=7), "manifest of format 7"),
        (lambda m: (m.update(format=1), m.pop("terms")), "manifest of format 1"),
        (lambda m: m["terms"].update(letters=6), "terms of .*'letters': 6"),
        (lambda m: m["calibration"].pop("hedging"), "no calibration of hedging"),
        (lambda m: m.pop("files"), "not the file"),
        (lambda m: m.update(surprise=1), "manifest is damaged"),
        (lambda m: m.pop("calibration"), "manifest is damaged"),
    ],
)
def test_a_manifest_that_does_not_match_is_refused(
    copy: Path, change: Callable[[dict[str, Any]], object], complaint: str
) -> None:
    edit_manifest(copy, change)
    with pytest.raises(ModelError, match=complaint) as raised:
        load(copy)
    assert "bellwether train" in raised.value.todo


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b"{}", b"null"])
def test_a_manifest_that_is_none_is_refused(copy: Path, content: bytes) -> None:
    (copy / MANIFEST_FILE).write_bytes(content)
    with pytest.raises(ModelError, match="manifest is damaged"):
        load(copy)


def _row(number: int, change: Callable[[list[str]], list[str]]) -> Callable[[list[str]], list[str]]:
    """Changes the cells of one line of a model."""
    return lambda lines: [*lines[:number], "\t".join(change(lines[number].split("\t"))), *lines[number + 1 :]]


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: [],
        lambda lines: lines[:1],
        lambda lines: ["\x80\x04K\x01."],
        lambda lines: lines[1:],
        lambda lines: [lines[0], *lines[2:]],
        lambda lines: [*lines[:2], *reversed(lines[2:])],
        lambda lines: [*lines, lines[2]],
        lambda lines: [*lines, lines[-1]],
        lambda lines: [*lines[:3], "", *lines[3:]],
        _row(0, lambda cells: [*cells[:-1], "weather"]),
        _row(5, lambda cells: cells[:-1]),
        _row(5, lambda cells: [*cells, "1"]),
        _row(5, lambda cells: [*cells[:-1], "nan"]),
        _row(5, lambda cells: [*cells[:-1], "1e39"]),
        _row(5, lambda cells: [*cells[:-1], "os.system"]),
        _row(5, lambda cells: ["others", *cells[1:]]),
    ],
    ids=[
        "empty", "header alone", "pickle", "no header", "no intercepts", "views in another order", "a view twice", "a term twice",
        "blank line", "another target", "too few cells", "too many cells", "not a number", "infinite", "a name", "an unknown view",
    ],
)  # fmt: skip
def test_a_file_that_is_no_model_is_refused(copy: Path, change: Callable[[list[str]], list[str]]) -> None:
    lines = (copy / MODEL_FILE).read_text(encoding="utf-8").splitlines()
    put_model(copy, "".join(f"{line}\n" for line in change(lines)).encode())
    with pytest.raises(ModelError, match="model can't be read") as raised:
        load(copy)
    assert raised.value.where == str(copy / MODEL_FILE)
    assert "bellwether train" in raised.value.todo


def test_bytes_that_are_no_text_or_too_many_are_refused(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_model(copy, b"\xff\xfe")
    with pytest.raises(ModelError, match="model can't be read"):
        load(copy)
    monkeypatch.setattr(linear, "MAX_BYTES", 1)
    with pytest.raises(ModelError, match="it has 2 bytes, and 1 are the most"):
        load(copy)


def test_a_failed_save_leaves_the_earlier_model(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = load(copy).version

    def full_disk(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    loaded = load(copy)
    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(OSError, match="No space left"):
        artifact.save(loaded.linear, loaded.manifest, copy)
    monkeypatch.undo()
    assert load(copy).version == before
