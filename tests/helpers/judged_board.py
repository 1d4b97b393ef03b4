"""A board with everything on it: years of counts, how each series stands, breaks of every state, feeds in every state."""

from __future__ import annotations

import random

from models.labels import LABELS
from streams.board.model import BoardModel
from streams.board.queries import newest_week
from streams.clock import week_name
from streams.records import BreakEvidence, EarlyWord, FeedStatus, TrendBreak, TrendStanding, encode
from tests.helpers.board_data import TITLES, full_model
from tests.helpers.standings import a_break, a_standing, standing_record


def judged_model(*, others: int = 6, first: str = "2016-W01") -> BoardModel:
    """The board of `full_model`, judged: one pair has a reported break, one an active one that is not, one an old one, one is unusual."""
    model = full_model(others=others, first=first)
    newest = newest_week(model)
    chance = random.Random(4)
    for pair in model.pairs_shown():
        for label in map(str, LABELS):
            status = chance.choice(("stable", "stable", "too-sparse", "strengthening", "weakening", "emerging"))
            judge(model, a_standing(pair, label, week=week_name(newest - 1), status=status))
    judge(model, broken(newest, "BLR-RUS", "hedging", sure=0.97))
    judge(model, broken(newest, "ARM-RUS", "cooperation", sure=0.31, direction="down", size=0.4))
    judge(model, broken(newest, "SRB-EU", "cooperation", sure=0.9, domain="security"))
    judge(model, a_standing("TUR-RUS", "cooperation", week=week_name(newest - 1), breaks=[break_of(newest - 40)]))
    early = EarlyWord(week=week_name(newest), probability=0.8, direction="up")
    judge(model, a_standing("KAZ-RUS", "hedging", week=week_name(newest - 1), early=early))
    for feed in feeds():
        model.feeds.apply(feed.url.encode(), encode(feed))
    return model


def judge(model: BoardModel, one: TrendStanding) -> None:
    """Gives the model a standing as it comes from Kafka."""
    model.apply_standing(*standing_record(one))


def break_of(alarm: int, **changes: object) -> TrendBreak:
    """A break told after week number `alarm`, with two articles, one of them without an address."""
    week = week_name(alarm)
    fields: dict[str, object] = {"week": week, "side": "after", "outlet": "Border Post", "probability": 0.9}
    evidence = [
        BreakEvidence(article_id="b1", title=TITLES["hedging"][0], url="https://news.example/b1", **fields),  # type: ignore[arg-type]
        BreakEvidence(article_id="b2", title=TITLES["hedging"][1], url="", **fields),  # type: ignore[arg-type]
    ]
    return a_break(**{"start": week_name(alarm - 2), "alarm": week, "evidence": evidence, **changes})


def broken(newest: int, pair: str, label: str, *, sure: float, domain: str = "all", **changes: object) -> TrendStanding:
    """A series that broke three weeks ago."""
    size = float(str(changes.get("size", 2.1)))
    found = break_of(
        newest - 3, probability_now=sure, **{"size": size, "size_low": size * 0.7, "size_high": size * 1.5, **changes}
    )
    return a_standing(pair, label, domain, week=week_name(newest - 1), status="broken", breaks=[found])


def feeds() -> list[FeedStatus]:
    """A feed in every state; their server's words are a stranger's."""
    usual: dict[str, object] = {
        "group": "capital papers", "asked": "2026-11-24T13:00:00Z", "last_success": "2026-11-24T13:00:00Z", "next_due": "2026-11-24T13:30:00Z",
        "interval_seconds": 1800.0, "newest": "2026-11-23T10:00:00Z", "read": 12_345, "new": 9_000, "revisions": 45, "duplicates": 3_290,
        "rejected": 10,
    }  # fmt: skip
    odd: dict[str, dict[str, object]] = {
        "good": {}, "failing": {"error": "HTTP 503: <b>unavailable</b>", "failures": 3}, "gone": {"error": "HTTP 410"},
        "waiting": {"last_success": "", "newest": "", "read": 0, "new": 0}, "silent": {"silent_at": "2026-11-20T10:00:00Z"},
    }  # fmt: skip
    return [
        FeedStatus(
            url=f"https://{name}.example/feed", name=name, outlet=f"The {name.capitalize()} Post",
            state="good" if name == "silent" else name, **{**usual, **changes},  # type: ignore[arg-type]
        )
        for name, changes in odd.items()
    ]  # fmt: skip
