"""The ledger decides which fetched records are handed on, and what may be committed."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from streams.kafka.ledger import Fetch, Ledger


@dataclass(frozen=True)
class Read:
    offset: int


def fetch(*offsets: int, start: int | None = None, end: int | None = None) -> Fetch:
    """A fetch from its first record to its last, unless it says otherwise."""
    return Fetch(
        offsets[0] if start is None else start, [Read(offset) for offset in offsets], offsets[-1] + 1 if end is None else end
    )


def test_contiguous_records_are_handed_on_whole() -> None:
    ledger = Ledger(start=5, epoch=1)
    assert ledger.admit(fetch(5, 6, 7)) == (0, None)
    assert ledger.next == 8


def test_records_handed_on_before_are_skipped() -> None:
    ledger = Ledger(start=5, epoch=1)
    ledger.admit(fetch(5, 6, 7))
    assert ledger.admit(fetch(6, 7, 8)) == (2, None)
    assert ledger.admit(fetch(6, 7, 8)) == (3, None)
    assert ledger.in_flight == 2, "the last fetch brought nothing new"


def test_a_fetch_that_begins_beyond_the_next_offset_is_a_gap_and_hands_nothing_on() -> None:
    ledger = Ledger(start=5, epoch=1)
    assert ledger.admit(fetch(8, 9)) == (0, 5)
    assert ledger.next == 5
    assert ledger.in_flight == 0


def test_offsets_without_a_record_are_no_gap_wherever_they_are_in_a_fetch() -> None:
    ledger = Ledger(start=5, epoch=1)
    assert ledger.admit(fetch(8, 12, start=5, end=20)) == (0, None)
    assert ledger.next == 20
    assert ledger.admit(fetch(20)) == (0, None)


def test_markers_behind_the_last_record_are_acknowledged_with_it() -> None:
    ledger = Ledger(start=0, epoch=1)
    ledger.admit(fetch(0, 1, end=3))
    ledger.acknowledge(1)
    assert ledger.to_commit() == 3


def test_markers_that_come_alone_are_acknowledged_at_once_when_nothing_is_in_flight() -> None:
    ledger = Ledger(start=0, epoch=1)
    assert ledger.admit(Fetch(0, [], 2)) == (0, None)
    assert ledger.in_flight == 0
    assert ledger.to_commit() == 2


def test_markers_that_come_alone_wait_for_the_batches_before_them() -> None:
    ledger = Ledger(start=0, epoch=1)
    ledger.admit(fetch(0, 1))
    ledger.admit(Fetch(2, [], 4))
    assert ledger.acknowledged == 0
    ledger.acknowledge(1)
    assert ledger.acknowledged == 4


def test_what_was_deleted_from_the_log_is_not_sought_for_ever() -> None:
    ledger = Ledger(start=5, epoch=1)
    assert ledger.admit(fetch(9, 10)) == (0, 5)
    ledger.give_up_before(9)
    assert ledger.admit(fetch(9, 10)) == (0, None)


def test_only_acknowledged_offsets_are_committed() -> None:
    ledger = Ledger(start=0, epoch=3)
    ledger.committed = 0
    ledger.admit(fetch(0, 1, 2))
    ledger.admit(fetch(3))
    assert ledger.to_commit() is None
    assert ledger.acknowledge(3)
    assert ledger.to_commit() == 3


def test_the_start_itself_is_committed_first_so_that_a_rebalance_before_any_work_loses_nothing() -> None:
    assert Ledger(start=7, epoch=1).to_commit() == 7


def test_an_acknowledgement_of_an_earlier_assignment_changes_nothing() -> None:
    ledger = Ledger(start=0, epoch=2)
    ledger.admit(fetch(0, 1))
    assert not ledger.acknowledge(1)
    assert ledger.acknowledged == 0
    assert ledger.in_flight == 1


def test_no_more_than_the_limit_is_in_flight() -> None:
    ledger = Ledger(start=0, epoch=1, limit=2)
    ledger.admit(fetch(0))
    assert ledger.has_room
    ledger.admit(fetch(1))
    assert not ledger.has_room


@given(
    st.sets(st.integers(0, 60), min_size=1).map(sorted),
    st.lists(st.tuples(st.integers(0, 70), st.integers(1, 7)), max_size=60),
)
def test_whatever_is_dropped_on_the_way_every_record_of_the_log_is_handed_on_in_order(
    log: list[int], fetches: list[tuple[int, int]]
) -> None:
    """The log has holes; the way drops fetches, and others move the position, forward and back."""
    ledger, position, seen, end_of_log = Ledger(start=0, epoch=1, limit=10**6), 0, [], log[-1] + 4
    moves = iter(fetches)
    for _ in range(200):
        jump, size = next(moves, (None, 7))
        start = position = position if jump is None else min(jump, end_of_log)
        records = [Read(offset) for offset in log if offset >= start][:size]
        position = records[-1].offset + 1 if len(records) == size else end_of_log
        skip, seek = ledger.admit(Fetch(start, records, position))
        if seek is not None:
            position = seek
            continue
        seen += [record.offset for record in records[skip:]]
    assert seen == log
    assert ledger.next == end_of_log
