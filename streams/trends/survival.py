"""How likely a status lasts: a table by age and by margin, fitted on simulated series, checked on real ones. Pure.

What comes in: the standings of a series. What goes out: the probability that the last one still holds 4 and 8 weeks on (what
"holds" means is `status.still_holds`). The probability of a break says nothing of that: how long a shift lasts depends on how old
it is and on how much of it is still there, so those are what the table goes by (compare Kaplan and Meier, JASA 53, 1958).

`survival.json` is made by `python -m tests.helpers.fit_survival`; docs/breaks.md has its reliability.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from streams.trends.breaks import Break
from streams.trends.status import Standing, standing

HORIZONS = (4, 8)
LONGEST_AGE = 12
_TABLE = Path(__file__).with_name("survival.json")


class Survival(msgspec.Struct, frozen=True):
    """`cells`: situation -> probabilities at each horizon; `statuses`: the same for a status as a whole."""

    cells: dict[str, list[float]]
    statuses: dict[str, list[float]]


@dataclass(frozen=True)
class Persistence:
    """Probability that the status still holds 4 and 8 weeks on."""

    four_weeks: float
    eight_weeks: float


@lru_cache(maxsize=1)
def shipped_table() -> Survival:
    """The table that comes with Bellwether."""
    return msgspec.json.decode(_TABLE.read_bytes(), type=Survival)


def age_of_status(counts: NDArray[np.float64], exposure: NDArray[np.float64], breaks: Sequence[Break], now: Standing) -> int:
    """Rows for which the status of the last row has been the same without a pause, at most 12 (older makes no difference)."""
    for age in range(1, LONGEST_AGE + 1):
        end = len(counts) - age
        if end <= 0 or standing(counts[:end], exposure[:end], breaks).status != now.status:
            return age
    return LONGEST_AGE


def situation(now: Standing, age: int) -> str:
    """The cell of the table that a standing falls in: its status, its age, and how far it is from becoming another one."""
    old = _bin(age, (4, LONGEST_AGE))
    if now.status == "too-sparse":
        return f"too-sparse|{old}|{_bin(now.rate, (0.25, 0.5, 0.75, 1.0))}"
    if now.status == "broken":
        return f"broken|{_bin(now.since_alarm, (2, 5))}|{_bin(now.kept, (0.7, 0.9, 1.2))}"
    rate = _bin(now.rate, (1.25, 1.75, 3.0))
    if now.status == "emerging":
        return f"emerging|{rate}"
    return f"{now.status}|{old}|{_bin(abs(now.lean), (0.8, 1.4, 1.96, 2.6, 3.4))}|{rate}"


def persistence(now: Standing, age: int, table: Survival | None = None) -> Persistence:
    """How likely the status lasts; by the status as a whole where the table has not met the situation."""
    table = table or shipped_table()
    found = table.cells.get(situation(now, age)) or table.statuses[now.status]
    return Persistence(*found)


def _bin(value: float, edges: tuple[float, ...]) -> int:
    return sum(value >= edge for edge in edges)
