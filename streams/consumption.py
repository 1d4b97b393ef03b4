"""Gap-free consumption under the agents: Faust's consumer, fenced in.

Contract. Records of a partition reach its agent in batches, in the order of their offsets, each record at least once and none
skipped. One message of the stream is one batch. A batch is acknowledged by `BatchConsumer.acknowledge`, called after its
outputs are committed and its state stored; only acknowledged offsets are ever committed. After a rebalance, a restart or a
crash, reading goes on where the stage's own state says, or where the group committed.

The fence. Partitions that are newly assigned are fenced, all of them, before anything is read for any: from then on whoever had them
before can write nothing more (`streams/kafka/sink.py`). Without it a process that stood still for longer than its session wakes, and
delivers its old batch behind newer records. Records are read once they are committed; of what a dead process left open none is seen.

What is replaced of Faust, and why (faust-streaming 0.15.3):

* `_drain_messages` runs four asyncio tasks per message and drops what was fetched while the flow is suspended, moving the read
  position on all the same. Here it hands on whole batches, and `Ledger` notices what was dropped.
* `Stream.take` and the stream's iterator acknowledge in `finally`, thus also on cancellation and on an exception. Here streams
  are `noack()`, and the acknowledgement is explicit.
* The table manager sleeps for a second at the start, to let tables be declared; there are none (`NoTables`).
* `wait_empty` waits for messages that may never be processed (`FlowControlQueue.clear` drops them at a rebalance), for ever.
  Here it waits for the batch that is in work, for a bounded time.
* Once its (missing) tables are recovered, Faust seeks every partition to the offset that the group committed, at whatever moment that is.
  Coming behind a take-over from further back it left records unread until newer ones came. Here a take-over seeks, and nobody else
  (`perform_seek`); a position that is not the ledger's is a gap, with or without records.
* Positions are compared, not offsets: markers of transactions and compaction leave offsets without a record (`Fetch`).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import Any, cast

import faust
from faust.tables.manager import TableManager
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from streams.cause import cause_in
from streams.kafka.ledger import Fetch, Ledger
from streams.log import get_logger
from streams.stage import Batch, InputRecord

log = get_logger("consumption")

WORK_WAIT_SECONDS = 5.0
FETCH_WAIT_SECONDS = 0.5
FETCH_HELD_MS = 100


class BatchSchema(faust.Schema):  # type: ignore[type-arg]
    """Lets a batch through Faust's decoding as it is; a stage decodes its own records."""

    def loads_key(self, app: Any, message: Any, **_: Any) -> Any:
        """No key: a batch has many."""
        return None

    def loads_value(self, app: Any, message: Any, **_: Any) -> Any:
        """The batch itself."""
        return message.value


class BatchConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's thread of the aiokafka consumer, with shorter waits, and fetches that tell positions."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # Faust lets the broker hold a fetch for 1.5 s when there is nothing to read. Until it answers, aiokafka fetches no partition that
        # was taken over meanwhile, and every other request to that broker waits behind it: 1.5 s for each partition at a take-over.
        consumer._fetch_max_wait_ms = FETCH_HELD_MS
        return consumer

    async def fetch(self, wanted: Mapping[TP, int], timeout: float) -> dict[TP, Fetch]:  # noqa: ASYNC109 - waiting in vain is no error
        """What there is of each wanted partition, after waiting for it for so many seconds at most.

        Args:
            wanted: partition -> the position that it should have.
        """
        if found := await self._fetch_now(wanted):
            return found
        waiter = self._ensure_consumer()._fetcher._create_fetch_waiter()
        await asyncio.wait([waiter], timeout=timeout)
        waiter.cancel()
        return await self._fetch_now(wanted)

    async def _fetch_now(self, wanted: Mapping[TP, int]) -> dict[TP, Fetch]:
        """Takes what has come, without waiting: so nothing can move a position between the looks at it. Tells of odd positions as well."""
        consumer = self._ensure_consumer()
        before = self._positions(wanted)
        found = await self._fetch_records(consumer, set(wanted), timeout=0, max_records=consumer._max_poll_records)
        after = self._positions(wanted)
        return {
            tp: Fetch(before[tp], found.get(tp, []), after[tp])
            for tp in before.keys() & after.keys()
            if tp in found or before[tp] != after[tp] or before[tp] > wanted[tp]
        }

    def _positions(self, wanted: Iterable[TP]) -> dict[TP, int]:
        """Where each of the partitions will be read next, of those that are assigned and have a position."""
        subscription = self._ensure_consumer()._subscription.subscription
        assignment = None if subscription is None else subscription.assignment
        states = {} if assignment is None else {tp: assignment.state_value(driver.ensure_aiokafka_TP(tp)) for tp in wanted}
        return {tp: state.position for tp, state in states.items() if state is not None and state.has_valid_position}


