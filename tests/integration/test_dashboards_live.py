"""Every dashboard, variable and alert, asked of a real Prometheus that scrapes every process of Bellwether, with real news in them.

Kafka, a worker, the board, `ingest feeds`, `ingest push` and `deliver` run as programs. Prometheus scrapes them before anything comes in, so that it
sees every counter grow. What comes in: an archive with a break in it, a feed, an article over HTTP, and at the end a burst of rubbish, whose
alert is followed from the counter to the receiver.
"""

from __future__ import annotations

import json
import math
import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, time
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from deploy.prometheus.alert import Alert
from deploy.prometheus.alerts import all_alerts
from deploy.prometheus.objectives import FRESHNESS
from streams import topology
from streams.clock import format_utc, monotonic_seconds, utc_now, week_start
from streams.kafka.clients import article_producer
from streams.metrics import EXEMPLAR_LABEL
from streams.metrics_page import OPEN, PROCESSES, Process
from tests.helpers.alerting import Hook, alertmanager, listening, prometheus, routed_to
from tests.helpers.archives import write_archive
from tests.helpers.break_story import CALM, JUMP, items
from tests.helpers.dashboards import SHIPPED, Shipped
from tests.helpers.ingesting import Page, feed_server
from tests.helpers.monitoring import find_tool, get_json, run_tool
from tests.helpers.stack import Stack, answers, fetch, free_port, running_stack, wait_for

pytestmark = [pytest.mark.kafka, pytest.mark.prometheus, pytest.mark.timeout(420)]

RUBBISH = 150
LAST_DAY = datetime.combine(week_start(JUMP[-1]), time(12), UTC)
#: What a process has no number for yet: a feed's first document does not say how late its news is.
WITHOUT_NUMBER = {"bellwether_feed_lag_seconds"}
PORTS = {
    "board": "board_port",
    "worker": "worker_metrics_port",
    "ingest feeds": "ingest_metrics_port",
    "ingest push": "push_metrics_port",
    "deliver": "delivery_metrics_port",
}
QUERIES = [
    pytest.param(shipped, target["expr"], id=f"{shipped.uid}-{panel['title']}-{target['refId']}")
    for shipped in SHIPPED
    for panel in shipped.panels
    for target in panel["targets"]
]
VARIABLES = [
    pytest.param(shipped, name, id=f"{shipped.uid}-{name}")
    for shipped in SHIPPED
    for name, variable in shipped.variables.items()
    if variable["type"] == "query"
]


@dataclass(frozen=True, slots=True)
class Live:
    """What runs, and where it answers."""

    stack: Stack
    prometheus: str
    hook: Hook

    def query(self, expr: str) -> list[dict[str, Any]]:
        """The samples of an instant query; fails the test, with what Prometheus says, when it is refused."""
        try:
            answer = get_json(f"{self.prometheus}/api/v1/query", query=expr)
        except HTTPError as error:
            pytest.fail(f"{expr}: {error.read().decode()}")
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    def address(self, process: str) -> str:
        """Where a process tells of itself, as host:port."""
        return metrics_of(self.stack, process).split("/")[2]


def start_processes(stack: Stack, folder: Path, feed: str) -> None:
    """Every process, the feeds last: their first fetch waits until Prometheus has seen them, but not for long."""
    listed = f'[[feed]]\nurl = "{feed}"\noutlet = "Courier"\nallow_private = true\n'
    (folder / "feeds.toml").write_text(listed, encoding="utf-8")
    target = f'[[target]]\nname = "files"\nkind = "file"\nfolder = "{folder / "bulletins"}"\noldest_weeks = 0\n'
    (folder / "delivery.toml").write_text(target, encoding="utf-8")
    commands = {"worker": ["worker"], "board": ["board"], "ingest push": ["ingest", "push"], "deliver": ["deliver"]}
    for process, command in commands.items():
        stack.start(process, *command, worker_id="worker-1", delivery=str(folder / "delivery.toml"))
    for process in commands:
        wait_for(process, lambda process=process: answers(metrics_of(stack, process)), seconds=150)  # type: ignore[misc]
    stack.start("ingest feeds", "ingest", "feeds", feeds=str(folder / "feeds.toml"))
    wait_for("ingest feeds", lambda: answers(metrics_of(stack, "ingest feeds")), seconds=150)


