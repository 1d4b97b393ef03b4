"""Which records of a partition may be handed on, and which offset may be committed: pure arithmetic, no Kafka.

Definitions: `next` is the offset that must be read next; `acknowledged` is the offset up to which every record's outputs are
flushed and its state stored. A *gap* is a first offset beyond `next`: either records were dropped on the way (Faust's consumer
drops what it fetched while a rebalance suspends it: upstream `Consumer.getmany`), or the broker has compacted them away. The
two look alike, so a gap is answered by seeking back; if the very same offset comes first again, nothing is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class HasOffset(Protocol):
    """What the ledger needs to know of a record."""

    @property
    def offset(self) -> int: ...


@dataclass(slots=True)
class Ledger:
    """The account of one assignment of one partition.

    Args:
        start: offset from which the partition must be read.
        epoch: number of the assignment; tells late acknowledgements of an earlier one apart.
        limit: most batches handed on but not acknowledged.
    """

    start: int
    epoch: int
    limit: int = 2
    next: int = 0
    acknowledged: int = 0
    committed: int = -1
    in_flight: int = 0
    _gap_up_to: int = -1

    def __post_init__(self) -> None:
        self.next = self.acknowledged = self.start

    @property
    def has_room(self) -> bool:
        """Whether another batch may be handed on."""
        return self.in_flight < self.limit

    def admit(self, records: Sequence[HasOffset]) -> tuple[int, int | None]:
        """Decides on fetched records, which are in the order of their offsets.

        Returns:
            (skip, seek): the first `skip` records were handed on before; `seek` is the offset to seek to instead of handing
            any on, or None. After None, the records from `skip` on count as handed on.
        """
        skip = 0
        while skip < len(records) and records[skip].offset < self.next:
            skip += 1
        if skip == len(records):
            return skip, None
        found = records[skip].offset
        if found > self.next and found != self._gap_up_to:
            self._gap_up_to = found
            return skip, self.next
        self._gap_up_to = -1
        self.next = records[-1].offset + 1
        self.in_flight += 1
        return skip, None

    def dropped(self) -> None:
        """What was fetched was thrown away: the gap that follows says nothing of compaction, even if one was just looked at."""
        self._gap_up_to = -1

    def acknowledge(self, epoch: int, next_offset: int) -> bool:
        """Takes a batch as done, up to `next_offset`; False for a batch of an earlier assignment, which changes nothing."""
        if epoch != self.epoch:
            return False
        self.acknowledged = next_offset
        self.in_flight -= 1
        return True

    def to_commit(self) -> int | None:
        """The offset to commit, or None when the newest one has been committed."""
        return self.acknowledged if self.acknowledged > max(self.committed, self.start) or self._first_commit() else None

    def _first_commit(self) -> bool:
        # A group without any commit would start over at "latest" or "earliest" by its settings; committing the start itself
        # closes the case "rebalance before the first commit".
        return self.committed < 0
