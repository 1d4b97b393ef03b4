"""Alerts about `bellwether deliver`: do bulletins reach those who wait for them?"""

from __future__ import annotations

from deploy.prometheus.alert import JOB, Alert, select
from deploy.prometheus.thresholds import Thresholds


def bulletins(t: Thresholds) -> list[Alert]:
    """What waits, what was not taken, and whether anybody looks. Silent where nothing was ever delivered."""
    waiting = select("bellwether_deliveries_waiting")
    lost = f'bellwether_deliveries_total{{job="{JOB}", outcome=~"refused|given-up"}}'
    # The latest of some days, so that a process that has gone altogether is noticed like one that hangs.
    looked = (
        f"max by (job) (max_over_time({select('bellwether_delivery_last_round_timestamp_seconds')}[{t.bulletin_memory}]) > 0)"
    )
    return [
        Alert(
            "BulletinsWait", f"sum by (kind) ({waiting}) > 0", t.bulletin_wait_for, "warning",
            "{{ $value }} bulletins for targets of kind {{ $labels.kind }} wait",
            "They failed, and are tried again for about three days. `bellwether deliver --list` says which, and why.",
        ),
        Alert(
            "BulletinsNotTaken", f"sum by (kind, outcome) (increase({lost}[{t.bulletin_window}])) > 0", "", "warning",
            "Bulletins for targets of kind {{ $labels.kind }} were {{ $labels.outcome }}",
            "{{ $value | humanize }} in the last " + t.bulletin_window + ". They are not tried again by themselves: mend the target, "
            "then send the week with `--again`.",
        ),
        Alert(
            "BulletinsStandStill", f"time() - {looked} > {t.bulletin_round_seconds}", t.bulletin_round_for, "warning",
            "For {{ $value | humanizeDuration }} nobody has looked whether a bulletin is due",
            "`bellwether deliver` has ended, can't read Kafka, or hangs at a target. Nothing is lost: what is due is sent when it is back.",
        ),
    ]  # fmt: skip
