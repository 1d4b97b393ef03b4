"""What the reader asked for: domain, week, range, page; read from a query string and written into links. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from streams.board.charts import DEFAULT_RANGE, RANGES
from streams.board.counts import BOARD_DOMAINS
from streams.board.weeks import LAST_WEEK, week_name, week_number
from streams.errors import BellwetherError
from streams.records import ALL_DOMAINS

#: Windows look back from a week; the first weeks of the calendar would reach before its beginning.
FIRST_WEEK = week_number("1800-W01")


class BadRequestError(BellwetherError):
    """A question that can't be answered as it was asked: status 400."""


class NotFoundError(BellwetherError):
    """Something that is not there: status 404."""


@dataclass(frozen=True, slots=True)
class View:
    """What is looked at.

    Attributes:
        domain: one of `BOARD_DOMAINS`.
        until: number of the last week shown.
        is_newest: whether `until` is the newest week because none was asked for.
        chart_range: a key of `RANGES`.
    """

    domain: str
    until: int
    is_newest: bool
    chart_range: str = DEFAULT_RANGE

    def link(
        self, path: str = "", *, domain: str | None = None, until: int | str | None = None, chart_range: str | None = None,
        more: Mapping[str, str] | None = None,
    ) -> str:  # fmt: skip
        """A link that keeps what is looked at but for what is given; `until=""` goes to the newest week, `more` is added."""
        asked: dict[str, str] = {}
        if (domain or self.domain) != ALL_DOMAINS:
            asked["domain"] = domain or self.domain
        if isinstance(until, int):
            asked["until"] = week_name(until)
        elif until is None and not self.is_newest:
            asked["until"] = week_name(self.until)
        if (chart_range or self.chart_range) != DEFAULT_RANGE:
            asked["weeks"] = chart_range or self.chart_range
        asked |= more or {}
        return f"{path}?{urlencode(asked)}" if asked else path or "?"


def shorter(query: Mapping[str, str]) -> str | None:
    """The query without what was left empty, as a form sends it; None when nothing was."""
    if "" not in query.values():
        return None
    return urlencode({name: value for name, value in query.items() if value})


def read_view(query: Mapping[str, str], newest: int) -> View:
    """The view that a query string asks for; `newest` is the week to end at when it names none.

    Raises:
        BadRequestError: if a value is not one of those that there are.
    """
    until = read_week(query, "until")
    chart_range = query.get("weeks") or DEFAULT_RANGE
    if chart_range not in RANGES:
        raise BadRequestError(
            f"no such range: {chart_range[:40]!r}", where="weeks", expected=", ".join(RANGES), todo="choose one of these"
        )
    return View(read_domain(query), newest if until is None else until, until is None, chart_range)


def read_domain(query: Mapping[str, str]) -> str:
    """The domain asked for; all of them when none is.

    Raises:
        BadRequestError: if there is no such domain.
    """
    domain = query.get("domain") or ALL_DOMAINS
    if domain not in BOARD_DOMAINS:
        raise BadRequestError(
            f"no such domain: {domain[:40]!r}", where="domain", expected=", ".join(BOARD_DOMAINS), todo="choose one of these"
        )
    return domain


def read_week(query: Mapping[str, str], name: str) -> int | None:
    """The number of the week that a parameter names; None when it is not there or empty.

    Raises:
        BadRequestError: if it is not an ISO week.
    """
    text = query.get(name, "").strip()
    if not text:
        return None
    try:
        number = week_number(text)
    except ValueError:
        number = -1
    if not FIRST_WEEK <= number <= LAST_WEEK:
        raise BadRequestError(
            f"not a week: {text[:40]!r}", where=name, expected="an ISO week such as 2017-W31", todo="write it in that way"
        )
    return number


def read_whole(query: Mapping[str, str], name: str, default: int, highest: int) -> int:
    """A whole number from 1 to `highest`.

    Raises:
        BadRequestError: if it is not one.
    """
    text = query.get(name, "") or str(default)
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= highest):
        raise BadRequestError(
            f"not a number in range: {text[:40]!r}", where=name, expected=f"1 to {highest}", todo="choose one in that range"
        )  # fmt: skip
    return int(text)
