"""A real Prometheus and a real Alertmanager beside the real /metrics of every process: each panel, variable and alert answers."""

from __future__ import annotations

import asyncio
import json
import math
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
import yaml
from aiohttp import web
from prometheus_client import start_http_server

from deploy.grafana.build import FILE
from deploy.prometheus.alerts import JOB, all_alerts
from streams.board.web import build_app
from tests.helpers.exposition import READY, Processes, make_processes
from tests.helpers.monitoring import find_tool, free_port, get_json, running, wait_for

pytestmark = pytest.mark.prometheus
ROOT = Path(__file__).parents[2]
DASHBOARD: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
QUERIES = [
    pytest.param(target["expr"], id=f"{panel['title']}-{target['refId']}")
    for panel in DASHBOARD["panels"]
    for target in panel.get("targets", [])
]
VARIABLES = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
RATE_INTERVAL = "10s"


@dataclass(frozen=True, slots=True)
class Live:
    """What runs, and where it answers."""

    processes: Processes
    prometheus: str
    alertmanager: str

    def query(self, expr: str) -> list[dict[str, Any]]:
        """The samples of an instant query; fails the test, with what Prometheus says, when it is refused."""
        try:
            answer = get_json(f"{self.prometheus}/api/v1/query", query=expr)
        except HTTPError as error:
            pytest.fail(f"{expr}: {error.read().decode()}")
        assert answer["status"] == "success"
        assert answer["data"]["resultType"] in {"vector", "scalar"}
        result: list[dict[str, Any]] = answer["data"]["result"]
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


