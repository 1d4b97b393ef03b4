"""Which article a record is due to: carried as a header from stage to stage, and the oldest of a batch where there are several."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from streams.cause import HEADER, Cause, cause_in, first_written, passed_on, read_cause
from streams.metrics import WorkerMetrics
from streams.runner import StageRunner
from streams.stage import Batch, InputRecord, Output, Outputs

MONDAY = 1_501_459_200_000


@given(st.text(min_size=1).filter(lambda text: text.isprintable()), st.integers(0, 10**15 - 1))
def test_a_cause_is_read_as_it_was_written(article: str, written_ms: int) -> None:
    cause = Cause(article, written_ms)
    assert read_cause(cause.to_bytes()) == cause


@pytest.mark.parametrize(
    "value", [b"", b"1501459200000 a-1", b"00150145920000x a-1", b"001501459200000", b"001501459200000 ", b"\xff\xfe"]
)
def test_a_header_of_somebody_else_is_no_cause(value: bytes) -> None:
    assert read_cause(value) is None


def test_the_header_is_found_among_others_and_missing_is_empty() -> None:
    assert cause_in([("traceparent", b"1"), (HEADER, b"x")]) == b"x"
    assert cause_in([(HEADER, None)]) == cause_in([]) == cause_in(None) == b""


@given(st.lists(st.integers(0, 2 * MONDAY), min_size=1))
def test_the_oldest_article_of_a_batch_is_passed_on(times: list[int]) -> None:
    causes = [Cause(f"a{number}", time).to_bytes() for number, time in enumerate(times)]
    batch = Batch("signals", 0, [InputRecord(number, None, None, cause=cause) for number, cause in enumerate(causes)])
    found = read_cause(passed_on(batch))
    assert found is not None
    assert found.written_ms == min(times)


def test_records_without_a_cause_neither_have_one_nor_hide_that_of_others() -> None:
    cause = Cause("a-1", MONDAY).to_bytes()
    assert passed_on(Batch("signals", 0, [InputRecord(0, None, None), InputRecord(1, None, None, cause=cause)])) == cause
    assert passed_on(Batch("signals", 0, [InputRecord(0, None, None)])) == b""


def test_an_article_is_its_own_cause_with_the_time_of_the_log() -> None:
    batch = Batch("articles", 0, [InputRecord(0, b"a-1", b"", MONDAY), InputRecord(1, b"a-2", b"", MONDAY + 5)])
    assert read_cause(first_written(batch)) == Cause("a-1", MONDAY)
    assert first_written(Batch("articles", 0, [InputRecord(0, b"a-1", b"")])) == b""


class OneOutput:
    """A stage that writes one record for each batch."""

    name = "classify"

    def open(self, partition: int) -> int | None:
        return 0

    def refresh(self, partition: int) -> Outputs:
        return Outputs([[Output("signals", b"due", b"")]])

    def process(self, batch: Batch) -> Outputs:
        return Outputs([[Output("signals", b"key", b"value")]])

    def commit(self, partition: int) -> None:
        """Nothing to keep."""

    def close(self, partition: int) -> None:
        """Nothing to close."""


class CauseSink:
    """Keeps the cause that each write has."""

    def __init__(self) -> None:
        self.causes: list[bytes] = []

    def fence(self, partitions: Collection[int]) -> None:
        """Nobody else writes."""

    def release(self, partition: int) -> None:
        """Nobody else writes."""

    def write(self, partition: int, outputs: Outputs) -> int:
        self.causes.append(outputs.cause)
        return sum(1 for _ in outputs)


class AnyBatch:
    """A consumer that takes everything."""

    def is_current(self, batch: Batch) -> bool:
        return True

    def begin(self) -> None:
        """Nothing waits for it."""

    def end(self) -> None:
        """Nothing waits for it."""

    def acknowledge(self, batch: Batch) -> None:
        """Nobody commits it."""


async def test_outputs_of_a_batch_go_out_with_its_cause_and_what_is_due_without_a_batch_goes_without() -> None:
    registry, sink = CollectorRegistry(), CauseSink()
    runner = StageRunner(OneOutput(), sink, WorkerMetrics(registry), lambda _error: None, cause_of=first_written)
    runner.attach(AnyBatch())
    await runner.take_over(0)
    await runner.handle(Batch("articles", 0, [InputRecord(0, b"a-1", b"", MONDAY)]))
    runner.close()
    assert sink.causes == [b"", Cause("a-1", MONDAY).to_bytes()]
    buckets = [
        sample
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "bellwether_record_age_seconds_bucket"
    ]
    assert {sample.exemplar.labels["article_id"] for sample in buckets if sample.exemplar} == {"a-1"}
