"""Lag in seconds: the age of the oldest record that a stage has read and not acknowledged, whatever partition it is on."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

import pytest
from faust.types import TP

from streams import topology
from streams.consumption import BatchConsumer
from streams.kafka.ledger import Fetch, Ledger
from streams.stage import InputRecord

NOW = datetime(2017, 8, 2, 12, 0, tzinfo=UTC)


def reading(ages_seconds: dict[TP, list[float]]) -> topology.BellwetherApp:
    """An app whose consumer has handed on batches, whose first records are so old."""
    consumer = BatchConsumer.__new__(BatchConsumer)
    consumer.ledgers = {}
    for tp, ages in ages_seconds.items():
        ledger = consumer.ledgers[tp] = Ledger(start=0, epoch=1)
        for offset, age in enumerate(ages):
            ledger.admit(Fetch(offset, [InputRecord(offset, None, None)], offset + 1))
            ledger.waiting_since_ms.append(int((NOW.timestamp() - age) * 1000))
    return cast(topology.BellwetherApp, SimpleNamespace(consumer=consumer))


def test_the_oldest_record_of_any_partition_counts_and_a_stage_without_one_has_no_lag() -> None:
    app = reading({TP("articles", 0): [5.0, 2.0], TP("articles", 1): [9.0], TP("signals", 0): []})
    assert topology.lag_seconds_by_stage(app, NOW) == {"classify": pytest.approx(9.0), "trends": 0.0, "breaks": 0.0}


def test_an_acknowledged_batch_no_longer_counts() -> None:
    app = reading({TP("articles", 0): [5.0, 2.0]})
    ledger = cast(BatchConsumer, app.consumer).ledgers[TP("articles", 0)]
    for expected in (5.0, 2.0, 0.0):
        assert topology.lag_seconds_by_stage(app, NOW)["classify"] == pytest.approx(expected)
        if expected:
            ledger.acknowledge(1)


def test_a_clock_that_is_behind_the_broker_makes_no_negative_lag() -> None:
    assert topology.lag_seconds_by_stage(reading({TP("trends", 0): [-3.0]}), NOW)["breaks"] == 0.0
