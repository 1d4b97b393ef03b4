"""An evaluation as one HTML page: the figures, reliability diagrams and the surest errors. Self-contained, works offline.

In: a `Report`. Out: HTML; every text of the items is escaped by the template.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.page_templates import page_template
from models.report import LabelScores, Report

#: Side of a reliability diagram, in its own units.
SIDE = 200
_LARGEST_RADIUS = 12.0
_SMALLEST_RADIUS = 2.5


@dataclass(frozen=True, slots=True)
class Dot:
    """One bin of a reliability diagram, placed: the area grows with its items."""

    x: float
    y: float
    radius: float
    title: str


def to_page(report: Report) -> str:
    """The report as a page."""
    diagrams = {label: reliability_dots(scores) for label, scores in report.labels.items()}
    return page_template("evaluation.html").render(report=report, diagrams=diagrams, side=SIDE)


def reliability_dots(scores: LabelScores) -> list[Dot]:
    """The bins that hold items: stated probability to the right, observed share upwards."""
    most = max((found.items for found in scores.reliability), default=0)
    return [
        Dot(
            x=round(found.stated * SIDE, 1), y=round((1 - found.observed) * SIDE, 1),
            radius=round(max(_SMALLEST_RADIUS, _LARGEST_RADIUS * (found.items / most) ** 0.5), 1),
            title=f"{found.items} items: {found.stated:.2f} stated, {found.observed:.2f} observed",
        )
        for found in scores.reliability if found.items
    ]  # fmt: skip
