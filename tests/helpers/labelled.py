"""Builders of labelled items: rows as they stand in a corpus file, and small corpora on disk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_ACTS: tuple[tuple[str, list[str], str], ...] = (
    ("signed a joint defence agreement with", ["cooperation"], "security"),
    ("ratified the gas supply contract with", ["cooperation"], "economy"),
    ("praised the brotherly friendship and laid a wreath with", ["symbolic-allegiance"], "politics"),
    ("sent dancers to the victory parade and festival of", ["symbolic-allegiance"], "society"),
    ("declined to host a base and postponed talks with", ["hedging"], "security"),
    ("abstained and sought to reduce dependence on", ["hedging"], "economy"),
    ("accused and expelled diplomats of", [], "politics"),
    ("opened a museum about the film stars of", [], "society"),
)
_STATES = (("Belarus", "BLR"), ("Russia", "RUS"), ("China", "CHN"), ("Armenia", "ARM"), ("Vietnam", "VNM"), ("Turkey", "TUR"))


def labelled_row(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A valid row of a corpus; `changes` replace its fields."""
    return {
        "id": f"row-{number:04d}", "title": "Minsk signs", "text": "Belarus signed a pact with Russia.", "labels": ["cooperation"],
        "source": "BLR", "partner": "RUS", "domain": ["security"], "language": "en", "style": "wire", "year": 2017,
    } | changes  # fmt: skip


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """The rows as JSON lines in `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def write_small_corpus(folder: Path, count: int = 160) -> Path:
    """A folder with a corpus of `count` simple items, enough to train on; gives the folder back."""
    rows = []
    for number in range(count):
        act, labels, domain = _ACTS[number % len(_ACTS)]
        (source, source_code), (partner, partner_code) = _STATES[number % 6], _STATES[(number * 5 + 1) % 6]
        if source == partner:
            partner, partner_code = "India", "IND"
        rows.append(
            labelled_row(
                number, title=f"{source} and {partner}", text=f"{source} {act} {partner} on day {number}.", labels=labels,
                source=source_code, partner=partner_code, domain=[domain],
            )
        )  # fmt: skip
    write_rows(folder / "small.jsonl", rows)
    return folder
