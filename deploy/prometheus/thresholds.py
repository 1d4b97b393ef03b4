"""Every number that an alert is judged by, once: the rules, the runbook and the lines on the dashboard's panels take it from here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When a number is worth a person's attention. Seconds, ratios from 0 to 1, or counts; `*_for` is how long it has to last.

    Durations that stand inside a rule are Prometheus's own notation.
    """

    down_for: str = "2m"
    not_ready_for: str = "10m"
    board_window: str = "15m"
    board_errors: int = 0
    #: A batch of 4,096 articles takes well under a minute; ten without one mean that nothing moves.
    progress_window: str = "10m"
    no_progress_for: str = "5m"
    lag_window: str = "30m"
    lag_growing_records: int = 1_000
    lag_growing_for: str = "15m"
    #: A backlog that takes longer than this to work off, at the pace of the last minutes, is one that people notice.
    lag_high_seconds: int = 1_800
    lag_high_for: str = "15m"
    #: Counts on the board within the long window below which a share says nothing of freshness.
    freshness_least: int = 50
    dead_letter_window: str = "15m"
    dead_letter_ratio: float = 0.05
    #: Below this, a ratio says nothing: two bad lines of ten are 20 %.
    dead_letter_least: int = 20
    gap_window: str = "30m"
    gaps: int = 3
    rebalance_window: str = "15m"
    rebalances: int = 5
    latency_window: str = "10m"
    #: A batch that takes longer than a session's shortest timeout is near to costing the worker its partitions.
    batch_seconds: float = 5.0
    batch_for: str = "10m"
    age_seconds: float = 60.0
    age_for: str = "15m"
    delivery_window: str = "10m"
    delivery_errors: int = 10
    fetch_window: str = "1h"
    fetch_failed_ratio: float = 0.5
    fetches_least: int = 10
    fetch_for: str = "15m"
    feed_silent_for: str = "30m"
    ingest_window: str = "1h"
    ingest_silent_for: str = "6h"
    push_window: str = "15m"
    push_failed_ratio: float = 0.05
    push_requests_least: int = 20
    under_replicated_for: str = "10m"
    disk_free_ratio: float = 0.1
    disk_for: str = "10m"
    pair_silent_weeks: int = 8
    pair_silent_for: str = "1h"
    #: A board that restarts shows no breaks until it has read the history; that is no end of them.
    break_keeps: str = "15m"
    weakening_for: str = "1h"
    #: Seven tries: what a short fault would have let through by then.
    bulletin_wait_for: str = "2h"
    bulletin_window: str = "6h"
    #: It looks four times a minute; a round over many targets that are all out of reach takes some minutes.
    bulletin_round_seconds: int = 1_800
    bulletin_round_for: str = "5m"
    #: For so long a process that has gone is missed.
    bulletin_memory: str = "10d"


THRESHOLDS = Thresholds()
