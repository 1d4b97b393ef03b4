"""A pair's calm weeks, a jump in one of its signals, and the weeks after: articles that make a break, and let it settle."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from streams.clock import week_start, weeks_between
from tests.helpers.standings import own_words

CALM = weeks_between("2016-W01", "2016-W40")
JUMP = weeks_between("2016-W41", "2016-W47")
AFTER = weeks_between("2016-W48", "2017-W12")
ABOUT = 20


def items(weeks: list[str], told: int) -> list[dict[str, Any]]:
    """Every week 20 stories about Belarus and Russia, so many of them (give or take one) of working together."""
    found = []
    for at, week in enumerate(weeks):
        for number in range(ABOUT):
            day = week_start(week) + timedelta(days=number * 7 // ABOUT)
            exercise = number < told + (at * 7) % 3 - 1
            title = "Belarus and Russia hold joint exercise" if exercise else "Chess"
            text = (
                f"Belarus and Russia began joint military exercise number {number} of {week} near Brest, both defence ministries said."
                if exercise
                else f"A chess player from Belarus lost to a player from Russia in round {number} of the cup of {week}."
            )
            address = f"https://news.invalid/{week}/{number}"
            found.append(
                {
                    "id": f"{week}-{number}",
                    "title": title,
                    "text": f"{text} {own_words(week + str(number))}",
                    "published": f"{day}T12:00:00Z",
                    "url": address,
                }
            )
    return found
