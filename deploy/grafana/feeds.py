"""What comes in from the feeds, how each feed is, and what archives and producers refuse."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import units

from deploy.grafana.panels import PanelBuilder, curves, figures, sheet
from deploy.grafana.queries import Query, age, highest, increase, quantile, rate, total
from deploy.grafana.spec import Spec
from deploy.grafana.variables import Variable, some_of
from streams import metrics

FEED = 'feed=~"$feed"'


def _list_panels() -> list[PanelBuilder]:
    board = dashboard.DashboardLink("The feeds on the board").url("${board}/feeds")
    return [
        figures(
            "Feeds", "Feeds of the list, by how they are.", units.Short, Query(total(metrics.FEEDS.name, "state"), "{{state}}"), width=18,
        ),
        figures(
            "Longest overdue", "How late the feed is that has waited longest for its turn.", units.Seconds,
            Query(highest(metrics.FEED_OVERDUE_SECONDS.name, ""), "overdue"), limit=300,
        ),
        sheet(
            "Each feed", "Time since its last good fetch and since its newest publication, when it counts as silent, what it ever brought, how "
            "late its news arrives, how often it is asked, and its failures in a row.",
            Query(age(metrics.FEED_SUCCESS_SECONDS.name, "feed", FEED), "Asked", units.Seconds),
            Query(age(metrics.FEED_NEWEST_SECONDS.name, "feed", FEED), "Newest", units.Seconds),
            Query(f"1000 * {highest(metrics.FEED_SILENT_AT_SECONDS.name, 'feed', FEED)} < +Inf", "Silent at", units.DatetimeISO),
            Query(highest(metrics.FEED_NEW.name + "_total", "feed", FEED), "Articles", units.Short),
            Query(highest(metrics.FEED_LAG_SECONDS.name, "feed", FEED), "Late by", units.Seconds),
            Query(highest(metrics.FEED_INTERVAL_SECONDS.name, "feed", FEED), "Asked every", units.Seconds),
            Query(highest(metrics.FEED_FAILURES.name, "feed", FEED), "Failures", units.Short), height=12, link=board,
        ),
    ]  # fmt: skip


def _fetch_panels() -> list[PanelBuilder]:
    return [
        curves(
            "Fetches", "Fetches by outcome, within the panel's interval.", units.Short,
            Query(increase("bellwether_feed_fetches_total", "outcome"), "{{outcome}}"),
        ),
        curves(
            "Failures by kind", "Fetches that failed, by the class of the error, within the panel's interval.", units.Short,
            Query(increase("bellwether_feed_errors_total", "kind"), "{{kind}}"),
        ),
        curves(
            "Time of a fetch", "Half and nineteen of twenty good fetches take less, from the host's turn to the last byte.", units.Seconds,
            *(Query(quantile(q, "bellwether_feed_fetch_seconds", ""), f"p{q * 100:.0f}") for q in (0.5, 0.95)),
        ),
    ]  # fmt: skip


def _entry_panels() -> list[PanelBuilder]:
    return [
        curves(
            "Entries by outcome", "What became of the entries of documents that were read, within the panel's interval.", units.Short,
            Query(increase("bellwether_feed_entries_total", "outcome"), "{{outcome}}"),
            Query(increase("bellwether_feed_entries_read_total", ""), "read"),
        ),
        curves(
            "Full texts", "Articles of feeds with `full_text`, by what became of their pages, within the panel's interval.", units.Short,
            Query(increase("bellwether_feed_full_texts_total", "outcome"), "{{outcome}}"),
        ),
        curves(
            "From document to Kafka", "Half and nineteen of twenty documents with news are acknowledged by Kafka within these times.",
            units.Seconds, *(Query(quantile(q, "bellwether_feed_delivery_seconds", ""), f"p{q * 100:.0f}") for q in (0.5, 0.95)),
        ),
        curves(
            "Articles ingested", "Articles a second that the broker acknowledged.", units.CountsPerSecond,
            Query(rate("bellwether_ingested_articles_total", "producer"), "{{producer}}"),
        ),
        curves(
            "Inputs refused", "Inputs that were no articles, by reason, within the panel's interval.", units.Short,
            Query(increase("bellwether_ingest_dead_letters_total", "producer, reason"), "{{producer}} {{reason}}"),
        ),
        curves(
            "Deliveries tried again", "Deliveries to Kafka that failed at first, within the panel's interval.", units.Short,
            Query(increase("bellwether_delivery_errors_total", "producer"), "{{producer}}"),
        ),
    ]  # fmt: skip


def _variables() -> list[Variable]:
    return [some_of("feed", "Feed", f'{metrics.FEED_FAILURES.name}{{job=~"$job", instance=~"$instance"}}')]


FEEDS = Spec(
    "bellwether-feeds", "Bellwether: feeds", "What comes in from the feeds, how each feed is, and what producers refuse.",
    (("The list", _list_panels), ("Fetches", _fetch_panels), ("Entries and articles", _entry_panels)), variables=_variables,
)  # fmt: skip
