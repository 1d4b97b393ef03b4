"""Weeks for bulletins: a pair whose cooperation jumps while hedging goes on, with evidence of both, as it stands on the topics."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np

from streams.bulletin.build import Stands, stands_of
from streams.bulletin.past import PairWeeks, standings_after
from streams.clock import week_name, week_start
from streams.records import Count, Evidence, Trend, TrendStanding
from tests.helpers.standings import FIRST, week_of_pair

WEEKS, CHANGE = 110, 100
#: The week of the alarm of the jump, and a week without any news.
EVENTFUL, QUIET = week_name(FIRST + CHANGE + 1), week_name(FIRST + 70)
LAST = week_name(FIRST + WEEKS - 1)


def telling(week: int, label: str, **changes: object) -> Evidence:
    """An article with a label."""
    sentence = {
        "cooperation": "Belarus and Russia began a joint exercise near Barysau, the second of the year and the largest since the regional group of forces "
        "was set up, the ministries of defence of both states said on Monday in Minsk and in Moscow alike.",
        "hedging": "Minsk would not host the base that Moscow had asked for.",
    }[label]  # fmt: skip
    fields: dict[str, object] = {
        "article_id": f"{week_name(week)}-{label}", "title": f"News of {label}", "outlet": "Minsk Courier", "url": f"https://news.invalid/{label}/{week}",
        "published": f"{week_start(week_name(week))}T09:00:00Z", "probability": 0.9 if label == "cooperation" else 0.8, "sentence": sentence,
        "terms": ["exercise"] if label == "cooperation" else ["not"],
    }  # fmt: skip
    return Evidence(**{**fields, **changes})  # type: ignore[arg-type]


def eventful_weeks(pair: str = "BLR-RUS") -> Iterator[Trend]:
    """Cooperation triples in week number `CHANGE`; one story in twenty hedges; one week has no news."""
    generator = np.random.default_rng(3)
    for at in range(WEEKS):
        week, told, hedged = FIRST + at, int(generator.poisson(12 if at >= CHANGE else 4)), int(generator.poisson(2))
        if week_name(week) == QUIET:
            continue
        trend = week_of_pair(pair, week, 40, told, evidence=[telling(week, "cooperation")] if told else [])
        counts = trend.counts | (
            {"hedging": {"all": Count(hedged, 2 * hedged), "politics": Count(hedged, 2 * hedged)}} if hedged else {}
        )
        evidence = trend.evidence | ({"hedging": [telling(week, "hedging")]} if hedged else {})
        yield msgspec.structs.replace(trend, counts=counts, evidence=evidence)


def said_of(trends: list[Trend], closed: str) -> list[TrendStanding]:
    """What stands on `breaks` when `closed` is the last closed week."""
    weeks = PairWeeks(trends)
    return list(standings_after(weeks, (week_start(closed).toordinal() - 1) // 7).values())


def eventful(closed: str = LAST) -> Stands:
    """The pair, closed up to a week."""
    trends = list(eventful_weeks())
    return stands_of(trends, said_of(trends, closed), {("BLR", "RUS"): ("CHN",)})
