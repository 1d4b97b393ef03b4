"""The long charts of a pair's page: one per signal, over a range of weeks that the reader chooses. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from models.labels import LABELS
from streams.board.counts import BOARD_DOMAINS, ROWS, STORIES, Counts
from streams.board.model import BoardModel
from streams.board.queries import LABEL_TITLES, Share, binned, share_of
from streams.board.svg import SLOT, Tick, area_path, band_path, bars_path, line_path, round_up, ticks
from streams.board.weeks import SHARE_WEEKS, STRIP_WEEKS, week_monday, week_name, week_number, week_span, year_starts
from streams.records import TrendBreak, TrendStanding
from streams.trends.bands import rolling_band

#: Weeks that a chart may show; `all` is from the pair's first week.
RANGES: dict[str, int] = {"52": 52, "156": 156, "260": 260, "all": 0}
DEFAULT_RANGE = "156"
#: Units of the heights of the stories' bars and of the share's line.
CHART_HEIGHT, SHARE_HEIGHT = 84, 84
#: More bars than this can't be told apart: then a bar is several weeks.
MOST_BARS = 265
_BINS = (1, 4, 13, 52)
_YEAR_TEXTS = 12
#: The share's axis ends where nine of ten upper ends of the band fit: a quarter with five stories would press all others flat.
_BAND_IN_VIEW = 0.9


@dataclass(frozen=True, slots=True)
class Level:
    """The share over 13 weeks with its 90 % credible interval (`streams.trends.bands`); 0 to 1."""

    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class BreakMark:
    """Where a break stands on the axis: of its first week `x` units from the left, of its alarm `said_x`; `percent` is `x` for text."""

    x: float
    said_x: float
    percent: str
    direction: Literal["up", "down"]
    start: str
    alarm: str


@dataclass(frozen=True, slots=True)
class Slot:
    """One bar: where it begins, its last week and its name, stories with the signal, and the level that ends in it (None without news)."""

    x: int
    week: int
    name: str
    stories: int
    exposure: int
    level: Level | None


@dataclass(frozen=True, slots=True)
class SignalChart:
    """Stories with one signal over the stories about the pair; beneath, the 13-week share with its band; breaks marked on both.

    Attributes:
        level: at the end of the chart; None without a story in the last 13 weeks.
        standing: how the series stands after the last closed week; None where none is closed, or where the chart ends earlier.
        breaks: the breaks that were said by the end of the chart, newest first, those before its beginning too.
        marks: those of them that begin inside the chart.
    """

    label: str
    title: str
    bars: str
    slots: tuple[Slot, ...]
    band: str
    line: str
    share: Share
    level: Level | None
    total: int
    in_window: int
    standing: TrendStanding | None
    breaks: tuple[TrendBreak, ...]
    marks: tuple[BreakMark, ...]


@dataclass(frozen=True, slots=True)
class PairCharts:
    """The charts of a pair: what they have in common, and one for each signal."""

    first_week: int
    last_week: int
    bin_weeks: int
    width: int
    top: float
    share_top: float
    area: str
    years: tuple[Tick, ...]
    signals: tuple[SignalChart, ...]


@dataclass(frozen=True, slots=True)
class _Frame:
    """What the charts of a pair have in common while they are made."""

    until: int
    size: int
    exposure: Sequence[int]
    top: float
    share_top: float

    @property
    def slots(self) -> int:
        return len(self.exposure)

    def place(self, week: int) -> float:
        """Where a week begins, in slots; measured from the right, where the last bin is always full."""
        return self.slots - (self.until + 1 - week) / self.size


def pair_charts(model: BoardModel, pair: str, domain: str, until: int, chosen: str) -> PairCharts:
    """The charts up to week number `until`; `chosen` is a key of `RANGES`."""
    weeks = RANGES[chosen] or max(STRIP_WEEKS, until - min(model.weeks(pair), default=until) + 1)
    size = next((size for size in _BINS if weeks / size <= MOST_BARS), _BINS[-1])
    at = BOARD_DOMAINS.index(domain)
    # The share that ends in the first week shown looks back over 12 weeks before it.
    window = model.window(pair, until, weeks + SHARE_WEEKS - 1)
    exposure = binned(window[SHARE_WEEKS - 1 :, 0, at, STORIES].tolist(), size)
    levels = {str(label): _levels(window, ROWS.index(label), at, size) for label in LABELS}
    frame = _Frame(
        until, size, exposure, round_up(max(exposure)), _share_top([one for found in levels.values() for one in found])
    )
    return PairCharts(
        first_week=until - weeks + 1, last_week=until, bin_weeks=size, width=frame.slots * SLOT, top=frame.top, share_top=frame.share_top,
        area=area_path(exposure, frame.top, CHART_HEIGHT), years=tuple(_years(until - weeks + 1, frame)),
        signals=tuple(_chart(model, pair, domain, label, window, found, frame) for label, found in levels.items()),
    )  # fmt: skip


def _chart(
    model: BoardModel, pair: str, domain: str, label: str, window: Counts, levels: Sequence[Level | None], frame: _Frame
) -> SignalChart:
    row, at = ROWS.index(label), BOARD_DOMAINS.index(domain)
    told = binned(window[SHARE_WEEKS - 1 :, row, at, STORIES].tolist(), frame.size)
    standing = model.standings(pair).get((label, domain))
    # What was known at the end of the chart: a later alarm would be a look into the future.
    said = [one for one in (standing.breaks if standing else ()) if week_number(one.alarm) <= frame.until]
    marks = [_mark(one, frame) for one in said]
    slots = _slots(told, levels, frame)
    return SignalChart(
        label=label, title=LABEL_TITLES[label], bars=bars_path(told, frame.top, CHART_HEIGHT), slots=slots, line=line_path([level.share if level else None for level in levels], frame.share_top, SHARE_HEIGHT),
        band=_band(levels, frame.share_top),
        share=share_of(window, row, at), level=slots[-1].level, total=int(model.totals(pair)[row, at, STORIES]), in_window=sum(told),
        standing=standing if frame.until >= model.newest_week(pair) else None, breaks=tuple(reversed(said)),
        marks=tuple(mark for mark in marks if mark.x >= 0),
    )  # fmt: skip


def _levels(window: Counts, row: int, domain: int, size: int) -> list[Level | None]:
    """The level that ends in the last week of each bin."""
    stories = window[:, :, domain, STORIES].astype(np.float64)
    band = rolling_band(stories[:, row], stories[:, 0], SHARE_WEEKS)
    rows = zip(band.share.tolist(), band.low.tolist(), band.high.tolist(), strict=True)
    levels = [None if np.isnan(share) else Level(share, low, high) for share, low, high in rows]
    return levels[-1::-size][::-1]


def _share_top(levels: Sequence[Level | None]) -> float:
    found = [level for level in levels if level is not None]
    if not found:
        return 1.0
    in_view = float(np.quantile([level.high for level in found], _BAND_IN_VIEW))
    return min(1.0, round_up(max(in_view, *(level.share for level in found))))


def _slots(told: Sequence[int], levels: Sequence[Level | None], frame: _Frame) -> tuple[Slot, ...]:
    slots = []
    for index, (stories, exposure, level) in enumerate(zip(told, frame.exposure, levels, strict=True)):
        last = frame.until - (frame.slots - 1 - index) * frame.size
        slots.append(Slot(index * SLOT, last, _bin_name(last, frame.size), stories, exposure, level))
    return tuple(slots)


def _band(levels: Sequence[Level | None], top: float) -> str:
    lows, highs = [level.low if level else None for level in levels], [level.high if level else None for level in levels]
    return band_path(lows, highs, top, SHARE_HEIGHT)


def _mark(one: TrendBreak, frame: _Frame) -> BreakMark:
    at = frame.place(week_number(one.start))
    said = frame.place(week_number(one.alarm) + 1)
    return BreakMark(
        round(at * SLOT, 1), round(said * SLOT, 1), f"{at * 100 / frame.slots:.2f}%", one.direction, one.start, one.alarm
    )


def _bin_name(last: int, size: int) -> str:
    if size == 1:
        return f"{week_name(last)} ({week_span(last)})"
    return f"{size} weeks to {week_name(last)}"


def _years(first: int, frame: _Frame) -> list[Tick]:
    """Ticks where years begin, no more than fit."""
    starts = year_starts(first, frame.until)
    step = -(-len(starts) // _YEAR_TEXTS)
    marks: list[tuple[float, str]] = []
    for number, year in starts[::-1][::step][::-1] if step else []:
        at = frame.place(number)
        # Text near the right edge would be cut off.
        if 0 <= at <= frame.slots * 0.94:
            marks.append((round(at, 2), str(year)))
    return ticks(marks, frame.slots) or [Tick(0, "0%", str(week_monday(first).year))]
