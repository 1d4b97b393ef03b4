"""Publication dates in the forms that feeds and archives really use, read into aware UTC. Pure; asks no clock.

A date that names no day (a year, a month) is not a date here: it would put an article into a week that nobody stated.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

MAX_DATE_CHARS = 100
_ZONE = re.compile(r"\s*\(?(?<![A-Za-z])(?P<name>[A-Z]{1,5}|МСК)\b\)?\s*$")
#: `GMT+3`, `UTC+0300`: an offset with a name before it.
_NAMED_OFFSET = re.compile(r"(?<![A-Za-z])(?:GMT|UTC)\s?(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>\d{2}))?\s*$")
_WEEK = re.compile(r"\d{4}-?W\d{2}")
_LEAP_SECOND = re.compile(r"(?<=\d:\d\d):60(?!\d)")
_MIDNIGHT = re.compile(r"(?<![\d+-])24(?=:00(?!\d))")
_CLOCK = (
    r"(?:[,،]?\s*(?:T|at|um|в|у|à|a las|[-\u2013|])?\s*(?P<hour>\d{1,2})\s?[:.h时時시点點]\s?(?P<minute>\d{2})[分분]?"
    r"(?::(?P<second>\d{2})(?:\.\d+)?)?\s*(?P<half>[ap]\.?m\b\.?)?)?\s*(?P<offset>[+-]\d{2}:?\d{2})?\s*$"
)
_WEEKDAY = r"(?:\s?[(（][^\W\d_]{1,3}[)）])?"
_SLASHED = re.compile(r"(?P<first>\d{1,2})(?P<mark>[./-])(?P<second_>\d{1,2})(?P=mark)(?P<year>\d{4})" + _CLOCK, re.IGNORECASE)
_YEAR_FIRST = re.compile(
    r"(?P<year>\d{4})(?P<mark>[./-])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})" + _WEEKDAY + _CLOCK, re.IGNORECASE
)
_EAST_ASIAN = re.compile(
    r"(?P<year>\d{4})\s?[年년]\s?(?P<month>\d{1,2})\s?[月월]\s?(?P<day>\d{1,2})\s?[日일]" + _WEEKDAY + _CLOCK, re.IGNORECASE
)
_MONTH = r"(?P<month>[^\W\d_]{3,12})\.?"
_DAY = r"(?P<day>\d{1,2})(?:st\b|nd\b|rd\b|th\b|er\b|\.|º)?"
_YEAR = r"(?P<year>\d{4})(?:\s*(?:года|року|г\.|р\.))?"
_WORDED = tuple(
    re.compile(r"(?:[^\W\d_]{2,12}\.?[,،]?\s+)?" + words + _CLOCK, re.IGNORECASE)
    for words in (
        rf"{_DAY}\s+(?:de\s+|of\s+)?{_MONTH},?\s+(?:de\s+)?{_YEAR}", rf"{_MONTH}\s+{_DAY},?\s+{_YEAR}", rf"{_YEAR}\s+{_MONTH}\s+{_DAY}"
    )
)  # fmt: skip

#: How the months begin in the languages of the feeds, from January on. French June and July need one letter more.
_MONTHS = {
    start: number
    for number, starts in enumerate(
        (
            "jan jän ene gen sty oca янв сту січ ιαν ينا", "feb fév fev lut şub фев лют φεβ فبر", "mar mär мар сак бер μαρ μάρ مار",
            "apr avr abr kwi nis апр кра кві απρ أبر", "may mai mag maj мая май тра μαΐ μάι ماي", "jun juin giu cze haz июн чэр чер ιουν يوني",
            "jul juil lug lip tem июл ліп лип ιουλ يولي", "aug aoû aou ago sie ağu авг жні сер αυγ αύγ أغس", "sep set wrz eyl сен вер σεπ سبت",
            "oct okt ott out paź eki окт кас жов οκτ أكت", "nov lis kas ноя ліс лис νοε νοέ نوف", "dec dez déc dic gru ara дек сне гру δεκ ديس",
        ),
        1,
    )
    for start in starts.split()
}  # fmt: skip

#: Hours from UTC of the zone names that news feeds write out; ambiguous ones (IST, BST of Bangladesh...) take their common meaning.
_ZONE_HOURS = {
    "UTC": 0.0, "GMT": 0.0, "Z": 0.0, "UT": 0.0, "WET": 0.0, "WEST": 1.0, "BST": 1.0, "CET": 1.0, "CEST": 2.0, "MEZ": 1.0, "MESZ": 2.0,
    "EET": 2.0, "EEST": 3.0, "MSK": 3.0, "МСК": 3.0, "MSD": 4.0, "TRT": 3.0, "SAMT": 4.0, "YEKT": 5.0, "IST": 5.5, "ALMT": 6.0, "HKT": 8.0, "SGT": 8.0,
    "JST": 9.0, "KST": 9.0, "AEST": 10.0, "AEDT": 11.0, "EST": -5.0, "EDT": -4.0, "CST": -6.0, "CDT": -5.0, "MST": -7.0, "MDT": -6.0,
    "PST": -8.0, "PDT": -7.0,
}  # fmt: skip


def read_date(value: object) -> datetime | None:
    """The aware UTC time that `value` states, or None if it states none. A time without a zone counts as UTC.

    Args:
        value: ISO 8601, RFC 2822, `2 August 2017`, `August 2, 2017 10:00 am`, `2 августа 2017 г., 10:00` (months in a dozen languages),
            `2017/08/02`, `2017年8月2日`, `02.08.2017` (day first; with slashes only where day and month can't be mistaken), or seconds (milliseconds
            from 13 digits on) since 1970.

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
    if not text.isascii():
        # Arabic, Persian and other digits.
        text = re.sub(r"\d", lambda found: str(int(found[0])), text)
    if text.isascii() and text.isdigit():
        return _from_digits(text)
    text, leaps = _LEAP_SECOND.subn(":59", text)
    text, midnights = _MIDNIGHT.subn("00", text)
    moment = _from_forms(_NAMED_OFFSET.sub(_plain_offset, text))
    return None if moment is None else moment + timedelta(days=midnights, seconds=leaps)


