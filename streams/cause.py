"""Which article a record is due to, carried from topic to topic as a header: how old news is when it is shown, and which it was.

The cause of a batch's outputs is the oldest article that the batch is due to, so that a latency made of it is an upper bound. It is no
part of a record's value: counts stay a function of the facts, whatever the headers say. What is written without a batch (rounds of
postponed work, a take-over) has none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from streams.stage import Batch

HEADER = "article"
#: Milliseconds since 1970 with so many digits: the bytes sort by time, and the oldest is found without reading any.
_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Cause:
    """An article: its id, and when it was written to `articles`, in ms since 1970."""

    article_id: str
    written_ms: int

    def to_bytes(self) -> bytes:
        """The header's value.

        >>> Cause("a-1", 1501459200000).to_bytes()
        b'001501459200000 a-1'
        """
        return f"{self.written_ms:0{_DIGITS}d} {self.article_id}".encode()


def read_cause(value: bytes) -> Cause | None:
    """The cause that a header's value holds; None for anything else.

    >>> read_cause(b"001501459200000 a-1")
    Cause(article_id='a-1', written_ms=1501459200000)
    """
    written, _, article = value.decode("utf-8", "replace").partition(" ")
    if len(written) != _DIGITS or not (written.isascii() and written.isdigit()) or not article:
        return None
    return Cause(article, int(written))


def cause_in(headers: Iterable[tuple[str, object]] | None) -> bytes:
    """The value of the header among a record's headers; empty without one."""
    for name, value in headers or ():
        if name == HEADER and isinstance(value, bytes):
            return value
    return b""


def first_written(batch: Batch) -> bytes:
    """For a batch of `articles`: its first record is the oldest. Empty where the log has no time or no key."""
    first = batch.records[0]
    if not first.timestamp_ms or not first.key:
        return b""
    return Cause(first.key.decode("utf-8", "replace"), first.timestamp_ms).to_bytes()


def passed_on(batch: Batch) -> bytes:
    """For a batch of any later topic: the oldest article among the causes of its records. Empty when none has one."""
    return min((record.cause for record in batch.records if record.cause), default=b"")
