"""The feeds of the list with how each is, from the state on this machine; reads beside a running `ingest feeds`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from streams.clock import format_utc, utc_now
from streams.ingest.book import FeedBook, status_of
from streams.ingest.feeds import load_feeds
from streams.ingest.poll import STATE_FILE
from streams.ingest.state import FeedState
from streams.records import FeedStatus
from streams.settings import Settings


class ListedFeed(msgspec.Struct, frozen=True):
    """One feed, and whether it is silent now."""

    status: FeedStatus
    silent: bool

    def to_json(self) -> str:
        """The status with `silent`, as one line of JSON."""
        return msgspec.json.encode({**msgspec.structs.asdict(self.status), "silent": self.silent}).decode()


def listed_statuses(settings: Settings, path: Path) -> list[ListedFeed]:
    """How each feed of the list is, in its order.

    Raises:
        ConfigError: if the list is wrong.
        StateError: if the state can't be read.
    """
    feeds = load_feeds(path)
    file = settings.data_dir / STATE_FILE
    records = {}
    if file.exists():
        with FeedState(file) as state:
            records = state.load_all()
    book = FeedBook(records)
    book.set_feeds(feeds.enabled)
    now = format_utc(utc_now())
    statuses = [
        book.status(feed) if feed.enabled else status_of(feed, book.record(feed.url), None, off=True) for feed in feeds.feeds
    ]  # fmt: skip
    return [ListedFeed(status, silent=bool(status.silent_at) and status.silent_at <= now) for status in statuses]


def describe(listed: Iterable[ListedFeed]) -> Iterator[str]:
    """A table for people."""
    yield f"{'feed':<32} {'state':<8} {'newest':<17} {'next':<17} {'every':>8} {'new':>7}  error"
    for one in listed:
        status = one.status
        state = "silent" if one.silent and status.state == "good" else status.state
        yield (
            f"{(status.name or status.outlet)[:32]:<32} {state:<8} {status.newest[:16]:<17} {status.next_due[:16]:<17} "
            f"{status.interval_seconds / 60:>6.0f} m {status.new:>7}  {status.error[:100]}"
        ).rstrip()
