"""The model as Prometheus sees it: families computed at scrape time, for a bounded set of pairs, every label set from the start.

What comes in: the model and the status of the replay. What goes out: metric families. The names stand in `streams.metrics`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, time

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from models.labels import LABELS
from streams import metrics
from streams.board.counts import ARTICLES, BOARD_DOMAINS, STORIES, Counts
from streams.board.model import BoardModel
from streams.board.standing_families import standing_families
from streams.board.status import StatusSource
from streams.board.weeks import SHARE_WEEKS, week_monday

Numbers = Callable[[], Mapping[str, int]]


class BoardCollector(Collector):
    """Every figure of the board.

    Args:
        records: records read so far, by topic.
        unreadable: those of them that could not be read, by topic.
    """

    def __init__(self, model: BoardModel, status: StatusSource, *, records: Numbers = dict, unreadable: Numbers = dict) -> None:
        self._model = model
        self._status = status
        self._records = records
        self._unreadable = unreadable

    def describe(self) -> Iterable[Metric]:
        """Nothing, so that registering does not compute everything once."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All families, of one moment."""
        with self._model.reading():
            pairs = [(pair, self._model.totals(pair)) for pair in self._model.pairs_shown()]
            families = [*self._totals(pairs), *self._weeks([pair for pair, _ in pairs]), *self._board()]
            # Half a history would be read as breaks that came and went: a counter that starts at 0 again doubles in `increase()`.
            if self._status().is_ready:
                families += standing_families(self._model)
        yield from families

    def _totals(self, pairs: list[tuple[str, Counts]]) -> Iterator[Metric]:
        for family, kind in ((metrics.SIGNAL_STORIES, STORIES), (metrics.SIGNAL_ARTICLES, ARTICLES)):
            metric = CounterMetricFamily(family.name, family.help, labels=family.labels)
            for pair, totals in pairs:
                _add_signals(metric, pair, totals[1:, :, kind])
            yield metric
        for family, kind in ((metrics.EXPOSURE_STORIES, STORIES), (metrics.EXPOSURE_ARTICLES, ARTICLES)):
            metric = CounterMetricFamily(family.name, family.help, labels=family.labels)
            for pair, totals in pairs:
                _add_exposure(metric, pair, totals[0, :, kind])
            yield metric

    def _weeks(self, pairs: list[str]) -> Iterator[Metric]:
        signals, exposure, share, newest = (_gauge(family) for family in metrics.WEEK_FAMILIES)
        for pair in pairs:
            week = self._model.newest_week(pair)
            window = self._model.window(pair, max(week, SHARE_WEEKS), SHARE_WEEKS)[..., STORIES]
            _add_signals(signals, pair, window[-1, 1:])
            _add_exposure(exposure, pair, window[-1, 0])
            stories = window.sum(axis=0)
            for domain_at, domain in enumerate(BOARD_DOMAINS):
                about = int(stories[0, domain_at])
                for row, label in enumerate(LABELS, 1):
                    share.add_metric((*_codes(pair), domain, label), int(stories[row, domain_at]) / about if about else math.nan)
            monday = datetime.combine(week_monday(week), time(), UTC).timestamp() if week >= 0 else 0
            newest.add_metric(_codes(pair), monday)
        yield from (signals, exposure, share, newest)

    def _board(self) -> Iterator[Metric]:
        articles = CounterMetricFamily(metrics.ARTICLES.name, metrics.ARTICLES.help, labels=metrics.ARTICLES.labels)
        found, status = self._model.articles(), self._status()
        for outcome, count in zip(
            metrics.ARTICLE_OUTCOMES, (found.classified, found.duplicates, found.dead_letters, found.forgotten), strict=True
        ):
            articles.add_metric((outcome,), count)
        yield articles
        for family, value in (
            (metrics.BOARD_PAIRS, len(self._model.pairs_shown())),
            (metrics.BOARD_PAIRS_LEFT_OUT, self._model.pairs_left_out()),
            (metrics.BOARD_READY, int(status.is_ready)),
            (metrics.BOARD_BROKER_REACHABLE, int(status.reachable)),
            (metrics.BOARD_CORRECTED, len(self._model.said)),
            (metrics.BOARD_EVIDENCE_BYTES, self._model.evidence_size),
        ):
            gauge = _gauge(family)
            gauge.add_metric((), value)
            yield gauge
        for family, numbers in ((metrics.BOARD_RECORDS, self._records()), (metrics.BOARD_UNREADABLE, self._unreadable())):
            counter = CounterMetricFamily(family.name, family.help, labels=family.labels)
            for topic, count in numbers.items():
                counter.add_metric((topic,), count)
            yield counter


def _gauge(family: metrics.Family) -> GaugeMetricFamily:
    return GaugeMetricFamily(family.name, family.help, labels=family.labels)


def _codes(pair: str) -> tuple[str, str]:
    source, _, partner = pair.partition("-")
    return source, partner


def _add_signals(metric: CounterMetricFamily | GaugeMetricFamily, pair: str, counts: Counts) -> None:
    """Adds `(label, domain)` counts."""
    for label, row in zip(LABELS, counts.tolist(), strict=True):
        for domain, count in zip(BOARD_DOMAINS, row, strict=True):
            metric.add_metric((*_codes(pair), domain, label), count)


def _add_exposure(metric: CounterMetricFamily | GaugeMetricFamily, pair: str, counts: Counts) -> None:
    for domain, count in zip(BOARD_DOMAINS, counts.tolist(), strict=True):
        metric.add_metric((*_codes(pair), domain), count)
