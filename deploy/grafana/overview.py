"""The dashboard that Grafana opens with: is everything there, what was read, and what does it say?"""

from __future__ import annotations

from grafana_foundation_sdk.models import units

from deploy.grafana.panels import PanelBuilder, curves, figures, lamps, listing
from deploy.grafana.queries import Query, highest, increase, quantile, rate, select, total
from deploy.grafana.spec import Spec
from deploy.prometheus.thresholds import THRESHOLDS
from streams import metrics


def _process_panels() -> list[PanelBuilder]:
    return [
        lamps(
            "Processes", "Whether Prometheus could read each process's metrics at the last scrape.",
            Query(f"max by (component, instance) ({select('up')})", "{{component}} {{instance}}"),
        ),
        lamps(
            "Board", "Whether the board has read all that stood on its topics, whether Kafka answers it, and which editions are at work.",
            Query(f"min({select(metrics.BOARD_READY.name)})", "complete"),
            Query(f"min({select(metrics.BOARD_BROKER_REACHABLE.name)})", "Kafka answers"),
            Query(f"max by (edition) ({select(metrics.EDITION_INFO.name)})", "edition {{edition}}"),
        ),
        figures(
            "Articles read", "Every article read from Kafka since the topics were made, by what became of it, exact over crashes; and those "
            "that people have corrected.", units.Short, Query(highest(metrics.ARTICLES.name + "_total", "outcome"), "{{outcome}}"),
            Query(highest(metrics.BOARD_CORRECTED.name, ""), "corrected"),
        ),
        listing(
            "What runs", "Version of each process, of the model and of Python.", Query(select("bellwether_build_info"), ""), "__name__", "job"
        ),
    ]  # fmt: skip


def _news_panels() -> list[PanelBuilder]:
    return [
        figures(
            "Signals by status", "How many series of all pairs (all domains together) stand so after their last closed week.", units.Short,
            Query(total(metrics.TREND_STATUS.name, "status"), "{{status}}"), width=12,
        ),
        figures(
            "Breaks reported", "Active breaks that are reported when all pairs are looked at together; any domain.", units.Short,
            Query(total(metrics.BREAK_REPORTED.name, "signal"), "{{signal}}"),
        ),
        figures(
            "Feeds", "Feeds of the list, by how they are.", units.Short, Query(total(metrics.FEEDS.name, "state"), "{{state}}"),
        ),
    ]  # fmt: skip


def _flow_panels() -> list[PanelBuilder]:
    return [
        curves(
            "Articles in", "Articles a second that the broker acknowledged to producers.", units.CountsPerSecond,
            Query(rate("bellwether_ingested_articles_total", "producer"), "{{producer}}"),
        ),
        curves(
            "Article to board, p95", "Nineteen of twenty counts on the board follow their article within this time.", units.Seconds,
            Query(quantile(0.95, "bellwether_article_to_board_seconds", ""), "p95"), limit=metrics.FRESH_SECONDS, exemplars=True,
        ),
        curves(
            "Lag", "Records written to a stage's input but not acknowledged. The line is where an alert looks at its growth.", units.Short,
            Query(total("bellwether_lag_records", "stage"), "{{stage}}"), limit=THRESHOLDS.lag_growing_records,
        ),
        curves(
            "Dead letters", "Records that could not be used, by where it was noticed, within the panel's interval.", units.Short,
            Query(increase("bellwether_dead_letters_total", ""), "workers"),
            Query(increase("bellwether_ingest_dead_letters_total", "producer"), "{{producer}}"), width=24,
        ),
    ]  # fmt: skip


OVERVIEW = Spec(
    "bellwether", "Bellwether", "How watched states lean towards their partners, and whether the stream that counts it is well.",
    (("Processes", _process_panels), ("What it says", _news_panels), ("How it flows", _flow_panels)),
)  # fmt: skip
