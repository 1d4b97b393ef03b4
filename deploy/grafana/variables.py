"""The variables at the top of the dashboards, and what is marked on their time axes."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as models

from deploy.grafana.panels import DATASOURCE
from streams import metrics
from streams.records import ALL_DOMAINS
from streams.settings import SHIPPED_WATCHLIST, Settings
from streams.watchlist import load_watchlist

Variable = dashboard.QueryVariable | dashboard.DatasourceVariable | dashboard.TextBoxVariable
_BOUND = 'job=~"$job", instance=~"$instance"'
_ALL = models.VariableOption(selected=True, text=["All"], value=["$__all"])


def _option(value: str | list[str]) -> models.VariableOption:
    return models.VariableOption(selected=True, text=value, value=value)


def one_of(name: str, label: str, metric: str, *, first: str) -> dashboard.QueryVariable:
    """A label of a metric, of which one value is chosen."""
    variable = dashboard.QueryVariable(name).label(label).datasource(DATASOURCE).query(f"label_values({metric}, {name})")
    variable.refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(models.VariableSort.ALPHABETICAL_ASC)
    return variable.current(_option(first))


def some_of(name: str, label: str, metric: str, *, first: str = "") -> dashboard.QueryVariable:
    """A label of a metric, of which any number of values is chosen; all of them, unless one comes first."""
    chosen = _option([first]) if first else _ALL
    return one_of(name, label, metric, first="").multi(multi=True).include_all(include_all=True).all_value(".+").current(chosen)


def common_variables() -> list[Variable]:
    """What every dashboard has: where the figures come from, and where the board is."""
    host, port = (Settings.model_fields[name].default for name in ("board_host", "board_port"))
    address = f"http://{host}:{port}"
    return [
        dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"),
        some_of("job", "Job", "bellwether_build_info"),
        some_of("instance", "Instance", 'bellwether_build_info{job=~"$job"}'),
        dashboard.TextBoxVariable("board").label("Address of the board").default_value(address).current(_option(address)),
    ]


def pair_variables() -> list[Variable]:
    """Which pairs and which domain; the watchlist's first pair is chosen first."""
    first = load_watchlist(SHIPPED_WATCHLIST).pairs[0]
    exposure = metrics.WEEK_EXPOSURE_STORIES.name
    return [
        some_of("source", "Source", f"{exposure}{{{_BOUND}}}", first=first.source),
        some_of("partner", "Partner", f'{exposure}{{{_BOUND}, source=~"$source"}}', first=first.partner),
        one_of("domain", "Domain", f"{exposure}{{{_BOUND}}}", first=ALL_DOMAINS),
    ]


class _PrometheusAnnotation(models.AnnotationQuery):
    """The SDK's model knows no formats; the data source does."""

    def __init__(self, name: str, expr: str, title: str, text: str, colour: str) -> None:
        super().__init__(name=name, datasource=DATASOURCE, icon_color=colour, expr=expr)
        self._formats = {"titleFormat": title, "textFormat": text}

    def to_json(self) -> dict[str, object]:
        return {**super().to_json(), **self._formats, "step": "60s", "useValueForTime": False}


class Annotation(Builder[models.AnnotationQuery]):
    """Marks each moment at which a query has a value that is not 0; neighbouring ones become one range.

    Args:
        title, text: what is shown of a mark; `{{label}}` is a label of the series.
    """

    def __init__(self, name: str, expr: str, *, title: str, text: str, colour: str) -> None:
        self._built = _PrometheusAnnotation(name, expr, title, text, colour)

    def build(self) -> models.AnnotationQuery:
        """The annotation."""
        return self._built
