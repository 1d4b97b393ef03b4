"""Which pairs the overview shows, in which order, and how many series stand how. Pure.

A summary of a pair costs a tenth of its drawn row, and is kept until the pair changes: so that a thousand pairs can be sorted in the
time of one page.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from models.labels import LABELS
from streams.board.choosing import Choice
from streams.board.counts import BOARD_DOMAINS, ROWS
from streams.board.model import BoardModel
from streams.board.names import name_of
from streams.board.queries import Share, share_of
from streams.board.weeks import SHARE_WEEKS
from streams.metrics import STATUS_NAMES
from streams.records import split_pair

#: Most summaries kept; one is about 1 kB.
MOST_SUMMARIES = 8_000
#: Statuses as an analyst looks for them: what asks for a look first.
BY_URGENCY = ("broken", "strengthening", "weakening", "emerging", "stable", "too-sparse")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Summary:
    """What a pair is sorted and chosen by.

    Attributes:
        words: of its codes and names, casefolded.
        shares: by signal, over 13 weeks.
        statuses: by signal; those without a closed week are missing.
        alarms: by signal: the week in which the newest break was told, such as `2017-W33`.
    """

    pair: str
    names: tuple[str, str]
    words: tuple[str, ...]
    stories: int
    shares: dict[str, Share]
    statuses: dict[str, str]
    alarms: dict[str, str]


class SummaryCache:
    """Summaries as last asked for; the model must be held still by the caller."""

    def __init__(self, model: BoardModel, at_most: int = MOST_SUMMARIES) -> None:
        self._model = model
        self._at_most = at_most
        self._held: OrderedDict[tuple[str, int, str, int], Summary] = OrderedDict()

    def get(self, pair: str, domain: str, until: int) -> Summary:
        """The summary of a pair in the weeks up to `until`."""
        key = (pair, self._model.pair_revision(pair), domain, until)
        found = self._held.pop(key, None) or summary_of(self._model, pair, domain, until)
        self._held[key] = found
        if len(self._held) > self._at_most:
            self._held.popitem(last=False)
        return found


def summary_of(model: BoardModel, pair: str, domain: str, until: int) -> Summary:
    """The summary of a pair in the weeks up to `until`."""
    at = BOARD_DOMAINS.index(domain)
    window = model.window(pair, until, 2 * SHARE_WEEKS)
    shares = {str(label): share_of(window, ROWS.index(label), at) for label in LABELS}
    standings = {label: one for (label, of), one in model.standings(pair).items() if of == domain}
    source, partner = split_pair(pair)
    names = (name_of(source), name_of(partner))
    return Summary(
        pair=pair, names=names, words=tuple(_WORD.findall(f"{source} {partner} {names[0]} {names[1]}".casefold())),
        stories=shares[LABELS[0]].exposure, shares=shares, statuses={label: one.status for label, one in standings.items()},
        alarms={label: one.breaks[-1].alarm for label, one in standings.items() if one.breaks},
    )  # fmt: skip


def chosen_pairs(summaries: Sequence[Summary], choice: Choice) -> list[str]:
    """The pairs that the choice asks for, in its order; ties in the order in which they come."""
    terms = _WORD.findall(choice.find.casefold())
    found = [one for one in summaries if _is_meant(one, choice, terms)]
    if number := _NUMBERS.get(choice.sort):
        found.sort(key=lambda one: number(one, choice))
    elif choice.sort == "name":
        found.sort(key=lambda one: one.names)
    elif choice.sort == "break":
        found.sort(key=lambda one: _newest_alarm(one, choice), reverse=True)
    return [one.pair for one in found]


def _is_meant(one: Summary, choice: Choice, terms: Sequence[str]) -> bool:
    if choice.status and choice.status not in (one.statuses.get(signal) for signal in choice.signals):
        return False
    return all(any(word.startswith(term) for word in one.words) for term in terms)


def _newest_alarm(one: Summary, choice: Choice) -> str:
    return max((one.alarms.get(signal, "") for signal in choice.signals), default="")


def _telling(one: Summary, choice: Choice) -> list[Share]:
    """The shares of enough stories to mean something."""
    return [share for signal in choice.signals if not (share := one.shares[signal]).is_thin]


def _by_share(one: Summary, choice: Choice) -> float:
    return -max((share.ratio or 0.0 for share in _telling(one, choice)), default=-1.0)


def _by_change(one: Summary, choice: Choice) -> float:
    return -max((abs(share.change or 0.0) for share in _telling(one, choice)), default=-1.0)


#: What each order but the two that go by text sorts by, the lowest first.
_NUMBERS: dict[str, Callable[[Summary, Choice], float]] = {
    "share": _by_share,
    "change": _by_change,
    "stories": lambda one, _: -one.stories,
}


@dataclass(frozen=True, slots=True)
class Tally:
    """How many series of the shown pairs stand how, in one domain: status, in the order of urgency -> signal -> series."""

    counts: dict[str, dict[str, int]]

    @property
    def judged(self) -> int:
        """Series with a status."""
        return sum(self.of(status) for status in self.counts)

    def of(self, status: str) -> int:
        """Series of a status."""
        return sum(self.counts[status].values())

    @property
    def telling(self) -> list[tuple[str, int]]:
        """(status, series) of those that are there and say something, in the order of urgency."""
        return [(status, self.of(status)) for status in self.counts if status != "too-sparse" and self.of(status)]


def tally(model: BoardModel, domain: str) -> Tally:
    """The tally of a domain."""
    counts = {status: dict.fromkeys(map(str, LABELS), 0) for status in BY_URGENCY if status in STATUS_NAMES}
    for pair in model.pairs_shown():
        for (label, of), one in model.standings(pair).items():
            if of == domain and one.status in counts:
                counts[one.status][label] += 1
    return Tally(counts)
