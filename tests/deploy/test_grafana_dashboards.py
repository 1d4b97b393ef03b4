"""The dashboards: what the code builds, asking for what processes expose, leading to the board, and provisioned.

No Grafana runs here. What the queries answer is asked of a real Prometheus in `tests/integration/test_dashboards_live.py`; the rules of
Grafana's linter stand in `test_grafana_lint.py`.
"""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.grafana.build import FOLDER, SPECS, render_dashboard
from deploy.grafana.spec import Spec
from streams import metrics
from streams.metrics_page import PROCESSES
from streams.settings import SHIPPED_WATCHLIST, Settings
from streams.watchlist import load_watchlist
from tests.helpers.dashboards import SHIPPED, Shipped, each_dashboard, each_panel
from tests.helpers.exposition import exposed_samples, find_selectors, unmatched_reason

ROOT = Path(__file__).parents[2]
GRAFANA = ROOT / "deploy" / "grafana"
BY_UID = {shipped.uid: shipped for shipped in SHIPPED}


def queries(panel: dict[str, Any]) -> list[str]:
    return [target["expr"] for target in panel["targets"]]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.uid)
def test_a_file_is_what_the_code_builds(spec: Spec) -> None:
    assert (FOLDER / f"{spec.uid}.json").read_text(encoding="utf-8") == render_dashboard(spec), "run: make dashboards"


def test_there_is_no_file_without_code() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == {spec.uid for spec in SPECS}


def test_there_is_a_dashboard_for_each_part() -> None:
    assert list(BY_UID) == [
        "bellwether", "bellwether-trends", "bellwether-pipeline", "bellwether-feeds", "bellwether-push", "bellwether-kafka",
    ]  # fmt: skip


@each_panel
def test_a_panel_says_what_it_shows_in_whole_sentences(shipped: Shipped, panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert len(panel["description"]) > len(panel["title"])
    assert panel["description"].endswith(".")


@each_panel
def test_each_series_of_a_panel_has_a_name(shipped: Shipped, panel: dict[str, Any]) -> None:
    if panel["type"] in {"timeseries", "stat", "state-timeline", "heatmap"}:
        assert all(target["legendFormat"] for target in panel["targets"])
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


@each_panel
def test_each_query_asks_for_series_that_some_process_exposes(shipped: Shipped, panel: dict[str, Any]) -> None:
    samples = exposed_samples()
    for query in queries(panel):
        asked = list(find_selectors(query))
        assert [reason for selector in asked if (reason := unmatched_reason(selector, samples))] == []
        assert set(re.findall(r"(?<![\w:])bellwether_\w+", query)) <= {selector.metric for selector in asked}


@each_panel
def test_a_variable_of_a_query_is_one_that_the_dashboard_has(shipped: Shipped, panel: dict[str, Any]) -> None:
    for query in queries(panel):
        assert set(re.findall(r"\$(\w+)", query)) <= {*shipped.variables, "__rate_interval"}


@each_dashboard
def test_a_variable_narrows_some_query(shipped: Shipped) -> None:
    asked = " ".join(query for _, query in shipped.targets())
    linked = str(shipped.json["links"])
    used = set(re.findall(r"\$\{?(\w+)", asked + linked))
    assert set(shipped.variables) - used == {"datasource"}


@each_panel
def test_a_counter_of_trends_is_never_taken_for_a_rate(shipped: Shipped, panel: dict[str, Any]) -> None:
    # An edit may lower it, which Prometheus would read as a reset of the whole count.
    for query in queries(panel):
        assert not re.search(r"(rate|increase)\(bellwether_(signal|exposure|trend)_", query)


def test_every_metric_is_shown_somewhere_but_those_that_say_so() -> None:
    shown = " ".join(query for shipped in SHIPPED for _, query in shipped.targets())
    unseen = {
        entry.name for process in PROCESSES for entry in process.entries() if not re.search(rf"\b{entry.name}(_bucket)?\b", shown)
    }
    # Counts of all weeks: the weeks' own gauges say more, and these may not be taken for rates.
    families = (metrics.SIGNAL_STORIES, metrics.SIGNAL_ARTICLES, metrics.EXPOSURE_STORIES, metrics.EXPOSURE_ARTICLES)
    assert unseen == {f"{family.name}_total" for family in families}


def test_a_domain_is_chosen_alone_because_all_holds_every_other() -> None:
    domain = BY_UID["bellwether-trends"].variables["domain"]
    assert domain["multi"] is False
    assert domain["current"]["value"] == "all"


def test_the_pair_shown_first_is_watched() -> None:
    variables = BY_UID["bellwether-trends"].variables
    source, partner = (variables[name]["current"]["value"][0] for name in ("source", "partner"))
    assert f"{source}-{partner}" in load_watchlist(SHIPPED_WATCHLIST).keys


def test_a_status_has_a_word_and_a_colour_for_each_number_that_the_query_gives() -> None:
    (panel,) = (panel for panel in BY_UID["bellwether-trends"].panels if panel["title"] == "Status")
    words = panel["fieldConfig"]["defaults"]["mappings"][0]["options"]
    given = dict(re.findall(r'status="([a-z-]+)"\} \* (\d)', panel["targets"][0]["expr"]))
    assert {words[number]["text"]: number for number in words} == given
    assert tuple(given) == metrics.STATUS_NAMES
    assert len({words[number]["color"] for number in words}) == len(words)


def test_breaks_are_marked_on_the_time_axis_with_their_pair_and_signal() -> None:
    (annotation,) = BY_UID["bellwether-trends"].annotations
    assert re.search(r"bellwether_trend_break_reported\{[^}]*\}\) == 1$", annotation["expr"])
    assert set(re.findall(r"\{\{(\w+)\}\}", annotation["titleFormat"] + annotation["textFormat"])) == {
        "source", "partner", "signal", "domain",
    }  # fmt: skip


@each_dashboard
def test_each_dashboard_leads_to_the_board_and_to_the_others(shipped: Shipped) -> None:
    default = f"http://{Settings.model_fields['board_host'].default}:{Settings.model_fields['board_port'].default}"
    assert shipped.variables["board"]["query"] == default
    board, others = shipped.json["links"]
    assert board["url"] == "${board}"
    assert (others["type"], others["tags"], others["keepTime"]) == ("dashboards", shipped.json["tags"], True)


def test_links_of_panels_lead_to_pages_that_the_board_has() -> None:
    routes = (ROOT / "streams" / "board" / "web.py").read_text(encoding="utf-8")
    links = [
        link["url"]
        for shipped in SHIPPED
        for panel in shipped.panels
        for link in panel["fieldConfig"]["defaults"].get("links", [])
    ]
    pair = r"\$\{board\}/pairs/\$\{[a-z_.]+source\}-\$\{[a-z_.]+partner\}\?domain=\$\{domain\}"
    assert len(links) > 5
    assert all(re.fullmatch(rf"{pair}|\$\{{board\}}/feeds", link) for link in links)
    assert '"/pairs/{pair}"' in routes
    assert '"/feeds"' in routes


@each_dashboard
def test_panels_lie_side_by_side_within_the_grid_and_have_ids(shipped: Shipped) -> None:
    panels = shipped.json["panels"]
    assert [panel["id"] for panel in panels] == list(range(1, len(panels) + 1))
    for one, other in combinations([panel["gridPos"] for panel in panels], 2):
        apart = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart or above
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)


