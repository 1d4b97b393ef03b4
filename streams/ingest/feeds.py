"""The list of feeds: one TOML file that a person edits.

[[feed]]
url = "https://example.org/rss.xml"
outlet = "Example News"
language = "en"             # optional: what the feed is written in
interval_minutes = 15       # optional: how often to ask, 5 to 1440
enabled = true              # optional
allow_private = false       # optional: whether the host may stand in a private network
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from streams.errors import ConfigError
from streams.ingest.urls import web_address

MAX_FEEDS = 10_000
DEFAULT_INTERVAL_MINUTES = 15
MIN_INTERVAL_MINUTES = 5
MAX_INTERVAL_MINUTES = 1_440
MAX_OUTLET_CHARS = 100
_FIELDS = {"url", "outlet", "language", "interval_minutes", "enabled", "allow_private"}
_LANGUAGE = re.compile(r"[a-z]{2,3}")


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed. `url` is its identity: another URL is another feed."""

    url: str
    outlet: str
    language: str = ""
    interval_minutes: int = DEFAULT_INTERVAL_MINUTES
    enabled: bool = True
    allow_private: bool = False

    @property
    def interval_seconds(self) -> float:
        """How long to wait between two good fetches."""
        return self.interval_minutes * 60.0


@dataclass(frozen=True, slots=True)
class FeedList:
    """The feeds in the order of the file."""

    feeds: tuple[Feed, ...]

    @property
    def enabled(self) -> tuple[Feed, ...]:
        """The feeds that are to be read."""
        return tuple(feed for feed in self.feeds if feed.enabled)


def load_feeds(path: Path) -> FeedList:
    """Reads and checks a feed list.

    Raises:
        ConfigError: naming every fault of the file at once.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise _wrong(path, [f"it can't be read: {error.strerror}"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _wrong(path, [f"it is not TOML: {error}"]) from error
    except RecursionError as error:
        raise _wrong(path, ["it is nested too deeply"]) from error
    problems = [f"there is no such section: [{name}]" for name in sorted(set(data) - {"feed"})]
    feeds = _read_feeds(data.get("feed", []), problems)
    if problems:
        raise _wrong(path, problems)
    return FeedList(tuple(feeds))


def _read_feeds(rows: object, problems: list[str]) -> list[Feed]:
    if not isinstance(rows, list) or not rows:
        problems.append("there is no [[feed]]")
        return []
    if len(rows) > MAX_FEEDS:
        problems.append(f"{len(rows)} feeds, more than {MAX_FEEDS}")
        return []
    feeds: list[Feed] = []
    seen: set[str] = set()
    for number, row in enumerate(rows, 1):
        feed = _read_feed(number, row, problems)
        if feed is None:
            continue
        if feed.url in seen:
            problems.append(f"feed {number}: {feed.url} stands there twice")
        seen.add(feed.url)
        feeds.append(feed)
    return feeds


def _read_feed(number: int, row: object, problems: list[str]) -> Feed | None:
    if not isinstance(row, dict):
        problems.append(f"feed {number}: it is not a table")
        return None
    found = [f"there is no such field: {name}" for name in sorted(set(row) - _FIELDS)]
    url = row.get("url")
    address = web_address(url) if isinstance(url, str) else ""
    if not address:
        found.append(f"url: {url!r} is not an http or https address")
    outlet = row.get("outlet")
    if not isinstance(outlet, str) or not outlet.strip() or len(outlet) > MAX_OUTLET_CHARS:
        found.append(f"outlet: {outlet!r} is not a name of 1 to {MAX_OUTLET_CHARS} characters")
    language = row.get("language", "")
    if not isinstance(language, str) or (language and not _LANGUAGE.fullmatch(language)):
        found.append(f"language: {language!r} is not a code such as en")
    minutes = row.get("interval_minutes", DEFAULT_INTERVAL_MINUTES)
    if not isinstance(minutes, int) or isinstance(minutes, bool) or not MIN_INTERVAL_MINUTES <= minutes <= MAX_INTERVAL_MINUTES:
        found.append(f"interval_minutes: {minutes!r} is not a whole number from {MIN_INTERVAL_MINUTES} to {MAX_INTERVAL_MINUTES}")
    flags = {"enabled": row.get("enabled", True), "allow_private": row.get("allow_private", False)}
    found.extend(f"{name}: {value!r} is neither true nor false" for name, value in flags.items() if not isinstance(value, bool))
    problems.extend(f"feed {number}: {text}" for text in found)
    if found:
        return None
    return Feed(address, str(outlet).strip(), language, minutes, bool(flags["enabled"]), bool(flags["allow_private"]))


def _wrong(path: Path, problems: list[str]) -> ConfigError:
    return ConfigError(
        "The feed list is wrong:\n    " + "\n    ".join(problems), where=str(path),
        expected='[[feed]] tables such as: url = "https://example.org/rss.xml", outlet = "Example News"',
        todo="correct the file, or unset BELLWETHER_FEEDS to read no feeds",
    )  # fmt: skip
