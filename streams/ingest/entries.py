"""Feed entries to articles: their ids, and which of them are new, edited, unchanged or unusable. Pure.

An entry is known by its guid, else its link, else its content (`entry_article_id`). Feeds break even that: some give every entry a new
guid whenever they are asked, others give old guids to new entries. So each entry that was sent leaves its marks: of its link, headline
and date. See `_Identities`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Literal, TypeVar

import msgspec

from streams.clock import format_utc
from streams.errors import RecordError
from streams.ingest.article import hashed_id, to_article
from streams.ingest.dates import read_date
from streams.ingest.feeds import Feed
from streams.ingest.parsed import ParsedEntry, ParsedFeed
from streams.ingest.publish import dead_letter
from streams.ingest.state import Seen
from streams.ingest.text import normalise
from streams.ingest.urls import canonical_url, host_of, web_address
from streams.records import Article, DeadLetter
from streams.settings import Settings

#: Between the digest of what was sent and the marks of its entry, in what is remembered.
_MARKS_AFTER = "."
_MARK_BYTES = 5


@dataclass(slots=True)
class FeedChanges:
    """What one document brings: what to send, and what to remember once that is acknowledged.

    `entries` = `new` + `revisions` + `unchanged` + the dead letters, new ones and known ones.
    """

    articles: list[Article] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    seen: dict[str, Seen] = field(default_factory=dict)
    new: int = 0
    revisions: int = 0
    unchanged: int = 0


def find_changes(parsed: ParsedFeed, feed: Feed, known: Mapping[str, Seen], *, now: datetime, settings: Settings) -> FeedChanges:
    """Compares a document with what was sent before.

    An entry whose words, date, outlet or address changed is sent again under the same article id; an undated one keeps the time of
    its first arrival, so that an edit does not move it to another week. Of entries with the same id the first counts.
    """
    changes = FeedChanges()
    identities = _Identities(parsed.entries, feed, known)
    for entry in parsed.entries:
        article_id = identities.find(entry)
        if article_id in changes.seen:
            changes.unchanged += 1
            continue
        before = known.get(article_id)
        arrival = before.first_seen if before else now
        try:
            article = to_article(_raw(entry, feed, article_id), now=arrival, settings=settings)
        except RecordError as error:
            _add_dead_letter(changes, entry, feed, article_id, before, arrival, error)
            continue
        digest = article.digest()
        changes.seen[article_id] = Seen(f"{digest}{_MARKS_AFTER}{_marks(entry)}", arrival)
        if before is not None and before.digest.partition(_MARKS_AFTER)[0] == digest:
            changes.unchanged += 1
            continue
        changes.articles.append(msgspec.structs.replace(article, ingested=format_utc(now)))
        if before is None:
            changes.new += 1
        else:
            changes.revisions += 1
    return changes


#: What of an entry tells it apart from others: its guid alone, with its link, or with its headline too.
Apart = Literal["guid", "link", "title"]


def entry_article_id(entry: ParsedEntry, feed_url: str, *, by: Apart = "guid") -> str:
    """The article id of an entry; the same entry in two feeds of a publisher has the same one.

    An address counts in its canonical form, and gives the same id as an archive's line with that address and no id. A bare number
    or word is unique only at its publisher, so the host belongs to it.

    Args:
        by: what tells it apart, where the feed gives one id to several entries.
    """
    given = entry.id.strip()
    link = canonical_url(entry.url) if entry.url else ""
    if by != "guid":
        title = [normalise(entry.title or "", one_line=True)] if by == "title" else []
        return hashed_id("feed", given, link, *title)
    if web_address(given):
        return hashed_id("url", canonical_url(given))
    if given.startswith(("urn:", "tag:", "entry-")):
        return hashed_id("feed", given)
    return hashed_id("feed", host_of(entry.url or "") or host_of(feed_url), given)


class _Identities:
    """Finds the article id of each entry of a document, with what is known of earlier documents of the feed.

    - One guid for several links in the document: guid and link together tell them apart.
    - One guid and one link, or none, for several headlines of different dates, or without any: guid, link and headline together.
    - A guid that is new, on an entry with link, headline and date of a known one whose guid has gone: the known article.
    - A known guid on an entry with another link, another headline and a later date: a new article, by guid and link together.
    """

    def __init__(self, entries: list[ParsedEntry], feed: Feed, known: Mapping[str, Seen]) -> None:
        self._feed_url = feed.url
        self._known = known
        self._with_link = _repeated((entry.id, canonical_url(entry.url)) for entry in entries if entry.url)
        self._with_title = _repeated((_address(entry), entry.title or "") for entry in entries) & (
            _repeated((_address(entry), entry.published or "") for entry in entries)
            | {_address(entry) for entry in entries if not entry.published}
        )
        here = {self._own(entry) for entry in entries}
        self._gone = {
            marks: article_id for article_id, seen in known.items() if article_id not in here and (marks := _known_marks(seen))
        }

    def find(self, entry: ParsedEntry) -> str:
        """The article id of an entry."""
        own = self._own(entry)
        before, marks = self._known.get(own), _marks(entry)
        if before is None:
            return self._gone.get(marks, own) if entry.title and (entry.url or entry.published) else own
        if _is_another(_known_marks(before), marks) and _is_later(entry, before):
            return entry_article_id(entry, self._feed_url, by="link")
        return own

    def _own(self, entry: ParsedEntry) -> str:
        by: Apart = "title" if _address(entry) in self._with_title else "link" if entry.id in self._with_link else "guid"
        return entry_article_id(entry, self._feed_url, by=by)


_Key = TypeVar("_Key", bound=Hashable)


def _repeated(pairs: Iterable[tuple[_Key, str]]) -> set[_Key]:
    """The keys that come with more than one value."""
    return {key for key, count in Counter(key for key, _ in set(pairs)).items() if count > 1}


def _address(entry: ParsedEntry) -> tuple[str, str]:
    return entry.id, canonical_url(entry.url) if entry.url else ""


def _marks(entry: ParsedEntry) -> str:
    """Three short hashes: of link, headline and date."""
    parts = (canonical_url(entry.url or ""), normalise(entry.title or "", one_line=True), entry.published or "")
    return "".join(blake2b(part.encode("utf-8", "replace"), digest_size=_MARK_BYTES).hexdigest() for part in parts)


def _known_marks(seen: Seen) -> str:
    return seen.digest.partition(_MARKS_AFTER)[2]


def _is_another(before: str, now: str) -> bool:
    size = 2 * _MARK_BYTES
    return bool(before) and all(before[at : at + size] != now[at : at + size] for at in range(0, 3 * size, size))


def _is_later(entry: ParsedEntry, before: Seen) -> bool:
    moment = read_date(entry.published) if entry.published else None
    return moment is not None and moment > before.first_seen


def _raw(entry: ParsedEntry, feed: Feed, article_id: str) -> dict[str, object]:
    # The feed's own statement of its language is left out: publishing systems set it to English whatever is written.
    return {
        "id": article_id, "url": entry.url, "title": entry.title, "text": max(entry.content or "", entry.summary or "", key=len),
        "published": entry.published or entry.updated or entry.unreadable_date, "outlet": feed.outlet, "language": feed.language,
        "author": entry.author, "origin": entry.source,
    }  # fmt: skip


def _add_dead_letter(
    changes: FeedChanges, entry: ParsedEntry, feed: Feed, article_id: str, before: Seen | None, arrival: datetime, error: RecordError
) -> None:  # fmt: skip
    content = msgspec.json.encode(entry).decode()
    digest = hashed_id(error.reason, content)
    changes.seen[article_id] = Seen(digest, arrival)
    if before is None or before.digest != digest:
        changes.dead_letters.append(dead_letter(error.reason, f"{feed.url} {article_id}", error.what, content))
