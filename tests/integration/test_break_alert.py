"""The whole way of a break: articles in, a jump, an alert with its content at a webhook, more weeks, resolved. Everything real.

Kafka, a worker, the board, Prometheus and Alertmanager run as programs, with the shipped rules and routes; only the waiting times of rules
and routes are shortened. The webhook is a small HTTP server.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from streams import topology
from streams.clock import week_start, weeks_between
from streams.records import TrendStanding, decode
from tests.helpers.archives import write_archive
from tests.helpers.monitoring import find_tool, free_port, running
from tests.helpers.stack import REPOSITORY, Stack, fetch, running_stack, wait_for
from tests.helpers.standings import own_words

pytestmark = [pytest.mark.kafka, pytest.mark.prometheus, pytest.mark.timeout(420)]

CALM = weeks_between("2016-W01", "2016-W40")
JUMP = weeks_between("2016-W41", "2016-W47")
AFTER = weeks_between("2016-W48", "2017-W12")
ABOUT = 20
#: Longer than the board needs to start again.
KEEPS_SECONDS = 15
SERIES = b"BLR-RUS|cooperation|all"


def items(weeks: list[str], told: int) -> list[dict[str, Any]]:
    """Every week 20 stories about Belarus and Russia, so many of them (give or take one) of working together."""
    found = []
    for at, week in enumerate(weeks):
        for number in range(ABOUT):
            day = week_start(week) + timedelta(days=number * 7 // ABOUT)
            exercise = number < told + (at * 7) % 3 - 1
            title = "Belarus and Russia hold joint exercise" if exercise else "Chess"
            text = (
                f"Belarus and Russia began joint military exercise number {number} of {week} near Brest, both defence ministries said."
                if exercise
                else f"A chess player from Belarus lost to a player from Russia in round {number} of the cup of {week}."
            )
            address = f"https://news.invalid/{week}/{number}"
            found.append(
                {
                    "id": f"{week}-{number}",
                    "title": title,
                    "text": f"{text} {own_words(week + str(number))}",
                    "published": f"{day}T12:00:00Z",
                    "url": address,
                }
            )
    return found


class Webhook:
    """Keeps what Alertmanager delivers."""

    def __init__(self) -> None:
        self.delivered: list[dict[str, Any]] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.delivered.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def alerts(self, status: str, domain: str = "all") -> list[dict[str, Any]]:
        """The alerts of breaks in one state, about BLR-RUS cooperation."""
        wanted = {
            "alertname": "BellwetherTrendBroken",
            "source": "BLR",
            "partner": "RUS",
            "signal": "cooperation",
            "domain": domain,
        }
        return [
            alert
            for message in list(self.delivered)
            for alert in message["alerts"]
            if alert["status"] == status and wanted.items() <= alert["labels"].items()
        ]


def prometheus_files(folder: Path, board: str, alertmanager: str) -> Path:
    """The shipped configuration and rules, by the second."""
    source = REPOSITORY / "deploy" / "prometheus"
    config = yaml.safe_load((source / "prometheus.yml").read_text(encoding="utf-8"))
    config["global"] |= {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    config["global"]["external_labels"]["board_url"] = f"http://{board}"
    addresses = {"board": board, "alertmanager": alertmanager}
    targets = [{"targets": [address], "labels": {"component": name}} for name, address in addresses.items()]
    rules = yaml.safe_load((source / "rules.yml").read_text(encoding="utf-8"))
    for rule in (rule for group in rules["groups"] for rule in group["rules"] if "keep_firing_for" in rule):
        rule["keep_firing_for"] = f"{KEEPS_SECONDS}s"
    for name, content in (("prometheus.yml", config), ("targets.yml", targets), ("rules.yml", rules)):
        (folder / name).write_text(yaml.safe_dump(content), encoding="utf-8")
    return folder / "prometheus.yml"


def alertmanager_file(folder: Path, webhook: str) -> Path:
    """The shipped routes, by the second, with the webhook as the receiver of breaks."""
    config = yaml.safe_load((REPOSITORY / "deploy" / "alertmanager" / "alertmanager.yml").read_text(encoding="utf-8"))
    route = next(route for route in config["route"]["routes"] if route["receiver"] == "breaks")
    route |= {"group_wait": "1s", "group_interval": "1s"}
    next(receiver for receiver in config["receivers"] if receiver["name"] == "breaks")["webhook_configs"] = [{"url": webhook}]
    path = folder / "alertmanager.yml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


@contextmanager
def monitored(folder: Path, board: str, webhook: str) -> Iterator[None]:
    """Prometheus and Alertmanager beside a board."""
    ports = free_port(), free_port()
    prometheus, alertmanager = (f"127.0.0.1:{port}" for port in ports)
    with ExitStack() as stack:
        command = [
            find_tool("alertmanager", "prometheus-alertmanager"), f"--config.file={alertmanager_file(folder, webhook)}",
            f"--storage.path={folder / 'alertmanager'}", f"--web.listen-address={alertmanager}", "--cluster.listen-address=",
        ]  # fmt: skip
        stack.enter_context(running(command, folder / "alertmanager.log", f"http://{alertmanager}/-/ready"))
        command = [
            find_tool("prometheus"), f"--config.file={prometheus_files(folder, board, alertmanager)}",
            f"--storage.tsdb.path={folder / 'tsdb'}", f"--web.listen-address={prometheus}", "--rules.alert.resend-delay=1s",
        ]  # fmt: skip
        stack.enter_context(running(command, folder / "prometheus.log", f"http://{prometheus}/-/ready"))
        yield


class Scene:
    """What runs, and the steps of the story."""

    def __init__(self, stack: Stack, address: str, hook: Webhook, folder: Path) -> None:
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
    hook = Webhook()
    with running_stack(tmp_path) as stack:
        stack.start_worker()
        address = stack.start_board()
        with monitored(tmp_path, urlsplit(address).netloc, f"http://127.0.0.1:{hook.server.server_port}/"):
            yield Scene(stack, address, hook, tmp_path)
    hook.server.shutdown()


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
    assert scene.hook.alerts("firing") == []

    scene.ingest("jump", JUMP, told=12)
    seconds = scene.wait("the alert", lambda: scene.hook.alerts("firing"))
    told = scene.hook.alerts("firing")[0]["annotations"]
    assert (told["pair"], told["signal"], told["domain"]) == ("BLR-RUS", "cooperation", "all")
    assert float(told["size_low"]) < 4 < float(told["size_high"])
    assert float(told["size_low"]) < float(told["size"]) < float(told["size_high"])
    assert told["since"].startswith("2016-10-10")
    assert location_of(told["evidence_1"]).startswith("https://news.invalid/2016-W4")
    assert json.loads(fetch(told["details_url"]))["standings"][0]["breaks"][0]["start"] == "2016-W41"
    assert scene.hook.alerts("firing", "security") == [], "held back by the break in all domains"

    scene.stack.end("board")
    scene.stack.start_board()
    scene.wait("the board to know the break again", lambda: "bellwether_trend_breaks_total{" in fetch(f"{scene.address}/metrics"))
    assert total_breaks(scene.address) == 1
    assert scene.hook.alerts("resolved") == [], "a board that starts again is no end of a break"

    scene.ingest("after", AFTER, told=12)
    resolved = scene.wait("the end of the alert", lambda: scene.hook.alerts("resolved"))
    assert (one := scene.standing()) is not None
    assert one.status == "stable"
    assert [each.start for each in one.breaks] == ["2016-W41"]
    print(f"from the end of the articles: alert at the webhook after {seconds:.1f} s, resolved after {resolved:.1f} s")
