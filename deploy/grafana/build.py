"""The dashboard, from its variables to its file: `python -m deploy.grafana.build` writes `dashboards/bellwether.json`.

What comes in: the rows, the settings' defaults, the shipped watchlist (for the pair shown first). What goes out: JSON that is the
same on every machine; a test says that the file is what stands here.
"""

from __future__ import annotations

import json
from pathlib import Path

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from deploy.grafana.panels import DATASOURCE
from deploy.grafana.rows import ROWS
from streams import metrics
from streams.records import ALL_DOMAINS
from streams.settings import SHIPPED_WATCHLIST, Settings
from streams.watchlist import load_watchlist

UID = "bellwether"
FILE = Path(__file__).parent / "dashboards" / "bellwether.json"
_BOUND = 'job=~"$job", instance=~"$instance"'


def _option(value: str | list[str]) -> models.VariableOption:
    return models.VariableOption(selected=True, text=value, value=value)


def _label_values(name: str, label: str, metric: str, *, shown: str) -> dashboard.QueryVariable:
    variable = dashboard.QueryVariable(name).label(label).datasource(DATASOURCE).query(f"label_values({metric}, {name})")
    variable.refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(models.VariableSort.ALPHABETICAL_ASC)
    return variable.current(_option(shown))


def _several(variable: dashboard.QueryVariable, first: str) -> dashboard.QueryVariable:
    """Any number of values may be chosen."""
    chosen = models.VariableOption(selected=True, text=["All"], value=["$__all"]) if first == "$__all" else _option([first])
    return variable.multi(multi=True).include_all(include_all=True).all_value(".+").current(chosen)


def build_variables() -> list[dashboard.QueryVariable | dashboard.DatasourceVariable | dashboard.TextBoxVariable]:
    """The variables at the top of the dashboard."""
    first = load_watchlist(SHIPPED_WATCHLIST).pairs[0]
    exposure = metrics.WEEK_EXPOSURE_STORIES.name
    host, port = (Settings.model_fields[name].default for name in ("board_host", "board_port"))
    address = f"http://{host}:{port}"
    job = _several(_label_values("job", "Job", "bellwether_build_info", shown=""), "$__all")
    instance = _several(_label_values("instance", "Instance", 'bellwether_build_info{job=~"$job"}', shown=""), "$__all")
    source = _several(_label_values("source", "Source", f"{exposure}{{{_BOUND}}}", shown=""), first.source)
    partner = _several(_label_values("partner", "Partner", f'{exposure}{{{_BOUND}, source=~"$source"}}', shown=""), first.partner)
    domain = _label_values("domain", "Domain", f"{exposure}{{{_BOUND}}}", shown=ALL_DOMAINS)
    return [
        dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"),
        job, instance, source, partner, domain,
        dashboard.TextBoxVariable("board").label("Address of the board").default_value(address).current(_option(address)),
    ]  # fmt: skip


def build_dashboard() -> models.Dashboard:
    """The dashboard as a typed model, each panel with an id of its own."""
    board = (
        dashboard.Dashboard("Bellwether")
        .uid(UID)
        .tags(["bellwether"])
        .readonly()
        .timezone("utc")
        .refresh("30s")
        .time("now-6h", "now")
    )
    board.description("How watched states lean towards their partners, and whether the stream that counts it is well.")
    board.tooltip(models.DashboardCursorSync.CROSSHAIR).week_start("monday")
    board.link(
        dashboard.DashboardLink("Board")
        .type(models.DashboardLinkType.LINK)
        .icon("external link")
        .url("${board}")
        .target_blank(target_blank=True)
    )
    for variable in build_variables():
        board.with_variable(variable)
    for title, panels in ROWS:
        board.with_row(dashboard.Row(title))
        for panel in panels():
            board.with_panel(panel)
    built = board.build()
    for number, placed in enumerate(built.panels or [], 1):
        placed.id_val = number
    return built


def render_dashboard() -> str:
    """The text of the dashboard's file."""
    return json.dumps(build_dashboard(), cls=JSONEncoder, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def write_dashboard() -> None:
    """Writes the dashboard's file."""
    FILE.write_text(render_dashboard(), encoding="utf-8")


if __name__ == "__main__":
    write_dashboard()
