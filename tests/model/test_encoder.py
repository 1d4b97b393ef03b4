"""The encoder is the one that its description names, scores each text alone, and reads only what it can."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from models import encoder
from models.artifact import load
from models.encoder import DESCRIPTION_FILE, ENCODER_FILE, MAX_PIECES, PIECES_FILE, SHIPPED, is_taught, load_encoder
from models.errors import ModelError
from models.labels import DOMAINS, LABELS
from models.pieces import Pieces
from models.predict import Predictor
from models.reading import read
from models.results import Text
from models.scoring import encoder_scores

DEAL = "actorxa signed a joint air defence agreement with actorxb in the capital."
REFUSAL = "actorxa declined to host the base that actorxb had asked for, but the alliance goes on."
KNOWN = Pieces(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "sign", "##s", "##ed", "a", "pact", "actorxa", "'", "s", "."])


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "encoder"))


class Unread:
    """Stands where an encoder must not be asked."""

    def scores(self, texts: list[str]) -> np.ndarray:
        raise AssertionError(f"the encoder was asked about {texts}")


def test_words_are_cut_into_the_longest_known_beginnings() -> None:
    assert KNOWN.of("Signs signed", 20) == [2, 4, 5, 4, 6, 3]


def test_accents_case_and_marks_are_as_in_the_vocabulary() -> None:
    assert KNOWN.of("A páct. actorxa's", 20) == [2, 7, 8, 12, 9, 10, 11, 3]


def test_a_word_that_cannot_be_spelt_is_one_unknown_piece() -> None:
    assert KNOWN.of("signing", 20) == KNOWN.of("я" * 500, 20) == [2, 1, 3]


@pytest.mark.parametrize("most", [2, 3, 10, MAX_PIECES])
def test_no_text_gives_more_pieces_than_asked_for(most: int) -> None:
    assert len(KNOWN.of("signs a pact. " * 5_000, most)) <= most


def test_a_vocabulary_without_its_marks_is_refused() -> None:
    with pytest.raises(ModelError, match="lacks"):
        Pieces(["a", "pact"])


def test_a_score_does_not_depend_on_the_other_texts() -> None:
    together = load_encoder().scores([DEAL, "x " * 400, REFUSAL])
    alone = load_encoder().scores([REFUSAL])
    assert np.array_equal(together[2], alone[0])


def test_the_deal_is_cooperation_and_the_refusal_is_hedging() -> None:
    cooperation, _, hedging = (load_encoder().scores([DEAL, REFUSAL])[:, k] for k in range(len(LABELS)))
    assert cooperation[0] > 0 > cooperation[1]
    assert hedging[1] > hedging[0]


@pytest.mark.parametrize("text", ["", " ", "\x00\x01", "я" * 10_000, "a" * 1_000_000])
def test_any_text_has_finite_scores(text: str) -> None:
    scores = load_encoder().scores([text])
    assert scores.shape == (1, len(LABELS) + len(DOMAINS))
    assert np.isfinite(scores).all()


def test_no_text_gives_no_scores() -> None:
    assert load_encoder().scores([]).shape == (0, len(LABELS) + len(DOMAINS))


def test_texts_on_several_threads_have_the_scores_that_they_have_on_one(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{DEAL} {REFUSAL} " * (number % 4) + str(number) for number in range(40)]
    together = load_encoder().scores(texts)
    monkeypatch.setattr(encoder, "MAX_THREADS", 1)
    assert np.array_equal(together, load_encoder().scores(texts))


def test_items_are_scored_by_their_windows_whatever_stands_beside_them() -> None:
    long = " ".join(f"Belarus and Russia held the Zapad drill number {k} near Brest." for k in range(30))
    readings = [read(Text("", text, language="en")) for text in (long, "Minsk declined to host a Russian base.", long[:300])]
    together = encoder_scores(load_encoder(), readings)
    assert len(readings[0].windows) > 1
    for reading, scores in zip(readings, together, strict=True):
        assert np.array_equal(scores, encoder_scores(load_encoder(), [reading])[0])


@pytest.mark.parametrize("name", [ENCODER_FILE, PIECES_FILE])
def test_a_changed_file_is_refused_before_it_is_built(copy: Path, name: str) -> None:
    with (copy / name).open("ab") as file:
        file.write(b"x")
    with pytest.raises(ModelError, match="is not the file"):
        load_encoder(copy)


@pytest.mark.parametrize("name", [ENCODER_FILE, PIECES_FILE, DESCRIPTION_FILE])
def test_a_missing_file_is_refused(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(ModelError, match="can't be read"):
        load_encoder(copy)


def test_a_file_over_the_limit_is_not_read(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "MAX_BYTES", 1_000_000)
    with pytest.raises(ModelError, match="too large"):
        load_encoder(copy)


def test_an_encoder_of_other_targets_is_refused(copy: Path) -> None:
    path = copy / DESCRIPTION_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | {"targets": ["weather"]}))
    with pytest.raises(ModelError, match="weather"):
        load_encoder(copy)


def test_an_encoder_that_was_taught_other_labels_or_is_not_there_is_not_asked_to_train_with(copy: Path, tmp_path: Path) -> None:
    assert is_taught(copy)
    description = json.loads((copy / DESCRIPTION_FILE).read_text(encoding="utf-8"))
    (copy / DESCRIPTION_FILE).write_text(
        json.dumps({**description, "targets": [*description["targets"], "rebuke"]}), encoding="utf-8"
    )
    assert not is_taught(copy)
    assert not is_taught(tmp_path / "none")


def test_a_damaged_description_is_refused(copy: Path) -> None:
    (copy / DESCRIPTION_FILE).write_text("{")
    with pytest.raises(ModelError, match="damaged"):
        load_encoder(copy)


def test_all_artefacts_stay_under_forty_megabytes() -> None:
    assert sum(path.stat().st_size for path in SHIPPED.parent.rglob("*") if path.is_file()) <= 40_000_000


@pytest.mark.parametrize(
    "text",
    [
        Text("", "The minister opened a school and thanked its teachers."),
        Text("", "Беларусь и Россия подписали соглашение о совместных учениях.", language="ru"),
        Text("", "Беларусь і Расія падпісалі пагадненне аб сумесных вучэннях.", language="be"),
        Text("", ""),
    ],
)
def test_the_encoder_is_not_asked_about_other_languages_or_texts_without_a_pair(text: Text) -> None:
    predictor = Predictor(dataclasses.replace(load(), encoder=Unread()))  # type: ignore[arg-type]
    assert len(predictor.classify([text])) == 1


def test_a_report_is_read_in_windows_with_names_kept_and_actors_masked() -> None:
    body = " ".join(f"Belarus and Russia held the Zapad drill number {k} near Brest." for k in range(30))
    reading = read(Text("Drills", body, language="en"))
    assert len(reading.windows) > 1
    shown = reading.plain_window(reading.windows[1])
    assert "Belarus" not in shown
    assert "Zapad" in shown
    assert shown.count("actorxa") == shown.count("actorxb") > 1
