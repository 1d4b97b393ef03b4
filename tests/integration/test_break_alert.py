"""The whole way of a break: articles in, a jump, an alert with its content at a webhook, more weeks, resolved. Everything real.

Kafka, a worker, the board, Prometheus and Alertmanager run as programs, with the shipped rules and routes; only the waiting times of rules
and routes are shortened. The webhook is a small HTTP server.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from streams import topology
from streams.records import TrendStanding, decode
from tests.helpers.alerting import Hook, listening, monitored
from tests.helpers.archives import write_archive
from tests.helpers.break_story import AFTER, CALM, JUMP, items
from tests.helpers.monitoring import find_tool
from tests.helpers.stack import Stack, fetch, running_stack, wait_for

pytestmark = [pytest.mark.kafka, pytest.mark.prometheus, pytest.mark.timeout(420)]

#: Longer than the board needs to start again.
KEEPS_SECONDS = 15
SERIES = b"BLR-RUS|cooperation|all"
BROKEN = {"alertname": "BellwetherTrendBroken", "source": "BLR", "partner": "RUS", "signal": "cooperation", "domain": "all"}


class Scene:
    """What runs, and the steps of the story."""

    def __init__(self, stack: Stack, address: str, hook: Hook, folder: Path) -> None:
        self.stack = stack
        self.address = address
        self.hook = hook
        self.folder = folder
        self.sent = 0

    def ingest(self, name: str, weeks: list[str], told: int) -> None:
        found = items(weeks, told)
        self.stack.run("ingest", "archive", str(write_archive(self.folder / f"{name}.jsonl", found)))
        self.sent += len(found)

    def standing(self) -> TrendStanding | None:
        values = [
            record.value
            for records in self.stack.records(topology.BREAKS.name).values()
            for record in records
            if record.key == SERIES
        ]
        return decode(TrendStanding, values[-1]) if values and values[-1] is not None else None

    def wait(self, what: str, condition: Callable[[], object]) -> float:
        """Seconds that it took."""
        started = time.monotonic()
        wait_for(what, condition, seconds=120)
        return time.monotonic() - started


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    find_tool("prometheus")
    with listening() as hook, running_stack(tmp_path) as stack:
        stack.start_worker()
        address = stack.start_board()
        with monitored(tmp_path, urlsplit(address).netloc, hook, keeps_seconds=KEEPS_SECONDS):
            yield Scene(stack, address, hook, tmp_path)


def location_of(address: str) -> str:
    """Where an address redirects to."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    connection.request("GET", f"{parts.path}?{parts.query}")
    answer = connection.getresponse()
    assert answer.status == 302, answer.status
    return str(answer.headers["Location"])


def total_breaks(address: str) -> float:
    name = 'bellwether_trend_breaks_total{domain="all",partner="RUS",signal="cooperation",source="BLR"}'
    (line,) = (line for line in fetch(f"{address}/metrics").splitlines() if line.startswith(name))
    return float(line.rpartition(" ")[2])


def test_a_break_reaches_a_webhook_with_what_it_is_and_is_resolved_when_it_settles(scene: Scene) -> None:
    scene.ingest("calm", CALM, told=3)
    scene.wait(
        "the calm weeks to be judged", lambda: (one := scene.standing()) and one.week == CALM[-2] and one.status == "stable"
    )
    assert total_breaks(scene.address) == 0
    assert scene.hook.alerts("firing", **BROKEN) == []

    scene.ingest("jump", JUMP, told=12)
    seconds = scene.wait("the alert", lambda: scene.hook.alerts("firing", **BROKEN))
    told = scene.hook.alerts("firing", **BROKEN)[0]["annotations"]
    assert (told["pair"], told["signal"], told["domain"]) == ("BLR-RUS", "cooperation", "all")
    assert float(told["size_low"]) < 4 < float(told["size_high"])
    assert float(told["size_low"]) < float(told["size"]) < float(told["size_high"])
    assert told["since"].startswith("2016-10-10")
    assert location_of(told["evidence_1"]).startswith("https://news.invalid/2016-W4")
    assert json.loads(fetch(told["details_url"]))["standings"][0]["breaks"][0]["start"] == "2016-W41"
    assert scene.hook.alerts("firing", **{**BROKEN, "domain": "security"}) == [], "held back by the break in all domains"

    scene.stack.end("board")
    scene.stack.start_board()
    scene.wait("the board to know the break again", lambda: "bellwether_trend_breaks_total{" in fetch(f"{scene.address}/metrics"))
    assert total_breaks(scene.address) == 1
    assert scene.hook.alerts("resolved", **BROKEN) == [], "a board that starts again is no end of a break"

    scene.ingest("after", AFTER, told=12)
    resolved = scene.wait("the end of the alert", lambda: scene.hook.alerts("resolved", **BROKEN))
    assert (one := scene.standing()) is not None
    assert one.status == "stable"
    assert [each.start for each in one.breaks] == ["2016-W41"]
    print(f"from the end of the articles: alert at the webhook after {seconds:.1f} s, resolved after {resolved:.1f} s")
