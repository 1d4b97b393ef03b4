"""Which records of a partition may be handed on, and which offset may be committed: pure arithmetic, no Kafka.

Definitions: the *position* of a consumer is the offset from which it will read next; a `Fetch` tells it before and after. `next` is
where the next fetch must begin; `acknowledged` is the offset up to which every record's outputs are committed and its state stored.
A *gap* is a fetch that begins beyond `next`: what lay between was read and dropped on the way (Faust's consumer drops what it
fetched while a rebalance suspends it: upstream `Consumer.getmany`), so reading seeks back.

Offsets without a record are no gap. Compaction takes records away, and the end of each transaction is an offset of its own; the
consumer passes over both by moving its position, which is why positions are compared here, and not the offsets of records.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol


class HasOffset(Protocol):
    """What the ledger needs to know of a record."""

    @property
    def offset(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Fetch:
    """What was read of one partition at once: every record from position `start` up to position `end`, in order; maybe none."""

    start: int
    records: Sequence[HasOffset]
    end: int


@dataclass(slots=True)
class Ledger:
    """The account of one assignment of one partition.

    Args:
        start: offset from which the partition must be read.
        epoch: number of the assignment; tells late acknowledgements of an earlier one apart.
        limit: most batches handed on but not acknowledged.

    Attributes:
        waiting_since_ms: when the first record of each batch in flight was written, the oldest batch first; the consumer adds to it.
    """

    start: int
    epoch: int
    limit: int = 2
    next: int = 0
    acknowledged: int = 0
    committed: int = -1
    waiting_since_ms: deque[int] = field(default_factory=deque)
    _ends: deque[int] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.next = self.acknowledged = self.start

    @property
    def in_flight(self) -> int:
        """Batches handed on but not acknowledged."""
        return len(self._ends)

    @property
    def has_room(self) -> bool:
        """Whether another batch may be handed on."""
        return self.in_flight < self.limit

    def admit(self, fetch: Fetch) -> tuple[int, int | None]:
        """Decides on a fetch.

        Returns:
            (skip, seek): the first `skip` records were handed on before; `seek` is the offset to seek to instead of handing
            any on, or None. After None, the records from `skip` on, if there are any, count as one batch handed on.
        """
        if fetch.start > self.next:
            return 0, self.next
        skip = sum(1 for record in fetch.records if record.offset < self.next)
        self.next = max(self.next, fetch.end)
        if skip < len(fetch.records):
            self._ends.append(self.next)
        elif not self._ends:
            self.acknowledged = self.next
        return skip, None

    def give_up_before(self, earliest: int) -> None:
        """What lies before the log's first offset was deleted there and can't be read any more."""
        self.next = max(self.next, earliest)

    def acknowledge(self, epoch: int) -> bool:
        """Takes the oldest batch in flight as done; False for a batch of an earlier assignment, which changes nothing."""
        if epoch != self.epoch:
            return False
        end = self._ends.popleft()
        # Behind the last batch there may be offsets without a record, which the position has passed already.
        self.acknowledged = end if self._ends else self.next
        if self.waiting_since_ms:
            self.waiting_since_ms.popleft()
        return True

    def to_commit(self) -> int | None:
        """The offset to commit, or None when the newest one has been committed."""
        return self.acknowledged if self.acknowledged > max(self.committed, self.start) or self._first_commit() else None

    def _first_commit(self) -> bool:
        # A group without any commit would start over at "latest" or "earliest" by its settings; committing the start itself
        # closes the case "rebalance before the first commit".
        return self.committed < 0