class BatchConsumer(driver.Consumer):
    """Faust's aiokafka consumer, handing on batches by a ledger per partition.

    Attributes:
        fence: called with all partitions newly assigned, before any is taken over.
        take_over: called (in a thread) with a topic and a partition newly assigned; returns the offset to read from, or None.
        give_up: called with a topic and a partition revoked.
        on_gap: called with a topic whenever reading seeks back.
        on_assigned: called with each assignment.
        on_failure: called with an error that ends the process.
    """

    fence: Callable[[Collection[TP]], Awaitable[None]]
    take_over: Callable[[str, int], Awaitable[int | None]]
    give_up: Callable[[str, int], Awaitable[None]]
    on_gap: Callable[[str], None]
    on_assigned: Callable[[Iterable[TP]], None]
    on_failure: Callable[[BaseException], None]
    _thread: BatchConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Faust's word for reading committed records only, and for taking the end of these for the partition's end.
        self.in_transaction = True
        self.ledgers: dict[TP, Ledger] = {}
        self._epoch = 0
        self._working = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._room = asyncio.Event()
        self._room.set()

    def _new_consumer_thread(self) -> BatchConsumerThread:
        return BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def on_init_dependencies(self) -> Iterable[Any]:
        """None: Faust's own transactions are not used."""
        return []

    # -- assignment ----------------------------------------------------------------------------------------------------

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Waits for the batch in work, commits, and gives the partitions up, also those that are only being taken over."""
        self._epoch += 1
        await super().on_partitions_revoked(revoked)
        for tp in revoked:
            self.ledgers.pop(tp, None)
            await self.give_up(tp.topic, tp.partition)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Starts a new epoch. The stages take over in the background, so that a long recovery does not miss heartbeats."""
        epoch = self._epoch = self._epoch + 1
        self.ledgers.clear()
        await super().on_partitions_assigned(assigned, generation_id)
        self.on_assigned(assigned)
        self.add_future(self._take_over_all(sorted(assigned), epoch))

    async def _take_over_all(self, assigned: list[TP], epoch: int) -> None:
        try:
            _, earliest = await asyncio.gather(self.fence(assigned), self.earliest_offsets(*assigned))
            by_topic = itertools.groupby(assigned, key=lambda tp: tp.topic)
            await asyncio.gather(*(self._take_over_each(list(tps), earliest, epoch) for _, tps in by_topic))
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - any failure here must end the process with its reason
            self.on_failure(error)

    async def _take_over_each(self, assigned: list[TP], earliest: Mapping[TP, int], epoch: int) -> None:
        """One after the other those of one topic, which is one stage's; stages go side by side."""
        for tp in assigned:
            start = await self._start_of(tp, earliest[tp]) if epoch == self._epoch else 0
            if epoch != self._epoch:
                return
            await self.seek(tp, start)
            self.ledgers[tp] = Ledger(start=start, epoch=epoch)
            self._room.set()
            log.debug("partition_taken_over", topic=tp.topic, partition=tp.partition, start=start)

    async def _start_of(self, tp: TP, earliest: int) -> int:
        start = await self.take_over(tp.topic, tp.partition)
        if start is None:
            consumer = self._thread._ensure_consumer()
            start = await self._thread.call_thread(consumer.committed, driver.ensure_aiokafka_TP(tp))
        return earliest if start is None else max(start, earliest)

    async def perform_seek(self) -> None:
        """Nothing: see the contract."""

    # -- reading -------------------------------------------------------------------------------------------------------

    async def _drain_messages(self, fetcher: Any) -> None:
        stopped = cast(Callable[[], bool], fetcher._stopped.is_set)
        try:
            while not (self.should_stop or stopped()):
                if not self.flow_active:
                    await _wait_for(self.can_resume_flow)
                    continue
                active = [(tp, self.ledgers[tp]) for tp in self._get_active_partitions() if tp in self.ledgers]
                wanted = {tp: ledger.next for tp, ledger in active if ledger.has_room}
                if not wanted:
                    self._room.clear()
                    await _wait_for(self._room)
                    continue
                await self._hand_on_all(await self._read(wanted, FETCH_WAIT_SECONDS))
        except self.consumer_stopped_errors:
            if not self.app.should_stop:
                raise
        except asyncio.CancelledError:
            if not self.app.should_stop:
                raise

    async def _read(self, wanted: Mapping[TP, int], timeout: float) -> dict[TP, Fetch]:  # noqa: ASYNC109 - waiting in vain is no error
        """See `BatchConsumerThread.fetch`."""
        epoch = self._epoch
        found = await self._thread.call_thread(self._thread.fetch, wanted, timeout)
        # One that a rebalance overtook tells positions of two assignments.
        return found if epoch == self._epoch else {}

    async def _hand_on_all(self, fetches: Mapping[TP, Fetch]) -> None:
        for tp, fetch in fetches.items():
            # What a rebalance overtakes is dropped; the position has moved on, which the ledger will notice.
            if self.flow_active:
                await self._hand_on(tp, fetch)

    async def _hand_on(self, tp: TP, fetch: Fetch) -> None:
        ledger = self.ledgers.get(tp)
        if ledger is None:
            return
        skip, seek = ledger.admit(fetch)
        if seek is not None:
            log.info("gap_found", topic=tp.topic, partition=tp.partition, expected=seek, found=fetch.start)
            self.on_gap(tp.topic)
            ledger.give_up_before((await self.earliest_offsets(tp))[tp])
            await self.seek(tp, ledger.next)
            return
        fetched = cast(list[Any], fetch.records)[skip:]
        records = [InputRecord(r.offset, r.key, r.value, r.timestamp or 0, cause_in(r.headers)) for r in fetched]
        if records:
            ledger.waiting_since_ms.append(records[0].timestamp_ms)
            await self.callback(self._as_message(tp, Batch(tp.topic, tp.partition, records, ledger.epoch)))

    def _as_message(self, tp: TP, batch: Batch) -> ConsumerMessage:
        last = batch.records[-1]
        return ConsumerMessage(
            tp.topic, tp.partition, last.offset, last.timestamp_ms / 1000, 0, [], None, cast(Any, batch), None, 0, 0, tp,
            generation_id=self.app.consumer_generation_id,
        )  # fmt: skip

    # -- acknowledging and committing ----------------------------------------------------------------------------------

    def is_current(self, batch: Batch) -> bool:
        """Whether the batch belongs to the assignment that holds now."""
        ledger = self.ledgers.get(TP(batch.topic, batch.partition))
        return ledger is not None and ledger.epoch == batch.epoch

    def begin(self) -> None:
        """A batch is in work: a rebalance and an orderly stop wait for it."""
        self._working += 1
        self._idle.clear()

    def end(self) -> None:
        """No batch is in work any more."""
        self._working -= 1
        if self._working == 0:
            self._idle.set()

    def acknowledge(self, batch: Batch) -> None:
        """The batch's outputs are committed and its state is stored: its offsets may be committed."""
        ledger = self.ledgers.get(TP(batch.topic, batch.partition))
        if ledger is not None and ledger.acknowledge(batch.epoch):
            self._room.set()

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commits what the ledgers allow; called by Faust's timer, at a rebalance and at the stop."""
        offsets = {tp: offset for tp, ledger in self.ledgers.items() if (offset := ledger.to_commit()) is not None}
        if not offsets or not await self._commit(offsets):
            return False
        for tp, offset in offsets.items():
            if tp in self.ledgers:
                self.ledgers[tp].committed = offset
        return True

    async def wait_empty(self) -> None:
        """Waits for the batches in work, at most `WORK_WAIT_SECONDS`, and commits. What is not done by then comes again."""
        try:
            await asyncio.wait_for(self._idle.wait(), WORK_WAIT_SECONDS)
        except TimeoutError:
            log.warning("batch_not_finished", waited_seconds=WORK_WAIT_SECONDS)
        await self.commit()

    async def verify_all_partitions_active(self) -> None:
        """Nothing: Faust's check counts messages, and lag is a metric here."""

    def lag(self) -> Mapping[TP, int]:
        """Records of each partition that are written but not acknowledged, as far as the last fetch knew."""
        return {
            tp: max(0, (self.highwater(tp) or ledger.acknowledged) - ledger.acknowledged) for tp, ledger in self.ledgers.items()
        }

    def waiting_since_ms(self) -> Mapping[TP, int]:
        """Of each partition with records handed on but not acknowledged: when the oldest was written, in ms since 1970."""
        return {tp: ledger.waiting_since_ms[0] for tp, ledger in self.ledgers.items() if ledger.waiting_since_ms}


async def _wait_for(event: Any) -> None:
    """Waits for an event, but not so long that a stop would go unnoticed."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), FETCH_WAIT_SECONDS)


class NoTables(TableManager):
    """Faust's keeper of tables, of which there are none here: without the second for which it waits for some to be declared."""

    async def on_start(self) -> None:
        """Starts what resumes the streams after an assignment."""
        await self._update_channels()
        await self.recovery.start()


class BatchTransport(driver.Transport):
    """Faust's aiokafka transport with `BatchConsumer`."""

    Consumer = BatchConsumer
