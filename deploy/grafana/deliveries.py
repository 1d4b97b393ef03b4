"""Do the bulletins reach those who wait for them?"""

from __future__ import annotations

from grafana_foundation_sdk.models import units

from deploy.grafana.panels import PanelBuilder, curves, figures
from deploy.grafana.queries import Query, age, increase, total


def delivery_panels() -> list[PanelBuilder]:
    """A row of panels about `bellwether deliver`."""
    return [
        curves(
            "Bulletins by outcome", "Attempts to deliver a bulletin, within the panel's interval; a failed one is tried again, a refused one is not.",
            units.Short, Query(increase("bellwether_deliveries_total", "kind, outcome"), "{{kind}} {{outcome}}"), width=12,
        ),
        curves(
            "Bulletins that wait", "Deliveries that failed and are tried again.", units.Short,
            Query(total("bellwether_deliveries_waiting", "kind"), "{{kind}}"), width=6,
        ),
        figures(
            "Last bulletin taken", "Time since a target of each kind last took a bulletin; a week is usual. The last look for one that is due "
            "is less than a minute ago where all is well.", units.Seconds,
            Query(age("bellwether_delivery_last_success_timestamp_seconds", "kind"), "{{kind}}"),
            Query(age("bellwether_delivery_last_round_timestamp_seconds", ""), "last look"), width=6, height=8,
        ),
    ]  # fmt: skip
