"""How well copies are told from what is merely alike; the figures of docs/copies.md with fewer articles."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.helpers.copies import CHANGES, Item, long_items, short_items
from tests.helpers.copy_figures import Figures, figures_of, read_archive
from tests.helpers.shared import shared_file

MIN_RECALL, MIN_PRECISION = 0.97, 0.99


def check(found: Figures) -> None:
    assert {name: share for name, share in found.recall.items() if share < MIN_RECALL} == {}
    assert set(found.recall) == set(CHANGES)
    assert found.precision >= MIN_PRECISION


@pytest.mark.parametrize("items", [short_items, long_items])
def test_copies_of_short_and_long_articles_are_found_and_nothing_else_is(
    items: Callable[[random.Random, int], list[Item]],
) -> None:
    check(figures_of(items(random.Random(3), 500)))


@pytest.mark.parametrize("archive", ["rss_2021.jsonl.gz", "current_events.jsonl.gz"])
def test_copies_of_real_news_are_found(archive: str) -> None:
    check(figures_of(read_archive(shared_file(f"data/{archive}"), 1_000)))
