"""The ledger decides which fetched records are handed on, and what may be committed."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from streams.kafka.ledger import Ledger


@dataclass(frozen=True)
class Fetched:
    offset: int


def fetched(*offsets: int) -> list[Fetched]:
    return [Fetched(offset) for offset in offsets]


def test_contiguous_records_are_handed_on_whole() -> None:
    ledger = Ledger(start=5, epoch=1)
    assert ledger.admit(fetched(5, 6, 7)) == (0, None)
    assert ledger.next == 8


def test_records_handed_on_before_are_skipped() -> None:
    ledger = Ledger(start=5, epoch=1)
    ledger.admit(fetched(5, 6, 7))
    assert ledger.admit(fetched(6, 7, 8)) == (2, None)
    assert ledger.admit(fetched(6, 7, 8)) == (3, None)


def test_a_gap_seeks_back_once_and_hands_nothing_on() -> None:
    ledger = Ledger(start=5, epoch=1)
    assert ledger.admit(fetched(8, 9)) == (0, 5)
    assert ledger.next == 5
    assert ledger.in_flight == 0


def test_a_gap_that_stands_after_seeking_back_is_compaction_and_is_accepted() -> None:
    ledger = Ledger(start=5, epoch=1)
    ledger.admit(fetched(8, 9))
    assert ledger.admit(fetched(8, 9)) == (0, None)
    assert ledger.next == 10


def test_a_second_gap_seeks_back_again() -> None:
    ledger = Ledger(start=0, epoch=1)
    ledger.admit(fetched(2))
    ledger.admit(fetched(2))
    assert ledger.admit(fetched(9)) == (0, 3)


def test_holes_inside_one_fetch_are_compaction() -> None:
    ledger = Ledger(start=0, epoch=1)
    assert ledger.admit(fetched(0, 4, 9)) == (0, None)
    assert ledger.next == 10


def test_only_acknowledged_offsets_are_committed() -> None:
    ledger = Ledger(start=0, epoch=3)
    ledger.committed = 0
    ledger.admit(fetched(0, 1, 2))
    assert ledger.to_commit() is None
    assert ledger.acknowledge(3, 3)
    assert ledger.to_commit() == 3


def test_the_start_itself_is_committed_first_so_that_a_rebalance_before_any_work_loses_nothing() -> None:
    assert Ledger(start=7, epoch=1).to_commit() == 7


def test_an_acknowledgement_of_an_earlier_assignment_changes_nothing() -> None:
    ledger = Ledger(start=0, epoch=2)
    ledger.admit(fetched(0, 1))
    assert not ledger.acknowledge(1, 2)
    assert ledger.acknowledged == 0
    assert ledger.in_flight == 1


def test_no_more_than_the_limit_is_in_flight() -> None:
    ledger = Ledger(start=0, epoch=1, limit=2)
    ledger.admit(fetched(0))
    assert ledger.has_room
    ledger.admit(fetched(1))
    assert not ledger.has_room


@given(
    st.sets(st.integers(0, 60), min_size=1).map(sorted),
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 7)), max_size=60),
)
def test_whatever_is_dropped_on_the_way_every_record_of_the_log_is_handed_on_in_order(
    log: list[int], fetches: list[tuple[int, int]]
) -> None:
    """The broker answers with records from the asked position; the way drops fetches by moving the position on."""
    ledger, position, seen, knows = Ledger(start=0, epoch=1, limit=10**6), 0, [], False
    moves = iter(fetches)
    for _ in range(500):
        jump, size = next(moves, (0, 7))
        if jump > position:
            position = jump  # what lay between was dropped; the consumer knows of it, save for the first time
            if knows:
                ledger.dropped()
            knows = True
        batch = [Fetched(offset) for offset in log if offset >= position][:size]
        if not batch:
            position = ledger.next
            if not [offset for offset in log if offset >= position]:
                break
            continue
        skip, seek = ledger.admit(batch)
        if seek is not None:
            position = seek
            continue
        seen += [record.offset for record in batch[skip:]]
        position = batch[-1].offset + 1
    # Dropped records at the very end of the log are only noticed when something comes after them.
    assert seen == log[: len(seen)]
