"""The corpus and the sample are written here: none of their items shares a run of ten words with the real data for tests."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import models
import streams
from tests.helpers.shared import shared_file

RUN = 10
REAL = ("data/current_events.jsonl.gz", "data/rss_2021.jsonl.gz", "data/real_dev.jsonl", "data/seed.txt")
OURS = [
    *sorted((Path(models.__file__).parent / "corpus").glob("*.jsonl")),
    *sorted((Path(streams.__file__).parent / "sample").glob("*.jsonl")),
]
_WORD = re.compile(r"\w+")


def words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def runs(text: str) -> Iterator[int]:
    """A number for each run of `RUN` words; equal for equal runs."""
    found = words(text)
    return (hash(tuple(found[start : start + RUN])) for start in range(len(found) - RUN + 1))


def texts_of(path: Path) -> Iterator[str]:
    if path.suffix == ".txt":
        yield path.read_text(encoding="utf-8")
        return
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield f"{row['title']} . {row['text']}"


@pytest.fixture(scope="module")
def ours() -> dict[int, str]:
    """Every run of ours and where it stands. (The real data is larger: it is read past ours, and nothing of it is kept.)"""
    found: dict[int, str] = {}
    for path in OURS:
        for number, text in enumerate(texts_of(path), 1):
            for run in runs(text):
                found.setdefault(run, f"{path.name}:{number}")
    return found


@pytest.mark.parametrize("name", REAL)
def test_no_item_shares_a_run_of_ten_words_with_real_data(ours: dict[int, str], name: str) -> None:
    shared = {ours[run] for text in texts_of(shared_file(name)) for run in runs(text) if run in ours}
    assert not shared, f"written too close to {name}"


def test_there_is_something_to_compare(ours: dict[int, str]) -> None:
    assert len(ours) > 1_000
