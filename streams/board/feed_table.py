"""How the feeds are: the newest record of each on `feeds`. Bounded; no Kafka here."""

from __future__ import annotations

import threading

import msgspec

from streams.clock import Clock, format_utc
from streams.errors import RecordError
from streams.records import FeedStatus, decode

#: Two full lists. Of more, those that came first are kept.
MOST_FEEDS = 20_000
_ORDER = {"failing": 1, "gone": 2, "waiting": 3, "good": 4}


class ShownFeed(msgspec.Struct, frozen=True):
    """One feed, and whether it is silent at the moment of the answer."""

    status: FeedStatus
    silent: bool

    @property
    def state(self) -> str:
        """One word: `silent` where it can be read and nothing comes."""
        return "silent" if self.silent and self.status.state == "good" else self.status.state

    def as_dict(self) -> dict[str, object]:
        """The status with `silent`, for JSON."""
        return {**msgspec.structs.asdict(self.status), "silent": self.silent}


class FeedTable:
    """Written by the replay's thread, read by the web's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._feeds: dict[str, FeedStatus] = {}

    def clear(self) -> None:
        """Forgets everything: the topic was made anew."""
        with self._lock:
            self._feeds.clear()

    def apply(self, key: bytes | None, value: bytes | None) -> None:
        """Puts a record of `feeds` in the place of the one before it; one that is off, or a value of None, removes the feed.

        Raises:
            RecordError: if it is no such record; nothing is changed.
        """
        url = (key or b"").decode("utf-8", "replace")
        status = None if value is None else decode(FeedStatus, value)
        if status is not None and status.url != url:
            raise RecordError("the key and the value name different feeds", reason="not-an-article", where=url[:200])
        with self._lock:
            if status is None or status.state == "off":
                self._feeds.pop(url, None)
            elif url in self._feeds or len(self._feeds) < MOST_FEEDS:
                self._feeds[url] = status

    def shown(self, clock: Clock) -> list[ShownFeed]:
        """Every feed: those that are silent or can't be read first, then by name."""
        now = format_utc(clock())
        with self._lock:
            statuses = list(self._feeds.values())
        feeds = [ShownFeed(status, silent=bool(status.silent_at) and status.silent_at <= now) for status in statuses]
        return sorted(feeds, key=lambda feed: (_ORDER.get(feed.state, 0), feed.status.group, feed.status.name, feed.status.url))
