"""The long charts of a pair's page: one per signal, over a range of weeks that the reader chooses. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.labels import LABELS
from streams.board.counts import BOARD_DOMAINS, ROWS, STORIES, Counts
from streams.board.model import BoardModel
from streams.board.queries import LABEL_TITLES, Share, binned, rolling_share, share_of
from streams.board.svg import SLOT, Tick, area_path, bars_path, line_path, round_up, ticks
from streams.board.weeks import SHARE_WEEKS, STRIP_WEEKS, week_monday, week_name, week_span, year_starts

#: Weeks that a chart may show; `all` is from the pair's first week.
RANGES: dict[str, int] = {"52": 52, "156": 156, "260": 260, "all": 0}
DEFAULT_RANGE = "156"
CHART_HEIGHT, SHARE_HEIGHT = 100, 48
#: More bars than this can't be told apart: then a bar is several weeks.
MOST_BARS = 265
_BINS = (1, 4, 13, 52)
_YEAR_TEXTS = 12


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: where its slot begins, and what it says."""

    x: int
    text: str


@dataclass(frozen=True, slots=True)
class SignalChart:
    """Stories with one signal over the stories about the pair, and the 13-week share beneath."""

    label: str
    title: str
    bars: str
    bar_texts: tuple[Bar, ...]
    line: str
    share: Share
    total: int
    in_window: int


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


def pair_charts(model: BoardModel, pair: str, domain: str, until: int, chosen: str) -> PairCharts:
    """The charts up to week number `until`; `chosen` is a key of `RANGES`."""
    weeks = RANGES[chosen] or max(STRIP_WEEKS, until - min(model.weeks(pair), default=until) + 1)
    size = next((size for size in _BINS if weeks / size <= MOST_BARS), _BINS[-1])
    at = BOARD_DOMAINS.index(domain)
    # The share that ends in the first week shown looks back over 12 weeks before it.
    window = model.window(pair, until, weeks + SHARE_WEEKS - 1)
    exposure = binned(window[SHARE_WEEKS - 1 :, 0, at, STORIES].tolist(), size)
    top = round_up(max(exposure))
    shares = {label: rolling_share(window, ROWS.index(label), at)[-1::-size][::-1] for label in LABELS}
    share_top = min(1.0, round_up(max((share or 0.0 for found in shares.values() for share in found), default=0.0)))
    totals = model.totals(pair)
    charts = tuple(
        _chart(window, label, at, exposure, shares[label], (size, until, top, share_top), int(totals[ROWS.index(label), at, STORIES]))
        for label in LABELS
    )  # fmt: skip
    first = until - weeks + 1
    return PairCharts(
        first_week=first, last_week=until, bin_weeks=size, width=len(exposure) * SLOT, top=top, share_top=share_top,
        area=area_path(exposure, top, CHART_HEIGHT), years=tuple(_years(first, until, size, len(exposure))), signals=charts,
    )  # fmt: skip


def _chart(
    window: Counts, label: str, domain: int, exposure: Sequence[int], shares: Sequence[float | None],
    scale: tuple[int, int, float, float], total: int,
) -> SignalChart:  # fmt: skip
    size, until, top, share_top = scale
    row = ROWS.index(label)
    stories = binned(window[SHARE_WEEKS - 1 :, row, domain, STORIES].tolist(), size)
    texts = []
    for index, (told, about) in enumerate(zip(stories, exposure, strict=True)):
        last = until - (len(stories) - 1 - index) * size
        texts.append(Bar(index * SLOT, f"{_bin_name(last, size)}: {told} of {about} stories"))
    return SignalChart(
        label=label, title=LABEL_TITLES[label], bars=bars_path(stories, top, CHART_HEIGHT), bar_texts=tuple(texts),
        line=line_path(shares, share_top, SHARE_HEIGHT), share=share_of(window, row, domain), total=total, in_window=sum(stories),
    )  # fmt: skip


def _bin_name(last: int, size: int) -> str:
    if size == 1:
        return f"{week_name(last)} ({week_span(last)})"
    return f"{size} weeks to {week_name(last)}"


def _years(first: int, last: int, size: int, slots: int) -> list[Tick]:
    """Ticks where years begin, no more than fit; measured from the right, where the last bin is always full."""
    starts = year_starts(first, last)
    step = -(-len(starts) // _YEAR_TEXTS)
    marks: list[tuple[float, str]] = []
    for number, year in starts[::-1][::step][::-1] if step else []:
        at = slots - (last + 1 - number) / size
        # Text near the right edge would be cut off.
        if 0 <= at <= slots * 0.94:
            marks.append((round(at, 2), str(year)))
    return ticks(marks, slots) or [Tick(0, "0%", str(week_monday(first).year))]
