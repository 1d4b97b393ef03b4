"""Every break of the shown pairs, newest first, and those that a reader chose. Pure.

A break is *reported* while it is active and among those that are reported when all are looked at together (`standings.py`): then there
is an alert. It is *active* while its series is `broken`, and *past* after that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal
from urllib.parse import urlencode

from models.labels import LABELS
from streams.board.choosing import MOST_CHARS, MOST_PAGES, read_one_of
from streams.board.counts import BOARD_DOMAINS
from streams.board.model import BoardModel
from streams.board.names import name_of
from streams.board.queries import LABEL_TITLES
from streams.board.standings import is_active
from streams.board.view import read_domain, read_whole
from streams.records import ALL_DOMAINS, TrendBreak, TrendStanding, split_pair

State = Literal["reported", "active", "past"]
STATES: tuple[State, ...] = ("reported", "active", "past")
DIRECTIONS = ("up", "down")
#: Breaks on one page.
PAGE_BREAKS = 40


@dataclass(frozen=True, slots=True)
class ListedBreak:
    """One break of one series, and what became of it.

    Attributes:
        standing: how the series stands now.
        is_newest: whether the series broke no more since.
    """

    pair: str
    found: TrendBreak
    standing: TrendStanding
    state: State
    is_newest: bool

    @property
    def names(self) -> tuple[str, str]:
        """`Belarus`, `Russia`."""
        source, partner = split_pair(self.pair)
        return name_of(source), name_of(partner)

    @property
    def signal(self) -> str:
        """The label."""
        return self.standing.signal

    @property
    def domain(self) -> str:
        """The domain; `all` for all together."""
        return self.standing.domain

    @property
    def key(self) -> str:
        """What it is known by, for ever: a series is told of at most one break a week."""
        return f"{self.pair}|{self.signal}|{self.domain}|{self.found.alarm}"

    @property
    def movement(self) -> str:
        """`rose to 3.0 times its level`, `fell to 0.4 times its level`."""
        return f"{'rose' if self.found.direction == 'up' else 'fell'} to {self.found.size:.1f} times its level"

    @property
    def headline(self) -> str:
        """`Belarus → Russia: hedging rose to 3.0 times its level`."""
        source, partner = self.names
        part = "" if self.domain == ALL_DOMAINS else f" ({self.domain})"
        return f"{source} → {partner}: {LABEL_TITLES[self.signal].lower()}{part} {self.movement}"


@dataclass(frozen=True, slots=True)
class BreakChoice:
    """Which breaks are shown; the empty text stands for any.

    Attributes:
        pair: a pair such as `BLR-RUS`; one that is not shown has no breaks.
        state: `now` for those that are reported or active.
        page: from 1 on.
    """

    domain: str = ALL_DOMAINS
    signal: str = ""
    state: str = ""
    direction: str = ""
    pair: str = ""
    page: int = 1

    def parameters(self) -> dict[str, str]:
        """What stands in a query, without what is usual."""
        usual = asdict(BreakChoice())
        return {name: str(value) for name, value in asdict(self).items() if value != usual[name]}

    def link(self, path: str = "/breaks", **changes: str | int) -> str:
        """A link that keeps the choice but for what is given; another page only when `page` is given."""
        asked = replace(self, **{"page": 1, **changes}).parameters()  # type: ignore[arg-type]
        return f"{path}?{urlencode(asked)}" if asked else path

    def means(self, one: ListedBreak) -> bool:
        """Whether a break is one of those asked for."""
        states = ("reported", "active") if self.state == "now" else (self.state or one.state,)
        wanted = (self.domain, self.signal or one.signal, self.direction or one.found.direction, self.pair or one.pair)
        return wanted == (one.domain, one.signal, one.found.direction, one.pair) and one.state in states


def read_break_choice(query: Mapping[str, str]) -> BreakChoice:
    """The choice that a query string asks for.

    Raises:
        BadRequestError: if a value is not one of those that there are.
    """
    return BreakChoice(
        domain=read_domain(query), signal=read_one_of(query, "signal", tuple(map(str, LABELS))),
        state=read_one_of(query, "state", ("now", *STATES)), direction=read_one_of(query, "direction", DIRECTIONS),
        pair=query.get("pair", "").strip().upper()[:MOST_CHARS], page=read_whole(query, "page", 1, MOST_PAGES),
    )  # fmt: skip


def all_breaks(model: BoardModel) -> list[ListedBreak]:
    """Every break of the shown pairs, those told last first, then by pair, signal and domain."""
    found = [one for pair in sorted(model.members_shown()) for one in _of_pair(model, pair)]
    return sorted(found, key=lambda one: one.found.alarm, reverse=True)


def _of_pair(model: BoardModel, pair: str) -> Iterator[ListedBreak]:
    held = model.standings(pair)
    for label in map(str, LABELS):
        for domain in BOARD_DOMAINS:
            one = held.get((label, domain))
            for number, found in enumerate(one.breaks if one else [], start=1):
                assert one is not None
                is_newest = number == len(one.breaks)
                yield ListedBreak(pair, found, one, _state(model, pair, one, is_newest=is_newest), is_newest)


def _state(model: BoardModel, pair: str, one: TrendStanding, *, is_newest: bool) -> State:
    if not (is_newest and is_active(one)):
        return "past"
    return "reported" if (pair, (one.signal, one.domain)) in model.reported() else "active"


@dataclass(frozen=True, slots=True)
class EarlyNews:
    """A running week that is out of the ordinary already; no alarm."""

    pair: str
    names: tuple[str, str]
    standing: TrendStanding


def early_news(model: BoardModel, domain: str) -> list[EarlyNews]:
    """The running weeks that are out of the ordinary, the most surely so first."""
    found = []
    for pair in model.pairs_shown():
        source, partner = split_pair(pair)
        held = model.standings(pair)
        found += [
            EarlyNews(pair, (name_of(source), name_of(partner)), one)
            for label in map(str, LABELS)
            if (one := held.get((label, domain))) and one.early
        ]
    return sorted(found, key=lambda one: -(one.standing.early.probability if one.standing.early else 0.0))


def of_domains(breaks: Sequence[ListedBreak]) -> dict[str, int]:
    """How many breaks are reported now, by domain."""
    counts = dict.fromkeys(BOARD_DOMAINS, 0)
    for one in breaks:
        counts[one.domain] += one.state == "reported"
    return counts
