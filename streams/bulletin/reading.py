"""The sentences that read the figures: against which base, how the trend stands, what would change that. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from streams.bulletin.figures import PairFigures, SignalFigures, Span, Turn
from streams.bulletin.wording import Words, capital
from streams.clock import week_number
from streams.records import TrendStanding
from streams.trends.status import SPARSE_COUNTS_A_WEEK
from streams.trends.survival import LONGEST_AGE

TOO_SPARSE = "too-sparse"
#: A break is told of for so many weeks after its alarm.
YEAR_WEEKS = 52
#: A share and the ends of its interval, 0 to 1.
Interval = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Row:
    """One signal of a chart: the recent span and the past one (None without news in it), and both shares in words."""

    name: str
    spans: tuple[Interval | None, Interval | None]
    shares: str


@dataclass(frozen=True, slots=True)
class Bars:
    """Shares with their intervals, to be drawn: the names of the recent and the past span, and the ends of the axis in words."""

    names: tuple[str, str]
    rows: tuple[Row, ...]
    zero: str
    most: str


def reading_lines(pair: PairFigures, words: Words) -> Iterator[str]:
    """Which way the signals lean, and each one's share against the pair's own past."""
    if not pair.as_of:
        yield words.say("reading.unjudged")
        return
    yield words.say(
        f"reading.{_direction(pair)}", source=words.name(pair.source), partner=words.name(pair.partner), last=pair.week
    )
    for signal in pair.signals:
        if signal.recent.stories or signal.past.stories or signal.stories:
            yield _share_line(signal, words)


def bars_of(pair: PairFigures, words: Words) -> Bars | None:
    """The shares of the sentences above, as a chart; None where there are none."""
    told = [signal for signal in pair.signals if signal.recent.stories or signal.past.stories] if pair.as_of else []
    if not told:
        return None
    rows = tuple(
        Row(capital(words.word("labels", one.label)), (_interval(one.recent), _interval(one.past)), _shares(one, words))
        for one in told
    )
    most = max(span[2] for row in rows for span in row.spans if span is not None)
    return Bars((_weeks(told[0].recent), _weeks(told[0].past)), rows, words.percent(0), words.percent(most))


def _interval(span: Span) -> Interval | None:
    return None if span.share is None or span.low is None or span.high is None else (span.share, span.low, span.high)


def _shares(signal: SignalFigures, words: Words) -> str:
    shares = [words.percent(span.share) for span in (signal.past, signal.recent) if span.share is not None]
    return " → ".join(shares)


def _weeks(span: Span) -> str:
    return f"{span.first} – {span.last}" if span.first else ""


def _direction(pair: PairFigures) -> str:
    if pair.leading is None:
        return "none"
    way = "towards" if pair.leading else "away"
    return way if pair.counter is None else f"both_{way}"


def _share_line(signal: SignalFigures, words: Words) -> str:
    parts = [_span_line("recent" if signal.recent.share is not None else "no_news", signal.label, signal.recent, words)]
    parts.append(
        _span_line("past", signal.label, signal.past, words) if signal.past.share is not None else words.say("reading.no_past")
    )
    line = "; ".join(parts)
    if signal.recent.share is None or signal.past.share is None:
        return f"{line}."
    return f"{line}: {words.word('against', signal.against)}."


def _span_line(key: str, label: str, span: Span, words: Words) -> str:
    return words.say(
        f"reading.{key}", signal=words.word("labels", label), share=words.percent(span.share), first=span.first, last=span.last,
        stories=words.whole(span.stories), exposure=words.whole(span.exposure), low=words.percent(span.low), high=words.percent(span.high),
    )  # fmt: skip


def status_lines(pair: PairFigures, words: Words) -> Iterator[str]:
    """How each trend stands, how likely it is to last, and where it broke."""
    if pair.as_of and pair.as_of != pair.week:
        yield words.say("status.asof", as_of=pair.as_of)
    sparse = [signal for signal in pair.signals if signal.standing is not None and is_sparse(signal.standing)]
    for signal in pair.signals:
        if signal.standing is None:
            continue
        name = words.word("labels", signal.label)
        if signal not in sparse:
            yield _status_line(signal.standing, name, words)
        yield from _break_lines(signal, signal.standing, name, words)
    if sparse:
        names = words.listed([words.word("labels", signal.label) for signal in sparse])
        rates = "; ".join(words.decimal(signal.standing.rate, 2) for signal in sparse if signal.standing is not None)
        yield words.say("status.sparse", signal=names, rate=rates)


def is_sparse(one: TrendStanding) -> bool:
    """Whether a series is not judged because there are too few stories with the signal, not because there was no news at all."""
    return one.status == TOO_SPARSE and one.rate < SPARSE_COUNTS_A_WEEK


def _status_line(one: TrendStanding, name: str, words: Words) -> str:
    if one.status == TOO_SPARSE:
        return words.say("status.sparse_silent", signal=name)
    age = words.count("week", one.age_weeks)
    return words.say(
        "status.judged", signal=name, trend=words.word("trends", one.status), likely=words.likely(one.persistence_4),
        age=words.say("status.or_more", age=age) if one.age_weeks >= LONGEST_AGE else age,
        p4=words.probability(one.persistence_4), p8=words.probability(one.persistence_8),
    )  # fmt: skip


def _break_lines(signal: SignalFigures, one: TrendStanding, name: str, words: Words) -> Iterator[str]:
    found = [("said", each) for each in signal.said]
    if one.breaks and not found and week_number(one.week) - week_number(one.breaks[-1].alarm) < YEAR_WEEKS:
        found = [("broke", one.breaks[-1])]
    for key, each in found:
        yield words.say(
            f"status.{key}", signal=name, start=each.start, alarm=each.alarm, size=words.decimal(each.size, 2), low=words.decimal(each.size_low, 2),
            high=words.decimal(each.size_high, 2), weeks_for=words.count("week", each.weeks_for),
            weeks_against=words.whole(each.weeks_against), p=words.probability(each.probability),
        )  # fmt: skip
    if one.early:
        yield words.say("status.early", signal=name, week=one.early.week, p=words.probability(one.early.probability))


def _turn_phrase(turn: Turn) -> str:
    return "up" if turn.upwards else "down" if turn.stories else "without"


def change_lines(pair: PairFigures, words: Words) -> Iterator[str]:
    """What a reader should watch for: the numbers of stories at which a status would be another one."""
    judged = [signal for signal in pair.signals if signal.standing is not None and signal.standing.status != TOO_SPARSE]
    for signal in judged:
        name = words.word("labels", signal.label)
        for turn in signal.turns:
            yield words.say(
                f"change.{_turn_phrase(turn)}", signal=name, status=words.word("statuses", turn.status),
                stories=words.whole(turn.stories), exposure=words.count("story_of", turn.exposure),
            )  # fmt: skip
        if not signal.turns:
            yield words.say("change.nothing", signal=name)
    sparse = [words.word("labels", s.label) for s in pair.signals if s.standing is not None and is_sparse(s.standing)]
    if sparse:
        yield words.say("change.sparse", signals=capital(words.listed(sparse)))