def metrics_of(stack: Stack, process: str) -> str:
    return f"http://127.0.0.1:{getattr(stack.settings, PORTS[process])}/metrics"


def courier() -> bytes:
    """A feed of two items of the archive's last day: news of today would make its break an old one."""
    published = format_datetime(LAST_DAY)
    told = "".join(
        f"<item><guid>{number}</guid><title>Armenia and Russia hold talks</title><link>https://courier.invalid/{number}</link>"
        f"<description>Item {number}: ministers of Armenia and Russia met in Yerevan.</description>"
        f"<pubDate>{published}</pubDate></item>"
        for number in (1, 2)
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>Courier</title>{told}</channel></rss>'.encode()


def push(stack: Stack, token: str, article: dict[str, str]) -> None:
    address = f"http://127.0.0.1:{stack.settings.push_port}/v1/articles"
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    with urlopen(Request(address, json.dumps(article).encode(), headers), timeout=10) as answer:
        assert answer.status == 202


def bring_news(live: Live, folder: Path, token: str, feed: threading.Event) -> None:
    """The archive with its break, what the feed holds, and what is pushed."""
    feed.set()
    found = [*items(CALM, told=3), *items(JUMP, told=12)]
    live.stack.run("ingest", "archive", str(write_archive(folder / "archive.jsonl", found)))
    push(
        live.stack,
        token,
        {
            "id": "pushed",
            "title": "Vietnam and China sign pact",
            "text": "They signed it in Hanoi.",
            "published": format_utc(LAST_DAY),
        },
    )
    fetch(f"http://{live.address('board')}/")
    wait_for("the feed to be read", lambda: live.query("bellwether_feed_last_success_timestamp_seconds > 0"), seconds=60)
    wait_for("the break to be known", lambda: live.query("bellwether_trend_break_reported == 1"), seconds=90)
    wait_for("a bulletin", lambda: live.query("bellwether_delivery_last_success_timestamp_seconds > 0"), seconds=90)
    wait_for(
        "the broker to be asked again", lambda: live.query('bellwether_kafka_group_lag_records{topic="articles"}'), seconds=60
    )


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Everything, after the news has come in."""
    folder = tmp_path_factory.mktemp("live")
    find_tool("prometheus")
    ports = {field: free_port() for field in (*PORTS.values(), "push_port")}
    held = threading.Event()
    with ExitStack() as stack:
        made = stack.enter_context(running_stack(folder, **ports))
        web = stack.enter_context(feed_server())
        stack.callback(held.set)
        web.pages["/rss"] = Page(courier(), hold=held)
        token = str(json.loads(made.run("tokens", "add", "desk", "--json").stdout)["token"])
        hook = stack.enter_context(listening())
        routes = stack.enter_context(alertmanager(folder, routed_to(hook, "today", "breaks")))
        components = {
            "board": "board",
            "worker": "worker",
            "ingest feeds": "ingest",
            "ingest push": "ingest",
            "deliver": "deliver",
        }
        targets = {f"127.0.0.1:{ports[PORTS[process]]}": component for process, component in components.items()}
        board = f"http://127.0.0.1:{made.settings.board_port}"
        address = stack.enter_context(prometheus(folder, {**targets, routes: "alertmanager"}, board_url=board))
        start_processes(made, folder, web.url("/rss"))
        ready = Live(made, address, hook)
        wait_for(
            "two scrapes of each process",
            lambda: len(ready.query('sum_over_time(up{job="bellwether"}[5m]) >= 2')) == len(targets),
        )
        bring_news(ready, folder, token, held)
        yield ready


@pytest.mark.parametrize(("shipped", "expr"), QUERIES)
def test_a_panel_gets_a_number(live: Live, shipped: Shipped, expr: str) -> None:
    query = shipped.substitute(expr)

    def numbers() -> list[float]:
        values = [float(sample["value"][1]) for sample in live.query(query)]
        return values if any(name in query for name in WITHOUT_NUMBER) else [value for value in values if not math.isnan(value)]

    wait_for(f"a number for {query}", numbers, seconds=20)


def test_the_break_is_marked_on_the_time_axis_and_so_is_the_start_of_each_process(live: Live) -> None:
    now = utc_now().timestamp()
    times = {"start": str(now - 600), "end": str(now), "step": "5s"}
    marked = {
        annotation["name"]: get_json(
            f"{live.prometheus}/api/v1/query_range", query=shipped.substitute(annotation["expr"]), **times
        )["data"]
        for shipped in SHIPPED
        for annotation in shipped.annotations
    }
    assert {series["metric"]["signal"] for series in marked["Breaks"]["result"]} == {"cooperation"}
    assert {series["metric"]["component"] for series in marked["Starts"]["result"]} >= {"board", "worker", "ingest"}


@pytest.mark.parametrize(("shipped", "name"), VARIABLES)
def test_a_variable_has_values_and_the_first_choice_is_one(live: Live, shipped: Shipped, name: str) -> None:
    match = re.fullmatch(r"label_values\((.+), (\w+)\)", shipped.variables[name]["query"])
    assert match
    values = get_json(f"{live.prometheus}/api/v1/label/{match[2]}/values", **{"match[]": shipped.substitute(match[1])})["data"]
    chosen = shipped.variables[name]["current"]["value"]
    assert values
    assert chosen == ["$__all"] or set([chosen] if isinstance(chosen, str) else chosen) <= set(values)


@pytest.mark.parametrize("alert", all_alerts(), ids=lambda alert: alert.name)
def test_prometheus_evaluates_each_alert(live: Live, alert: Alert) -> None:
    live.query(alert.expr)
    groups = get_json(f"{live.prometheus}/api/v1/rules")["data"]["groups"]
    rule = next(rule for group in groups for rule in group["rules"] if rule["name"] == alert.full_name)
    assert (rule["health"], rule.get("lastError", "")) == ("ok", "")


def test_a_stage_that_has_read_everything_has_no_lag(live: Live) -> None:
    for lag in ("bellwether_lag_records", "bellwether_lag_seconds", "bellwether_kafka_group_lag_records"):
        wait_for(f"no {lag}", lambda lag=lag: not live.query(f"{lag} > 0") and live.query(lag), seconds=40)  # type: ignore[misc]


def test_nothing_but_the_break_and_the_watchdog_is_told_while_all_is_well(live: Live) -> None:
    firing = {sample["metric"]["alertname"] for sample in live.query('ALERTS{alertstate="firing"}')}
    # An archive may burn the budget of freshness; the rubbish is another test's.
    brought_about = {"BellwetherFreshnessBurnsFast", "BellwetherFreshnessBurnsSlowly", "BellwetherDeadLetterSurge"}
    assert firing - brought_about == {"BellwetherTrendBroken", "BellwetherWatchdog"}


@pytest.mark.parametrize("window", FRESHNESS.windows)
def test_how_the_objective_is_met_is_recorded_over_each_window(live: Live, window: str) -> None:
    (sample,) = live.query(FRESHNESS.recorded(window))
    assert sample["metric"]["instance"] == live.address("board")
    assert 0 <= float(sample["value"][1]) <= 1


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_what_a_process_exposes_passes_the_linter_and_is_what_the_docs_list(live: Live, process: Process) -> None:
    text = fetch(metrics_of(live.stack, process.name))
    assert run_tool("promtool", "check", "metrics", stdin=text).strip() == ""
    listed = {entry.name: entry for entry in process.entries()}
    exposed = {
        family.name + ("_total" if family.type == "counter" else ""): family
        for family in text_string_to_metric_families(text)
        if family.name.startswith("bellwether_") and not family.name.endswith("_created")
    }
    assert set(exposed) == set(listed)
    for name, family in exposed.items():
        assert (family.type, family.documentation) == (listed[name].kind, listed[name].help)
        for sample in family.samples:
            for label, value in sample.labels.items():
                if label not in {"le", *OPEN}:
                    values = listed[name].labels[label]
                    assert values is not None
                    assert value in values


def test_a_board_that_starts_does_not_take_its_history_for_late_news(live: Live) -> None:
    port = free_port()
    live.stack.start("board-2", "board", board_port=str(port))
    try:
        wait_for("the second board", lambda: answers(f"http://127.0.0.1:{port}/readyz"))
        told = fetch(f"http://127.0.0.1:{port}/metrics")
    finally:
        live.stack.end("board-2")
    assert int(re.findall(r'^bellwether_board_records_total\{topic="trends"\} (\d+)', told, re.MULTILINE)[0]) > 0
    assert f"{FRESHNESS.histogram}_count 0.0" in told


def test_a_latency_names_an_article_of_the_archive_as_its_exemplar(live: Live) -> None:
    def exemplars() -> list[dict[str, Any]]:
        asked = {
            "query": f"{FRESHNESS.histogram}_bucket",
            "start": str(utc_now().timestamp() - 600),
            "end": str(utc_now().timestamp()),
        }
        found = get_json(f"{live.prometheus}/api/v1/query_exemplars", **asked)["data"]
        return [exemplar for one in found for exemplar in one["exemplars"]]

    found = wait_for("an exemplar", exemplars)
    assert isinstance(found, list)
    known = {one["id"] for one in (*items(CALM, 3), *items(JUMP, 12))} | {"pushed"}
    named = {exemplar["labels"][EXEMPLAR_LABEL] for exemplar in found}
    assert named & known
    assert all(float(exemplar["value"]) > 0 for exemplar in found)


def test_plain_text_has_no_exemplars_and_openmetrics_has(live: Live) -> None:
    url = metrics_of(live.stack, "worker")
    with urlopen(Request(url, headers={"Accept": "application/openmetrics-text; version=1.0.0"}), timeout=10) as answer:
        assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
        assert re.search(
            r'record_age_seconds_bucket\{[^}]*stage="classify"\} [\d.]+ # \{article_id="[^"]+"\}', answer.read().decode()
        )
    assert "# {" not in fetch(url)


def test_the_worker_says_what_runs(live: Live) -> None:
    told = [sample["metric"] for sample in live.query("bellwether_build_info")]
    assert {metric["process"] for metric in told} == {"board", "worker", "ingest", "push", "deliver"}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", metric["python"]) for metric in told)
    assert next(metric["model"] for metric in told if metric["process"] == "worker")


def test_a_burst_of_rubbish_reaches_a_receiver_as_one_alert(live: Live) -> None:
    producer = article_producer(live.stack.settings)
    for number in range(RUBBISH):
        producer.send(topology.ARTICLES.name, value=b"no article", key=str(number).encode())
    producer.flush(timeout=30)
    producer.close()
    started = monotonic_seconds()
    surge = {"alertname": "BellwetherDeadLetterSurge"}
    wait_for("the alert", lambda: live.hook.alerts("firing", **surge), seconds=60)
    taken = next(
        one.at for one in live.hook.deliveries if any(surge.items() <= alert["labels"].items() for alert in one.body["alerts"])
    )
    (alert,) = {json.dumps(alert["annotations"], sort_keys=True) for alert in live.hook.alerts("firing", **surge)}
    told = json.loads(alert)
    assert re.fullmatch(r"[\d.]+% of the articles end as dead letters", told["summary"])
    assert told["runbook_url"].endswith("#bellwetherdeadlettersurge")
    print(f"from {RUBBISH} records on the broker to the receiver of the alert: {taken - started:.1f} s")
