"""The dashboard: what the code builds, in good order by the published rules of Grafana's dashboard linter, and provisioned.

No Grafana runs here. What its queries answer is asked of a real Prometheus in `test_prometheus_live.py`.
"""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.models import units

from deploy.grafana.build import FILE, render_dashboard
from deploy.prometheus.alerts import JOB
from streams.board import web
from streams.settings import SHIPPED_WATCHLIST, Settings
from streams.watchlist import load_watchlist
from tests.helpers.exposition import exposed_samples, find_selectors, unmatched_reason

ROOT = Path(__file__).parents[2]
GRAFANA = ROOT / "deploy" / "grafana"
DASHBOARD: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
VARIABLES: dict[str, dict[str, Any]] = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
TEMPLATED = {"type": "prometheus", "uid": "${datasource}"}
UNITS = {value for name, value in vars(units).items() if name[0].isupper() and isinstance(value, str)}
each_panel = pytest.mark.parametrize("panel", PANELS, ids=[panel["title"] for panel in PANELS])


def queries(panel: dict[str, Any]) -> list[str]:
    return [target["expr"] for target in panel["targets"]]


def test_the_file_is_what_the_code_builds() -> None:
    assert FILE.read_text(encoding="utf-8") == render_dashboard(), "run: python -m deploy.grafana.build"


def test_nobody_edits_a_generated_dashboard() -> None:
    assert DASHBOARD["editable"] is False
    assert DASHBOARD["uid"] == "bellwether"


def test_the_rows_are_overview_trends_pipeline_and_ingest() -> None:
    rows = [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"]
    assert rows == ["Overview", "Trends", "Pipeline", "Ingest"]


@each_panel
def test_a_panel_says_what_it_shows_and_in_what_unit(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    assert panel["datasource"] == TEMPLATED
    assert panel["targets"]
    assert all(target["datasource"] == TEMPLATED for target in panel["targets"])


@each_panel
def test_each_series_of_a_panel_has_a_name(panel: dict[str, Any]) -> None:
    if panel["type"] in {"timeseries", "stat"}:
        assert all(target["legendFormat"] for target in panel["targets"])
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


@each_panel
def test_each_query_is_bounded_by_job_and_instance(panel: dict[str, Any]) -> None:
    for query in queries(panel):
        selectors = list(find_selectors(query))
        assert selectors
        for selector in selectors:
            assert {("job", "=~", "$job"), ("instance", "=~", "$instance")} <= set(selector.matchers)


@each_panel
def test_each_query_asks_for_series_that_some_process_exposes(panel: dict[str, Any]) -> None:
    samples = exposed_samples()
    for query in queries(panel):
        asked = list(find_selectors(query))
        assert [reason for selector in asked if (reason := unmatched_reason(selector, samples))] == []
        assert set(re.findall(r"bellwether_\w+", query)) <= {selector.metric for selector in asked}


@each_panel
def test_rates_are_taken_over_the_interval_that_grafana_works_out(panel: dict[str, Any]) -> None:
    for query in queries(panel):
        assert set(re.findall(r"\[([^\]]+)\]", query)) <= {"$__rate_interval"}


@each_panel
def test_a_variable_of_a_query_is_one_that_the_dashboard_has(panel: dict[str, Any]) -> None:
    for query in queries(panel):
        assert set(re.findall(r"\$(\w+)", query)) <= {*VARIABLES, "__rate_interval"}


def test_a_counter_of_trends_is_never_taken_for_a_rate() -> None:
    # An edit may lower it, which Prometheus would read as a reset of the whole count.
    for panel in PANELS:
        for query in queries(panel):
            assert not re.search(r"(rate|increase)\(bellwether_(signal|exposure)_", query)


def test_job_and_instance_are_variables_for_all_or_several() -> None:
    for name in ("job", "instance"):
        variable = VARIABLES[name]
        assert (variable["type"], variable["multi"], variable["allValue"]) == ("query", True, ".+")
        assert variable["label"] == name.title()
    assert (VARIABLES["datasource"]["type"], VARIABLES["datasource"]["query"]) == ("datasource", "prometheus")


def test_values_of_variables_come_from_prometheus_and_follow_the_time_range() -> None:
    asked = [variable for variable in VARIABLES.values() if variable["type"] == "query"]
    assert {variable["name"] for variable in asked} == {"job", "instance", "source", "partner", "domain"}
    for variable in asked:
        assert re.fullmatch(rf"label_values\(.+, {variable['name']}\)", variable["query"])
        assert (variable["refresh"], variable["datasource"]) == (2, TEMPLATED)


def test_a_domain_is_chosen_alone_because_all_holds_every_other() -> None:
    assert VARIABLES["domain"]["multi"] is False
    assert VARIABLES["domain"]["current"]["value"] == "all"


def test_the_pair_shown_first_is_watched() -> None:
    source, partner = (VARIABLES[name]["current"]["value"][0] for name in ("source", "partner"))
    assert f"{source}-{partner}" in load_watchlist(SHIPPED_WATCHLIST).keys


def test_links_lead_to_the_board_and_to_its_page_of_the_pair() -> None:
    routes = Path(web.__file__).read_text(encoding="utf-8")
    assert '"/pairs/{pair}"' in routes
    default = f"http://{Settings.model_fields['board_host'].default}:{Settings.model_fields['board_port'].default}"
    assert VARIABLES["board"]["query"] == default
    assert [link["url"] for link in DASHBOARD["links"]] == ["${board}"]
    links = [link["url"] for panel in PANELS for link in panel["fieldConfig"]["defaults"].get("links", [])]
    assert len(links) == 4
    assert all(re.fullmatch(r"\$\{board\}/pairs/\$\{.+source\}-\$\{.+partner\}", link) for link in links)


def test_panels_lie_side_by_side_within_the_grid_and_have_ids() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert ids == list(range(1, len(ids) + 1))
    for one, other in combinations([panel["gridPos"] for panel in DASHBOARD["panels"]], 2):
        apart = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart or above
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in DASHBOARD["panels"])


def test_grafana_finds_its_data_source_with_the_interval_of_the_scrapes() -> None:
    provisioned = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text(encoding="utf-8"))
    scrape = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8"))
    (source,) = provisioned["datasources"]
    assert (source["type"], source["isDefault"]) == ("prometheus", True)
    assert source["jsonData"]["timeInterval"] == scrape["global"]["scrape_interval"]
    assert JOB in {job["job_name"] for job in scrape["scrape_configs"]}


def test_grafana_finds_the_dashboard_where_compose_puts_it() -> None:
    provisioned = yaml.safe_load((GRAFANA / "provisioning/dashboards/bellwether.yml").read_text(encoding="utf-8"))
    (provider,) = provisioned["providers"]
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    assert f"./deploy/grafana/dashboards:{provider['options']['path']}:ro" in compose["services"]["grafana"]["volumes"]
    home = compose["services"]["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{provider['options']['path']}/{FILE.name}"