def _plain_offset(found: re.Match[str]) -> str:
    return f" {found['sign']}{int(found['hours']):02}{found['minutes'] or '00'}"


def _from_forms(text: str) -> datetime | None:
    # Words before RFC 2822: the library's reader of that takes 10:00 PM for the morning.
    for read in (_from_iso, _from_words, _from_rfc2822, _from_figures):
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
    if _WEEK.fullmatch(text):
        raise ValueError
    if text.endswith(("Z", "z")):
        return datetime.fromisoformat(text.upper())
    bare, zone = _split_zone(text)
    moment = datetime.fromisoformat(bare)
    return moment.replace(tzinfo=zone) if zone is not None and moment.tzinfo is None else moment


def _from_rfc2822(text: str) -> datetime | None:
    bare, zone = _split_zone(text)
    moment = parsedate_to_datetime(bare)
    return moment.replace(tzinfo=zone) if zone is not None and moment.tzinfo is None else moment


def _from_figures(text: str) -> datetime | None:
    bare, zone = _split_zone(text)
    found = _YEAR_FIRST.match(bare) or _EAST_ASIAN.match(bare)
    if found is not None:
        return _moment(found, int(found["month"]), int(found["day"]), zone)
    found = _SLASHED.match(bare)
    if found is None:
        return None
    first, second = int(found["first"]), int(found["second_"])
    if found["mark"] == "." or first > 12:
        return _moment(found, second, first, zone)
    if second > 12 or first == second:
        return _moment(found, first, second, zone)
    return None


def _from_words(text: str) -> datetime | None:
    bare, zone = _split_zone(text)
    for form in _WORDED:
        found = form.match(bare)
        if found is not None:
            word = found["month"].casefold()
            month = _MONTHS.get(word[:4]) or _MONTHS.get(word[:3])
            return None if month is None else _moment(found, month, int(found["day"]), zone)
    return None


def _moment(found: re.Match[str], month: int, day: int, zone: timezone | None) -> datetime:
    hour, half = int(found["hour"] or 0), (found["half"] or "").lower()
    if half:
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    offset = found["offset"]
    if offset:
        minutes = int(offset[1:3]) * 60 + int(offset[-2:])
        zone = timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))
    return datetime(
        int(found["year"]), month, day, hour, int(found["minute"] or 0), int(found["second"] or 0), tzinfo=zone or UTC
    )
