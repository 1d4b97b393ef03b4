"""Bulletins as a folder of pages with a list of them (`index.json`, which the board shows) and a news feed (`feed.xml`, Atom)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from html import escape
from pathlib import Path

import msgspec

from streams.board.bulletins import FEED, INDEX, Listed, read_index
from streams.board.syndication import Item, NewsFeed, paragraph
from streams.bulletin.compose import headline
from streams.bulletin.wording import words_of
from streams.clock import format_utc, parse_utc
from streams.delivery.config import FeedTarget
from streams.delivery.courier import Send
from streams.delivery.files import write_whole
from streams.delivery.issue import Issue, NotTakenError, delivery_key
from streams.errors import StateError

#: Bulletins in the list and in the feed; the pages of older ones stay.
LISTED, IN_FEED = 520, 52


@contextmanager
def open_news(target: FeedTarget, *, shown_folder: Path) -> Iterator[Send]:
    """Writes the page, then the list, then the feed, so that what is listed is there.

    Args:
        shown_folder: the folder that the board shows, for a target that names none.
    """
    folder = target.folder or shown_folder

    def send(issue: Issue, _recipient: str, _key: str) -> None:
        for form in target.forms:
            write_whole(folder / f"{issue.week}.{form}", issue.text(form))
        others = [one for one in _listed_before(folder) if one.week != issue.week]
        new = _listed(target, issue, [f"{issue.week}.{form}" for form in target.forms])
        listed = sorted([*others, new], key=lambda one: one.week, reverse=True)[:LISTED]
        write_whole(folder / INDEX, msgspec.json.format(msgspec.json.encode(listed), indent=1) + b"\n")
        write_whole(folder / FEED, feed_of(listed, target).to("atom"))

    yield send


def _listed_before(folder: Path) -> list[Listed]:
    try:
        return read_index(folder)
    except StateError as error:
        raise NotTakenError(error.what, where=error.where, todo=error.todo) from error


def feed_of(listed: list[Listed], target: FeedTarget) -> NewsFeed:
    """The news feed of a list, the newest first."""
    root = target.address.rstrip("/")
    words = words_of(target.language)
    about = f": {words.pair(*target.pair.split('-'))}" if target.pair else ""
    items = [
        Item(
            key=one.key, title=one.title, link=f"{root}/{one.files[0]}", updated=parse_utc(one.closed_at), categories=(one.week,),
            html=paragraph(one.summary) + _points(one.headlines),
        )
        for one in listed[:IN_FEED]
    ]  # fmt: skip
    updated = max((item.updated for item in items), default=datetime.fromtimestamp(0, UTC))
    return NewsFeed(f"Bellwether{about}", words.word("sections", "overview"), root, f"{root}/{FEED}", updated, items)


def _points(lines: list[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>" if lines else ""


def _listed(target: FeedTarget, issue: Issue, files: list[str]) -> Listed:
    document, words = issue.document, words_of(issue.language)
    headlines = [] if issue.found.asked else [headline(pair, words) for pair in issue.found.pairs]
    return Listed(
        issue.week, delivery_key(target, "", issue.week), issue.language, document.title, document.line, headlines,
        format_utc(issue.closed_at), files,
    )  # fmt: skip
