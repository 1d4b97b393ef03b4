"""What one dashboard is before it is built."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from deploy.grafana.panels import PanelBuilder
from deploy.grafana.variables import Annotation, Variable

Row = tuple[str, Callable[[], list[PanelBuilder]]]


def _none() -> list[Variable]:
    return []


@dataclass(frozen=True, slots=True)
class Spec:
    """One dashboard.

    Attributes:
        uid: its address in Grafana, and the name of its file.
        variables: those that it has beside the common ones.
        since: how far back it looks when it is opened, in Grafana's notation.
    """

    uid: str
    title: str
    description: str
    rows: Sequence[Row]
    variables: Callable[[], list[Variable]] = _none
    annotations: Sequence[Annotation] = ()
    since: str = "now-6h"
