"""What is remembered of one feed between two requests."""

from __future__ import annotations

from datetime import datetime

import msgspec

from streams.ingest.answers import Validators
from streams.ingest.schedule import FIRST_INTERVAL_SECONDS, Rhythm


class EntryCounts(msgspec.Struct, frozen=True):
    """What became of the entries of documents: `read` = `new` + `revisions` + `duplicates` + `rejected`, always."""

    read: int = 0
    new: int = 0
    revisions: int = 0
    duplicates: int = 0
    rejected: int = 0

    def plus(self, other: EntryCounts) -> EntryCounts:
        """The sum of both."""
        return EntryCounts(
            *(one + two for one, two in zip(msgspec.structs.astuple(self), msgspec.structs.astuple(other), strict=True))
        )


class FeedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One feed as it was left. `next_due` None: it was never asked.

    Attributes:
        failures: fetches that failed since the last good one.
        error, error_kind: one line about the last failure, and its class; "" after a good fetch.
        gone_since: since when its server calls it gone.
        moved_to: the address that it is asked at, where that is no longer its own.
        moving_to, moving_times: a permanent redirect that was seen, and in how many good fetches in a row.
        interval_seconds: time between two good fetches, before jitter.
        ttl_seconds: what its last document asked for.
        last_new: when a new entry last came.
        newest: the newest publication in it that is not in the future.
        lag_seconds: from publication to arrival, smoothed over the fetches that brought something; None before that.
        hours: see `streams.ingest.health.add_hours`.
        counts: of all entries ever read.
    """

    validators: Validators = msgspec.field(default_factory=Validators)
    next_due: datetime | None = None
    asked: datetime | None = None
    last_success: datetime | None = None
    failures: int = 0
    error: str = ""
    error_kind: str = ""
    gone_since: datetime | None = None
    moved_to: str = ""
    moving_to: str = ""
    moving_times: int = 0
    interval_seconds: float = FIRST_INTERVAL_SECONDS
    ttl_seconds: float = 0.0
    rhythm: Rhythm = Rhythm()
    last_new: datetime | None = None
    newest: datetime | None = None
    lag_seconds: float | None = None
    hours: list[int] = msgspec.field(default_factory=list)
    counts: EntryCounts = EntryCounts()
