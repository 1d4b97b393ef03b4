"""What changed since a reader last looked: the events of one open stream. Pure: it is asked, it doesn't wait."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from streams.board.model import BoardModel
from streams.board.queries import Counters
from streams.board.status import StatusSource
from streams.board.weeks import week_name
from streams.clock import format_utc

#: More changed pairs than this in one event, and the page fetches its whole table once instead of row after row.
MOST_PAIRS = 24
Event = dict[str, object]


class ChangeFeed:
    """The events of one reader.

    Args:
        figures: the figures at the head of a page; asked for twice a second by each reader, so they had better be kept.
        boot: names this process; an id of another one says nothing about revisions here.
        last_id: the id of the last event that the reader had, as the browser sends it back; empty for none.
    """

    def __init__(
        self, model: BoardModel, status: StatusSource, figures: Callable[[], Counters], *, boot: str, last_id: str = ""
    ) -> None:  # fmt: skip
        self._model = model
        self._figures = figures
        self._status = status
        self._boot = boot
        self._shown: tuple[str, ...] = ()
        self._last: Event | None = None
        name, _, revision = last_id.partition("-")
        knows = name == boot and revision.isdecimal() and len(revision) < 19
        # A reader without an id has just been given the page; one with an id of another process knows nothing of this one.
        self._revision = int(revision) if knows else (model.revision if not last_id else -1)
        self._missed_all = bool(last_id) and not knows

    @property
    def event_id(self) -> str:
        """The id of the newest event."""
        return f"{self._boot}-{self._revision}"

    def poll(self) -> Event | None:
        """The next event, or None when nothing changed since the last one; the first is always given."""
        with self._model.reading():
            revision, shown = self._model.revision, self._model.pairs_shown()
            changed = self._model.changed_since(self._revision) if revision != self._revision else []
            event = {**state(self._figures(), self._status), "pairs": changed, "all": False}
        if self._missed_all or len(changed) > MOST_PAIRS or (self._shown and shown != self._shown):
            event |= {"pairs": [], "all": True}
        is_news = self._last is None or event != self._last | {"pairs": [], "all": False}
        self._revision, self._shown, self._missed_all = revision, shown, False
        self._last = event
        return event if is_news else None


def state(found: Counters, status: StatusSource) -> Event:
    """The figures at the head of the page, and how the replay is; `as_of` is there while Kafka does not answer."""
    now = status()
    return {
        "counters": {
            "read": f"{found.articles.read:,}", "classified": f"{found.articles.classified:,}",
            "duplicates": f"{found.articles.duplicates:,}", "dead_letters": f"{found.articles.dead_letters:,}",
            "stories": f"{found.stories:,}", "newest_week": week_name(found.newest_week) if found.newest_week >= 0 else "–",
        },
        "ready": now.is_ready, "percent": now.percent, "problem": now.problem,
        "as_of": format_utc(now.as_of) if now.problem and now.as_of else "", "has_news": found.newest_week >= 0,
    }  # fmt: skip


def new_boot() -> str:
    """A name for this process."""
    return secrets.token_hex(6)