@each_dashboard
def test_a_line_of_panels_fills_the_width(shipped: Shipped) -> None:
    widths: dict[int, int] = {}
    for panel in shipped.json["panels"]:
        widths[panel["gridPos"]["y"]] = widths.get(panel["gridPos"]["y"], 0) + panel["gridPos"]["w"]
    assert {y: width for y, width in widths.items() if width != 24} == {}


def test_grafana_finds_its_data_source_with_the_interval_of_the_scrapes() -> None:
    provisioned = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text(encoding="utf-8"))
    scrape = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8"))
    (source,) = provisioned["datasources"]
    assert (source["type"], source["isDefault"]) == ("prometheus", True)
    assert source["jsonData"]["timeInterval"] == scrape["global"]["scrape_interval"]


def test_an_exemplar_leads_to_its_article_on_the_board() -> None:
    provisioned = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text(encoding="utf-8"))
    (destination,) = provisioned["datasources"][0]["jsonData"]["exemplarTraceIdDestinations"]
    assert destination["name"] == metrics.EXEMPLAR_LABEL
    # Grafana replaces variables of the environment in this file; two dollars are one.
    assert destination["url"].endswith("/article?id=$${__value.raw}")


def test_grafana_finds_the_dashboards_where_compose_puts_them() -> None:
    provisioned = yaml.safe_load((GRAFANA / "provisioning/dashboards/bellwether.yml").read_text(encoding="utf-8"))
    (provider,) = provisioned["providers"]
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    assert f"./deploy/grafana/dashboards:{provider['options']['path']}:ro" in compose["services"]["grafana"]["volumes"]
    home = compose["services"]["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{provider['options']['path']}/{SPECS[0].uid}.json"


def test_the_panels_that_the_runbook_names_are_there() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    quoted = {
        name
        for line in text.splitlines()
        if "panel" in line or "dashboard" in line
        for name in re.findall(r'"([A-Z][^"]+)"', line)
    }
    titles = {panel["title"] for shipped in SHIPPED for panel in shipped.panels}
    assert len(quoted) >= 6
    assert quoted - titles == set()
