"""Builders for what stands on `trends` and `breaks`, and the stage over topics in memory."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np

from streams.clock import week_name, week_number, week_start
from streams.records import Count, Evidence, Trend, TrendBreak, TrendStanding, encode, standing_key, trend_key
from streams.stage import Batch, InputRecord, Outputs
from streams.standing.stage import BreaksStage
from streams.standing.weeks import SCHEMA, WeekStore
from streams.state import PartitionStore

LATENESS = timedelta(hours=48)
FIRST = week_number("2014-W01")


def week_of_pair(
    pair: str,
    week: int,
    about: int,
    told: int,
    *,
    label: str = "cooperation",
    latest: str = "",
    evidence: Sequence[Evidence] = (),
) -> Trend:
    """A week in which `told` of `about` stories carry the label, all of them on security; published to the end of its Sunday."""
    source, partner = pair.split("-")
    name = week_name(week)
    exposure = {domain: Count(about, about) for domain in ("all", "security")}
    counts = {label: {domain: Count(told, told) for domain in ("all", "security")}} if told else {}
    sunday = week_start(name) + timedelta(days=6)
    return Trend(
        source=source, partner=partner, week=name, exposure=exposure, counts=counts, evidence={label: list(evidence)} if evidence else {},
        latest=latest or f"{sunday}T18:00:00Z",
    )  # fmt: skip


def article_of(week: int, number: int = 1, probability: float = 0.9) -> Evidence:
    """An article of the evidence of a week."""
    name = week_name(week)
    return Evidence(
        article_id=f"{name}-{number}", title=f"Joint exercise {number} of {name}", outlet="Minsk Courier",
        url=f"https://news.invalid/{name}/{number}", published=f"{week_start(name)}T09:00:00Z", probability=probability, sentence="They exercise.",
        terms=["exercise"],
    )  # fmt: skip


def stepped(
    pair: str = "BLR-RUS",
    *,
    weeks: int = 60,
    change: int = 40,
    rates: tuple[float, float] = (5.0, 15.0),
    about: int = 200,
    seed: int = 1,
) -> Iterator[Trend]:
    """Weeks from 2014-W01 on whose counts jump from one rate a week to another in week number `change`, each with an article."""
    generator = np.random.default_rng(seed)
    for at in range(weeks):
        told = int(generator.poisson(rates[at >= change]))
        yield week_of_pair(pair, FIRST + at, about, told, evidence=[article_of(FIRST + at)] if told else [])


def trend_record(offset: int, trend: Trend) -> InputRecord:
    """The record of `trends` that carries a pair's week."""
    return InputRecord(offset, trend_key(f"{trend.source}-{trend.partner}", trend.week), encode(trend))


def trend_records(trends: Iterable[Trend]) -> list[InputRecord]:
    """Records with offsets from 0 on."""
    return [trend_record(offset, trend) for offset, trend in enumerate(trends)]


class Seconds:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def breaks_stage(
    folder: Path, *, trends: Sequence[InputRecord] = (), said: Sequence[tuple[bytes, bytes]] = (), seconds: Seconds | None = None
) -> BreaksStage:
    """The stage over a store in `folder`; `trends` and `said` are what stands on the topics when it opens."""

    def open_weeks(partition: int) -> WeekStore:
        store = PartitionStore(folder / f"breaks-{partition}.sqlite", SCHEMA, "origin")
        return WeekStore(store, lambda start: [found] if (found := [r for r in trends if r.offset >= start]) else [])

    stage = BreaksStage(open_weeks, lambda _: said, LATENESS, seconds=seconds or Seconds())
    stage.open(0)
    return stage


def judge_all(stage: BreaksStage, records: Sequence[InputRecord] = ()) -> Outputs:
    """Gives the stage records in one batch and lets it do all that waits."""
    outputs = Outputs([])
    if records:
        outputs.phases += stage.process(Batch("trends", 0, list(records))).phases
        stage.commit(0)
    while stage.waiting(0):
        outputs.phases += stage.refresh(0).phases
        stage.commit(0)
    return outputs


def a_break(**changes: object) -> TrendBreak:
    """A tripling of August 2017, said three weeks later."""
    fields: dict[str, object] = {
        "start": "2017-W31", "alarm": "2017-W33", "direction": "up", "probability": 0.6, "probability_now": 0.95, "size": 3.0, "size_low": 2.2,
        "size_high": 4.1, "weeks_for": 3, "weeks_against": 0, "evidence": [],
    }  # fmt: skip
    return TrendBreak(**{**fields, **changes})  # type: ignore[arg-type]


def a_standing(pair: str = "BLR-RUS", signal: str = "cooperation", domain: str = "all", **changes: object) -> TrendStanding:
    """A stable series after 2017-W34."""
    source, partner = pair.split("-")
    fields: dict[str, object] = {
        "source": source, "partner": partner, "signal": signal, "domain": domain, "week": "2017-W34", "status": "stable", "age_weeks": 12,
        "share": 0.2, "share_low": 0.15, "share_high": 0.26, "rate": 4.0, "persistence_4": 0.93, "persistence_8": 0.9, "breaks": [],
    }  # fmt: skip
    return TrendStanding(**{**fields, **changes})  # type: ignore[arg-type]


def standing_record(one: TrendStanding) -> tuple[bytes, bytes]:
    """Key and value on `breaks`."""
    return standing_key(f"{one.source}-{one.partner}", one.signal, one.domain), encode(one)


def own_words(seed: str) -> str:
    """A sentence of made-up words that no other seed has, so that an article is nobody's copy."""
    chance = random.Random(seed)
    return " ".join("".join(chance.choice("abdefgiklmnoprstuvz") for _ in range(7)) for _ in range(20)).capitalize() + "."
