"""The queue of articles to look at: what is in it, and what comes first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from models.artifact import load
from streams.commands.review import bands_of
from streams.corrections import reviewing
from streams.corrections.reviewing import Band, ReviewTopics, ToReview, review
from streams.records import (
    Classification,
    Correction,
    Count,
    Signal,
    Trend,
    correction_key,
    encode,
    fact_key,
    pair_key,
    trend_key,
)
from streams.stage import InputRecord
from tests.helpers.builders import fact

TOPICS = ReviewTopics("corrections", "classifications", "signals", "trends")
BANDS = {"hedging": Band(0.5, 0.3, 0.6), "cooperation": Band(0.4, 0.3, 0.6)}


class World:
    """Topics as lists."""

    def __init__(self) -> None:
        self.logs: dict[str, list[InputRecord]] = {}

    def put(self, topic: str, key: bytes, value: bytes | None) -> None:
        log = self.logs.setdefault(topic, [])
        log.append(InputRecord(len(log), key, value))

    def classify(self, number: int, hedging: float = 0.0, **changes: Any) -> None:
        fields: dict[str, Any] = {
            "article_id": f"article-{number}", "digest": "d1", "offset": number, "pairs": ["BLR-RUS"], "language": "en",
            "labels": {"hedging": hedging, "cooperation": 0.0}, "decided": [], "domains": {}, "model": "1-test",
        }  # fmt: skip
        found = Classification(**{**fields, **changes})
        self.put("classifications", found.article_id.encode(), encode(found))

    def state(self, signal: Signal, stories: int) -> None:
        pair = pair_key(signal.source, signal.partner)
        self.put("signals", fact_key(pair, signal.article_id), encode(signal))
        trend = Trend(
            source=signal.source, partner=signal.partner, week=signal.week, exposure={"all": Count(stories, stories)}, counts={}, evidence={}
        )  # fmt: skip
        self.put("trends", trend_key(pair, signal.week), encode(trend))

    def correct(self, number: int, digest: str) -> None:
        word = Correction(
            article_id=f"article-{number}", pair="", labels=[], digest=digest, by="Ann", why="so", at="2026-01-01T00:00:00Z"
        )
        self.put("corrections", correction_key("", word.article_id), encode(word))

    def queue(self, limit: int = 50, bands: Mapping[str, Band] = BANDS) -> list[ToReview]:
        return review(
            lambda topic: iter(self.logs.get(topic, [])), TOPICS, lambda _: bands, frozenset({"BLR-RUS"}), limit
        )  # fmt: skip


@pytest.mark.parametrize(("probability", "doubt"), [(0.29, 0.0), (0.3, 0.0), (0.4, 0.5), (0.5, 1.0), (0.55, 0.5), (0.6, 0.0)])
def test_doubt_is_highest_at_the_threshold_and_ends_with_the_band(probability: float, doubt: float) -> None:
    assert BANDS["hedging"].doubt(probability) == pytest.approx(doubt)


def test_what_the_model_is_sure_of_is_not_in_the_queue_and_what_it_doubts_is_with_its_label() -> None:
    world = World()
    for number, hedging in ((1, 0.05), (2, 0.45), (3, 0.95)):
        world.classify(number, hedging)
        world.state(fact(number), stories=5)
    [found] = world.queue()
    assert (found.article_id, found.label, found.reason, found.pair, found.week) == (
        "article-2",
        "hedging",
        "unsure",
        "BLR-RUS",
        "2017-W31",
    )


def test_the_same_doubt_weighs_more_in_a_thin_week_and_of_a_watched_pair() -> None:
    world = World()
    for number in (1, 2, 3):
        world.classify(number, 0.5)
    world.state(fact(1, week="2017-W30"), stories=40)
    world.state(fact(2, week="2017-W31"), stories=2)
    world.state(fact(3, week="2017-W31", partner="CHN"), stories=2)
    assert [one.article_id for one in world.queue()] == ["article-2", "article-3", "article-1"]


def test_an_article_that_changed_after_it_was_corrected_comes_first_and_one_that_did_not_is_settled() -> None:
    world = World()
    for number in (1, 2, 3):
        world.classify(number, 0.5)
        world.state(fact(number), stories=2)
    world.correct(2, digest="d1")
    world.correct(3, digest="an older revision")
    assert [(one.article_id, one.reason) for one in world.queue()] == [("article-3", "changed"), ("article-1", "unsure")]


def test_what_was_forgotten_or_classified_anew_or_has_no_fact_is_left_out() -> None:
    world = World()
    for number in (1, 2, 3):
        world.classify(number, 0.5)
    world.state(fact(1), stories=2)
    world.state(fact(2), stories=2)
    world.put("classifications", b"article-1", None)
    world.classify(2, 0.9)
    assert world.queue() == []


def test_the_queue_and_what_is_held_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reviewing, "MAX_CANDIDATES", 3)
    world = World()
    for number in range(20):
        world.classify(number, 0.31 + 0.009 * number)
        world.state(fact(number), stories=2)
    assert [one.article_id for one in world.queue()] == ["article-19", "article-18", "article-17"]
    assert len(world.queue(limit=2)) == 2


def test_bands_are_those_of_the_calibration_that_gave_the_probability() -> None:
    artifact = load()
    english = Classification(
        article_id="a", digest="d", offset=0, pairs=[], language="en", labels={"hedging": 0.4}, decided=[], domains={}, model=artifact.version,
    )  # fmt: skip
    manifest = artifact.manifest
    bands = bands_of(artifact, english, encoder=True)
    assert bands["hedging"].threshold == manifest.encoded["hedging"].threshold
    russian = bands_of(artifact, _with(english, language="ru"), encoder=True)
    assert russian["hedging"].threshold == manifest.calibration["hedging"].threshold
    linear = bands_of(replace(artifact, encoder=None), _with(english, model=f"{artifact.version}-linear"), encoder=False)
    assert linear["hedging"].threshold == manifest.calibration["hedging"].threshold
    assert bands_of(artifact, _with(english, model="another"), encoder=True) == {}
    assert bands_of(artifact, _with(english, labels={"hedging": 0.0}), encoder=True) == {}


def _with(found: Classification, **changes: Any) -> Classification:
    return msgspec.structs.replace(found, **changes)
