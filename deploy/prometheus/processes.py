"""Alerts about the processes that count and show: are they there, do they flow, what do they refuse?"""

from __future__ import annotations

from deploy.prometheus.alert import Alert, select
from deploy.prometheus.thresholds import Thresholds


def _down(component: str) -> str:
    selector = select("up", component=component)
    return f"{selector} == 0 or absent({selector})"


def availability(t: Thresholds) -> list[Alert]:
    """Is there anything to hear from each process, and does it know all that it should?"""
    up = select("up")
    return [
        Alert(
            "DataAbsent", f"absent({up}) or sum by (job) ({up}) == 0", t.down_for, "critical", "Nothing is heard of Bellwether",
            "Prometheus could scrape no process at all, or knows of none. Every other alert is blind while this lasts, and held back.",
        ),
        Alert(
            "BoardDown", _down("board"), t.down_for, "critical", "The board does not answer",
            "Prometheus could not scrape the board, or does not know of one. Pages, trends and their metrics are missing; "
            "nothing is lost, since the board holds no state of its own.",
        ),
        Alert(
            "BoardNotReady", f"{select('bellwether_board_ready')} == 0", t.not_ready_for, "warning",
            "The board shows incomplete counts", "It has not finished reading `trends` and `progress`; `/readyz` says how far it is, and why.",
        ),
        Alert(
            "BrokerUnreachable", f"{select('bellwether_board_broker_reachable')} == 0", t.down_for, "critical",
            "Kafka does not answer the board", "Most likely it answers nobody. Articles wait with the producers until it is back.",
        ),
        Alert(
            "WorkerDown", _down("worker"), t.down_for, "critical", "A worker does not answer",
            "Prometheus could not scrape the worker, or does not know of one. Without any worker articles wait in Kafka; a worker "
            "whose broker, topics or model are missing ends itself, and the last line of its log says which.",
        ),
    ]  # fmt: skip


def board(t: Thresholds) -> list[Alert]:
    """What the board could not answer or read."""
    return [
        Alert(
            "BoardErrors", f"sum by (route) (increase({select('bellwether_board_errors_total')}[{t.board_window}])) > {t.board_errors}", "",
            "warning", "The board fails on {{ $labels.route }}",
            "{{ $value | humanize }} requests ended in a fault of the board within " + t.board_window + ". Its log has each with its path.",
        ),
        Alert(
            "BoardUnreadableRecords", f"{select('bellwether_board_unreadable_records_total')} > 0", "", "warning",
            "The board could not read {{ $value }} records of {{ $labels.topic }}",
            "What they said is missing on every page. A newer worker beside an older board is the usual cause.",
        ),
    ]  # fmt: skip


def flow(t: Thresholds) -> list[Alert]:
    """Does each stage get on, and keep up?"""
    lag, records = select("bellwether_lag_records"), select("bellwether_records_total")
    pace = f"sum by (stage) (rate({records}[{t.progress_window}]))"
    return [
        Alert(
            "NoProgress", f"{lag} > 0 and increase({records}[{t.progress_window}]) == 0", t.no_progress_for, "critical",
            "Stage {{ $labels.stage }} of {{ $labels.instance }} stands still",
            "{{ $value | humanize }} records wait, and not one batch was acknowledged in the last " + t.progress_window + ".",
        ),
        Alert(
            "LagGrowing", f"sum by (stage) ({lag}) > {t.lag_growing_records} and sum by (stage) (deriv({lag}[{t.lag_window}])) > 0",
            t.lag_growing_for, "warning", "Stage {{ $labels.stage }} falls behind",
            "{{ $value | humanize }} records wait, and over the last " + t.lag_window + " more came than were read.",
        ),
        Alert(
            "LagHigh", f"sum by (stage) ({lag}) / {pace} > {t.lag_high_seconds}", t.lag_high_for, "warning",
            "Stage {{ $labels.stage }} is {{ $value | humanizeDuration }} behind",
            "At the pace of the last " + t.progress_window + " the backlog takes {{ $value | humanizeDuration }} to work off.",
        ),
    ]  # fmt: skip


def consumption(t: Thresholds) -> list[Alert]:
    """What makes reading slow or restless."""
    gaps, rebalances = select("bellwether_gaps_total"), select("bellwether_rebalances_total")
    steps = select("bellwether_batch_step_seconds_bucket", step="process")
    ages = select("bellwether_record_age_seconds_bucket")
    return [
        Alert(
            "GapStorm", f"increase({gaps}[{t.gap_window}]) > {t.gaps}", "", "warning",
            "Stage {{ $labels.stage }} of {{ $labels.instance }} keeps seeking back",
            "Offsets were skipped {{ $value | humanize }} times in " + t.gap_window + ". Each gap was read again, so no count is wrong, "
            "but something keeps causing them.",
        ),
        Alert(
            "RebalanceStorm", f"increase({rebalances}[{t.rebalance_window}]) > {t.rebalances}", "", "warning",
            "{{ $labels.instance }} keeps losing and getting partitions",
            "{{ $value | humanize }} assignments in " + t.rebalance_window + ": workers come and go, or batches outlast the session.",
        ),
        Alert(
            "BatchesSlow",
            f"histogram_quantile(0.95, sum by (le, stage) (rate({steps}[{t.latency_window}]))) > {t.batch_seconds}",
            t.batch_for, "warning", "Stage {{ $labels.stage }} takes {{ printf \"%.1f\" $value }} s for a batch",
            "One batch in twenty takes longer than that to process.",
        ),
        Alert(
            "RecordsLate",
            f"histogram_quantile(0.95, sum by (le, stage) (rate({ages}[{t.latency_window}]))) > {t.age_seconds}",
            t.age_for, "warning", "Stage {{ $labels.stage }} works {{ printf \"%.0f\" $value }} s behind the news",
            "One batch in twenty is acknowledged that long after its first record was written. After a long stop, and while an "
            "archive is read in, this is expected.",
        ),
    ]  # fmt: skip
