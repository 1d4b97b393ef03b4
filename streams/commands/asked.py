"""Weeks and pairs as a person writes them on the command line: checked before anything is read, wrong ones are wrong usage."""

from __future__ import annotations

import re
from contextlib import suppress

import click

FIRST_YEAR, LAST_YEAR = 1800, 2999
_PAIR = re.compile(r"[A-Z]{2,20}-[A-Z]{2,20}")


class WeekType(click.ParamType):
    """An ISO week such as 2017-W31."""

    name = "week"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The week, if there is such a one."""
        from streams.clock import week_number, week_start

        try:
            week_number(value)
            is_known = FIRST_YEAR <= week_start(value).year <= LAST_YEAR
        except (ValueError, OverflowError):
            is_known = False
        if not is_known:
            self.fail(f"{value[:40]!r} is no ISO week; expected one such as 2017-W31", param, ctx)
        return value


class PairType(click.ParamType):
    """A directed pair of states or blocs such as BLR-RUS."""

    name = "pair"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The pair, if both of its codes are known."""
        from models.actors import known_codes

        source, _, partner = value.partition("-")
        if not _PAIR.fullmatch(value) or source == partner:
            self.fail(f"{value[:40]!r} is no pair; expected source-partner, such as BLR-RUS", param, ctx)
        unknown = [code for code in (source, partner) if code not in known_codes()]
        if unknown:
            self.fail(
                f"{unknown[0]!r} is no code of a state or bloc; expected ISO 3166-1 alpha-3, or EU, NATO, CSTO, ...", param, ctx
            )
        return value


class SinceType(WeekType):
    """An ISO week, or a date such as 2017-07-31, which stands for its week."""

    name = "week or date"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The week."""
        from datetime import UTC, datetime

        from streams.clock import iso_week

        with suppress(ValueError):  # then it must be a week
            value = iso_week(datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC))
        return super().convert(value, param, ctx)


WEEK, PAIR, SINCE = WeekType(), PairType(), SinceType()
