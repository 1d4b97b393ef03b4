"""The alert and recording rules as data, and `rules.yml` made of them.

What comes in: the thresholds. What goes out: `deploy/prometheus/rules.yml`, by `python -m deploy.prometheus.alerts`; a test says
that the file is what stands here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from deploy.prometheus import bulletins, intake, news, processes
from deploy.prometheus.alert import Alert
from deploy.prometheus.objectives import FRESHNESS, burn_alerts
from deploy.prometheus.thresholds import THRESHOLDS, Thresholds

RULES = Path(__file__).parent / "rules.yml"
HEADER = "# Written by `python -m deploy.prometheus.alerts` from the modules beside it and thresholds.py; change those.\n"
FRESHNESS_GROUP = "bellwether-freshness"
WATCHDOG = Alert(
    "Watchdog", "vector(1)", "", "none", "Alerts get through",
    "Always fires. Its absence where alerts arrive means that Prometheus or Alertmanager is the thing that is broken.",
)  # fmt: skip


def alert_groups(thresholds: Thresholds = THRESHOLDS) -> dict[str, list[Alert]]:
    """Group -> its rules, in the order of the file."""
    return {
        "bellwether-availability": processes.availability(thresholds),
        "bellwether-board": processes.board(thresholds),
        "bellwether-flow": processes.flow(thresholds),
        FRESHNESS_GROUP: burn_alerts(thresholds),
        "bellwether-dead-letters": intake.dead_letters(thresholds),
        "bellwether-consumption": processes.consumption(thresholds),
        "bellwether-ingest": intake.ingest(thresholds),
        "bellwether-push": intake.push(thresholds),
        "bellwether-kafka": intake.kafka(thresholds),
        "bellwether-trends": news.silence(thresholds),
        "bellwether-breaks": news.breaks(thresholds),
        "bellwether-bulletins": bulletins.bulletins(thresholds),
        "bellwether-alerting": [WATCHDOG],
    }


def all_alerts() -> list[Alert]:
    """Every alert."""
    return [alert for alerts in alert_groups().values() for alert in alerts]


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as such."""


_Dumper.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)
)


def render_rules(thresholds: Thresholds = THRESHOLDS) -> str:
    """The text of `rules.yml`; the same on every machine."""
    # What an alert asks for is recorded before it in the same group: rules of one group are evaluated one after the other.
    recorded: dict[str, list[dict[str, Any]]] = {FRESHNESS_GROUP: FRESHNESS.recordings()}
    groups = [
        {"name": name, "rules": [*recorded.get(name, []), *(alert.rule() for alert in alerts)]}
        for name, alerts in alert_groups(thresholds).items()
    ]
    return HEADER + yaml.dump({"groups": groups}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=400)


def write_rules() -> None:
    """Writes `rules.yml`."""
    RULES.write_text(render_rules(), encoding="utf-8")


if __name__ == "__main__":
    write_rules()
