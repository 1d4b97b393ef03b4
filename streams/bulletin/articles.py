"""The articles of a bulletin: the most telling ones of a week, and the best one that speaks against the leading direction. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from models.labels import LABELS, LEANS_TOWARDS
from streams.bulletin.figures import Item
from streams.bulletin.past import PairWeeks
from streams.bulletin.quoting import OUTLET_CHARS, TITLE_CHARS, link_target, one_line, quote
from streams.records import Evidence, Trend

#: Weeks that count as recent, that of the bulletin included.
RECENT_WEEKS = 13
ITEMS_PER_LABEL, MOST_TERMS, TERM_CHARS = 3, 5, 40


def items_of(trend: Trend | None) -> list[Item]:
    """The articles of a week: a few of each label, each once with all of its labels, the surest first."""
    if trend is None:
        return []
    labels: dict[str, list[tuple[str, float]]] = {}
    best: dict[str, Evidence] = {}
    for label in LABELS:
        for item in trend.evidence.get(label, ())[:ITEMS_PER_LABEL]:
            labels.setdefault(item.article_id, []).append((str(label), round(item.probability, 4)))
            if item.article_id not in best or item.probability > best[item.article_id].probability:
                best[item.article_id] = item
    found = [_item(trend.week, best[key], sorted(labels[key], key=lambda one: -one[1])) for key in best]
    return sorted(found, key=lambda item: (-item.labels[0][1], item.date, item.article_id))


def _item(week: str, found: Evidence, labels: Sequence[tuple[str, float]]) -> Item:
    return Item(
        week=week, article_id=one_line(found.article_id, TITLE_CHARS), title=one_line(found.title, TITLE_CHARS) or one_line(found.article_id, TITLE_CHARS),
        outlet=one_line(found.outlet, OUTLET_CHARS), url=link_target(found.url), date=one_line(found.published[:10], 10),
        quote=quote(found.sentence, found.terms), terms=tuple(one_line(term, TERM_CHARS) for term in found.terms[:MOST_TERMS]),
        labels=tuple(labels),
    )  # fmt: skip


def counter_of(weeks: PairWeeks, number: int, leading: bool | None) -> Item | None:
    """The surest article of the other direction: of the newest week of the last 13 that has one."""
    if leading is None:
        return None
    against = [label for label in LABELS if LEANS_TOWARDS[label] != leading]
    for week in range(number, number - RECENT_WEEKS, -1):
        trend = weeks.by_week.get(week)
        found = [(item, str(label)) for label in against for item in (trend.evidence.get(label, ())[:1] if trend else ())]
        if trend and found:
            best, label = max(found, key=lambda one: (one[0].probability, one[0].article_id))
            return _item(trend.week, best, [(label, round(best.probability, 4))])
    return None
