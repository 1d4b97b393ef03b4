"""The objective of freshness, the rules that record how it is met, and the alerts on how fast its error budget burns.

Of the counts that change on the board, `1 - budget` follow their article within `FRESH_SECONDS`, over `days`. A *burn rate* says how
many times faster than that the budget is used up. An alert looks at two windows: the long one says that it matters, the short one that
it still goes on (Google, The Site Reliability Workbook, chapter 5, "multiwindow, multi-burn-rate alerts").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deploy.prometheus.alert import Alert, select
from deploy.prometheus.thresholds import Thresholds
from streams.metrics import FRESH_SECONDS


@dataclass(frozen=True, slots=True)
class Burn:
    """Two windows in Prometheus's notation, and the burn rate that both have to exceed."""

    long: str
    short: str
    rate: float


#: 2 % of a month's budget in an hour, 5 % in six; 10 % in a day, 10 % in three.
FAST = (Burn("1h", "5m", 14.4), Burn("6h", "30m", 6.0))
SLOW = (Burn("1d", "2h", 3.0), Burn("3d", "6h", 1.0))


@dataclass(frozen=True, slots=True)
class Objective:
    """A share of a histogram's observations that has to lie within a bound, which must be the end of a bucket.

    Attributes:
        budget: the share that may lie beyond, 0 to 1.
        bound: as a bucket's `le`, in the histogram's unit.
    """

    name: str
    histogram: str
    bound: float
    budget: float
    days: int

    @property
    def windows(self) -> tuple[str, ...]:
        """Every window that is recorded, by length."""
        return ("5m", "30m", "1h", "2h", "6h", "1d", "3d")

    def recorded(self, window: str) -> str:
        """The name under which the share beyond the bound is recorded, over a window."""
        return f"job_instance:{self.name}:ratio_rate{window}"

    def recordings(self) -> list[dict[str, Any]]:
        """The recording rules; none gives a number where nothing was observed."""
        return [{"record": self.recorded(window), "expr": self._beyond(window)} for window in self.windows]

    def _beyond(self, window: str) -> str:
        within = f"sum by (job, instance) (rate({select(f'{self.histogram}_bucket', le=str(float(self.bound)))}[{window}]))"
        all_of_it = f"sum by (job, instance) (rate({select(f'{self.histogram}_count')}[{window}]))"
        return f"1 - {within} / ({all_of_it} > 0)"


FRESHNESS = Objective(
    "bellwether_article_to_board_late", "bellwether_article_to_board_seconds", FRESH_SECONDS, budget=0.01, days=30
)


def _burns(burns: tuple[Burn, ...], least: int) -> str:
    def one(burn: Burn) -> str:
        limit = f"{burn.rate * FRESHNESS.budget:g}"
        return f"({select(FRESHNESS.recorded(burn.long))} > {limit} and {select(FRESHNESS.recorded(burn.short))} > {limit})"

    enough = f"sum by (job, instance) (increase({select(f'{FRESHNESS.histogram}_count')}[{burns[0].long}])) >= {least}"
    return f"({' or '.join(map(one, burns))}) and {enough}"


def burn_alerts(t: Thresholds) -> list[Alert]:
    """News reaches the board later than it should, so often that the month's budget will not last."""
    said = (
        "{{ $value | humanizePercentage }} of the counts came onto the board later than "
        + f"{FRESH_SECONDS} s after their article; "
    )
    meant = (
        f"the objective allows {FRESHNESS.budget:.0%} in {FRESHNESS.days} days. While an archive is read in, this is expected."
    )
    return [
        Alert(
            "FreshnessBurnsFast", _burns(FAST, t.freshness_least), "", "critical", "News reaches the board late, and the budget burns fast",
            said + meant,
        ),
        Alert(
            "FreshnessBurnsSlowly", _burns(SLOW, t.freshness_least), "", "warning", "News reaches the board late too often", said + meant,
        ),
    ]  # fmt: skip
