"""The kinds of panel that the dashboards are made of, each with the project's own defaults. Nothing here knows a metric.

Widths are in Grafana's grid of 24 columns, heights in its rows.
"""

from __future__ import annotations

from collections.abc import Sequence

from grafana_foundation_sdk.builders import common, dashboard, heatmap, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import heatmap as heatmap_models
from grafana_foundation_sdk.models import prometheus as prometheus_models

from deploy.grafana.queries import Query

DATASOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
PanelBuilder = Builder[models.Panel]
HEIGHT = 8


def _target(query: Query, ref: str, *, instant: bool = False) -> prometheus.Dataquery:
    target = prometheus.Dataquery().datasource(DATASOURCE).expr(query.expr).legend_format(query.legend).ref_id(ref)
    return target.instant() if instant else target.range()


def _refs(queries: Sequence[Query]) -> list[tuple[str, Query]]:
    return [(chr(ord("A") + number), query) for number, query in enumerate(queries)]


def _steps(limit: float | None, *, below: str, above: str) -> dashboard.ThresholdsConfig:
    steps = [models.Threshold(None, below)]
    if limit is not None:
        steps.append(models.Threshold(limit, above))
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)


def curves(
    title: str, description: str, unit: str, *queries: Query, width: int = 8, limit: float | None = None,
    link: dashboard.DashboardLink | None = None, exemplars: bool = False,
) -> PanelBuilder:  # fmt: skip
    """Values over time.

    Args:
        limit: drawn as a dashed line: where an alert begins.
        link: where a click on a series leads.
        exemplars: whether single articles are drawn as points among the curves.
    """
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit(unit)
        .height(HEIGHT)
        .span(width)
        .min(0)
    )
    panel.line_width(1).fill_opacity(10).show_points(common_models.VisibilityMode.NEVER)
    panel.legend(
        common.VizLegendOptions().display_mode(common_models.LegendDisplayMode.TABLE)
        .placement(common_models.LegendPlacement.BOTTOM).show_legend(show_legend=True).calcs(["lastNotNull", "max"])
    )  # fmt: skip
    panel.tooltip(
        common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.MULTI).sort(common_models.SortOrder.DESCENDING)
    )  # fmt: skip
    panel.thresholds(_steps(limit, below="green", above="orange"))
    if limit is not None:
        panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(common_models.GraphThresholdsStyleMode.DASHED))
    if link is not None:
        panel.data_links([link])
    for ref, query in _refs(queries):
        panel.with_target(_target(query, ref).exemplar(exemplar=exemplars))
    return panel


def figures(
    title: str, description: str, unit: str, *queries: Query, width: int = 6, height: int = 4, limit: float | None = None
) -> PanelBuilder:  # fmt: skip
    """The newest value of each series, large; red from `limit` on."""
    panel = stat.Panel().title(title).description(description).datasource(DATASOURCE).unit(unit).height(height).span(width)
    colour = common_models.BigValueColorMode.NONE if limit is None else common_models.BigValueColorMode.VALUE
    panel.graph_mode(common_models.BigValueGraphMode.NONE).color_mode(colour)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    panel.thresholds(_steps(limit, below="text", above="red"))
    for ref, query in _refs(queries):
        panel.with_target(_target(query, ref, instant=True))
    return panel


def lamps(title: str, description: str, *queries: Query, width: int = 6, height: int = 4) -> PanelBuilder:
    """A green or red lamp for each series: 1 is well, 0 is not."""
    yes, no = models.ValueMappingResult("yes", "green", index=0), models.ValueMappingResult("no", "red", index=1)
    panel = stat.Panel().title(title).description(description).datasource(DATASOURCE).unit("none").height(height).span(width)
    panel.graph_mode(common_models.BigValueGraphMode.NONE).color_mode(common_models.BigValueColorMode.BACKGROUND)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    panel.mappings([models.ValueMap({"1": yes, "0": no})])
    panel.thresholds(_steps(1, below="red", above="green"))
    for ref, query in _refs(queries):
        panel.with_target(_target(query, ref, instant=True))
    return panel


