"""Publication dates in the forms that feeds and archives really use, read into aware UTC. Pure; asks no clock.

A date that names no day (a year, a month) is not a date here: it would put an article into a week that nobody stated.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from functools import partial

MAX_DATE_CHARS = 100
_DIGITS = re.compile(r"\d+")
_WEEKDAY = re.compile(r"^[^\W\d_]{2,12}\.?,?\s+(?=[\d\w])")
_ZONE = re.compile(r"\s*\(?\b(?P<name>[A-Z]{1,5})\b\)?\s*$")
_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th)\b", re.IGNORECASE)
_SLASHED = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?:\D+(\d{1,2}):(\d{2})(?::(\d{2}))?)?")

#: Hours from UTC of the zone names that news feeds write out; ambiguous ones (IST, BST of Bangladesh...) take their common meaning.
_ZONE_HOURS = {
    "UTC": 0.0, "GMT": 0.0, "Z": 0.0, "UT": 0.0, "WET": 0.0, "WEST": 1.0, "BST": 1.0, "CET": 1.0, "CEST": 2.0, "MEZ": 1.0, "MESZ": 2.0,
    "EET": 2.0, "EEST": 3.0, "MSK": 3.0, "MSD": 4.0, "TRT": 3.0, "SAMT": 4.0, "YEKT": 5.0, "IST": 5.5, "ALMT": 6.0, "HKT": 8.0, "SGT": 8.0,
    "JST": 9.0, "KST": 9.0, "AEST": 10.0, "AEDT": 11.0, "EST": -5.0, "EDT": -4.0, "CST": -6.0, "CDT": -5.0, "MST": -7.0, "MDT": -6.0,
    "PST": -8.0, "PDT": -7.0,
}  # fmt: skip
_FORMS = (
    "%d %B %Y", "%d %b %Y", "%B %d, %Y", "%b %d, %Y", "%B %d %Y", "%b %d %Y", "%Y/%m/%d", "%Y.%m.%d", "%Y %b %d", "%Y %B %d",
)  # fmt: skip
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %H:%M %z", " %H:%M:%S %z")


def read_date(value: object) -> datetime | None:
    """The aware UTC time that `value` states, or None if it states none. A time without a zone counts as UTC.

    Args:
        value: ISO 8601, RFC 2822, `2 August 2017`, `August 2, 2017 10:00`, `2017/08/02`, `02.08.2017` (day first; with slashes
            only where day and month can't be mistaken), or seconds (milliseconds from 13 digits on) since 1970.

    >>> read_date("Wed, 02 Aug 2017 12:30:00 MSK")
    datetime.datetime(2017, 8, 2, 9, 30, tzinfo=datetime.timezone.utc)
    """
    if isinstance(value, bool) or value is None:
        return None
    try:
        moment = (
            _from_number(float(value))
            if isinstance(value, int | float)
            else _from_text(value)
            if isinstance(value, str)
            else None
        )
        if moment is None:
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _from_number(number: float) -> datetime:
    seconds = number / 1000 if abs(number) >= 100_000_000_000 else number
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def _from_text(value: str) -> datetime | None:
    text = value[: MAX_DATE_CHARS + 1].strip()
    if not text or len(text) > MAX_DATE_CHARS:
        return None
    if text.isascii() and text.isdigit():
        return _from_digits(text)
    for read in (_from_iso, _from_rfc2822, _from_slashed, _from_words):
        moment = _attempt(read, text)
        if moment is not None:
            return moment
    return None


def _attempt(read: Callable[[str], datetime | None], text: str) -> datetime | None:
    try:
        return read(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _from_form(form: str, text: str) -> datetime:
    return datetime.strptime(text, form)  # noqa: DTZ007 - the zone is found elsewhere, or is UTC


def _from_digits(text: str) -> datetime | None:
    if len(text) == 8:
        return _from_form("%Y%m%d", text)
    if len(text) == 14:
        return _from_form("%Y%m%d%H%M%S", text)
    if 9 <= len(text) <= 10 or len(text) in (12, 13):
        return _from_number(float(text))
    return None


def _split_zone(text: str) -> tuple[str, timezone | None]:
    # The library's reader knows the American names only and takes every other one for UTC: Moscow's news would be 3 h off.
    found = _ZONE.search(text)
    if found is None or found["name"] not in _ZONE_HOURS:
        return text, None
    return text[: found.start()], timezone(timedelta(hours=_ZONE_HOURS[found["name"]]))


def _from_iso(text: str) -> datetime:
    if text.endswith("Z"):
        return datetime.fromisoformat(text)
    bare, zone = _split_zone(text)
    moment = datetime.fromisoformat(bare)
    return moment.replace(tzinfo=zone) if zone is not None and moment.tzinfo is None else moment


def _from_rfc2822(text: str) -> datetime | None:
    bare, zone = _split_zone(text)
    moment = parsedate_to_datetime(bare)
    return moment.replace(tzinfo=zone) if zone is not None and moment.tzinfo is None else moment


def _from_slashed(text: str) -> datetime | None:
    found = _SLASHED.match(text)
    if found is None:
        return None
    first, second, year = int(found[1]), int(found[3]), int(found[4])
    if found[2] == "." or first > 12:
        day, month = first, second
    elif second > 12 or first == second:
        day, month = second, first
    else:
        return None
    return datetime(year, month, day, int(found[5] or 0), int(found[6] or 0), int(found[7] or 0), tzinfo=UTC)


def _from_words(text: str) -> datetime | None:
    bare, zone = _split_zone(_ORDINAL.sub("", text))
    plain = " ".join(bare.split())
    for candidate in dict.fromkeys((plain, _WEEKDAY.sub("", plain))):
        for form in _FORMS:
            for time_form in _TIMES:
                moment = _attempt(partial(_from_form, form + time_form), candidate)
                if moment is not None:
                    return moment.replace(tzinfo=zone) if zone is not None else moment
    return None
