"""A real Prometheus beside the board's real /metrics: what it says is what the board's records say. Quick, without Kafka.

What every dashboard and alert gets out of real processes stands in `tests/integration/test_dashboards_live.py`.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web

from deploy.prometheus.alert import JOB
from streams.board.web import build_app
from tests.helpers.alerting import prometheus
from tests.helpers.exposition import READY, Processes, make_processes
from tests.helpers.monitoring import find_tool, get_json, wait_for

pytestmark = pytest.mark.prometheus


@dataclass(frozen=True, slots=True)
class Live:
    """Where Prometheus answers."""

    address: str

    def query(self, expr: str) -> list[dict[str, Any]]:
        """The samples of an instant query."""
        result: list[dict[str, Any]] = get_json(f"{self.address}/api/v1/query", query=expr)["data"]["result"]
        return result


@contextmanager
def serve_board(processes: Processes) -> Iterator[int]:
    """The board's web application in a thread of its own; yields its port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> web.AppRunner:
        runner = web.AppRunner(build_app(processes.model, lambda: READY, processes.board), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    runner = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    try:
        yield runner.addresses[0][1]
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A board, scraped twice."""
    find_tool("prometheus")
    with serve_board(make_processes()) as port:
        targets = {f"127.0.0.1:{port}": "board"}
        with prometheus(tmp_path_factory.mktemp("prometheus"), targets) as address:
            ready = Live(address)
            wait_for("two scrapes of the board", lambda: ready.query("sum_over_time(up[5m]) >= 2"))
            yield ready


def test_prometheus_says_what_the_board_says(live: Live) -> None:
    def value(expr: str) -> float:
        (sample,) = live.query(expr)
        return float(sample["value"][1])

    pair = f'job="{JOB}", source="BLR", partner="RUS"'
    assert value(f'bellwether_week_signal_stories{{{pair}, domain="all", signal="hedging"}}') == 3
    assert value(f'bellwether_week_exposure_stories{{{pair}, domain="security"}}') == 8
    assert value(f'bellwether_signal_stories_total{{{pair}, domain="all", signal="cooperation"}}') == 4
    assert value(f'bellwether_signal_share_ratio{{{pair}, domain="all", signal="cooperation"}}') == pytest.approx(4 / 10)
    assert value(f"bellwether_pair_newest_week_timestamp_seconds{{{pair}}}") == 1501459200  # Monday, 31 July 2017
    assert value('bellwether_articles_total{outcome="classified"}') == 17
    assert value('bellwether_kafka_topic_offsets_total{topic="articles"}') == 120
    assert value('bellwether_kafka_group_lag_records{topic="articles"}') == 3


def test_a_pair_that_is_watched_has_a_zero_before_its_first_news(live: Live) -> None:
    samples = live.query('bellwether_signal_stories_total{source="PHL", partner="CHN"}')
    assert len(samples) == 15
    assert {sample["value"][1] for sample in samples} == {"0"}


def test_no_scrape_was_refused_and_no_sample_dropped(live: Live) -> None:
    (target,) = get_json(f"{live.address}/api/v1/targets")["data"]["activeTargets"]
    assert (target["labels"]["job"], target["lastError"], target["health"]) == (JOB, "", "up")
