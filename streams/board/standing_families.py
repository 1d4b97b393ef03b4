"""How the series stand, as Prometheus sees it: every label set of the shown pairs from the start, details of active breaks alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from models.labels import LABELS
from streams import metrics
from streams.board.counts import BOARD_DOMAINS
from streams.board.model import BoardModel
from streams.board.standings import Series, is_active
from streams.clock import week_start
from streams.records import ALL_DOMAINS, TrendStanding, split_pair


def standing_families(model: BoardModel) -> Iterator[Metric]:
    """All families; the model must be held still by the caller."""
    pairs = [(pair, model.standings(pair)) for pair in model.pairs_shown()]
    status, persistence, early, active, reported, _, judged = (_gauge(family) for family in metrics.STANDING_FAMILIES)
    breaks = CounterMetricFamily(metrics.BREAKS.name, metrics.BREAKS.help, labels=metrics.BREAKS.labels)
    chosen = model.reported()
    for pair, found in pairs:
        codes = split_pair(pair)
        for label in LABELS:
            _add_status(status, persistence, early, (*codes, str(label)), found.get((label, ALL_DOMAINS)))
            for domain in BOARD_DOMAINS:
                one = found.get((label, domain))
                labels = (*codes, domain, str(label))
                active.add_metric(labels, int(one is not None and is_active(one)))
                reported.add_metric(labels, int((pair, (str(label), domain)) in chosen))
                breaks.add_metric(labels, len(one.breaks) if one else 0)
        judged.add_metric(codes, max((_seconds(one.week) for one in found.values()), default=0.0))
    yield from (status, persistence, early, active, reported, breaks, judged, *_details(pairs))


def _add_status(
    status: GaugeMetricFamily, persistence: GaugeMetricFamily, early: GaugeMetricFamily, labels: tuple[str, ...], one: TrendStanding | None
) -> None:  # fmt: skip
    for name in metrics.STATUS_NAMES:
        status.add_metric((*labels, name), int(one is not None and one.status == name))
    lasting = (one.persistence_4, one.persistence_8) if one else (math.nan, math.nan)
    for weeks, probability in zip(metrics.PERSISTENCE_WEEKS, lasting, strict=True):
        persistence.add_metric((*labels, weeks), probability)
    early.add_metric(labels, one.early.probability if one and one.early else 0.0)


def _details(pairs: Sequence[tuple[str, dict[Series, TrendStanding]]]) -> list[GaugeMetricFamily]:
    """What an alert says of an active break."""
    families = [_gauge(family) for family in metrics.ACTIVE_BREAK_FAMILIES]
    for pair, found in pairs:
        for (label, domain), one in sorted(found.items()):
            if is_active(one):
                last = one.breaks[-1]
                values = (last.size, last.size_low, last.size_high, last.probability_now, _seconds(last.start))
                for family, value in zip(families, values, strict=True):
                    family.add_metric((*split_pair(pair), domain, label), value)
    return families


def _gauge(family: metrics.Family) -> GaugeMetricFamily:
    return GaugeMetricFamily(family.name, family.help, labels=family.labels)


def _seconds(week: str) -> float:
    return datetime.combine(week_start(week), time(), UTC).timestamp()
