"""How a classification is shown: the contract's JSON, and a page for the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text as Styled

from models.explanation import Explanation, LabelReason
from models.results import Classified, PairSignal
from streams.classify.texts import NamedText
from streams.printable import printable, printable_line

COLOURS = {"cooperation": "cyan", "symbolic-allegiance": "magenta", "hedging": "yellow"}
#: Characters of a body and of a passage that are shown; cells of a bar.
SHOWN_CHARS, PASSAGE_CHARS, BAR = 6_000, 400, 20


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
        "thresholds": {label: round(p, 4) for label, p in result.thresholds.items()},
        "unsure": list(result.unsure),
    }
    return json.dumps(data, ensure_ascii=False)


def show(console: Console, item: NamedText, found: Explanation) -> None:
    """Prints one classification for a person: the text with its passages coloured, what was decided, and why not the other labels."""
    console.print(_coloured(found.title_pieces()) if item.text.title else Styled(printable_line(item.id)), style="bold")
    console.print(Padding(Group(*_parts(found)), (0, 0, 1, 2)))


def _coloured(pieces: Iterable[tuple[str, str]]) -> Styled:
    """The pieces in the colours of their labels, cut where they are too long to be looked at."""
    text, left = Styled(), SHOWN_CHARS
    for piece, label in pieces:
        text.append(printable(piece[:left]), style=f"bold {COLOURS.get(label, 'green')}" if label else "")
        left -= len(piece)
        if left < 0:
            text.append("…", style="dim")
            break
    return text


def _parts(found: Explanation) -> list[RenderableType]:
    result = found.classified
    actors = ", ".join(result.actors) or "none named"
    domains = ", ".join(result.decided_domains)
    parts: list[RenderableType] = [Styled(f"language {result.language} · actors {actors} · domain {domains}", style="dim")]
    if found.text.text:
        parts.append(Padding(_coloured(found.pieces()), (1, 0)))
    if result.abstained:
        parts.append(Styled(f"nothing decided: {result.abstained}", style="dim"))
    parts.extend(_signal(signal) for signal in result.signals)
    if found.reasons:
        parts += [_bars(found.reasons), *_reasons(found.reasons)]
    return parts


def _signal(signal: PairSignal) -> RenderableType:
    head = Styled(f"{signal.source} -> {signal.partner} ")
    head.append(f"{signal.label} {signal.probability:.2f}", style=COLOURS.get(signal.label, ""))
    head.append(f" ({signal.domain})", style="dim")
    return head


def _bars(reasons: Sequence[LabelReason]) -> Table:
    """Each label's probability as a bar in which the threshold is marked."""
    table = Table.grid(padding=(0, 2))
    for reason in reasons:
        filled, mark = round(reason.probability * BAR), min(round(reason.threshold * BAR), BAR - 1)
        cells = "".join("|" if at == mark else "█" if at < filled else "·" for at in range(BAR))
        table.add_row(
            reason.label, f"{reason.probability:.2f}", Styled(cells, style=COLOURS.get(reason.label, "")), reason.verdict
        )
    return table


def _reasons(reasons: Sequence[LabelReason]) -> Iterator[RenderableType]:
    """For each label the passage and the words that speak most for it."""
    for reason in reasons:
        head = Styled(reason.label, style=COLOURS.get(reason.label, ""))
        head.append(f" is spoken for most by ({reason.alone:.2f} by itself):", style="dim")
        yield head
        yield Padding(Styled(printable_line(_shortened(reason.passage)), style="italic"), (0, 0, 0, 2))
        if reason.terms:
            yield Padding(Styled("words that weighed: " + printable_line(", ".join(reason.terms)), style="dim"), (0, 0, 0, 2))


def _shortened(text: str) -> str:
    """A passage, cut where it is too long to be looked at."""
    return text if len(text) <= PASSAGE_CHARS else text[:PASSAGE_CHARS].rstrip() + "…"
