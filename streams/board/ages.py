"""How long ago, in words: the largest unit that says it well enough. Pure."""

from __future__ import annotations

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
#: (from so many seconds on, seconds of the unit, its name).
_UNITS = (
    (2 * 365.25 * _DAY, 365.25 * _DAY, "year"), (60 * _DAY, 30.44 * _DAY, "month"), (14 * _DAY, 7 * _DAY, "week"), (2 * _DAY, _DAY, "day"),
    (2 * _HOUR, _HOUR, "hour"), (_MINUTE, _MINUTE, "minute"),
)  # fmt: skip


def age_text(seconds: float) -> str:
    """`3 years`, `5 weeks`, `90 minutes`; rounded down, and `less than a minute` for less.

    >>> age_text(5400), age_text(86_400 * 20), age_text(59)
    ('90 minutes', '2 weeks', 'less than a minute')
    """
    for least, unit, name in _UNITS:
        if seconds >= least:
            number = int(seconds // unit)
            return f"{number} {name}" if number == 1 else f"{number} {name}s"
    return "less than a minute"
