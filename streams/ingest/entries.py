"""Feed entries to articles: their ids, and which of them are new, edited, unchanged or unusable. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from streams.clock import format_utc
from streams.errors import RecordError
from streams.ingest.article import hashed_id, to_article
from streams.ingest.feeds import Feed
from streams.ingest.parsers import ParsedEntry, ParsedFeed
from streams.ingest.publish import dead_letter
from streams.ingest.state import Seen
from streams.ingest.urls import canonical_url, host_of, web_address
from streams.records import Article, DeadLetter
from streams.settings import Settings


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
    ambiguous = _ambiguous_ids(parsed.entries)
    for entry in parsed.entries:
        article_id = entry_article_id(entry, feed.url, with_link=entry.id in ambiguous)
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
        changes.seen[article_id] = Seen(digest, arrival)
        if before is not None and before.digest == digest:
            changes.unchanged += 1
            continue
        changes.articles.append(msgspec.structs.replace(article, ingested=format_utc(now)))
        if before is None:
            changes.new += 1
        else:
            changes.revisions += 1
    return changes


def entry_article_id(entry: ParsedEntry, feed_url: str, *, with_link: bool = False) -> str:
    """The article id of an entry; the same entry in two feeds of a publisher has the same one.

    An address counts in its canonical form, and gives the same id as an archive's line with that address and no id. A bare number
    or word is unique only at its publisher, so the host belongs to it.

    Args:
        with_link: whether the feed gives one id to several entries, so that only id and link together tell them apart.
    """
    given = entry.id.strip()
    link = canonical_url(entry.url) if entry.url else ""
    if with_link:
        return hashed_id("feed", given, link)
    if web_address(given):
        return hashed_id("url", canonical_url(given))
    if given.startswith(("urn:", "tag:", "entry-")):
        return hashed_id("feed", given)
    return hashed_id("feed", host_of(entry.url or "") or host_of(feed_url), given)


def _ambiguous_ids(entries: list[ParsedEntry]) -> set[str]:
    links = {(entry.id, canonical_url(entry.url)) for entry in entries if entry.url}
    return {given for given, count in Counter(given for given, _ in links).items() if count > 1}


def _raw(entry: ParsedEntry, feed: Feed, article_id: str) -> dict[str, object]:
    # The feed's own statement of its language is left out: publishing systems set it to English whatever is written.
    return {
        "id": article_id, "url": entry.url, "title": entry.title, "text": max(entry.content or "", entry.summary or "", key=len),
        "published": entry.published or entry.updated, "outlet": feed.outlet, "language": feed.language,
    }  # fmt: skip


def _add_dead_letter(
    changes: FeedChanges, entry: ParsedEntry, feed: Feed, article_id: str, before: Seen | None, arrival: datetime, error: RecordError
) -> None:  # fmt: skip
    content = msgspec.json.encode(entry).decode()
    digest = hashed_id(error.reason, content)
    changes.seen[article_id] = Seen(digest, arrival)
    if before is None or before.digest != digest:
        changes.dead_letters.append(dead_letter(error.reason, f"{feed.url} {article_id}", error.what, content))
