"""Made-up `Trend` records for tests of the board: deterministic, in our own words, with the ups and downs that real ones have."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from models.labels import DOMAINS, LABELS
from streams.board.model import BoardModel
from streams.board.status import ReplayStatus
from streams.clock import week_start, weeks_between
from streams.records import Correction, Count, Evidence, Progress, Trend, correction_key, encode, trend_key
from streams.watchlist import WatchedPair, Watchlist

WATCHED: tuple[tuple[str, str], ...] = (
    ("BLR", "RUS"), ("BLR", "CHN"), ("ARM", "RUS"), ("KAZ", "RUS"), ("MDA", "RUS"), ("SRB", "RUS"), ("SRB", "EU"), ("HUN", "RUS"),
    ("TUR", "RUS"), ("TUR", "NATO"), ("IND", "RUS"), ("IND", "USA"), ("VNM", "CHN"), ("PHL", "USA"), ("PHL", "CHN"), ("SAU", "USA"),
    ("PAK", "CHN"),
)  # fmt: skip
OUTLETS = ("The Eastern Observer", "Capital Gazette", "Wire One", "Border Post")
SENTENCES: dict[str, tuple[str, ...]] = {
    "cooperation": (
        "The two defence ministries agreed on a plan of joint training for the coming year.",
        "Both sides signed a contract for the supply of gas until the end of the decade.",
        "A joint crew will service the early-warning station from spring onwards.",
    ),
    "symbolic-allegiance": (
        "The president laid a wreath and spoke of a brotherhood that no border can divide.",
        "A guard of honour marched in the parade as a token of friendship.",
    ),
    "hedging": (
        "The minister said that no foreign base would be discussed and that the country keeps its hands free.",
        "The government put off its signature once more and sent a delegation to the rival capital.",
    ),
}
TITLES: dict[str, tuple[str, ...]] = {
    "cooperation": (
        "Ministries settle next year’s joint exercises",
        "Gas contract extended to 2030",
        "Joint crew for the radar station",
    ),
    "symbolic-allegiance": ("Wreath and warm words on the anniversary", "Guard of honour joins the neighbour’s parade"),
    "hedging": ("No base on our soil, says the minister", "Signature put off again as envoy flies to a rival"),
}


def watchlist(pairs: Sequence[tuple[str, str]] = WATCHED, *, max_pairs: int = 200) -> Watchlist:
    """A watchlist of the pairs, each with China as the partner's rival."""
    return Watchlist(tuple(WatchedPair(source, partner, ("CHN", "EU")) for source, partner in pairs), 30, max_pairs)


def trend(
    pair: str, week: str, stories: dict[str, int], *, about: int, evidence: dict[str, list[Evidence]] | None = None
) -> Trend:
    """A week in which `about` stories are about the pair and `stories[label]` carry a label, all of them on security."""
    source, partner = pair.split("-")
    count = Count(stories=about, articles=about * 2)
    return Trend(
        source=source, partner=partner, week=week, exposure={"all": count, "security": count},
        counts={label: {name: Count(number, number + 1) for name in ("all", "security")} for label, number in stories.items()},
        evidence=evidence or {},
    )  # fmt: skip


def evidence(number: int, label: str, week: str, probability: float, **changes: object) -> Evidence:
    """One article of the evidence."""
    # A label that has no words here borrows those of another.
    titles, sentences = (words.get(label, words["hedging"]) for words in (TITLES, SENTENCES))
    fields: dict[str, object] = {
        "article_id": f"a{number}", "title": titles[number % len(titles)], "outlet": OUTLETS[number % len(OUTLETS)],
        "url": f"https://news.example/{week}/{number}", "published": f"{week_start(week) + timedelta(days=number % 7)}T09:30:00Z", "probability": probability,
        "sentence": sentences[number % len(sentences)], "terms": ["joint", "agreed", "plan"][: 1 + number % 3],
    }  # fmt: skip
    return Evidence(**{**fields, **changes})  # type: ignore[arg-type]


