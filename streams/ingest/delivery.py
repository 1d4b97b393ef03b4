"""Records on their way to Kafka: acknowledged, tried again, given up; bounded in number and in bytes.

Knows nothing of articles. The client's futures are the only source of truth: a record is acknowledged when its future says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Condition, RLock
from typing import Any, Protocol

import kafka.errors as client_errors

from streams.clock import monotonic_seconds
from streams.errors import KafkaError
from streams.log import get_logger

log = get_logger("delivery")
MAX_IN_FLIGHT = 20_000
MAX_IN_FLIGHT_BYTES = 32 * 1024 * 1024
MAX_ATTEMPTS = 3
#: Longer than the client's own `delivery_timeout_ms`, so that the client gives its reason first.
STALL_SECONDS = 150.0
_SLICE_SECONDS = 0.5

#: The broker refuses this one record; sending it again would change nothing, and the stream goes on without it.
RECORD_ERRORS = (
    client_errors.MessageSizeTooLargeError,
    client_errors.RecordListTooLargeError,
    client_errors.InvalidRecordError,
)
#: It can be worth trying again: the broker, the network or the producer's own numbering had a bad moment.
PASSING_ERRORS = (
    client_errors.RetriableError,
    client_errors.OutOfOrderSequenceNumberError,
    client_errors.UnknownProducerIdError,
    client_errors.InvalidProducerEpochError,
)


class Producer(Protocol):
    """What is used of kafka-python's producer."""

    def send(self, topic: str, value: bytes | None = None, key: bytes | None = None) -> Any: ...
    def flush(self, timeout: float | None = None) -> None: ...
    def close(self, timeout: float | None = None) -> None: ...


@dataclass(slots=True, eq=False)
class Sending:
    """One record on its way. `tag` is the sender's own; `attempts` counts from 1 once it was handed over."""

    number: int
    topic: str
    key: bytes
    value: bytes
    tag: str
    attempts: int = 0
    error: BaseException | None = None

    @property
    def size(self) -> int:
        """Bytes of key and value."""
        return len(self.key) + len(self.value)


