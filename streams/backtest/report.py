"""The back-test for people: a table on the terminal, and one HTML file with strips that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2

from models.labels import LABELS
from streams.backtest.aftermath import Aftermath, aftermath_of, delay_weeks
from streams.backtest.history import Reading
from streams.backtest.run import Alarm, BackTest, Week
from streams.clock import week_name, week_number
from streams.records import ALL_DOMAINS

TEMPLATE = Path(__file__).with_name("report.html")
HEIGHT, BAR_WIDTH = 46, 6
#: (most weeks of the archive, weeks that one bar stands for): a quarter of a century has to fit a page, too.
BAR_WEEKS = ((200, 1), (800, 4), (1 << 30, 13))
TOO_SPARSE = "too-sparse"
_STATUS_TONES = {"broken": "broken", "strengthening": "up", "weakening": "down", "stable": "stable", "emerging": "emerging"}


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a strip: where it stands, how high stories and signal are, in units; a text for the pointer."""

    x: int
    exposure: float
    stories: float
    text: str


@dataclass(frozen=True, slots=True)
class Strip:
    """One signal of one pair over the whole archive; `bands` are spans of one status, `marks` the breaks."""

    title: str
    width: int
    bars: Sequence[Bar]
    bands: Sequence[tuple[float, float, str, str]]
    marks: Sequence[tuple[float, str, str]]


@dataclass(frozen=True, slots=True)
class Row:
    """One alarm of the table."""

    alarm: Alarm
    delay: int
    after: Aftermath


def alarms_table(found: BackTest) -> str:
    """The alarms by date: delay, size, whether it was reported among all, and what came after."""
    head = f"{'said':<11} {'pair':<9} {'signal':<20} {'domain':<9} {'since':<9} {'weeks':>5} {'size':>7} {'90 % interval':<15} {'p':>5} {'reported':<11} after"
    return "\n".join([head, *(_line(alarm) for alarm in found.alarms)]) if found.alarms else "No break was said."


def pairs_as_dicts(found: BackTest) -> list[dict[str, object]]:
    """Each pair: stories in its closed weeks, and for each signal the stories with it and the weeks in which it could be judged."""
    return [
        {
            "pair": pair, "weeks": max(map(len, signals.values())), "exposure": max(sum(week.exposure for week in weeks) for weeks in signals.values()),
            "signals": {
                signal: {"stories": sum(week.stories for week in weeks), "judged_weeks": sum(week.status != TOO_SPARSE for week in weeks)}
                for signal, weeks in signals.items()
            },
        }
        for pair, signals in sorted(found.weeks.items())
    ]  # fmt: skip


def pairs_table(found: BackTest) -> str:
    """What there was to judge: where a signal is too sparse for all of the time, no break can be said, whatever happened."""
    labels = [str(label) for label in LABELS]
    lines = [f"{'pair':<10} {'weeks':>6} {'stories':>8}" + "".join(f" {label:>26}" for label in labels)]
    for row in pairs_as_dicts(found):
        signals: dict[str, dict[str, int]] = row["signals"]  # type: ignore[assignment]
        cells = "".join(f" {_judged(signals[label]):>26}" for label in labels)
        lines.append(f"{row['pair']:<10} {row['weeks']:>6} {row['exposure']:>8}{cells}")
    return "\n".join(lines)


def _judged(signal: dict[str, int]) -> str:
    return f"{signal['stories']} ({signal['judged_weeks']} weeks judged)"


def _line(alarm: Alarm) -> str:
    said, after = alarm.said, aftermath_of(alarm)
    kept = f"{after.word}, {after.kept:.0%} of the shift kept over {after.weeks} weeks" if after.kept is not None else after.word
    interval = f"{said.size_low:.2f} to {said.size_high:.2f}"
    return (
        f"{alarm.at:%Y-%m-%d}  {alarm.pair:<9} {alarm.series[0]:<20} {alarm.series[1]:<9} {said.start:<9} {delay_weeks(alarm):>5} "
        f"x{said.size:>6.2f} {interval:<15} {said.probability:>5.2f} {f'{alarm.reported:%Y-%m-%d}' if alarm.reported else 'no':<11} {kept}"
    )


def html_report(found: BackTest, reading: Reading, title: str) -> str:
    """One HTML page; every text that came from the archive is escaped."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    rows = [Row(alarm, delay_weeks(alarm), aftermath_of(alarm)) for alarm in found.alarms]
    span = f"{week_name(found.first)} to {week_name(found.last)}" if found.last >= 0 else "no week"
    pairs = [(pair, strips) for pair in sorted(found.weeks) if (strips := _strips(found, pair))]
    return template.render(
        title=title, reading=reading, rows=rows, span=span, pairs=pairs, height=HEIGHT, bar_weeks=_bar_weeks(found)
    )


def _strips(found: BackTest, pair: str) -> list[Strip]:
    """The signals of a pair that ever were more than too sparse, or broke in any domain."""
    strips = []
    for signal, weeks in found.weeks[pair].items():
        alarms = [alarm for alarm in found.alarms if (alarm.pair, alarm.series[0]) == (pair, signal)]
        if alarms or any(week.status != TOO_SPARSE for week in weeks):
            strips.append(_strip(found, signal, weeks, alarms))
    return strips


def _strip(found: BackTest, signal: str, weeks: Sequence[Week], alarms: Sequence[Alarm]) -> Strip:
    size = _bar_weeks(found)

    def x_of(week: int) -> float:
        return (week - found.first) / size * BAR_WIDTH

    parts: dict[int, list[Week]] = {}
    for week in weeks:
        parts.setdefault((week.number - found.first) // size, []).append(week)
    top = max((sum(week.stories for week in part) for part in parts.values()), default=0) or 1
    busiest = max((sum(week.exposure for week in part) for part in parts.values()), default=0) or 1
    bars = [
        Bar(
            at * BAR_WIDTH, HEIGHT * sum(week.exposure for week in part) / busiest, HEIGHT * sum(week.stories for week in part) / top,
            f"{week_name(part[0].number)} on: {sum(week.stories for week in part)} of {sum(week.exposure for week in part)} stories",
        )
        for at, part in sorted(parts.items())
    ]  # fmt: skip
    marks = [
        (x_of(week_number(alarm.said.start)), alarm.said.direction, f"{alarm.said.start}: {alarm.said.direction} x{alarm.said.size:.2f}")
        for alarm in alarms if alarm.series[1] == ALL_DOMAINS
    ]  # fmt: skip
    bands = [
        (x_of(first), x_of(last + 1) - x_of(first), _STATUS_TONES[status], f"{status}, {week_name(first)} to {week_name(last)}")
        for first, last, status in _spans(weeks)
    ]
    return Strip(signal, int(x_of(found.last + 1)) + 1, bars, bands, marks)


def _bar_weeks(found: BackTest) -> int:
    return next(size for most, size in BAR_WEEKS if found.last - found.first < most)


def _spans(weeks: Sequence[Week]) -> list[tuple[int, int, str]]:
    """(first week, last week, status) of each span of one status that is more than too sparse."""
    spans: list[tuple[int, int, str]] = []
    for week in weeks:
        if week.status == TOO_SPARSE:
            continue
        if spans and spans[-1][2] == week.status and spans[-1][1] == week.number - 1:
            spans[-1] = (spans[-1][0], week.number, week.status)
        else:
            spans.append((week.number, week.number, week.status))
    return spans
