"""The encoder's training takes only news that it may, and says what it lacks."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from models.errors import ModelError
from models.train_encoder import Sources, train_encoder, unlabelled_texts

PACT = ("", "Belarus and Russia signed an agreement on the joint defence of their air space in Minsk.")
GRAIN = ("", "Egypt will buy a million tonnes of wheat from Russia under an accord of both governments.")
ALONE = ("", "The minister opened a school in the north of the country and thanked its teachers.")


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    news = tmp_path / "news.jsonl.gz"
    with gzip.open(news, "wt", encoding="utf-8") as file:
        for title, text in (PACT, GRAIN, ALONE, PACT):
            file.write(json.dumps({"title": title, "text": text}) + "\n")
    return Sources(corpus=tmp_path, base=tmp_path / "base", teacher=tmp_path / "teacher", unlabelled=(news,))


def test_only_news_that_names_two_states_is_taken_and_each_once(sources: Sources) -> None:
    texts = unlabelled_texts(sources, seed=0)
    assert len(texts) == 2
    assert all("actorxa" in text and "Russia" not in text for text in texts)


def test_what_the_model_is_measured_on_is_left_out(sources: Sources, tmp_path: Path) -> None:
    measured = tmp_path / "measured.jsonl"
    measured.write_text(json.dumps({"title": "", "text": f"Yesterday {PACT[1]}", "labels": []}) + "\n")
    kept = unlabelled_texts(Sources(sources.corpus, sources.base, sources.teacher, sources.unlabelled, (measured,)), seed=0)
    assert len(kept) == 1
    assert "wheat" in kept[0]


def test_the_same_seed_draws_the_same_texts(sources: Sources) -> None:
    assert unlabelled_texts(sources, seed=4) == unlabelled_texts(sources, seed=4)


def test_a_missing_pretrained_model_is_named(sources: Sources, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"needs a package|is missing"):
        train_encoder(sources, tmp_path / "out")
    assert not (tmp_path / "out").exists()
