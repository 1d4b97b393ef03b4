"""What a bulletin says, in numbers: frozen data, whatever the language and the form. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from streams.records import TrendBreak, TrendStanding, pair_key

#: `closed`: over, lateness included; `running`: its counts may still change; `ahead`: nothing so new has been read; `before`: older
#: than the pair's first news; `unknown`: no news of the pair stands at all.
State = Literal["closed", "running", "ahead", "before", "unknown"]
#: How the share of the recent weeks compares with the pair's own past; `unclear`: too few stories in either.
Against = Literal["above", "below", "usual", "unclear"]


@dataclass(frozen=True, slots=True)
class Span:
    """A share over a span of weeks.

    Attributes:
        first, last: ISO weeks, both included; empty where the span has no week.
        stories, exposure: with the signal, and about the pair.
        share, low, high: 0 to 1, with a 90 % interval; None without a story about the pair.
    """

    first: str
    last: str
    stories: int
    exposure: int
    share: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """What would change a status: `weeks` weeks of about `exposure` stories, `stories` of them (or more, or fewer) with the signal."""

    upwards: bool
    stories: int
    exposure: int
    weeks: int
    status: str


@dataclass(frozen=True, slots=True)
class Item:
    """One article behind a count, fit to be printed.

    Attributes:
        week: of its publication.
        url: http or https, without white space; empty where there is no such address.
        quote: at most 30 words of the sentence that drove the label.
        labels: (label, probability), the surest first.
    """

    week: str
    article_id: str
    title: str
    outlet: str
    url: str
    date: str
    quote: str
    terms: tuple[str, ...]
    labels: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class SignalFigures:
    """One signal of one pair.

    Attributes:
        stories, articles: of the week.
        domains: (domain, stories) of the week, the most first.
        recent, past: the last 13 closed weeks up to the week; the 52 before them.
        against: `recent` compared with `past`.
        standing: after the last closed week up to the week; None where none is closed.
        turns: what would change the status.
        said: breaks whose alarm was raised in the week.
    """

    label: str
    stories: int
    articles: int
    domains: tuple[tuple[str, int], ...]
    recent: Span
    past: Span
    against: Against
    standing: TrendStanding | None
    turns: tuple[Turn, ...] = ()
    said: tuple[TrendBreak, ...] = ()


@dataclass(frozen=True, slots=True)
class Rival:
    """What the source did in the week with a state that the partner regards as a rival: (label, stories), the most first."""

    code: str
    stories: int
    signals: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class PairFigures:
    """One pair's week.

    Attributes:
        stories, articles: about the pair, with or without a signal.
        week: which one.
        usual: stories about the pair a week, mean of the 26 weeks before; None in its first week.
        as_of: the last closed week up to the week, which the standings are of; empty where none is closed.
        base_weeks: weeks up to the week that its figures look back on.
        silent_weeks: of the 52 weeks up to the week, those without any signal.
        known_weeks: how many of those 52 the pair is known for.
        items: the most telling articles of the week; an article with several labels stands once.
        counter: the best article that speaks against the leading direction, of the week or of the 12 before it.
        leading: whether most signals of the last 13 weeks lean towards the partner; None where there is none.
    """

    source: str
    partner: str
    week: str
    state: State
    stories: int
    articles: int
    usual: float | None
    as_of: str
    base_weeks: int
    silent_weeks: int
    known_weeks: int
    signals: tuple[SignalFigures, ...]
    items: tuple[Item, ...]
    counter: Item | None
    leading: bool | None
    rivals: tuple[Rival, ...] = ()

    @property
    def key(self) -> str:
        """`BLR-RUS`."""
        return pair_key(self.source, self.partner)

    @property
    def signal_stories(self) -> int:
        """Stories with a signal, counted once for each signal."""
        return sum(signal.stories for signal in self.signals)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing of the week is to be told: no signal, and no break said."""
        return not self.signal_stories and not any(signal.said for signal in self.signals)


@dataclass(frozen=True, slots=True)
class Revision:
    """A count of a past week that late news has changed: stories then and now, with a label or (`exposure`) about the pair at all."""

    pair: str
    week: str
    what: str
    then: int
    now: int


@dataclass(frozen=True, slots=True)
class Bulletin:
    """A week.

    Attributes:
        week: empty where nothing has been read and none was asked for.
        state: of the week as a whole: `closed` when it is closed for every pair with news in it.
        newest: the newest week that has been read; empty where there is none.
        asked: the pair that was asked for; empty for all.
        pairs: the eventful ones first.
        quiet: keys of pairs without a signal, which have no figures of their own where all pairs were asked for.
        left_out: eventful pairs beyond the bound.
        since: the week of the earlier bulletin that was named; empty without one.
        revisions: what has changed of its counts.
    """

    week: str
    state: State
    newest: str
    asked: str
    pairs: tuple[PairFigures, ...]
    quiet: tuple[str, ...] = ()
    left_out: int = 0
    since: str = ""
    revisions: tuple[Revision, ...] = ()
