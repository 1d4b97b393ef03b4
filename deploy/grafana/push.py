"""Articles over HTTP: who asks, what is taken, how long it takes, and how full the server is."""

from __future__ import annotations

from grafana_foundation_sdk.models import units

from deploy.grafana.panels import PanelBuilder, curves, figures
from deploy.grafana.queries import Query, highest, increase, quantile, rate, total
from deploy.grafana.spec import Spec

_PUSH = 'producer="push"'


def _request_panels() -> list[PanelBuilder]:
    return [
        curves(
            "Requests by status", "Requests answered, within the panel's interval.", units.Short,
            Query(increase("bellwether_push_requests_total", "status"), "{{status}}"), width=12,
        ),
        curves(
            "Time of an answer", "Half and nineteen of twenty requests are answered sooner, by whether they were taken. A request that is "
            "taken is answered after Kafka has all of it.", units.Seconds,
            *(Query(quantile(q, "bellwether_push_request_seconds", "taken"), f"p{q * 100:.0f} taken: {{{{taken}}}}") for q in (0.5, 0.95)),
            width=12,
        ),
    ]  # fmt: skip


def _item_panels() -> list[PanelBuilder]:
    return [
        curves(
            "Items by outcome", "Items received: taken, rejected (no article), withheld (good, in a request that was not taken).", units.Short,
            Query(increase("bellwether_push_items_total", "outcome"), "{{outcome}}"),
        ),
        curves(
            "Articles acknowledged", "Articles a second that the broker acknowledged.", units.CountsPerSecond,
            Query(rate("bellwether_ingested_articles_total", "", _PUSH), "articles"),
        ),
        curves(
            "Deliveries tried again", "Deliveries to Kafka that failed at first, within the panel's interval.", units.Short,
            Query(increase("bellwether_delivery_errors_total", "", _PUSH), "tried again"),
        ),
    ]  # fmt: skip


def _load_panels() -> list[PanelBuilder]:
    return [
        curves(
            "Bytes in work", "Bodies that Kafka has not acknowledged yet; beyond `BELLWETHER_PUSH_IN_WORK_BYTES` 503 is answered.",
            units.BytesIEC, Query(total("bellwether_push_in_work_bytes", "instance"), "{{instance}}"), width=9,
        ),
        curves(
            "Connections", "Open connections.", units.Short, Query(total("bellwether_push_connections", "instance"), "{{instance}}"), width=9,
        ),
        figures("Tokens", "Tokens that are good.", units.Short, Query(highest("bellwether_push_tokens", ""), "tokens"), height=8),
    ]  # fmt: skip


PUSH = Spec(
    "bellwether-push", "Bellwether: push", "Articles over HTTP: who asks, what is taken, how long it takes, how full the server is.",
    (("Requests", _request_panels), ("Items", _item_panels), ("Load", _load_panels)),
)  # fmt: skip
