"""The rules: written by the code, valid, tested both ways, and each alert with its section in the runbook."""

from __future__ import annotations

import re
import shutil
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.prometheus.alert import RUNBOOK, Alert
from deploy.prometheus.alerts import RULES, all_alerts, render_rules
from deploy.prometheus.objectives import FAST, FRESHNESS, SLOW
from deploy.prometheus.thresholds import THRESHOLDS
from streams.settings import Settings
from tests.helpers.exposition import exposed_samples, find_selectors, unmatched_reason
from tests.helpers.monitoring import run_tool

pytestmark = pytest.mark.prometheus
ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
ALERTS = all_alerts()
each_alert = pytest.mark.parametrize("alert", ALERTS, ids=[alert.full_name for alert in ALERTS])


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_rules_file_is_what_the_code_writes() -> None:
    assert RULES.read_text(encoding="utf-8") == render_rules(), "run: python -m deploy.prometheus.alerts"


@pytest.mark.parametrize("targets", ["targets.yml", "targets.compose.yml"])
def test_promtool_accepts_the_configuration_with_the_targets_of_each_deployment(targets: str, tmp_path: Path) -> None:
    for name in ("prometheus.yml", "rules.yml"):
        shutil.copy(PROMETHEUS / name, tmp_path / name)
    shutil.copy(PROMETHEUS / targets, tmp_path / "targets.yml")
    rules = len(ALERTS) + len(FRESHNESS.windows)
    assert f"{rules} rules found" in run_tool("promtool", "check", "config", str(tmp_path / "prometheus.yml"))


def test_promtool_finds_nothing_to_say_about_the_rules() -> None:
    assert "duplicate" not in run_tool("promtool", "check", "rules", "--lint-fatal", str(RULES))


def test_each_rule_fires_and_is_silent_as_its_unit_tests_say() -> None:
    run_tool("promtool", "test", "rules", str(PROMETHEUS / "rules_test.yml"))


@each_alert
def test_an_alert_is_tested_both_ways(alert: Alert) -> None:
    cases = [case for test in read_yaml(PROMETHEUS / "rules_test.yml")["tests"] for case in test["alert_rule_test"]]
    outcomes = {bool(case.get("exp_alerts")) for case in cases if case["alertname"] == alert.full_name}
    expected = {True} if alert.name == "Watchdog" else {True, False}
    assert outcomes == expected


@each_alert
def test_an_alert_says_how_bad_it_is_and_where_its_section_in_the_runbook_is(alert: Alert) -> None:
    rule = alert.rule()
    assert rule["labels"]["severity"] in {"critical", "warning", "info", "none"}
    assert 10 <= len(alert.summary) <= 100
    assert not alert.summary.endswith(".")
    assert alert.description.endswith(".")
    path, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
    assert anchor in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_the_runbook_has_no_section_for_an_alert_that_is_gone_and_no_dead_link() -> None:
    text = (ROOT / RUNBOOK).read_text(encoding="utf-8")
    sections = re.findall(r"^### (.+)$", text, re.MULTILINE)
    assert sorted(sections) == sorted(alert.full_name for alert in ALERTS)
    assert set(re.findall(r"\]\(#(\w+)\)", text)) <= {section.lower() for section in sections}


@pytest.mark.parametrize("name", [field.name for field in fields(THRESHOLDS)])
def test_each_threshold_decides_something(name: str) -> None:
    value = getattr(THRESHOLDS, name)
    other: Any = "77m" if isinstance(value, str) else value + 7
    changed: dict[str, Any] = {name: other}
    assert render_rules(replace(THRESHOLDS, **changed)) != render_rules()


@each_alert
def test_an_alert_asks_for_series_that_some_process_exposes(alert: Alert) -> None:
    samples = exposed_samples()
    asked = list(find_selectors(alert.expr))
    assert [reason for selector in asked if (reason := unmatched_reason(selector, samples))] == []
    assert set(re.findall(r"(?<![\w:])bellwether_\w+", alert.expr)) == {
        selector.metric for selector in asked if selector.metric.startswith("bellwether_")
    }


@each_alert
def test_what_an_alert_says_of_other_series_is_exposed_too(alert: Alert) -> None:
    looked_up = {metric for text in (alert.description, *alert.extra.values()) for metric in re.findall(r"bellwether_\w+", text)}
    assert looked_up <= set(exposed_samples())


def test_a_break_is_told_with_its_pair_signal_sizes_and_links_to_evidence() -> None:
    alert = next(alert for alert in ALERTS if alert.name == "TrendBroken")
    wanted = {"pair", "signal", "domain", "size", "size_low", "size_high", "probability", "since", "board_url", "details_url"}
    assert wanted | {f"evidence_{number}" for number in (1, 2, 3)} == set(alert.extra)


def test_what_is_recorded_for_the_objective_is_what_its_alerts_ask_for() -> None:
    asked = {window for burn in (*FAST, *SLOW) for window in (burn.long, burn.short)}
    assert asked == set(FRESHNESS.windows)
    burns = [alert for alert in ALERTS if alert.name.startswith("Freshness")]
    recorded = {name for alert in burns for name in re.findall(r"job_instance:\w+:\w+", alert.expr)}
    assert recorded == {rule["record"] for rule in FRESHNESS.recordings()}


def test_the_bound_of_the_objective_is_the_end_of_a_bucket() -> None:
    ends = {labels["le"] for labels in exposed_samples()[f"{FRESHNESS.histogram}_bucket"]}
    assert str(float(FRESHNESS.bound)) in ends


def test_a_burn_is_noticed_while_most_of_the_budget_is_left_and_ends_soon_after_its_cause() -> None:
    hours = {"m": 1 / 60, "h": 1.0, "d": 24.0}
    for burn in (*FAST, *SLOW):
        long, short = (int(window[:-1]) * hours[window[-1]] for window in (burn.long, burn.short))
        assert burn.rate * long / (24 * FRESHNESS.days) <= 0.1 + 1e-9
        assert long / short == pytest.approx(12)


def test_a_selector_with_a_metric_or_a_label_that_nobody_exposes_is_noticed() -> None:
    samples = exposed_samples()
    wrong = ['bellwether_lag{job="x"}', 'bellwether_lag_records{job="x", stage="ingest"}', 'bellwether_lag_records{queue="a"}']
    reasons = [unmatched_reason(selector, samples) for query in wrong for selector in find_selectors(query)]
    assert len(reasons) == 3
    assert all(reasons)


PORTS = {
    "board": ("board_port",),
    "worker": ("worker_metrics_port",),
    "ingest": ("ingest_metrics_port", "push_metrics_port"),
    "deliver": ("delivery_metrics_port",),
}


def test_the_targets_are_the_ports_of_the_settings_on_a_laptop_and_in_compose() -> None:
    ports = {(component, Settings.model_fields[name].default) for component, names in PORTS.items() for name in names}
    for name in ("targets.yml", "targets.compose.yml"):
        groups = read_yaml(PROMETHEUS / name)
        found = {(group["labels"]["component"], int(group["targets"][0].rpartition(":")[2])) for group in groups}
        assert {one for one in found if one[0] in PORTS} == ports
        assert all(len(group["targets"]) == 1 for group in groups)
    laptop = [group["targets"][0] for group in read_yaml(PROMETHEUS / "targets.yml")]
    assert all(target.startswith("127.0.0.1:") for target in laptop)
