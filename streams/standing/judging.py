"""From a pair's detectors to the records of its series: status, share, persistence, early word, breaks with their evidence. Pure.

Every record is a function of the closed weeks up to the last one and of the articles behind them (and, for the early word, of the
running weeks): the same weeks give the same bytes, whoever works them out and however often.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from models.labels import LABELS
from streams.clock import week_name
from streams.records import ALL_DOMAINS, BreakEvidence, EarlyWord, TrendBreak, TrendStanding, split_pair
from streams.standing.pair import PairWatch
from streams.standing.weeks import SERIES_DOMAINS, Counts, KnownArticle
from streams.trends.breaks import EARLY_WORD, Break
from streams.trends.status import Standing
from streams.trends.survival import persistence

#: Articles of a break: so many of the weeks since it began, and for a signal that became rarer of the weeks before.
EVIDENCE_AFTER, EVIDENCE_BEFORE = 5, 3
WEEKS_BEFORE = 8
#: A break's probability is the one of its tenth week, or the last one: later a jump grows old and merges with those long ago.
TELLING_WEEKS = 9
#: The newest breaks of a series that a record holds.
MOST_BREAKS = 64

ArticlesOf = Callable[[int, int], Sequence[tuple[int, KnownArticle]]]


@dataclass(frozen=True, slots=True)
class _Judged:
    """One series on its way to a record."""

    watch: PairWatch
    number: int
    breaks: list[list[Break]]
    early: tuple[int, float] | None

    @property
    def label(self) -> str:
        return str(LABELS[self.number // len(SERIES_DOMAINS)])

    @property
    def domain(self) -> str:
        return SERIES_DOMAINS[self.number % len(SERIES_DOMAINS)]


def standings_of(pair: str, watch: PairWatch, running: Counts, articles_of: ArticlesOf) -> Iterator[TrendStanding]:
    """The records of a pair's series: each label in all domains, and in each domain in which it was ever met.

    Args:
        watch: with every closed week, at least one.
        running: counts of the weeks after the last closed one, in order.
        articles_of: the articles behind the weeks of a span.
    """
    breaks = watch.breaks()
    early = watch.early_words(running) if len(running) else {}
    for number, now in enumerate(watch.standings(breaks)):
        one = _Judged(watch, number, breaks, early.get(number))
        if one.domain == ALL_DOMAINS or watch.series(number)[0].any():
            yield _record(pair, one, now, running, articles_of)


def _record(pair: str, one: _Judged, now: Standing, running: Counts, articles_of: ArticlesOf) -> TrendStanding:
    source, partner = split_pair(pair)
    age = one.watch.age(one.number, one.breaks)
    lasting = persistence(now, age)
    found = one.breaks[one.number][-MOST_BREAKS:]
    return TrendStanding(
        source=source, partner=partner, signal=one.label, domain=one.domain, week=week_name(one.watch.next_week - 1), status=now.status,
        age_weeks=age, share=round(now.share, 6), share_low=round(now.low, 6), share_high=round(now.high, 6), rate=round(now.rate, 3),
        persistence_4=lasting.four_weeks, persistence_8=lasting.eight_weeks,
        shift_kept=round(now.kept, 3) if np.isfinite(now.kept) else None, early=_early(one, now, running),
        breaks=[_break(one, each, articles_of) for each in found],
    )  # fmt: skip


def _early(one: _Judged, now: Standing, running: Counts) -> EarlyWord | None:
    """What is said of a running week; nothing where a closed one would not be judged either."""
    if one.early is None or one.early[1] < EARLY_WORD or now.status in ("too-sparse", "emerging"):
        return None
    at, probability = one.early
    label, domain = divmod(one.number, len(SERIES_DOMAINS))
    share = running[at, 1 + label, domain] / running[at, 0, domain]
    return EarlyWord(
        week=week_name(one.watch.next_week + at), probability=round(probability, 2), direction="up" if share > now.share else "down"
    )  # fmt: skip


def _break(one: _Judged, each: Break, articles_of: ArticlesOf) -> TrendBreak:
    first, said_in = one.watch.first + each.start, one.watch.first + each.alarm
    return TrendBreak(
        start=week_name(first), alarm=week_name(said_in), direction=each.direction, probability=each.probability,
        probability_now=round(one.watch.probability(one.number, max(each.alarm, each.start + TELLING_WEEKS)), 4),
        size=each.size, size_low=each.size_low, size_high=each.size_high, weeks_for=each.rows_for, weeks_against=each.rows_against,
        evidence=_evidence(one.label, each.direction, first, said_in, articles_of),
    )  # fmt: skip


def _evidence(
    label: str, direction: Literal["up", "down"], start: int, alarm: int, articles_of: ArticlesOf
) -> list[BreakEvidence]:
    """The most telling articles with the signal, best first: of the new level, and of the old one where little is left of it.

    Articles are of all domains: `trends` keeps them for a label as a whole.
    """
    after = _best(label, "after", articles_of(start, alarm), EVIDENCE_AFTER)
    if direction == "up":
        return after
    return after[: EVIDENCE_AFTER - EVIDENCE_BEFORE] + _best(
        label, "before", articles_of(start - WEEKS_BEFORE, start - 1), EVIDENCE_BEFORE
    )


def _best(
    label: str, side: Literal["before", "after"], found: Sequence[tuple[int, KnownArticle]], at_most: int
) -> list[BreakEvidence]:
    fitting = sorted(
        ((week, article) for week, article in found if article.label == label),
        key=lambda entry: (-entry[1].probability, entry[0], entry[1].article_id),
    )
    return [
        BreakEvidence(
            week=week_name(week), side=side, article_id=article.article_id, title=article.title, url=article.url, outlet=article.outlet,
            probability=article.probability,
        )
        for week, article in fitting[:at_most]
    ]  # fmt: skip
