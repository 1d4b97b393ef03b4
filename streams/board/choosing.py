"""What a reader of the overview chose besides domain and week: which pairs, and in which order; read from a query and written into links. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from models.labels import LABELS
from streams.board.view import BadRequestError, View, read_whole
from streams.metrics import STATUS_NAMES

#: How pairs can be sorted, and how that reads. The first is the usual one.
SORTS: dict[str, str] = {
    "list": "Watchlist", "break": "Newest break", "share": "Highest share", "change": "Largest change", "stories": "Most stories",
    "name": "Name",
}  # fmt: skip
#: Rows of one page of the table.
PAGE_ROWS = 50
MOST_PAGES = 1_000
#: Longest text that is searched for.
MOST_CHARS = 60


@dataclass(frozen=True, slots=True)
class Choice:
    """Which pairs are shown, and how they are sorted; the empty text stands for any.

    Attributes:
        find: beginnings of names or codes that a pair must have, all of them.
        signal: the signal that `status` and `sort` are about.
        status: the status that a signal of the pair must have.
        sort: a key of `SORTS`.
        page: from 1 on.
    """

    find: str = ""
    signal: str = ""
    status: str = ""
    sort: str = "list"
    page: int = 1

    @property
    def narrows(self) -> bool:
        """Whether some pairs are left out."""
        return bool(self.find or self.status)

    @property
    def is_usual(self) -> bool:
        """Whether pairs stand as they do without any choice."""
        return not self.narrows and self.sort == "list"

    @property
    def signals(self) -> tuple[str, ...]:
        """The signals that it is about."""
        return (self.signal,) if self.signal else tuple(map(str, LABELS))

    def link(self, view: View, *, domain: str | None = None, until: int | str | None = None, **changes: str | int) -> str:
        """A link to the overview that keeps view and choice but for what is given; another page only when `page` is given."""
        return view.link("/", domain=domain, until=until, more=replace(self, **{"page": 1, **changes}).parameters())  # type: ignore[arg-type]

    def parameters(self) -> dict[str, str]:
        """What stands in a query, without what is usual."""
        usual = asdict(Choice())
        return {name: str(value) for name, value in asdict(self).items() if value != usual[name]}


def without_standing(choice: Choice) -> Choice:
    """The choice without what only the newest week has: how series stand, and when they broke."""
    return replace(choice, status="", sort="list" if choice.sort == "break" else choice.sort)


def read_choice(query: Mapping[str, str]) -> Choice:
    """The choice that a query string asks for.

    Raises:
        BadRequestError: if a value is not one of those that there are.
    """
    return Choice(
        find=" ".join(query.get("find", "").split())[:MOST_CHARS],
        signal=read_one_of(query, "signal", tuple(map(str, LABELS))),
        status=read_one_of(query, "status", STATUS_NAMES),
        sort=read_one_of(query, "sort", tuple(SORTS)) or "list",
        page=read_whole(query, "page", 1, MOST_PAGES),
    )


def read_one_of(query: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    """The value of a parameter, one of `choices`; empty when it is not there or empty.

    Raises:
        BadRequestError: if it is another.
    """
    value = query.get(name, "")
    if value and value not in choices:
        raise BadRequestError(
            f"no such {name}: {value[:40]!r}", where=name, expected=", ".join(choices), todo="choose one of these"
        )
    return value
