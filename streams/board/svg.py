"""Geometry of the charts: numbers in, SVG path data and positions out. Pure; no markup, so there is nothing to escape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: Units of one bar's slot, and of the bar in it.
SLOT, BAR = 4, 3
#: Units of a strip's height.
STRIP_HEIGHT = 40
#: The least height of a bar that is not zero, so that a single story can be seen.
LEAST = 1.5


def bars_path(values: Sequence[float], top: float, height: int = STRIP_HEIGHT) -> str:
    """One closed rectangle for each value that is not zero; `top` is the value that fills the height."""
    if top <= 0:
        return ""
    parts = []
    for index, value in enumerate(values):
        if value > 0:
            tall = _number(min(height, max(LEAST, value * height / top)))
            parts.append(f"M{index * SLOT} {height}v-{tall}h{BAR}v{tall}z")
    return "".join(parts)


def area_path(values: Sequence[float], top: float, height: int = STRIP_HEIGHT) -> str:
    """A stepped area under the values; empty when all are zero."""
    if top <= 0 or not any(values):
        return ""
    parts = [f"M0 {height}"]
    level = None
    for index, value in enumerate(values):
        now = _number(height - min(height, value * height / top))
        if now != level:
            parts.append(f"H{index * SLOT}V{now}" if index else f"V{now}")
            level = now
    return "".join(parts) + f"H{len(values) * SLOT}V{height}z"


def line_path(values: Sequence[float | None], top: float, height: int) -> str:
    """A line through the middles of the slots, with gaps where a value is None."""
    if top <= 0:
        return ""
    parts = []
    pen_down = False
    for index, value in enumerate(values):
        if value is None:
            pen_down = False
            continue
        point = f"{_number(index * SLOT + SLOT / 2)} {_number(height - min(height, value * height / top))}"
        # A lone point is drawn as a short dash: a path of one point would not be seen.
        parts.append(f"L{point}" if pen_down else f"M{point}h.1")
        pen_down = True
    return "".join(parts)


def band_path(lows: Sequence[float | None], highs: Sequence[float | None], top: float, height: int) -> str:
    """The area between two lines through the middles of the slots; a closed piece for each run without a None in either."""
    if top <= 0:
        return ""
    pieces, run = [], list[tuple[float, float, float]]()
    for index, (low, high) in enumerate([*zip(lows, highs, strict=True), (None, None)]):
        if low is not None and high is not None:
            run.append((index * SLOT + SLOT / 2, low, high))
        elif run:
            pieces.append(_band_piece(run, top, height))
            run = []
    return "".join(pieces)


def _band_piece(run: Sequence[tuple[float, float, float]], top: float, height: int) -> str:
    if len(run) == 1:
        # A band over a single slot would have no width: it takes that of a bar.
        ((x, low, high),) = run
        run = [(x - BAR / 2, low, high), (x + BAR / 2, low, high)]
    over = [f"{_number(x)} {_number(height - min(height, high * height / top))}" for x, _, high in run]
    under = [f"{_number(x)} {_number(height - min(height, low * height / top))}" for x, low, _ in reversed(run)]
    return f"M{'L'.join(over + under)}z"


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the time axis.

    Attributes:
        x: units from the left, in the chart's slots.
        percent: the same as a share of the width, for text that must not be stretched: `34.62%`.
        text: what stands there.
    """

    x: float
    percent: str
    text: str


def ticks(marks: Sequence[tuple[float, str]], slots: int) -> list[Tick]:
    """Ticks of (slot, text) pairs on an axis of `slots` slots."""
    return [Tick(at * SLOT, f"{at * 100 / slots:.2f}%", text) for at, text in marks]


def round_up(value: float) -> float:
    """The next of 1, 2, 3, 4, 5, 6, 8 and 10, times a power of ten, that is not below `value`: the top of an axis.

    >>> round_up(7), round_up(41), round_up(0.13)
    (8, 50, 0.2)
    """
    if value <= 0:
        return 1
    power = 1.0
    while power < value:
        power *= 10
    while power / 10 >= value:
        power /= 10
    for share in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0):
        if power * share >= value - 1e-12:
            found = round(power * share, 10)
            return int(found) if found == int(found) else found
    return power


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
