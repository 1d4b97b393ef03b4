"""The forms that the queries of all dashboards take. Each selector is bounded by the dashboard's `$job` and `$instance`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a panel, and how its series are named; in a table, what its column is called, and its unit."""

    expr: str
    legend: str
    unit: str = ""


def select(metric: str, *matchers: str) -> str:
    """A selector bounded by the dashboard's `$job` and `$instance`."""
    bounded = ", ".join(('job=~"$job"', 'instance=~"$instance"', *matchers))
    return f"{metric}{{{bounded}}}"


def over(by: str, aggregate: str, inner: str) -> str:
    """An aggregation, over everything where `by` is empty."""
    return f"{aggregate} by ({by}) ({inner})" if by else f"{aggregate}({inner})"


def highest(metric: str, by: str, *matchers: str) -> str:
    """The value of a gauge, the same whichever process says it."""
    return over(by, "max", select(metric, *matchers))


def total(metric: str, by: str, *matchers: str) -> str:
    """A gauge summed over processes."""
    return over(by, "sum", select(metric, *matchers))


def rate(counter: str, by: str, *matchers: str) -> str:
    """A counter a second."""
    return over(by, "sum", f"rate({select(counter, *matchers)}[$__rate_interval])")


def increase(counter: str, by: str, *matchers: str) -> str:
    """How much a counter grew within the panel's interval."""
    return over(by, "sum", f"increase({select(counter, *matchers)}[$__rate_interval])")


def quantile(q: float, histogram: str, by: str, *matchers: str) -> str:
    """The value that a share `q` (0 to 1) of a histogram's observations is below."""
    grouped = f"le, {by}" if by else "le"
    return f"histogram_quantile({q}, {rate(histogram + '_bucket', grouped, *matchers)})"


def age(timestamp: str, by: str, *matchers: str) -> str:
    """Seconds since the moment that a gauge tells; nothing where it is 0, for never."""
    return f"time() - {over(by, 'max', select(timestamp, *matchers) + ' > 0')}"
