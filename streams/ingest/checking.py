"""A look at feeds without any effect: what stands there, how often something comes, what is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager

import msgspec

from streams.clock import format_utc, parse_utc, utc_now
from streams.errors import FeedError
from streams.ingest.feeds import Feed
from streams.ingest.fetch import Fetcher, Timeouts
from streams.ingest.gates import HostGates
from streams.ingest.health import error_kind
from streams.ingest.parsing import ParserPool
from streams.ingest.schedule import rhythm_of, rhythmic_interval

_CONCURRENCY = 16
_TIMEOUTS = Timeouts()


class CheckedFeed(msgspec.Struct, frozen=True, kw_only=True):
    """What was found: a line of `bellwether feeds check --json`.

    `interval_seconds` is how often it would be asked by its own rhythm; `moved_to` where a permanent redirect leads.
    """

    url: str
    outlet: str
    entries: int = 0
    newest: str = ""
    interval_seconds: float = 0.0
    moved_to: str = ""
    warnings: list[str] = msgspec.field(default_factory=list)
    error_kind: str = ""
    error: str | None = None

    def to_json(self) -> str:
        """One line of JSON."""
        return msgspec.json.encode(self).decode()

    def describe(self) -> str:
        """The same for people."""
        if self.error is not None:
            return f"FAILED  {self.url}  {self.error}"
        lines = [
            f"good    {self.url}  {self.entries} entries, newest {self.newest or 'without a date'}, every {self.interval_seconds / 60:.0f} min"
        ]
        lines += [f"        moved to {self.moved_to}"] if self.moved_to else []
        return "\n".join([*lines, *(f"        warning: {warning}" for warning in self.warnings)])


def check_feeds(feeds: Iterable[Feed], *, contact: str = "", timeouts: Timeouts = _TIMEOUTS) -> Iterator[CheckedFeed]:
    """Each feed, in the order given, as politely as the loop reads them; blocks."""
    yield from asyncio.run(_check_all(list(feeds), contact, timeouts))


async def _check_all(feeds: list[Feed], contact: str, timeouts: Timeouts) -> list[CheckedFeed]:
    gates, room, pool = HostGates(1.0), asyncio.Semaphore(_CONCURRENCY), ParserPool()

    @asynccontextmanager
    async def turn(host: str) -> AsyncIterator[None]:
        async with gates.through(host), room:
            yield

    async def check(feed: Feed, fetcher: Fetcher) -> CheckedFeed:
        try:
            fetched = await fetcher.get(feed.url, allow_private=feed.allow_private, turn=turn)
            parsed = await pool.parse(fetched.body or b"", fetched.url, fetched.content_type)
            if parsed.error is not None:
                raise FeedError(parsed.error, where=feed.url)
        except FeedError as error:
            return CheckedFeed(url=feed.url, outlet=feed.outlet, error_kind=error_kind(error), error=error.what)
        now = utc_now()
        moments = [
            moment
            for entry in parsed.entries
            if (date := entry.published or entry.updated) and (moment := parse_utc(date)) <= now
        ]
        return CheckedFeed(
            url=feed.url, outlet=feed.outlet, entries=len(parsed.entries), newest=format_utc(max(moments)) if moments else "",
            interval_seconds=feed.interval_seconds or rhythmic_interval(rhythm_of(moments, now), now), moved_to=fetched.moved_to,
            warnings=parsed.warnings,
        )  # fmt: skip

    try:
        async with Fetcher(timeouts, contact=contact) as fetcher:
            return list(await asyncio.gather(*(check(feed, fetcher) for feed in feeds)))
    finally:
        pool.close()
