"""The shipped dashboards as Grafana reads them: panels, queries, variables, and queries as Grafana would send them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from deploy.grafana.build import FOLDER, SPECS

#: So long that it holds everything that a test brought about.
RATE_INTERVAL = "10m"


@dataclass(frozen=True, slots=True)
class Shipped:
    """One dashboard's file."""

    json: dict[str, Any]

    @property
    def uid(self) -> str:
        """Its address in Grafana."""
        return str(self.json["uid"])

    @property
    def panels(self) -> list[dict[str, Any]]:
        """Its panels, rows left out."""
        return [panel for panel in self.json["panels"] if panel["type"] != "row"]

    @property
    def variables(self) -> dict[str, dict[str, Any]]:
        """Name -> variable."""
        return {variable["name"]: variable for variable in self.json["templating"]["list"]}

    @property
    def annotations(self) -> list[dict[str, Any]]:
        """What is marked on the time axes."""
        return list(self.json["annotations"].get("list", []))

    def targets(self) -> Iterator[tuple[dict[str, Any], str]]:
        """(panel, query) of each query."""
        for panel in self.panels:
            for target in panel["targets"]:
                yield panel, target["expr"]

    def substitute(self, query: str) -> str:
        """The query as Grafana would send it with the dashboard as it opens."""

        def value_of(match: re.Match[str]) -> str:
            if match[1] == "__rate_interval":
                return RATE_INTERVAL
            variable = self.variables[match[1]]
            value = variable["current"]["value"]
            chosen = value if isinstance(value, list) else [value]
            return str(variable["allValue"]) if chosen == ["$__all"] else "|".join(chosen)

        return re.sub(r"\$(\w+)", value_of, query)


SHIPPED = [Shipped(json.loads((FOLDER / f"{spec.uid}.json").read_text(encoding="utf-8"))) for spec in SPECS]
each_dashboard = pytest.mark.parametrize("shipped", SHIPPED, ids=[shipped.uid for shipped in SHIPPED])
each_panel = pytest.mark.parametrize(
    ("shipped", "panel"),
    [pytest.param(shipped, panel, id=f"{shipped.uid}-{panel['title']}") for shipped in SHIPPED for panel in shipped.panels],
)