class Delivery:
    """Hands records to a producer and follows each to its end; safe to use from several threads.

    Args:
        producer: an idempotent producer with acks=all.
        on_acknowledged: called once for each record that is safe, or that a newer record of its key has replaced.
        on_error: called for each delivery that failed, tried again or not.
        on_refused: called for a record that the broker refuses for itself; it may submit another in its place. Returns whether it
            dealt with it; if not, everything ends.
        max_in_flight: most records that wait for their acknowledgement.
        stall_seconds: so long without any acknowledgement, while some are due, ends everything.
    """

    def __init__(
        self, producer: Producer, *, on_acknowledged: Callable[[Sending], None], on_error: Callable[[], None],
        on_refused: Callable[[Sending], bool], max_in_flight: int = MAX_IN_FLIGHT, stall_seconds: float = STALL_SECONDS,
    ) -> None:  # fmt: skip
        self._producer = producer
        self._on_acknowledged = on_acknowledged
        self._on_error = on_error
        self._on_refused = on_refused
        self._max_in_flight = max_in_flight
        self._stall_seconds = stall_seconds
        self._changed = Condition()
        self._resending = RLock()
        self._fatal: KafkaError | None = None
        self._in_flight: dict[int, Sending] = {}
        self._in_flight_bytes = 0
        self._failed: list[Sending] = []
        self._newest_of_key: dict[bytes, int] = {}
        self._last_number = 0
        self._progress_at = monotonic_seconds()

    def submit(self, topic: str, key: bytes, value: bytes, tag: str) -> None:
        """Hands a record over; blocks only while too much is in flight.

        Raises:
            KafkaError: if the broker takes nothing any more, or an earlier record failed for good.
        """
        self._resend_failed()
        if self._is_full():
            self._wait(lambda: self._is_half_empty() or bool(self._failed))
        with self._changed:
            self._raise_if_ended()
            self._last_number += 1
            sending = Sending(self._last_number, topic, key, value, tag)
            self._newest_of_key[key] = sending.number
            self._register(sending)
        self._hand_over(sending)

    def flush(self) -> None:
        """Blocks until everything handed over before is acknowledged.

        Raises:
            KafkaError: if that does not happen within the bounds; from then on every call raises it.
        """
        while not self._is_done():
            self._resend_failed()
            try:
                # In slices, so that another thread's failure or `abandon` is seen.
                self._producer.flush(_SLICE_SECONDS)
            except client_errors.KafkaTimeoutError:
                self._check_progress()
                continue
            self._wait(lambda: not self._in_flight or bool(self._failed))

    def abandon(self, why: str) -> None:
        """Gives up what still waits, if anything does: every waiting and every later call raises then."""
        with self._changed:
            if not self._in_flight and not self._failed:
                return
        self._end(KafkaError(why, where=f"{len(self._in_flight)} records in flight"))

    def _is_done(self) -> bool:
        # Another thread may hold failed records in its hands just now: it keeps the lock until they are on their way again.
        with self._resending, self._changed:
            self._raise_if_ended()
            return not self._in_flight and not self._failed

    def _is_full(self) -> bool:
        return len(self._in_flight) >= self._max_in_flight or self._in_flight_bytes >= MAX_IN_FLIGHT_BYTES

    def _is_half_empty(self) -> bool:
        return len(self._in_flight) <= self._max_in_flight // 2 and self._in_flight_bytes <= MAX_IN_FLIGHT_BYTES // 2

    def _register(self, sending: Sending) -> None:
        if not self._in_flight:
            self._progress_at = monotonic_seconds()
        self._in_flight[sending.number] = sending
        self._in_flight_bytes += sending.size

    def _hand_over(self, sending: Sending) -> None:
        sending.attempts += 1
        try:
            future = self._producer.send(sending.topic, sending.value, sending.key)
        except client_errors.KafkaError as error:
            self._on_failure(sending, error)
            return
        future.add_callback(partial(self._on_success, sending))
        future.add_errback(partial(self._on_failure, sending))

    def _on_success(self, sending: Sending, _metadata: object) -> None:
        # Runs in the client's thread.
        with self._changed:
            self._settle(sending)
            self._on_acknowledged(sending)
            if self._failed:
                return
            if not self._in_flight:
                self._newest_of_key.clear()
            elif self._newest_of_key.get(sending.key) == sending.number:
                del self._newest_of_key[sending.key]

    def _on_failure(self, sending: Sending, error: BaseException) -> None:
        # Runs in the client's thread, or in the caller's where the client refuses at once.
        sending.error = error
        self._on_error()
        with self._changed:
            self._failed.append(sending)
            self._settle(sending)
            self._changed.notify_all()

    def _settle(self, sending: Sending) -> None:
        del self._in_flight[sending.number]
        self._in_flight_bytes -= sending.size
        self._progress_at = monotonic_seconds()
        # A waiting sender goes on at half: woken for each record, it would do nothing but wake.
        if self._is_half_empty():
            self._changed.notify_all()

    def _wait(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            while not condition():
                self._check_progress()
                self._changed.wait(min(_SLICE_SECONDS, self._stall_seconds))

    def _check_progress(self) -> None:
        with self._changed:
            self._raise_if_ended()
            if self._in_flight and monotonic_seconds() - self._progress_at > self._stall_seconds:
                raise self._end(_stalled(self._stall_seconds, len(self._in_flight)))

    def _resend_failed(self) -> None:
        # Sends what failed once more, in its order.
        if not self._failed:
            return
        with self._resending:
            with self._changed:
                failed, self._failed = sorted(self._failed, key=lambda sending: sending.number), []
            for sending in failed:
                if not self._is_superseded(sending):
                    self._resend(sending)

    def _is_superseded(self, sending: Sending) -> bool:
        # A newer record of the same key was sent since: sent again now, the older would replace it. On a topic where the newest
        # record of a key stands for all, leaving the older out gives the same.
        with self._changed:
            superseded = self._newest_of_key.get(sending.key, sending.number) > sending.number
            if superseded:
                self._on_acknowledged(sending)
            return superseded

    def _resend(self, sending: Sending) -> None:
        error = sending.error
        if isinstance(error, RECORD_ERRORS) and self._on_refused(sending):
            return
        if not isinstance(error, PASSING_ERRORS) or sending.attempts >= MAX_ATTEMPTS:
            raise self._end(_given_up(sending)) from error
        log.warning("delivery_repeated", topic=sending.topic, attempt=sending.attempts, error=type(error).__name__)
        with self._changed:
            self._register(sending)
        self._hand_over(sending)

    def _end(self, error: KafkaError) -> KafkaError:
        # From here on nothing may be taken for acknowledged, whichever thread asks.
        with self._changed:
            self._fatal = self._fatal or error
            self._changed.notify_all()
        return error

    def _raise_if_ended(self) -> None:
        if self._fatal is not None:
            raise self._fatal


def _given_up(sending: Sending) -> KafkaError:
    return KafkaError(
        f"a record could not be delivered in {sending.attempts} attempts: {type(sending.error).__name__}: {sending.error}",
        where=sending.topic, expected="an acknowledgement of all replicas",
        todo="look at the broker's log, its disk and this client's rights",
    )  # fmt: skip


def _stalled(seconds: float, waiting: int) -> KafkaError:
    return KafkaError(
        f"the broker acknowledged nothing for {seconds:g} s; {waiting} records wait", expected="a broker that takes records",
        todo="look at the broker's log and its disk",
    )  # fmt: skip
