"""What each exported table holds, as flat rows; one place for the names, the types and the meaning of the columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from models.labels import LABELS
from streams.records import ALL_DOMAINS, Count, Signal, Trend, TrendStanding

Kind = Literal["text", "whole", "real"]
Row = tuple[str | int | float | None, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, what it holds, and what that means."""

    name: str
    kind: Kind
    meaning: str


@dataclass(frozen=True, slots=True)
class Table:
    """One table: what a row is, and its columns in order."""

    name: str
    row: str
    columns: tuple[Column, ...]


_PAIR = (
    Column("source", "text", "the state that leans"),
    Column("partner", "text", "the state that it leans to, or from"),
)
_SERIES = (
    *_PAIR,
    Column("signal", "text", "cooperation, symbolic-allegiance or hedging"),
    Column("domain", "text", "a domain, or all"),
)

FACTS = Table(
    "facts", "one label of one article about one pair; `signal` is empty for an article about the pair without a signal",
    (
        *_PAIR,
        Column("week", "text", "ISO week of the publication"),
        Column("published", "text", "UTC"),
        Column("article_id", "text", "the article"),
        Column("story_id", "text", "equal for copies"),
        Column("signal", "text", "cooperation, symbolic-allegiance, hedging, or empty"),
        Column("probability", "real", "0 to 1"),
        Column("domains", "text", "separated by spaces"),
        Column("evidence", "text", "the sentence; empty in a sealed week that does not cite it"),
        Column("terms", "text", "the words that weighed, separated by ` | `"),
        Column("title", "text", "empty in a sealed week that does not cite it"),
        Column("outlet", "text", "who published it"),
        Column("origin", "text", "whom the outlet has it from"),
        Column("url", "text", "where it stands"),
        Column("model", "text", "the model that labelled it"),
        Column("corrected", "text", "who corrected the labels; empty where they are the model's"),
    ),
)  # fmt: skip
TRENDS = Table(
    "trends", "one signal of one pair in one week and domain, also where it is zero",
    (
        *_SERIES,
        Column("week", "text", "ISO week"),
        Column("stories", "whole", "stories with the signal"),
        Column("articles", "whole", "articles with the signal, copies counted"),
        Column("stories_about", "whole", "stories about the pair: the denominator"),
        Column("articles_about", "whole", "articles about the pair"),
    ),
)  # fmt: skip
STANDINGS = Table(
    "standings", "how one series stands after its last closed week",
    (
        *_SERIES,
        Column("week", "text", "the last closed week"),
        Column("status", "text", "see docs/breaks.md"),
        Column("age_weeks", "whole", "weeks for which it has been so; 12 means 12 or more"),
        Column("share", "real", "of the last 13 weeks with news"),
        Column("share_low", "real", "lower end of its 90 % interval"),
        Column("share_high", "real", "upper end"),
        Column("rate", "real", "stories with the signal a week"),
        Column("persistence_4", "real", "probability that the status holds 4 weeks on"),
        Column("persistence_8", "real", "the same for 8 weeks"),
    ),
)  # fmt: skip
BREAKS = Table(
    "breaks", "one break of one series",
    (
        *_SERIES,
        Column("start", "text", "first week of the new level"),
        Column("alarm", "text", "the closed week whose counts raised the alarm"),
        Column("direction", "text", "up or down"),
        Column("size", "real", "share after / share before"),
        Column("size_low", "real", "lower end of its 90 % interval"),
        Column("size_high", "real", "upper end"),
        Column("probability", "real", "that the level jumped, in the week of the alarm"),
        Column("probability_now", "real", "the same, now"),
        Column("weeks_for", "whole", "weeks up to the alarm on the new side"),
        Column("weeks_against", "whole", "weeks up to the alarm on the old side"),
    ),
)  # fmt: skip

TABLES: Mapping[str, Table] = {table.name: table for table in (FACTS, TRENDS, STANDINGS, BREAKS)}


def fact_rows(fact: Signal) -> Iterator[Row]:
    """A fact's rows: one a label, or one without any."""
    head = (fact.source, fact.partner, fact.week, fact.published, fact.article_id, fact.story_id)
    tail = (fact.title, fact.outlet, fact.origin, fact.url, fact.model, fact.corrected)
    domains = " ".join(fact.domains)
    for label, found in sorted(fact.labels.items()):
        yield (*head, label, found.probability, domains, found.evidence, " | ".join(found.terms), *tail)
    if not fact.labels:
        yield (*head, "", None, domains, "", "", *tail)


def trend_rows(trend: Trend) -> Iterator[Row]:
    """A week's rows: every signal in every domain that the pair was written about in."""
    for label in LABELS:
        counts = trend.counts.get(label.value, {})
        for domain in sorted(trend.exposure, key=lambda name: (name != ALL_DOMAINS, name)):
            found, about = counts.get(domain, Count()), trend.exposure[domain]
            yield (
                trend.source, trend.partner, label.value, domain, trend.week, found.stories, found.articles, about.stories, about.articles
            )  # fmt: skip


def standing_row(one: TrendStanding) -> Row:
    """A series' row in `standings`."""
    return (
        one.source, one.partner, one.signal, one.domain, one.week, one.status, one.age_weeks, one.share, one.share_low, one.share_high,
        one.rate, one.persistence_4, one.persistence_8,
    )  # fmt: skip


def break_rows(one: TrendStanding) -> Iterator[Row]:
    """A series' rows in `breaks`, by alarm."""
    for found in one.breaks:
        yield (
            one.source, one.partner, one.signal, one.domain, found.start, found.alarm, found.direction, found.size, found.size_low,
            found.size_high, found.probability, found.probability_now, found.weeks_for, found.weeks_against,
        )  # fmt: skip
