"""The contract of a stage: a plain function over a batch, with its state. No Faust, no topic names, no globals.

The same stage object runs in the stream (`streams/topology.py`), in a plain loop (tests, benchmarks) and in a back-test.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class InputRecord:
    """One record as it was read.

    `timestamp_ms` is when it was written to the topic (ingest time), in ms since 1970. `cause` says which article it is due to, as
    `streams.cause` writes it; empty where nobody said.
    """

    offset: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int = 0
    cause: bytes = b""


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one partition in the order of their offsets; never empty.

    `epoch` tells assignments of the partition apart: an acknowledgement of an older epoch is ignored.
    """

    topic: str
    partition: int
    records: Sequence[InputRecord]
    epoch: int = 0

    @property
    def next_offset(self) -> int:
        """Where reading goes on once this batch is acknowledged."""
        return self.records[-1].offset + 1


@dataclass(frozen=True, slots=True)
class Output:
    """One record to write. `route` names an output of the stage, which the topology ties to a topic.

    `value` None is a tombstone. `partition_by` picks the partition (the key does, when it is None).
    """

    route: str
    key: bytes
    value: bytes | None
    partition_by: bytes | None = None


@dataclass(slots=True)
class Outputs:
    """What a batch gave. No phase may be safe before the ones ahead of it: on Kafka all of them are one transaction.

    `cause` is the oldest article that they are due to, as `streams.cause` writes it; the runner fills it in.
    """

    phases: list[list[Output]] = field(default_factory=list)
    cause: bytes = b""

    def __iter__(self) -> Iterator[Output]:
        return (output for phase in self.phases for output in phase)


class Stage(Protocol):
    """A step of the stream. All methods are called from one thread at a time, may block, and raise only for infrastructure.

    The order for each batch is: `process`, every output safe, `commit`, then the batch is acknowledged. After a crash at any
    point the batch comes again, and the same facts result. At the start it is: `open`, `refresh`, outputs safe, `commit`.
    """

    name: str

    def open(self, partition: int) -> int | None:
        """Takes a partition over. Returns the offset from which it must be read, or None for "where the group committed"."""

    def process(self, batch: Batch) -> Outputs:
        """The outputs of a batch. State changes stay pending until `commit`, or are made durable together with what must be written
        because of them, so that `refresh` of whoever opens the state next writes it.
        """

    def refresh(self, partition: int) -> Outputs:
        """Outputs that are due without any input, because what the stage was told has changed since it last ran."""

    def commit(self, partition: int) -> None:
        """Makes the pending state changes durable against the death of the process."""

    def close(self, partition: int) -> None:
        """Gives a partition up; pending changes are dropped."""


@runtime_checkable
class Postponing(Protocol):
    """A stage that leaves work for later. Between batches, and without any, `is_due` is asked, and `refresh`, outputs safe, `commit` follow."""

    def is_due(self, partition: int) -> bool:
        """Whether outputs should be made now."""

    def waiting(self, partition: int) -> int:
        """How much waits, in the stage's own unit."""


#: An input is quiet when nothing has come for so long; what was postponed is done at the latest after so long.
QUIET_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 30.0


@dataclass(slots=True)
class Pace:
    """When a stage that postpones work may do some: when the input is quiet, or when it has waited for long.

    Attributes:
        heard_at: when the last batch came.
        worked_at: when postponed work was last done, or began to wait.
    """

    heard_at: float
    worked_at: float

    def is_quiet(self, now: float) -> bool:
        """Whether nothing has come for a while."""
        return now - self.heard_at >= QUIET_SECONDS

    def allows(self, now: float) -> bool:
        """Whether it is time."""
        return self.is_quiet(now) or now - self.worked_at >= LONGEST_WAIT_SECONDS
