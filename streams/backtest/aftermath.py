"""What came after a break: whether the new level lasted, in words and numbers. Looks ahead, and is said apart from the alarm. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

from streams.backtest.run import Alarm
from streams.clock import format_utc, week_number

#: Weeks after the alarm that are looked at.
AFTER_WEEKS = 26
LEAST_WEEKS = 8
LASTED, FADED = 0.5, 0.25


@dataclass(frozen=True, slots=True)
class Aftermath:
    """The half year after an alarm.

    Attributes:
        weeks: closed weeks that were seen of it.
        stories, exposure: counted in them.
        kept: how much of the shift (of the log-share) they keep, 1 for all of it; None when too little was seen.
        word: `lasted` with at least half of the shift, `faded` with less than a quarter, else `partly`; `unknown`.
    """

    weeks: int
    stories: int
    exposure: int
    kept: float | None
    word: str


def aftermath_of(alarm: Alarm) -> Aftermath:
    """What the weeks after the alarm say of it."""
    last = week_number(alarm.said.alarm) + AFTER_WEEKS
    weeks = [week for week in alarm.later if week.number <= last]
    stories, exposure = sum(week.stories for week in weeks), sum(week.exposure for week in weeks)
    before = alarm.share / alarm.said.size
    if len(weeks) < LEAST_WEEKS or exposure == 0 or before <= 0:
        return Aftermath(len(weeks), stories, exposure, None, "unknown")
    kept = log((stories + 0.5) / exposure / before) / log(alarm.said.size)
    return Aftermath(
        len(weeks), stories, exposure, round(kept, 2), "lasted" if kept >= LASTED else "faded" if kept < FADED else "partly"
    )


def delay_weeks(alarm: Alarm) -> int:
    """Weeks from the first one of the new level to the alarm, both counted."""
    return week_number(alarm.said.alarm) - week_number(alarm.said.start) + 1


def as_dict(alarm: Alarm) -> dict[str, object]:
    """An alarm as JSON has it: what was said then, and apart from it what came after."""
    after = aftermath_of(alarm)
    said = alarm.said
    return {
        "pair": alarm.pair, "signal": alarm.series[0], "domain": alarm.series[1], "at": format_utc(alarm.at), "start": said.start,
        "alarm": said.alarm, "delay_weeks": delay_weeks(alarm), "direction": said.direction, "p": said.probability, "size": said.size,
        "size_low": said.size_low, "size_high": said.size_high, "weeks_for": said.weeks_for, "weeks_against": said.weeks_against,
        "reported_at": format_utc(alarm.reported) if alarm.reported else None,
        "evidence": [
            {"week": item.week, "side": item.side, "article_id": item.article_id, "title": item.title, "url": item.url} for item in said.evidence
        ],
        "after": {
            "weeks": after.weeks, "stories": after.stories, "exposure": after.exposure, "kept": after.kept, "word": after.word
        },
    }  # fmt: skip
