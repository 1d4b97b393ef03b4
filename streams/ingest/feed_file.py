"""Feeds added to the TOML list that a person edits: what stands there, comments included, stays as it is."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable
from pathlib import Path

from streams.errors import ConfigError
from streams.ingest.feeds import Feed, FeedList, load_feeds
from streams.log import get_logger

log = get_logger("feeds")
_DEFAULT = Feed("", "")


def add_feeds(path: Path, feeds: Iterable[Feed]) -> list[Feed]:
    """Adds those feeds whose URL is not in the list yet and returns them; the file is made if it is not there.

    The new file is checked as a whole before it takes the old one's place, so that the list is never half written.

    Raises:
        ConfigError: if the list is wrong, or would be wrong with the new feeds, or can't be written.
    """
    before = load_feeds(path) if path.exists() else FeedList(())
    known = {feed.url for feed in before.feeds}
    added = [feed for feed in {feed.url: feed for feed in feeds}.values() if feed.url not in known]
    if not added:
        return []
    kept = path.read_text(encoding="utf-8-sig") if path.exists() else ""
    separator = "" if not kept or kept.endswith("\n") else "\n"
    _replace(path, kept + separator + "".join("\n" + as_toml(feed) for feed in added).removeprefix("" if kept else "\n"))
    return added


class Watched:
    """A feed list on disk that may be edited while it is in use.

    Raises:
        ConfigError: see `load_feeds`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mark = self._look()
        self.feeds = load_feeds(path)

    def changed(self) -> FeedList | None:
        """The new list, if the file has changed since the last look and is right; a wrong one is told in the log and left."""
        mark = self._look()
        if mark == self._mark:
            return None
        self._mark = mark
        try:
            self.feeds = load_feeds(self._path)
        except ConfigError as error:
            log.error("feed_list_not_taken_over", problem=error.what, where=error.where)
            return None
        log.info("feed_list_taken_over", feeds=len(self.feeds.enabled))
        return self.feeds

    def _look(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except OSError:
            return (0, 0)
        return (found.st_mtime_ns, found.st_size)


def as_toml(feed: Feed) -> str:
    """A feed as one `[[feed]]` table, without the fields that have their default."""
    rows = [(field.name, getattr(feed, field.name)) for field in dataclasses.fields(feed)]
    lines = [f"{name} = {_value(value)}" for name, value in rows if name in ("url", "outlet") or value != getattr(_DEFAULT, name)]
    return "[[feed]]\n" + "\n".join(lines) + "\n"


def _value(value: object) -> str:
    if isinstance(value, str):
        # A TOML string has the escapes of JSON.
        return json.dumps(value, ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _replace(path: Path, text: str) -> None:
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(text, encoding="utf-8")
            load_feeds(new)
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(
            f"The feed list can't be written: {error.strerror}", where=str(path), todo="name another file with --feeds"
        ) from error
