"""Taking partitions over: fenced first, all of them, and given up again, all of them, when a rebalance comes in between."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

import pytest
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.consumption import BatchConsumer

ASSIGNED = [TP("articles", 0), TP("signals", 0), TP("trends", 0)]


class Rehearsal(BatchConsumer):
    """The consumer's part in an assignment, without a broker: it notes what the stages are asked for."""

    def __init__(self) -> None:
        self.ledgers = {}
        self._epoch = 1
        self._room = asyncio.Event()
        self.events: list[str] = []
        self.failures: list[BaseException] = []
        self.held_up_at = ""
        self.is_held_up, self.may_go_on = asyncio.Event(), asyncio.Event()
        self.fence, self.take_over, self.give_up = self._fence, self._take_over, self._give_up
        self.on_failure = self.failures.append

    async def _fence(self, partitions: Collection[TP]) -> None:
        self.events.append("fence " + " ".join(tp.topic for tp in partitions))

    async def _take_over(self, topic: str, partition: int) -> int:
        self.events.append(f"open {topic} {partition}")
        if topic == self.held_up_at:
            self.is_held_up.set()
            await self.may_go_on.wait()
        return 7

    async def _give_up(self, topic: str, partition: int) -> None:
        self.events.append(f"close {topic} {partition}")

    async def earliest_offsets(self, *partitions: TP) -> dict[TP, int]:
        return dict.fromkeys(partitions, 0)

    async def seek(self, partition: TP, offset: int) -> None: ...


@pytest.fixture
def consumer(monkeypatch: pytest.MonkeyPatch) -> Rehearsal:
    async def waits_and_commits(*_: Any) -> None: ...

    monkeypatch.setattr(driver.Consumer, "on_partitions_revoked", waits_and_commits)
    return Rehearsal()


async def test_all_partitions_are_fenced_before_anything_is_read_for_any(consumer: Rehearsal) -> None:
    await consumer._take_over_all(ASSIGNED, epoch=1)
    assert consumer.events == ["fence articles signals trends", "open articles 0", "open signals 0", "open trends 0"]
    assert {tp: ledger.next for tp, ledger in consumer.ledgers.items()} == dict.fromkeys(ASSIGNED, 7)


async def test_what_is_being_taken_over_is_given_up_when_a_rebalance_comes_in_between(consumer: Rehearsal) -> None:
    consumer.held_up_at = "signals"
    assigned = [*ASSIGNED, TP("signals", 1)]
    taking_over = asyncio.ensure_future(consumer._take_over_all(sorted(assigned), epoch=1))
    await consumer.is_held_up.wait()
    await consumer.on_partitions_revoked(set(assigned))
    consumer.may_go_on.set()
    await taking_over
    assert sorted(consumer.events[-4:]) == ["close articles 0", "close signals 0", "close signals 1", "close trends 0"]
    assert "open signals 1" not in consumer.events
    assert consumer.ledgers == {}


async def test_a_fence_that_fails_ends_the_worker_before_anything_is_opened(consumer: Rehearsal) -> None:
    async def refused(_: Collection[TP]) -> None:
        raise OSError("no broker")

    consumer.fence = refused
    await consumer._take_over_all(ASSIGNED, epoch=1)
    assert [str(error) for error in consumer.failures] == ["no broker"]
    assert consumer.events == []


async def test_nobody_but_a_take_over_seeks(consumer: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
    async def seeks(_: object) -> None:
        pytest.fail("Faust went to the committed offsets, wherever the stages wanted to read from")

    monkeypatch.setattr(driver.Consumer, "seek_to_committed", seeks)
    await consumer.perform_seek()
