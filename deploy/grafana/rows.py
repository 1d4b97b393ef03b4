"""The rows of the dashboard: which figures of `streams.metrics` are shown, in what words and units."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import units

from deploy.grafana.panels import PanelBuilder, Query, curves, figures, lamps, listing, matrix, select
from deploy.prometheus.thresholds import THRESHOLDS
from streams import metrics

PAIR = ('source=~"$source"', 'partner=~"$partner"')
DOMAIN = 'domain="$domain"'
PAIR_LINK = dashboard.DashboardLink("This pair on the board").url(
    "${board}/pairs/${__field.labels.source}-${__field.labels.partner}"
)
ROW_LINK = dashboard.DashboardLink("This pair on the board").url(
    "${board}/pairs/${__data.fields.source}-${__data.fields.partner}"
)


def _rate(metric: str, by: str) -> str:
    return f"sum by ({by}) (rate({select(metric)}[$__rate_interval]))"


def _increase(metric: str, by: str) -> str:
    return f"sum by ({by}) (increase({select(metric)}[$__rate_interval]))"


def _p95(histogram: str, by: str, *matchers: str) -> str:
    return f"histogram_quantile(0.95, sum by (le, {by}) (rate({select(histogram + '_bucket', *matchers)}[$__rate_interval])))"


def overview_panels() -> list[PanelBuilder]:
    """Is everything there, and how much has been read?"""
    total = f"max by (outcome) ({select(metrics.ARTICLES.name + '_total')})"
    return [
        lamps(
            "Processes", "Whether Prometheus could read each process's metrics at the last scrape.",
            Query(f"max by (component, instance) ({select('up')})", "{{component}} {{instance}}"),
        ),
        lamps(
            "Board", "Whether the board has read all that stood on its topics, and whether Kafka answers it.",
            Query(f"min({select(metrics.BOARD_READY.name)})", "complete"),
            Query(f"min({select(metrics.BOARD_BROKER_REACHABLE.name)})", "Kafka answers"),
        ),
        figures(
            "Articles read", "Every article read from Kafka since the topics were made, by what became of it; exact over crashes.",
            units.Short, Query(total, "{{outcome}}"),
        ),
        listing("What runs", "Version of each process, and of the model.", Query(select("bellwether_build_info"), ""), "__name__", "job"),
    ]  # fmt: skip


def trend_panels() -> list[PanelBuilder]:
    """How the chosen pairs stand. How a trend's status is judged is the board's business, not that of a query."""
    by, names = "source, partner, signal", "{{source}}-{{partner}} {{signal}}"
    newest = select(metrics.NEWEST_WEEK_SECONDS.name, *PAIR)
    return [
        curves(
            "Signal stories in the newest week",
            "Stories (copies folded) that carry each signal, in the newest week in which there was news about the pair.",
            units.Short, Query(f"max by ({by}) ({select(metrics.WEEK_SIGNAL_STORIES.name, *PAIR, DOMAIN)})", names), width=12, link=PAIR_LINK,
        ),
        curves(
            "Share of the pair's stories, 13 weeks",
            "Stories with the signal as a share of all stories about the pair: twice the news is not twice the cooperation.",
            units.PercentUnit, Query(f"max by ({by}) ({select(metrics.SHARE_RATIO.name, *PAIR, DOMAIN)})", names), width=12, link=PAIR_LINK,
        ),
        curves(
            "Exposure in the newest week", "Stories about the pair, with or without a signal: what every share is a share of.",
            units.Short,
            Query(f"max by (source, partner) ({select(metrics.WEEK_EXPOSURE_STORIES.name, *PAIR, DOMAIN)})", "{{source}}-{{partner}}"),
            width=6, link=PAIR_LINK,
        ),
        figures(
            "Newest week with news", "Monday of the newest week in which there was news about the pair, in event time.",
            units.DatetimeISO, Query(f"1000 * max by (source, partner) ({newest} > 0)", "{{source}}-{{partner}}"), height=8,
        ),
        matrix(
            "Every pair: share of its stories, 13 weeks", "All pairs that the board shows, in the chosen domain.", units.PercentUnit,
            Query(f"max by ({by}) ({select(metrics.SHARE_RATIO.name, DOMAIN)})", ""), columns="signal", link=ROW_LINK,
        ),
    ]  # fmt: skip


def pipeline_panels() -> list[PanelBuilder]:
    """Does the stream flow, how late is it, and what does it refuse?"""
    lag = f"sum by (stage) ({select('bellwether_lag_records')})"
    return [
        curves(
            "Articles by outcome", "Articles read from Kafka a second, by what became of them.", units.CountsPerSecond,
            Query(_rate(metrics.ARTICLES.name + "_total", "outcome"), "{{outcome}}"),
        ),
        curves(
            "Records of each stage", "Records a second that a stage acknowledged (in) and wrote (out).", units.CountsPerSecond,
            Query(_rate("bellwether_records_total", "stage"), "{{stage}} in"),
            Query(_rate("bellwether_outputs_total", "stage"), "{{stage}} out"),
        ),
        curves(
            "Lag", "Records written to a stage's input but not acknowledged. The line is where an alert looks at its growth.",
            units.Short, Query(lag, "{{stage}}"), limit=THRESHOLDS.lag_growing_records,
        ),
        curves(
            "Time of a batch, p95", "Nineteen of twenty batches take less in each step: processing, writing, committing.", units.Seconds,
            Query(_p95("bellwether_batch_step_seconds", "stage, step"), "{{stage}} {{step}}"), limit=THRESHOLDS.batch_seconds,
        ),
        curves(
            "Age when acknowledged, p95", "From a record's writing to the acknowledgement of its batch; grows while an archive is read in.",
            units.Seconds, Query(_p95("bellwether_record_age_seconds", "stage"), "{{stage}}"), limit=THRESHOLDS.age_seconds,
        ),
        curves(
            "Dead letters by reason", "Records that could not be used, within the panel's interval.", units.Short,
            Query(_increase("bellwether_dead_letters_total", "reason"), "{{reason}}"),
        ),
        curves(
            "Gaps and rebalances", "Gaps that were read again, and assignments of partitions, within the panel's interval.", units.Short,
            Query(_increase("bellwether_gaps_total", "stage"), "gaps {{stage}}"),
            Query(_increase("bellwether_rebalances_total", "instance"), "rebalances {{instance}}"),
        ),
        curves(
            "Answers of the board, p95", "Nineteen of twenty requests are answered sooner, by route.", units.Seconds,
            Query(_p95("bellwether_board_request_seconds", "route", 'route!="events"'), "{{route}}"),
        ),
        curves(
            "Faults of the board", "Requests that ended in an error of the board, and records of its topics that it could not read.",
            units.Short, Query(_increase("bellwether_board_errors_total", "route"), "{{route}}"),
            Query(_increase(metrics.BOARD_UNREADABLE.name + "_total", "topic"), "unreadable {{topic}}"),
        ),
    ]  # fmt: skip


def ingest_panels() -> list[PanelBuilder]:
    """What comes in?"""
    return [
        curves(
            "Articles ingested", "Articles a second that the broker acknowledged.", units.CountsPerSecond,
            Query(_rate("bellwether_ingested_articles_total", "producer"), "{{producer}}"), width=6,
        ),
        curves(
            "Inputs refused", "Inputs that were no articles, by reason, within the panel's interval.", units.Short,
            Query(_increase("bellwether_ingest_dead_letters_total", "producer, reason"), "{{producer}} {{reason}}"), width=6,
        ),
        curves(
            "Deliveries tried again", "Deliveries to Kafka that failed at first, within the panel's interval.", units.Short,
            Query(_increase("bellwether_delivery_errors_total", "producer"), "{{producer}}"), width=6,
        ),
        curves(
            "Feed fetches", "Fetches of feeds by outcome, within the panel's interval.", units.Short,
            Query(_increase("bellwether_feed_fetches_total", "outcome"), "{{outcome}}"), width=6,
        ),
    ]  # fmt: skip


ROWS = (
    ("Overview", overview_panels),
    ("Trends", trend_panels),
    ("Pipeline", pipeline_panels),
    ("Ingest", ingest_panels),
)
