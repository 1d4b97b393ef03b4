"""Everything that differs between two editions, as one value that can be written as JSON. Blocks on the network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from models.labels import LABELS
from streams import topology
from streams.board.listing import read_standings, read_trends
from streams.clock import shift_week
from streams.comparison.agreement import Agreement
from streams.comparison.changed import ChangedLabel, with_probabilities
from streams.comparison.counts import CountChanges, count_changes
from streams.comparison.outlooks import (
    BreakChange,
    Series,
    StatusChange,
    break_changes,
    status_changes,
    whole_series,
)
from streams.comparison.reading import dead_letters, read_changed, read_classified
from streams.editions.registry import Editions, in_edition
from streams.records import TrendStanding
from streams.replay.metering import Meter
from streams.settings import Settings

#: Rows of each list of counts; articles that are told of, and those at a break. A break's articles are looked for up to a quarter before it.
ROWS, ARTICLES, AT_BREAK, BEFORE_BREAK_WEEKS = 20, 40, 4, 13


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One edition.

    Attributes:
        outcomes: what became of the records of `articles`, as its workers have counted.
        left: stage -> records that it has not worked off yet; a comparison with a side that is behind says so.
        dead_letters: reason -> those of its workers that are still kept.
        series: status -> pairs' signals that stand so, all domains together.
    """

    edition: str
    model: str
    outcomes: dict[str, int]
    left: dict[str, int]
    dead_letters: dict[str, int]
    series: dict[str, int]


class LabelChange(msgspec.Struct, frozen=True, kw_only=True):
    """Facts (an article about a directed pair) that gain or lose a label."""

    label: str
    gained: int
    lost: int


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The old edition against the new one.

    Attributes:
        since: the first ISO week that is compared, which is the first that both count; empty for all.
        shared, old_only, new_only, other_revision: articles in both editions, in one, and in both in different revisions.
        labelled: facts that carry a label in either edition; `labels`: those that gain or lose one.
        breaks_same: breaks that both have, with the same start and alarm.
        articles: labels that are gained, then those that are lost, the models furthest apart first; bounded.
    """

    old: Side
    new: Side
    since: str
    shared: int
    old_only: int
    new_only: int
    other_revision: int
    agreement: list[Agreement]
    labelled: int
    labels: list[LabelChange]
    counts: CountChanges
    statuses: list[StatusChange]
    breaks: list[BreakChange]
    breaks_same: int
    articles: list[ChangedLabel]


def compare(settings: Settings, editions: Editions, old: str, new: str) -> Comparison:
    """Holds two editions against each other, as they stand now.

    Args:
        editions: by name; both names are among them.

    Raises:
        KafkaError: if the broker can't be read.
        StateError: if the folder for temporary files can't be written.
    """
    before, after = in_edition(settings, editions[old]), in_edition(settings, editions[new])
    since = max(editions[old].since, editions[new].since)
    changed = read_changed(before, after, since)
    held = list(changed.held())
    classified = read_classified(before, after, {one.article_id for one in held})
    held = [with_probabilities(one, classified.old.get(one.article_id), classified.new.get(one.article_id)) for one in held]
    trends = [[row.trend for row in read_trends(side, topology.name_in(side, topology.TRENDS), None)] for side in (before, after)]
    standings = [whole_series(_standings(side)) for side in (before, after)]
    breaks, same = break_changes(*standings, since=since)
    return Comparison(
        old=_side(before, editions[old].model, standings[0]), new=_side(after, editions[new].model, standings[1]), since=since, shared=classified.shared,
        old_only=classified.old_only, new_only=classified.new_only, other_revision=classified.other_revision,
        agreement=classified.agreement.results(), labelled=changed.labelled,
        labels=[_label_change(str(label), changed.totals) for label in LABELS],
        counts=count_changes(*trends, since=since, at_most=ROWS), statuses=status_changes(*standings),
        breaks=[with_articles(one, held) for one in breaks], breaks_same=same, articles=furthest(held),
    )  # fmt: skip


def furthest(changes: Iterable[ChangedLabel]) -> list[ChangedLabel]:
    """The labels on which the models are furthest apart, each article once with each of its labels."""
    ranked = sorted(changes, key=lambda one: (-one.step, one.article_id, one.label, one.pair))
    once = {(one.article_id, one.label, one.change): one for one in reversed(ranked)}
    ranked = sorted(once.values(), key=lambda one: (-one.step, one.article_id, one.label))
    # Half of each: a model that is surer of itself would fill the list with what it gains.
    return [one for change in ("gained", "lost") for one in [one for one in ranked if one.change == change][: ARTICLES // 2]]


def with_articles(one: BreakChange, changes: Sequence[ChangedLabel]) -> BreakChange:
    """A break with the articles of its series whose labels differ, from a quarter before it to its alarm: they make the difference."""
    starts = [week for week in (one.old_start, one.new_start) if week]
    first, last = shift_week(min(starts), -BEFORE_BREAK_WEEKS), max(one.old_alarm, one.new_alarm)
    found = [
        change.article_id
        for change in changes
        if (change.pair, change.label) == (one.pair, one.signal) and first <= change.week <= last
    ]
    return msgspec.structs.replace(one, articles=found[:AT_BREAK])


def _standings(settings: Settings) -> dict[str, dict[tuple[str, str], TrendStanding]]:
    """Pair -> (signal, domain) -> how the series stands."""
    found = read_standings(settings, topology.name_in(settings, topology.BREAKS))
    return {pair: {series: one.record for series, one in of_pair.items()} for pair, of_pair in found.items()}


def _label_change(label: str, totals: Counter[tuple[str, str]]) -> LabelChange:
    return LabelChange(label=label, gained=totals[label, "gained"], lost=totals[label, "lost"])


def _side(settings: Settings, model: str, standings: Mapping[Series, TrendStanding]) -> Side:
    with Meter(settings) as meter:
        reading = meter.read()
    return Side(
        edition=settings.edition, model=model, outcomes=dict(reading.outcomes), left=dict(reading.left), dead_letters=dead_letters(settings),
        series=dict(sorted(Counter(one.status for one in standings.values()).items())),
    )  # fmt: skip