def write_configuration(folder: Path, ports: dict[str, int]) -> Path:
    """The shipped configuration with other ports, and a second between scrapes."""
    source = ROOT / "deploy" / "prometheus"
    config = yaml.safe_load((source / "prometheus.yml").read_text(encoding="utf-8"))
    config["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    groups = yaml.safe_load((source / "targets.yml").read_text(encoding="utf-8"))
    assert {group["labels"]["component"] for group in groups} == set(ports)
    for group in groups:
        group["targets"] = [f"127.0.0.1:{ports[group['labels']['component']]}"]
    (folder / "targets.yml").write_text(yaml.safe_dump(groups), encoding="utf-8")
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    shutil.copy(source / "rules.yml", folder / "rules.yml")
    return folder / "prometheus.yml"


@contextmanager
def run_alertmanager(folder: Path, port: int) -> Iterator[str]:
    config = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
    address = f"127.0.0.1:{port}"
    command = [
        find_tool("alertmanager", "prometheus-alertmanager"), f"--config.file={config}", f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={address}", "--cluster.listen-address=",
    ]  # fmt: skip
    with running(command, folder / "alertmanager.log", f"http://{address}/-/ready"):
        yield f"http://{address}"


@contextmanager
def run_prometheus(folder: Path, config: Path, port: int) -> Iterator[str]:
    address = f"127.0.0.1:{port}"
    command = [
        find_tool("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}", f"--web.listen-address={address}",
        # The first notification comes before Alertmanager was discovered; the next one a minute later, unless told otherwise.
        "--rules.alert.resend-delay=1s",
    ]  # fmt: skip
    with running(command, folder / "prometheus.log", f"http://{address}/-/ready"):
        yield f"http://{address}"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Everything, from the first scrapes on."""
    folder = tmp_path_factory.mktemp("prometheus")
    find_tool("prometheus")
    find_tool("alertmanager", "prometheus-alertmanager")
    processes = make_processes()
    with ExitStack() as stack:
        ports = {"board": stack.enter_context(serve_board(processes)), "prometheus": free_port(), "alertmanager": free_port()}
        for component, registry in (("worker", processes.worker), ("ingest", processes.ingest)):
            server, thread = start_http_server(0, "127.0.0.1", registry=registry)
            stack.callback(thread.join, 10)
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            ports[component] = server.server_port
        config = write_configuration(folder, ports)
        alertmanager = stack.enter_context(run_alertmanager(folder, ports["alertmanager"]))
        prometheus = stack.enter_context(run_prometheus(folder, config, ports["prometheus"]))
        ready = Live(processes, prometheus, alertmanager)
        wait_for("each process was scraped three times", lambda: all_scraped(ready, set(ports)))
        yield ready


def all_scraped(live: Live, components: set[str]) -> bool:
    live.processes.work()
    samples = live.query("sum by (component) (sum_over_time(up[5m])) >= 3")
    return {sample["metric"].get("component") for sample in samples} == components


def substitute(query: str) -> str:
    """The query as Grafana would send it with the dashboard as it opens."""

    def value_of(match: re.Match[str]) -> str:
        if match[1] == "__rate_interval":
            return RATE_INTERVAL
        variable = VARIABLES[match[1]]
        value = variable["current"]["value"]
        chosen = value if isinstance(value, list) else [value]
        return str(variable["allValue"]) if chosen == ["$__all"] else "|".join(chosen)

    return re.sub(r"\$(\w+)", value_of, query)


@pytest.mark.parametrize("expr", QUERIES)
def test_a_panel_of_the_dashboard_gets_a_number(live: Live, expr: str) -> None:
    query = substitute(expr)

    def numbers() -> list[float]:
        live.processes.work()
        values = [float(sample["value"][1]) for sample in live.query(query)]
        return [value for value in values if not math.isnan(value)]

    wait_for(f"a number for {query}", numbers, seconds=15)


@pytest.mark.parametrize("name", [name for name, variable in VARIABLES.items() if variable["type"] == "query"])
def test_a_variable_of_the_dashboard_has_values_and_the_first_choice_is_one(live: Live, name: str) -> None:
    match = re.fullmatch(r"label_values\((.+), (\w+)\)", VARIABLES[name]["query"])
    assert match
    values = get_json(f"{live.prometheus}/api/v1/label/{match[2]}/values", **{"match[]": substitute(match[1])})["data"]
    chosen = VARIABLES[name]["current"]["value"]
    assert values
    assert chosen == ["$__all"] or set([chosen] if isinstance(chosen, str) else chosen) <= set(values)


@pytest.mark.parametrize("alert", all_alerts(), ids=lambda alert: alert.name)
def test_prometheus_evaluates_each_alert(live: Live, alert: Any) -> None:
    live.query(alert.expr)

    def rule() -> dict[str, Any] | None:
        groups = get_json(f"{live.prometheus}/api/v1/rules")["data"]["groups"]
        found = next(rule for group in groups for rule in group["rules"] if rule["name"] == alert.full_name)
        return found if found["health"] != "unknown" else None

    evaluated = wait_for(f"{alert.full_name} was evaluated", rule)
    assert (evaluated["health"], evaluated.get("lastError", "")) == ("ok", "")


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


def test_a_pair_that_is_watched_has_a_zero_before_its_first_news(live: Live) -> None:
    samples = live.query('bellwether_signal_stories_total{source="PHL", partner="CHN"}')
    assert len(samples) == 15
    assert {sample["value"][1] for sample in samples} == {"0"}


def test_an_alert_travels_from_prometheus_to_alertmanager(live: Live) -> None:
    def names() -> set[str]:
        return {alert["labels"]["alertname"] for alert in get_json(f"{live.alertmanager}/api/v2/alerts")}

    assert "BellwetherWatchdog" in wait_for("an alert in Alertmanager", names)


def test_no_scrape_was_refused_and_no_sample_dropped(live: Live) -> None:
    targets = get_json(f"{live.prometheus}/api/v1/targets")["data"]["activeTargets"]
    assert {target["labels"]["component"]: target["lastError"] for target in targets if target["lastError"]} == {}
    assert {target["labels"]["job"] for target in targets} == {JOB, "monitoring"}
