"""The measured figures of docs/ as `streams/board/measured.json`, which the board's page about itself shows.

    python -m tests.helpers.measured_figures

A figure is written down once, in docs/, beside the command that measures it; docs/ is no part of the package, so its tables are copied
here, and `tests/unit/test_about.py` fails where the copy is another.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
MEASURED = REPOSITORY / "streams" / "board" / "measured.json"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One table of the docs.

    Attributes:
        heading: the heading or the bold line that it stands under.
        head: the first cells of its header line.
        nth: of the tables with that header under that heading, which one, from 0 on.
    """

    document: str
    heading: str
    head: tuple[str, ...]
    nth: int = 0


WANTED: dict[str, Wanted] = {
    "labels": Wanted("docs/model-card.md", "## How good it is", ("label", "items", "precision")),
    "false_alarms": Wanted("docs/breaks.md", "**Quiet series**", ("counts a week", "no change")),
    "delays": Wanted("docs/breaks.md", "**Quiet series**", ("change", "median weeks")),
    "delays_echoing": Wanted("docs/breaks.md", "**Echoing series, events of two weeks**", ("change", "median weeks")),
    "reporting": Wanted("docs/breaks.md", "## Many at once", ("series that jump", "of")),
    "persistence": Wanted("docs/breaks.md", "## Persistence", ("said (4 weeks)", "n", "held"), nth=1),
}


def measured() -> dict[str, dict[str, object]]:
    """Every table wanted, with where it stands.

    Raises:
        ValueError: naming the table that the docs do not have.
    """
    return {name: {"document": wanted.document, **read_table(wanted)} for name, wanted in WANTED.items()}


def read_table(wanted: Wanted) -> dict[str, object]:
    """`{"columns": [..], "rows": [[..], ..]}` of a table of the docs, as text."""
    lines = (REPOSITORY / wanted.document).read_text(encoding="utf-8").splitlines()
    if wanted.heading not in lines:
        raise ValueError(f"{wanted.document} has no line {wanted.heading!r}: say in {__name__} where the table stands now")
    left = wanted.nth
    start = lines.index(wanted.heading) + 1
    for at in range(start, len(lines)):
        if _ends(wanted.heading, lines[at]):
            break
        if tuple(_cells(lines[at])[: len(wanted.head)]) == wanted.head:
            if not left:
                return {"columns": _cells(lines[at]), "rows": _rows(lines[at + 2 :])}
            left -= 1
    raise ValueError(
        f"{wanted.document} has no table {wanted.head} under {wanted.heading!r}: say in {__name__} where it stands now"
    )


def _ends(heading: str, line: str) -> bool:
    return line.startswith("## ") or (heading.startswith("**") and line.startswith("**") and line.endswith("**"))


def _rows(lines: list[str]) -> list[list[str]]:
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append(_cells(line))
    return rows


def _cells(line: str) -> list[str]:
    return [re.sub(r"[`*]", "", cell).strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []


def as_text() -> str:
    """What should stand in `measured.json`."""
    return json.dumps(measured(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    MEASURED.write_text(as_text(), encoding="utf-8")
