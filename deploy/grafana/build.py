"""The dashboards, from their descriptions to their files: `python -m deploy.grafana.build` writes `dashboards/<uid>.json`.

What comes in: the specs, the settings' defaults, the shipped watchlist (for the pair shown first). What goes out: JSON that is the
same on every machine; a test says that the files are what stands here.
"""

from __future__ import annotations

import json
from pathlib import Path

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from deploy.grafana.feeds import FEEDS
from deploy.grafana.kafka import KAFKA
from deploy.grafana.overview import OVERVIEW
from deploy.grafana.pipeline import PIPELINE
from deploy.grafana.push import PUSH
from deploy.grafana.spec import Spec
from deploy.grafana.trends import TRENDS
from deploy.grafana.variables import common_variables

FOLDER = Path(__file__).parent / "dashboards"
TAG = "bellwether"
#: The first is the one that Grafana opens with.
SPECS: tuple[Spec, ...] = (OVERVIEW, TRENDS, PIPELINE, FEEDS, PUSH, KAFKA)


def _links() -> list[dashboard.DashboardLink]:
    """To the board, and to the other dashboards."""
    board = dashboard.DashboardLink("Board").type(models.DashboardLinkType.LINK).icon("external link").url("${board}")
    others = (
        dashboard.DashboardLink("Dashboards").type(models.DashboardLinkType.DASHBOARDS).tags([TAG]).as_dropdown(as_dropdown=True)
    )
    return [board.target_blank(target_blank=True), others.keep_time(keep_time=True).include_vars(include_vars=True)]


def build_dashboard(spec: Spec) -> models.Dashboard:
    """A dashboard as a typed model, each panel with an id of its own."""
    board = (
        dashboard.Dashboard(spec.title)
        .uid(spec.uid)
        .tags([TAG])
        .readonly()
        .timezone("utc")
        .refresh("30s")
        .time(spec.since, "now")
    )
    board.description(spec.description).tooltip(models.DashboardCursorSync.CROSSHAIR).week_start("monday")
    for link in _links():
        board.link(link)
    for variable in (*common_variables(), *spec.variables()):
        board.with_variable(variable)
    for annotation in spec.annotations:
        board.annotation(annotation)
    for title, panels in spec.rows:
        board.with_row(dashboard.Row(title))
        for panel in panels():
            board.with_panel(panel)
    built = board.build()
    for number, placed in enumerate(built.panels or [], 1):
        placed.id_val = number
    return built


def render_dashboard(spec: Spec) -> str:
    """The text of the dashboard's file."""
    return json.dumps(build_dashboard(spec), cls=JSONEncoder, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def write_dashboards() -> None:
    """Writes every dashboard's file, and removes those of dashboards that are gone."""
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.json"):
        if path.stem not in {spec.uid for spec in SPECS}:
            path.unlink()
    for spec in SPECS:
        (FOLDER / f"{spec.uid}.json").write_text(render_dashboard(spec), encoding="utf-8")


if __name__ == "__main__":
    write_dashboards()
