"""What one alert is, and how its selectors are written. Every expression keeps to what Prometheus 2.42 and 3 share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

JOB = "bellwether"
RUNBOOK = "docs/runbook.md"

Severity = Literal["critical", "warning", "info", "none"]


@dataclass(frozen=True, slots=True)
class Alert:
    """One rule.

    Attributes:
        name: without the common prefix.
        expr: when it fires; each sample of the result is one alert.
        lasts: how long the expression has to hold, in Prometheus's notation; empty: at once.
        severity: `critical`: counts or pages stand still, wake somebody; `warning`: look today; `info`: worth knowing.
        summary: what is wrong, in one line.
        description: what it means and where to look first.
        keeps: how long it goes on firing after the expression has ended, in the same notation; empty: not at all.
        extra: further annotations, for whoever receives the alert.
    """

    name: str
    expr: str
    lasts: str
    severity: Severity
    summary: str
    description: str
    keeps: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """The name in Prometheus."""
        return f"Bellwether{self.name}"

    @property
    def runbook_url(self) -> str:
        """The section of the runbook that says what to do."""
        return f"{RUNBOOK}#{self.full_name.lower()}"

    def rule(self) -> dict[str, Any]:
        """The rule as Prometheus reads it."""
        hold = {**({"for": self.lasts} if self.lasts else {}), **({"keep_firing_for": self.keeps} if self.keeps else {})}
        return {
            "alert": self.full_name,
            "expr": re.sub(r" (and|or|unless) ", r"\n\1 ", self.expr),
            **hold,
            "labels": {"severity": self.severity},
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                **self.extra,
                "runbook_url": self.runbook_url,
            },
        }


def select(metric: str, **labels: str) -> str:
    """A selector for a metric of Bellwether's own job."""
    matchers = ", ".join(f'{name}="{value}"' for name, value in {"job": JOB, **labels}.items())
    return f"{metric}{{{matchers}}}"
