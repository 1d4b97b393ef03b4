"""The published rules of Grafana's dashboard linter, each held against every dashboard, with the exceptions of `dashboards/.lint`.

The rules are those of github.com/grafana/dashboard-linter, `docs/index.md`; its program is not run here, the rules are written again.
docs/dashboards.md lists each with how it is met. That each query is valid is asked of a real Prometheus, in
`tests/integration/test_dashboards_live.py`.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.models import units

from deploy.grafana.build import FOLDER
from tests.helpers.dashboards import SHIPPED, Shipped
from tests.helpers.exposition import find_selectors

EXCEPTIONS: dict[str, Any] = yaml.safe_load((FOLDER / ".lint").read_text(encoding="utf-8"))["exclusions"]
TEMPLATED = {"type": "prometheus", "uid": "${datasource}"}
UNITS = {value for name, value in vars(units).items() if name[0].isupper() and isinstance(value, str)}
Faults = Iterator[tuple[str, str]]


def one_data_source(shipped: Shipped) -> Faults:
    found = [variable for variable in shipped.variables.values() if variable["type"] == "datasource"]
    if [(one["name"], one["label"], one["query"]) for one in found] != [("datasource", "Data source", "prometheus")]:
        yield "", f"data source variables: {found}"


def _is_for_several(shipped: Shipped, name: str) -> Faults:
    one = shipped.variables.get(name, {})
    wanted = {"type": "query", "label": name.title(), "multi": True, "allValue": ".+", "datasource": TEMPLATED}
    if {key: one.get(key) for key in wanted} != wanted:
        yield "", f"${name} is {one}"


def job_is_a_variable(shipped: Shipped) -> Faults:
    yield from _is_for_several(shipped, "job")


def instance_is_a_variable(shipped: Shipped) -> Faults:
    yield from _is_for_several(shipped, "instance")


def variables_ask_for_label_values(shipped: Shipped) -> Faults:
    for name, variable in shipped.variables.items():
        if variable["type"] == "query" and not re.fullmatch(rf"label_values\([a-z_]+(\{{.*\}})?, {name}\)", variable["query"]):
            yield "", f"${name} asks {variable['query']}"


def variables_follow_the_time_range(shipped: Shipped) -> Faults:
    for name, variable in shipped.variables.items():
        if variable["type"] == "query" and variable["refresh"] != 2:
            yield "", f"${name} is refreshed by {variable['refresh']}"


def panels_use_the_data_source(shipped: Shipped) -> Faults:
    for panel in shipped.panels:
        if panel["datasource"] != TEMPLATED or any(target["datasource"] != TEMPLATED for target in panel["targets"]):
            yield panel["title"], "another data source"


def panels_have_title_and_description(shipped: Shipped) -> Faults:
    for panel in shipped.panels:
        if not panel["title"] or not panel.get("description"):
            yield panel["title"], "no title or no description"


def panels_have_units(shipped: Shipped) -> Faults:
    for panel in shipped.panels:
        given = [panel["fieldConfig"]["defaults"].get("unit")]
        given += [
            item["value"] for each in panel["fieldConfig"]["overrides"] for item in each["properties"] if item["id"] == "unit"
        ]
        if not set(given) <= UNITS:
            yield panel["title"], f"units {given}"


def panels_ask_something(shipped: Shipped) -> Faults:
    for panel in shipped.panels:
        if not panel["targets"]:
            yield panel["title"], "no query"


def ranges_are_those_that_grafana_works_out(shipped: Shipped) -> Faults:
    for panel, query in shipped.targets():
        if not set(re.findall(r"\[([^\]]+)\]", query)) <= {"$__rate_interval"}:
            yield panel["title"], query


def _matches(shipped: Shipped, label: str) -> Faults:
    for panel, query in shipped.targets():
        selectors = list(find_selectors(query))
        if not selectors or any((label, "=~", f"${label}") not in selector.matchers for selector in selectors):
            yield panel["title"], query


def queries_match_the_job(shipped: Shipped) -> Faults:
    yield from _matches(shipped, "job")


def queries_match_the_instance(shipped: Shipped) -> Faults:
    yield from _matches(shipped, "instance")


def counters_are_taken_for_rates(shipped: Shipped) -> Faults:
    for panel, query in shipped.targets():
        counters = len(re.findall(r"_total\{", query))
        if counters != len(re.findall(r"(?:rate|increase)\([a-z_]+_total\{[^}]*\}\[", query)):
            yield panel["title"], query


def queries_are_for_prometheus(shipped: Shipped) -> Faults:
    for panel, query in shipped.targets():
        if "|=" in query or "|~" in query:
            yield panel["title"], query


def nobody_edits_it(shipped: Shipped) -> Faults:
    if shipped.json["editable"]:
        yield "", "editable"


RULES: dict[str, Callable[[Shipped], Faults]] = {
    "template-datasource-rule": one_data_source,
    "template-job-rule": job_is_a_variable,
    "template-instance-rule": instance_is_a_variable,
    "template-label-promql-rule": variables_ask_for_label_values,
    "template-on-time-change-reload-rule": variables_follow_the_time_range,
    "panel-datasource-rule": panels_use_the_data_source,
    "panel-title-description-rule": panels_have_title_and_description,
    "panel-units-rule": panels_have_units,
    "panel-no-targets-rule": panels_ask_something,
    "target-rate-interval-rule": ranges_are_those_that_grafana_works_out,
    "target-job-rule": queries_match_the_job,
    "target-instance-rule": queries_match_the_instance,
    "target-counter-agg-rule": counters_are_taken_for_rates,
    "target-logql-rule": queries_are_for_prometheus,
    "uneditable-dashboard": nobody_edits_it,
}


def excepted(rule: str) -> set[tuple[str, str]]:
    return {(entry["dashboard"], entry["panel"]) for entry in EXCEPTIONS.get(rule, {}).get("entries", [])}


@pytest.mark.parametrize("rule", RULES)
def test_every_dashboard_keeps_a_rule_of_the_linter_but_where_it_is_excepted(rule: str) -> None:
    found = {(shipped.json["title"], panel, why) for shipped in SHIPPED for panel, why in RULES[rule](shipped)}
    assert {fault for fault in found if fault[:2] not in excepted(rule)} == set()
    assert {fault[:2] for fault in found} >= excepted(rule), "an exception that nothing needs"


def test_an_exception_says_why() -> None:
    assert set(EXCEPTIONS) <= set(RULES)
    assert all(len(exception["reason"]) > 20 for exception in EXCEPTIONS.values())


BROKEN: dict[str, Callable[[dict[str, Any]], object]] = {
    "template-datasource-rule": lambda board: board["templating"]["list"][0].update(label="Source"),
    "template-job-rule": lambda board: board["templating"]["list"][1].update(allValue=".*"),
    "template-instance-rule": lambda board: board["templating"]["list"][2].update(multi=False),
    "template-label-promql-rule": lambda board: board["templating"]["list"][1].update(query="bellwether_build_info"),
    "template-on-time-change-reload-rule": lambda board: board["templating"]["list"][1].update(refresh=1),
    "panel-datasource-rule": lambda board: board["panels"][1].update(datasource={"type": "prometheus", "uid": "mine"}),
    "panel-title-description-rule": lambda board: board["panels"][1].update(description=""),
    "panel-units-rule": lambda board: board["panels"][1]["fieldConfig"]["defaults"].update(unit="parsecs"),
    "panel-no-targets-rule": lambda board: board["panels"][1].update(targets=[]),
    "target-rate-interval-rule": lambda board: board["panels"][1]["targets"][0].update(expr="rate(a_total{}[5m])"),
    "target-job-rule": lambda board: board["panels"][1]["targets"][0].update(expr='up{instance=~"$instance"}'),
    "target-instance-rule": lambda board: board["panels"][1]["targets"][0].update(expr='up{job=~"$job"}'),
    "target-counter-agg-rule": lambda board: board["panels"][1]["targets"][0].update(expr="sum(a_total{})"),
    "target-logql-rule": lambda board: board["panels"][1]["targets"][0].update(expr='{job="a"} |= "error"'),
    "uneditable-dashboard": lambda board: board.update(editable=True),
}


@pytest.mark.parametrize("rule", RULES)
def test_a_dashboard_that_breaks_a_rule_is_noticed(rule: str) -> None:
    broken = copy.deepcopy(SHIPPED[0].json)
    before = set(RULES[rule](SHIPPED[0]))
    BROKEN[rule](broken)
    assert set(RULES[rule](Shipped(broken))) - before


def test_the_docs_list_each_rule_with_how_it_is_met() -> None:
    page = (Path(__file__).parents[2] / "docs" / "dashboards.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"`([a-z-]+-rule|uneditable-dashboard)`", page))
    assert listed == {*RULES, "target-promql-rule", "target-logql-auto-rule"}
