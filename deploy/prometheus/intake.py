"""Alerts about what comes in: feeds, push, dead letters, and Kafka, which all of it goes through."""

from __future__ import annotations

from deploy.prometheus.alert import JOB, Alert, select
from deploy.prometheus.thresholds import Thresholds


def dead_letters(t: Thresholds) -> list[Alert]:
    """Too much that can not be used, in the stream and before it."""
    window = t.dead_letter_window
    dead = f"sum(increase({select('bellwether_dead_letters_total')}[{window}]))"
    read = f"sum(increase({select('bellwether_records_total', stage='classify')}[{window}]))"
    rejected = f"sum by (producer) (increase({select('bellwether_ingest_dead_letters_total')}[{window}]))"
    sent = f"sum by (producer) (increase({select('bellwether_ingested_articles_total')}[{window}]))"
    return [
        Alert(
            "DeadLetterSurge", f"{dead} / {read} > {t.dead_letter_ratio} and {dead} >= {t.dead_letter_least}", "", "warning",
            "{{ $value | humanizePercentage }} of the articles end as dead letters",
            "Articles that reached Kafka could not be used. The dashboard has them by reason, the topic `dead-letters` one by one.",
        ),
        Alert(
            "IngestDeadLetterSurge",
            f"{rejected} / ({rejected} + {sent}) > {t.dead_letter_ratio} and {rejected} >= {t.dead_letter_least}", "", "warning",
            "{{ $value | humanizePercentage }} of what {{ $labels.producer }} reads is no article",
            "The producer refused inputs. The topic `dead-letters` has each with its file, line and reason.",
        ),
    ]  # fmt: skip


def ingest(t: Thresholds) -> list[Alert]:
    """Producers that fail, or that bring nothing."""
    window = t.fetch_window
    failed = f"sum(increase({select('bellwether_feed_fetches_total', outcome='failed')}[{window}]))"
    fetches = f"sum(increase({select('bellwether_feed_fetches_total')}[{window}]))"
    fed = select("bellwether_ingested_articles_total", producer="feeds")
    return [
        Alert(
            "DeliveryErrors", f"increase({select('bellwether_delivery_errors_total')}[{t.delivery_window}]) > {t.delivery_errors}", "",
            "warning", "Articles of {{ $labels.producer }} reach Kafka only at a second attempt",
            "{{ $value | humanize }} deliveries failed at first in " + t.delivery_window + ". Each is tried again until the broker has it.",
        ),
        Alert(
            "FeedFetchesFail", f"{failed} / {fetches} > {t.fetch_failed_ratio} and {fetches} >= {t.fetches_least}", t.fetch_for, "warning",
            "{{ $value | humanizePercentage }} of the feed fetches fail", "More than one site is concerned: look at the network first.",
        ),
        Alert(
            "FeedSilent", f"{select('bellwether_feed_silent_at_timestamp_seconds')} < time()", t.feed_silent_for, "warning",
            "{{ $labels.feed }} has been silent for longer than its past explains",
            "By its own rhythm, with its nights and its days off, something should have come by {{ $value | humanizeTimestamp }}. "
            "`bellwether feeds list` says whether it fails or whether it answers and holds nothing new.",
        ),
        Alert(
            "NothingIngested", f"sum(increase({fed}[{t.ingest_window}])) == 0", t.ingest_silent_for, "warning",
            "No article came from the feeds for " + t.ingest_silent_for,
            "The producer runs, but nothing new arrives. Trends take their share of what is read, so silence is no break; it is blindness.",
        ),
    ]  # fmt: skip


def push(t: Thresholds) -> list[Alert]:
    """Requests that were good, and were not taken."""
    requests = "bellwether_push_requests_total"
    failed = f'sum(increase({requests}{{job="{JOB}", status=~"5.."}}[{t.push_window}]))'
    answered = f"sum(increase({select(requests)}[{t.push_window}]))"
    return [
        Alert(
            "PushFails", f"{failed} / {answered} > {t.push_failed_ratio} and {answered} >= {t.push_requests_least}", "", "warning",
            "{{ $value | humanizePercentage }} of what is pushed is turned away",
            "Requests were answered with 500 or 503 in the last " + t.push_window + ". A client that tries again loses nothing.",
        ),
    ]  # fmt: skip


def kafka(t: Thresholds) -> list[Alert]:
    """What the brokers say of themselves."""
    usable, whole = select("bellwether_kafka_disk_usable_bytes"), select("bellwether_kafka_disk_bytes")
    return [
        Alert(
            "KafkaPartitionsOffline", f"{select('bellwether_kafka_topic_leaderless_partitions')} > 0", t.down_for, "critical",
            "{{ $value }} partitions of {{ $labels.topic }} have no leader",
            "Nothing can be written to or read from them: part of the articles waits, with the producers or on the topic.",
        ),
        Alert(
            "KafkaUnderReplicated", f"{select('bellwether_kafka_topic_under_replicated_partitions')} > 0", t.under_replicated_for, "warning",
            "{{ $value }} partitions of {{ $labels.topic }} have too few copies", "A broker is away or lags behind; another loss may stop writing.",
        ),
        Alert(
            "KafkaDiskFull", f"{usable} / {whole} < {t.disk_free_ratio}", t.disk_for, "warning",
            "Kafka's disk has only {{ $value | humanizePercentage }} left", "A broker whose disk is full ends itself. Whatever fills it, make room.",
        ),
    ]  # fmt: skip
