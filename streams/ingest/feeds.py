"""The list of feeds: one TOML file that a person edits, and that `bellwether feeds add` and `import` add to.

[[feed]]
url = "https://example.org/rss.xml"
outlet = "Example News"
name = "example-news"       # optional: what the feed is called in commands and metrics; made of the outlet
group = "Belarus"           # optional: a heading for people, and the folder in OPML
language = "en"             # optional: what the feed is written in
interval_minutes = 15       # optional: how often to ask, 5 to 1440; left out, the feed's own rhythm decides
silent_after_hours = 48     # optional: silence that is worth an alert; 0 for never; left out, the feed's past decides
full_text = false           # optional: whether the articles' pages are read, where the feed holds only their beginnings
honour_retry_after = true   # optional: false only for a server of one's own whose Retry-After is known to be wrong
enabled = true              # optional
allow_private = false       # optional: whether the host may stand in a private network
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from streams.errors import ConfigError
from streams.ingest.urls import web_address

MAX_FEEDS = 10_000
MIN_INTERVAL_MINUTES = 5
MAX_INTERVAL_MINUTES = 1_440
MAX_SILENCE_HOURS = 8_784
MAX_OUTLET_CHARS = 100
MAX_NAME_CHARS = 60
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_NOT_NAME = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed. `url` is its identity: another URL is another feed.

    Attributes:
        interval_minutes: how often to ask; None: by its own rhythm.
        name: what it is called in commands and metrics, unique in the list.
        silent_after_hours: silence that is worth an alert; None: by its past; 0: never.
        honour_retry_after: whether a Retry-After of its host is kept.
        full_text: whether the articles' pages are read (`streams/ingest/fulltext.py`).
    """

    url: str
    outlet: str
    language: str = ""
    interval_minutes: int | None = None
    enabled: bool = True
    allow_private: bool = False
    name: str = ""
    group: str = ""
    silent_after_hours: float | None = None
    honour_retry_after: bool = True
    full_text: bool = False

    @property
    def interval_seconds(self) -> float | None:
        """How long to wait between two good fetches, where a person has said it."""
        return None if self.interval_minutes is None else self.interval_minutes * 60.0


_FIELDS = {field.name for field in dataclasses.fields(Feed)}


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
    feeds = [feed for number, row in enumerate(rows, 1) if (feed := _read_feed(number, row, problems)) is not None]
    for url, count in Counter(feed.url for feed in feeds).items():
        if count > 1:
            problems.append(f"{url} stands there {'twice' if count == 2 else f'{count} times'}")
    for name, count in Counter(feed.name for feed in feeds if feed.name).items():
        if count > 1:
            problems.append(f"the name {name!r} is given to {count} feeds")
    return with_names(feeds)


def with_names(feeds: list[Feed]) -> list[Feed]:
    """The feeds, each with a name: its own, else one made of the outlet, with a part of the URL's hash where that is not unique.

    A made name depends on no feed's place in the list.
    """
    given = {feed.name for feed in feeds if feed.name}
    made = Counter(_made_name(feed.outlet) for feed in feeds if not feed.name)
    named = []
    for feed in feeds:
        name = feed.name or _made_name(feed.outlet)
        if not feed.name and (made[name] > 1 or name in given):
            name = f"{name}-{hashlib.blake2b(feed.url.encode(), digest_size=4).hexdigest()}"
        named.append(dataclasses.replace(feed, name=name))
    return named


def _made_name(outlet: str) -> str:
    return _NOT_NAME.sub("-", outlet.casefold())[: MAX_NAME_CHARS - 9].strip("-") or "feed"


def _read_feed(number: int, row: object, problems: list[str]) -> Feed | None:
    if not isinstance(row, dict):
        problems.append(f"feed {number}: it is not a table")
        return None
    found = [f"there is no such field: {name}" for name in sorted(set(row) - _FIELDS)]
    url, outlet = row.get("url"), row.get("outlet")
    address = web_address(url) if isinstance(url, str) else ""
    if not address:
        found.append(f"url: {url!r} is not an http or https address")
    if not isinstance(outlet, str) or not outlet.strip() or len(outlet) > MAX_OUTLET_CHARS or not outlet.isprintable():
        found.append(f"outlet: {outlet!r} is not a name of 1 to {MAX_OUTLET_CHARS} characters")
    language = _text(row, "language", _LANGUAGE, 3, "a code such as en", found)
    name = _text(row, "name", _NAME, MAX_NAME_CHARS, "small letters, digits and single - . _ between them", found)
    group = _text(row, "group", None, MAX_OUTLET_CHARS, f"a heading of at most {MAX_OUTLET_CHARS} characters", found)
    minutes = _number(row, "interval_minutes", MIN_INTERVAL_MINUTES, MAX_INTERVAL_MINUTES, found, whole=True)
    hours = _number(row, "silent_after_hours", 0, MAX_SILENCE_HOURS, found, whole=False)
    flags = {flag: _flag(row, flag, default, found) for flag, default in _FLAGS.items()}
    problems.extend(f"feed {number}: {text}" for text in found)
    if found:
        return None
    return Feed(
        address, str(outlet).strip(), language, None if minutes is None else int(minutes), name=name, group=group,
        silent_after_hours=hours, **flags,
    )  # fmt: skip


_FLAGS = {"enabled": True, "allow_private": False, "honour_retry_after": True, "full_text": False}


def _text(row: Mapping[str, object], name: str, form: re.Pattern[str] | None, most: int, expected: str, found: list[str]) -> str:
    value = row.get(name, "")
    if (
        not isinstance(value, str)
        or len(value) > most
        or not value.isprintable()
        or (value and form and not form.fullmatch(value))
    ):
        found.append(f"{name}: {value!r} is not {expected}")
        return ""
    return value.strip()


def _number(row: Mapping[str, object], name: str, least: int, most: int, found: list[str], *, whole: bool) -> float | None:
    value = row.get(name)
    if value is None:
        return None
    is_number = isinstance(value, int) or (isinstance(value, float) and not whole)
    if isinstance(value, bool) or not is_number or not least <= float(str(value)) <= most:
        found.append(f"{name}: {value!r} is not a {'whole number' if whole else 'number'} from {least} to {most}")
        return None
    return float(str(value))


def _flag(row: Mapping[str, object], name: str, default: bool, found: list[str]) -> bool:
    value = row.get(name, default)
    if not isinstance(value, bool):
        found.append(f"{name}: {value!r} is neither true nor false")
        return default
    return value


def _wrong(path: Path, problems: list[str]) -> ConfigError:
    return ConfigError(
        "The feed list is wrong:\n    " + "\n    ".join(problems), where=str(path),
        expected='[[feed]] tables such as: url = "https://example.org/rss.xml", outlet = "Example News"',
        todo="correct the file, or unset BELLWETHER_FEEDS to read no feeds",
    )  # fmt: skip
