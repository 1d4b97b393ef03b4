"""How the chosen pairs stand, and what broke. How a trend's status is judged is the product's business, not that of a query."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import units

from deploy.grafana.panels import PanelBuilder, curves, figures, matrix, phases, sheet
from deploy.grafana.queries import Query, age, highest, select
from deploy.grafana.spec import Spec
from deploy.grafana.variables import Annotation, pair_variables
from streams import metrics

PAIR = ('source=~"$source"', 'partner=~"$partner"')
DOMAIN = 'domain="$domain"'
SERIES, SERIES_NAME = "source, partner, signal", "{{source}}-{{partner}} {{signal}}"
BREAK = "source, partner, domain, signal"
_PAIR_NAME = "{{source}}-{{partner}}"
#: Colours of the statuses, in the order of `STATUS_NAMES`.
_COLOURS = ("#8e8e8e", "light-blue", "green", "dark-green", "yellow", "red")


def _link(prefix: str) -> dashboard.DashboardLink:
    """To a pair's page on the board; `prefix` is where Grafana keeps the labels of what was clicked on."""
    return dashboard.DashboardLink("This pair on the board").url(
        f"${{board}}/pairs/${{{prefix}.source}}-${{{prefix}.partner}}?domain=${{domain}}"
    )


def _curve_link() -> dashboard.DashboardLink:
    return _link("__field.labels")


def _row_link() -> dashboard.DashboardLink:
    return _link("__data.fields")


def _status_code() -> str:
    """0, 1, 2 ... for the statuses in their order: a state timeline shows numbers, not labels."""
    parts = [
        select(metrics.TREND_STATUS.name, *PAIR, f'status="{name}"') + f" * {code}"
        for code, name in enumerate(metrics.STATUS_NAMES)
    ]
    return f"max by ({SERIES}) ({' or '.join(parts)})"


def _standing_panels() -> list[PanelBuilder]:
    return [
        phases(
            "Status", "How each signal stands after the pair's last closed week, all domains together. Red: it has broken with its trend.",
            Query(_status_code(), SERIES_NAME), tuple(zip(metrics.STATUS_NAMES, _COLOURS, strict=True)),
        ),
        curves(
            "Probability that the status lasts", "That the status still holds 4 and 8 weeks on; all domains together.", units.PercentUnit,
            Query(highest(metrics.TREND_PERSISTENCE.name, f"{SERIES}, weeks", *PAIR), f"{SERIES_NAME} {{{{weeks}}}} weeks"),
            width=12, link=_curve_link(),
        ),
        curves(
            "Early word", "Probability that a running week is out of the ordinary, where it is said. Never an alarm.", units.PercentUnit,
            Query(highest(metrics.TREND_EARLY_WORD.name, SERIES, *PAIR), SERIES_NAME), width=12, link=_curve_link(),
        ),
    ]  # fmt: skip


def _break_panels() -> list[PanelBuilder]:
    def column(family: metrics.Family, name: str, unit: str, factor: str = "") -> Query:
        return Query(f"{factor}{highest(family.name, BREAK)}", name, unit)

    return [
        sheet(
            "Active breaks", "Every young break of any pair and domain: share after / share before with its 90 % interval, how likely it is that "
            "there is one, its first week, and whether it is reported.",
            column(metrics.BREAK_SIZE, "Size", units.Number), column(metrics.BREAK_SIZE_LOW, "Low", units.Number),
            column(metrics.BREAK_SIZE_HIGH, "High", units.Number), column(metrics.BREAK_PROBABILITY, "Probability", units.PercentUnit),
            column(metrics.BREAK_START_SECONDS, "Since", units.DatetimeISO, "1000 * "),
            Query(f"{highest(metrics.BREAK_REPORTED.name, BREAK)} and {highest(metrics.BREAK_ACTIVE.name, BREAK)} == 1", "Reported", units.BoolYesNo),
            width=16, link=_row_link(),
        ),
        figures(
            "Breaks so far", "All breaks that stand in the records of the chosen pairs, in the chosen domain. An edit may take one back.",
            units.Short, Query(highest(metrics.BREAKS.name + "_total", SERIES, *PAIR, DOMAIN), SERIES_NAME), width=8, height=8,
        ),
    ]  # fmt: skip


def _share_panels() -> list[PanelBuilder]:
    return [
        curves(
            "Share of the pair's stories, 13 weeks",
            "Stories with the signal as a share of all stories about the pair: twice the news is not twice the cooperation.",
            units.PercentUnit, Query(highest(metrics.SHARE_RATIO.name, SERIES, *PAIR, DOMAIN), SERIES_NAME), width=12, link=_curve_link(),
        ),
        curves(
            "Signal stories in the newest week",
            "Stories (copies folded) that carry each signal, in the newest week in which there was news about the pair.",
            units.Short, Query(highest(metrics.WEEK_SIGNAL_STORIES.name, SERIES, *PAIR, DOMAIN), SERIES_NAME), width=12, link=_curve_link(),
        ),
        curves(
            "Exposure in the newest week", "Stories about the pair, with or without a signal: what every share is a share of.",
            units.Short, Query(highest(metrics.WEEK_EXPOSURE_STORIES.name, "source, partner", *PAIR, DOMAIN), _PAIR_NAME),
            width=6, link=_curve_link(),
        ),
        figures(
            "Newest and last judged week", "Monday of the newest week with news about the pair, and of the last one that was judged; event time.",
            units.DatetimeISO,
            Query(f"1000 * max by (source, partner) ({select(metrics.NEWEST_WEEK_SECONDS.name, *PAIR)} > 0)", f"{_PAIR_NAME} newest"),
            Query(f"1000 * max by (source, partner) ({select(metrics.JUDGED_WEEK_SECONDS.name, *PAIR)} > 0)", f"{_PAIR_NAME} judged"),
            height=8,
        ),
        matrix(
            "Every pair: share of its stories, 13 weeks", "All pairs that the board shows, in the chosen domain.", units.PercentUnit,
            Query(highest(metrics.SHARE_RATIO.name, SERIES, DOMAIN), ""), columns="signal", link=_row_link(),
        ),
        sheet(
            "Pairs without news", "How long ago the newest week with news began, for every pair that ever had some; calendar time.",
            Query(age(metrics.NEWEST_WEEK_SECONDS.name, "source, partner"), "Since", units.Seconds), width=12, link=_row_link(),
        ),
        figures(
            "Pairs", "Pairs that the board shows, and those with counts that are over the most that may be shown.", units.Short,
            Query(highest(metrics.BOARD_PAIRS.name, ""), "shown"), Query(highest(metrics.BOARD_PAIRS_LEFT_OUT.name, ""), "left out"),
            width=12, height=8,
        ),
    ]  # fmt: skip


BREAKS_MARKED = Annotation(
    "Breaks",
    f"max by ({BREAK}) ({select(metrics.BREAK_REPORTED.name, *PAIR, DOMAIN)}) == 1",
    title="{{source}}-{{partner}}: {{signal}} has broken with its trend",
    text="domain {{domain}}; what is known of it stands in the table of active breaks, and on the board",
    colour="red",
)
TRENDS = Spec(
    "bellwether-trends", "Bellwether: trends", "How the chosen pairs stand: status, how likely it is to last, breaks, shares and exposure.",
    (("Standing", _standing_panels), ("Breaks", _break_panels), ("Shares", _share_panels)),
    variables=pair_variables, annotations=(BREAKS_MARKED,), since="now-30d",
)  # fmt: skip