def history(pair: str, first: str, last: str, *, busy: float, seed: int) -> Iterator[Trend]:
    """Weeks of one pair: news with a yearly swell, shares that drift, domains, copies, evidence."""
    chance = random.Random(f"{pair}{seed}")
    shares = {label: chance.uniform(0.05, 0.3) for label in LABELS}
    source, partner = pair.split("-")
    for number, week in enumerate(weeks_between(first, last)):
        shares = {label: min(0.6, max(0.01, share + chance.gauss(0, 0.012))) for label, share in shares.items()}
        about = int(chance.gammavariate(3, 1 / 3) * busy * (1.6 if number % 52 in range(20, 34) else 0.8))
        if not about:
            continue
        told = {label: sum(chance.random() < share for _ in range(about)) for label, share in shares.items()}
        counts = {str(label): _by_domain(found, chance) for label, found in told.items() if found}
        proof = {
            str(label): [
                evidence(chance.randrange(10**6), label, week, round(chance.uniform(0.55, 0.99), 3)) for _ in range(min(3, found))
            ]
            for label, found in told.items()
            if found
        }
        yield Trend(source=source, partner=partner, week=week, exposure=_by_domain(about, chance), counts=counts, evidence=proof)


def _by_domain(stories: int, chance: random.Random) -> dict[str, Count]:
    parts = {"all": Count(stories, stories + chance.randrange(stories + 1))}
    for domain in DOMAINS:
        part = sum(chance.random() < 0.35 for _ in range(stories))
        if part:
            parts[domain] = Count(part, part + chance.randrange(2))
    return parts


def feed(model: BoardModel, record: Trend) -> None:
    """Gives the model a record as it comes from Kafka."""
    model.apply_trend(trend_key(f"{record.source}-{record.partner}", record.week), encode(record))


def feed_progress(
    model: BoardModel, partition: int, classified: int, duplicates: int = 0, dead_letters: int = 0, *, forgotten: int = 0
) -> None:  # fmt: skip
    """Gives the model the progress of a partition."""
    record = Progress(
        partition=partition, offset=classified + duplicates + dead_letters + forgotten, classified=classified, duplicates=duplicates,
        dead_letters=dead_letters, forgotten=forgotten,
    )  # fmt: skip
    model.apply_progress(str(partition).encode(), encode(record))


def full_model(*, others: int = 12, first: str = "2014-W01", last: str = "2022-W30") -> BoardModel:
    """A board as it looks after years of news: the watched pairs, and some that appeared by themselves."""
    model = BoardModel(watchlist())
    for number, (source, partner) in enumerate(WATCHED):
        for record in history(
            f"{source}-{partner}", first, last, busy=(14, 7, 5, 4, 2, 3, 6, 3, 9, 6, 8, 10, 4, 5, 6, 7, 3)[number], seed=1
        ):
            feed(model, record)
    for number in range(others):
        pair = f"{'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[number % 26] * 3}-X{chr(65 + number // 26)}X"
        for record in history(pair, first, last, busy=1.5, seed=2):
            feed(model, record)
    feed_progress(model, 0, 61_204, 3_911, 17)
    feed_progress(model, 1, 60_877, 4_002, 9)
    return model


def feed_correction(model: BoardModel, article_id: str, pair: str = "BLR-RUS", **changes: Any) -> Correction:
    """Gives the board what Ann says of an article, and returns it."""
    said: dict[str, Any] = {
        "labels": ["hedging"], "digest": "d", "by": "Ann", "why": "It declines the base.", "at": "2017-08-05T09:30:00Z", **changes
    }  # fmt: skip
    one = Correction(article_id=article_id, pair=pair, **said)
    model.said.apply(correction_key(pair, article_id), encode(one))
    return one


def ready() -> ReplayStatus:
    """The status of a replay that has caught up."""
    return ReplayStatus(alive=True, caught_up=True, done=100, total=100)
