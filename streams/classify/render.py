"""How a classification is shown: the contract's JSON, and a page for the terminal."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text as Styled

from models.results import Classified
from streams.classify.texts import NamedText

COLOURS = {"cooperation": "cyan", "symbolic-allegiance": "magenta", "hedging": "yellow"}


def as_json(item: NamedText, result: Classified) -> str:
    """One line of `bellwether classify --json`."""
    data: dict[str, Any] = {
        "id": item.id,
        "language": result.language,
        "domain": {domain: round(p, 4) for domain, p in result.domains.items()},
        "labels": {label: round(p, 4) for label, p in result.labels.items()},
        "decided": list(result.decided),
        "signals": [
            {
                "source": signal.source,
                "partner": signal.partner,
                "label": signal.label,
                "probability": round(signal.probability, 4),
                "domain": signal.domain,
                "evidence": signal.evidence,
                "terms": list(signal.terms),
            }
            for signal in result.signals
        ],
        "actors": list(result.actors),
        "abstained": result.abstained,
    }
    return json.dumps(data, ensure_ascii=False)


def show(console: Console, item: NamedText, result: Classified) -> None:
    """Prints one classification for a person."""
    console.print(Styled(item.text.title or item.id, style="bold"))
    console.print(Padding(Group(*_parts(result)), (0, 0, 1, 2)))


def _parts(result: Classified) -> list[RenderableType]:
    actors = ", ".join(result.actors) or "none named"
    domains = ", ".join(result.decided_domains)
    parts: list[RenderableType] = [Styled(f"language {result.language} · actors {actors} · domain {domains}", style="dim")]
    parts.append(_probabilities(result))
    if result.abstained:
        parts.append(Styled(f"nothing decided: {result.abstained}", style="dim"))
    for signal in result.signals:
        head = Styled(f"{signal.source} -> {signal.partner} ")
        head.append(f"{signal.label} {signal.probability:.2f}", style=COLOURS.get(signal.label, ""))
        head.append(f" ({signal.domain})", style="dim")
        parts.append(head)
        parts.append(Padding(Styled(signal.evidence, style="italic"), (0, 0, 0, 2)))
        if signal.terms:
            parts.append(Padding(Styled("words that weighed: " + ", ".join(signal.terms), style="dim"), (0, 0, 0, 2)))
    return parts


def _probabilities(result: Classified) -> Table:
    table = Table.grid(padding=(0, 2))
    for label, probability in result.labels.items():
        bar = "█" * round(probability * 20)
        decided = "decided" if label in result.decided else ""
        style = COLOURS.get(label, "")
        table.add_row(label, Styled(f"{probability:.2f}"), Styled(bar.ljust(20, "·"), style=style), decided)
    return table
