"""A break's size with its interval, drawn on a scale on which doubling and halving are equally far. Pure; no markup."""

from __future__ import annotations

from dataclasses import dataclass
from math import log2

from streams.records import TrendBreak

#: Units of the drawing's width, and the factor at its right end; its left end is the inverse.
WIDTH, FURTHEST = 120, 8.0


@dataclass(frozen=True, slots=True)
class Whisker:
    """Where the size and the ends of its interval lie, in units from the left; `unchanged` is where a factor of 1 does."""

    size: float
    low: float
    high: float
    unchanged: float = WIDTH / 2


def whisker(found: TrendBreak) -> Whisker:
    """The drawing of a break's size; what lies beyond the scale is drawn at its end."""
    return Whisker(_at(found.size), _at(found.size_low), _at(found.size_high))


def _at(factor: float) -> float:
    reach = log2(FURTHEST)
    exponent = max(-reach, min(reach, log2(factor))) if factor > 0 else -reach
    return round((exponent + reach) * WIDTH / (2 * reach), 1)