def phases(title: str, description: str, query: Query, names: Sequence[tuple[str, str]], *, width: int = 24) -> PanelBuilder:
    """What each series is over time, in words. `names`: the word and the colour of the values 0, 1, 2 ..."""
    panel = (
        statetimeline.Panel().title(title).description(description).datasource(DATASOURCE).unit("none").height(HEIGHT).span(width)
    )
    panel.show_value(common_models.VisibilityMode.NEVER).merge_values(merge_values=True).row_height(0.8)
    words = {str(number): models.ValueMappingResult(word, colour, index=number) for number, (word, colour) in enumerate(names)}
    panel.mappings([models.ValueMap(words)]).thresholds(_steps(None, below="text", above="text"))
    panel.legend(
        common.VizLegendOptions().display_mode(common_models.LegendDisplayMode.LIST)
        .placement(common_models.LegendPlacement.BOTTOM).show_legend(show_legend=True)
    )  # fmt: skip
    panel.with_target(_target(query, "A"))
    return panel


def density(title: str, description: str, unit: str, query: Query, *, width: int = 12) -> PanelBuilder:
    """A histogram over time: the darker, the more observations. `query` gives a series for each `le`."""
    panel = heatmap.Panel().title(title).description(description).datasource(DATASOURCE).unit(unit).height(HEIGHT).span(width)
    panel.calculate(calculate=False).show_legend().exemplars_color("orange")
    panel.color(heatmap.HeatmapColorOptions().mode(heatmap_models.HeatmapColorMode.SCHEME).scheme("Blues").steps(32))
    panel.y_axis(heatmap.YAxisConfig().unit(unit).axis_placement(common_models.AxisPlacement.LEFT))
    target = _target(query, "A").format(prometheus_models.PromQueryFormat.HEATMAP).exemplar(exemplar=True)
    return panel.with_target(target)


def matrix(
    title: str, description: str, unit: str, query: Query, *, columns: str, width: int = 12, link: dashboard.DashboardLink | None = None
) -> PanelBuilder:  # fmt: skip
    """A table: one row for each set of the other labels, one column for each value of the label `columns`."""
    panel = table.Panel().title(title).description(description).datasource(DATASOURCE).unit(unit).height(HEIGHT).span(width)
    panel.thresholds(_steps(None, below="text", above="text"))
    panel.with_target(_target(query, "A", instant=True).format(prometheus_models.PromQueryFormat.TIME_SERIES))
    panel.transformations(
        [
            models.DataTransformerConfig("labelsToFields", options={"mode": "columns", "valueLabel": columns}),
            models.DataTransformerConfig("merge", options={}),
            models.DataTransformerConfig("organize", options={"excludeByName": {"Time": True}}),
        ]
    )
    if link is not None:
        panel.data_links([link])
    return panel


def sheet(
    title: str, description: str, *queries: Query, width: int = 24, height: int = HEIGHT, link: dashboard.DashboardLink | None = None
) -> PanelBuilder:  # fmt: skip
    """A table: one row for each set of labels, which all queries share, one column for each query with a unit of its own."""
    panel = table.Panel().title(title).description(description).datasource(DATASOURCE).unit("none").height(height).span(width)
    panel.thresholds(_steps(None, below="text", above="text"))
    names = {}
    for ref, query in _refs(queries):
        panel.with_target(_target(query, ref, instant=True).format(prometheus_models.PromQueryFormat.TABLE))
        names["Value" if len(queries) == 1 else f"Value #{ref}"] = query.legend
        panel.override_by_name(query.legend, [models.DynamicConfigValue("unit", query.unit)])
    panel.transformations(
        [
            models.DataTransformerConfig("merge", options={}),
            models.DataTransformerConfig("organize", options={"excludeByName": {"Time": True}, "renameByName": names}),
        ]
    )
    if link is not None:
        panel.data_links([link])
    return panel


def listing(title: str, description: str, query: Query, *hidden: str, width: int = 6, height: int = 4) -> PanelBuilder:
    """A table of the labels of each series, without the columns `hidden`."""
    panel = table.Panel().title(title).description(description).datasource(DATASOURCE).unit("none").height(height).span(width)
    panel.thresholds(_steps(None, below="text", above="text"))
    panel.with_target(_target(query, "A", instant=True).format(prometheus_models.PromQueryFormat.TABLE))
    columns = dict.fromkeys(("Time", "Value", *hidden), True)
    panel.with_transformation(models.DataTransformerConfig("organize", options={"excludeByName": columns}))
    return panel
