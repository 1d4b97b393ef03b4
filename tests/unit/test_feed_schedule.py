"""When a feed is asked again: by its rhythm, never sooner than asked for, later and later when it fails, and never no more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from streams.ingest import schedule
from streams.ingest.gates import ClosedError, HostGates, HostQuietError, Passage
from streams.ingest.room import MOST_SLOW, Room
from streams.ingest.schedule import Rhythm, delay_after_failure, delay_after_success, rhythm_of, rhythmic_interval

NOW = datetime(2017, 8, 2, 12, 0, tzinfo=UTC)


def every(step: timedelta, count: int, *, ago: timedelta = timedelta()) -> list[datetime]:
    return [NOW - ago - step * number for number in range(count)]


@pytest.mark.parametrize(
    ("step", "seconds"),
    [(timedelta(seconds=30), 300), (timedelta(hours=1), 1_740), (timedelta(hours=10), 17_400), (timedelta(days=30), 86_400)],
)
def test_the_interval_is_half_of_the_time_between_two_items_within_5_minutes_and_a_day(step: timedelta, seconds: float) -> None:
    assert rhythmic_interval(rhythm_of(every(step, 50), NOW), NOW) == seconds


def test_a_feed_that_falls_silent_is_asked_less_and_less_often() -> None:
    rhythm = rhythm_of(every(timedelta(minutes=20), 30), NOW)
    intervals = [rhythmic_interval(rhythm, NOW + timedelta(days=days)) for days in (0, 1, 7, 30, 300)]
    assert intervals == sorted(intervals)
    assert intervals[0] < 600
    assert intervals[-1] == schedule.MAX_INTERVAL_SECONDS


def test_items_of_the_future_and_single_ones_say_nothing_about_the_rhythm() -> None:
    assert rhythm_of([NOW + timedelta(days=1), NOW + timedelta(days=2), NOW], NOW) == Rhythm()
    assert rhythm_of([NOW, NOW, NOW], NOW) == Rhythm()
    assert rhythmic_interval(Rhythm(), NOW) == schedule.FIRST_INTERVAL_SECONDS


def test_the_jitter_is_ten_percent_and_what_the_server_asks_for_is_a_lower_bound_up_to_a_day() -> None:
    random = Random(7)
    delays = [delay_after_success(900.0, 0.0, random) for _ in range(200)]
    assert 810 <= min(delays) < 830
    assert 970 < max(delays) <= 990
    assert len(set(delays)) > 190
    assert all(delay_after_success(900.0, 7_200.0, random) >= 7_200.0 for _ in range(50))
    assert all(delay_after_success(900.0, 1e9, random) <= 95_040.0 for _ in range(50))


def test_delays_grow_to_a_day_never_end_and_never_come_before_retry_after() -> None:
    random = Random(7)
    for failures in (1, 5, 50, 5_000):
        for _ in range(50):
            delay = delay_after_failure(900.0, failures, 0.0, random)
            expected = min(schedule.MAX_BACKOFF_SECONDS, 900.0 * 2 ** min(failures, 20))
            assert 0.8 * expected <= delay <= expected
            assert delay_after_failure(900.0, failures, 200_000.0, random) >= 200_000.0


@pytest.mark.parametrize("feeds", [1, 100, 480, 1_000, 10_000])
def test_all_feeds_begin_within_a_minute_and_at_most_one_in_fifty_of_many_in_a_second(feeds: int) -> None:
    spacing = schedule.start_spacing_seconds(feeds)
    assert spacing * feeds <= 60.001
    assert 1 / spacing <= max(8.001, feeds * 0.02)


async def test_one_host_is_asked_one_request_at_a_time_and_another_is_not_kept_waiting() -> None:
    gates, inside, order = HostGates(0.0), asyncio.Event(), list[str]()
    leave = asyncio.Event()

    async def first() -> None:
        async with gates.through("a.invalid"):
            order.append("first in")
            inside.set()
            await leave.wait()
            order.append("first out")

    async def second() -> None:
        async with gates.through("a.invalid"):
            order.append("second in")

    tasks = [asyncio.create_task(first()), asyncio.create_task(second())]
    await inside.wait()
    async with gates.through("b.invalid"):
        order.append("other in")
    leave.set()
    await asyncio.gather(*tasks)
    assert order == ["first in", "other in", "first out", "second in"]


async def test_requests_to_one_host_stand_apart() -> None:
    gates, now = HostGates(0.05), asyncio.get_running_loop().time
    async with gates.through("a.invalid"):
        pass
    ended = now()
    async with gates.through("a.invalid"):
        assert now() - ended >= 0.045


async def test_a_host_that_wants_to_be_left_alone_is_until_its_time_has_come() -> None:
    moment = [NOW]
    gates = HostGates(0.0, lambda: moment[0])
    gates.keep_quiet("a.invalid", NOW + timedelta(hours=1))
    gates.keep_quiet("a.invalid", NOW + timedelta(minutes=1))
    with pytest.raises(HostQuietError) as caught:
        async with gates.through("a.invalid"):
            pytest.fail("a request went through")
    assert caught.value.until == NOW + timedelta(hours=1)
    async with gates.through("a.invalid", even_if_quiet=True):
        pass
    moment[0] = NOW + timedelta(hours=1)
    async with gates.through("a.invalid"):
        pass
    assert gates.quiet_seconds("a.invalid") == 0


async def test_whoever_waited_for_a_host_that_fell_quiet_meanwhile_does_not_go_through() -> None:
    gates = HostGates(0.0, lambda: NOW)
    async with gates.through("a.invalid"):
        waiting = asyncio.create_task(gates.through("a.invalid").__aenter__())
        await asyncio.sleep(0)
        gates.keep_quiet("a.invalid", NOW + timedelta(minutes=5))
    with pytest.raises(HostQuietError):
        await waiting


async def test_feeds_that_queue_for_one_host_do_not_take_the_room_of_others_and_cannot_lock_each_other_up() -> None:
    gates, room, stop = HostGates(0.0), Room(1), asyncio.Event()
    done: list[str] = []

    async def follow(name: str, hosts: tuple[str, ...]) -> None:
        async with Passage(gates, room, stop) as passage:
            for host in hosts:
                async with passage.turn(host):
                    await asyncio.sleep(0.001)
        done.append(name)

    ways = {"ab": ("a", "b"), "ba": ("b", "a"), "aa": ("a", "a"), "c": ("c",), "abc": ("a", "b", "c")}
    async with asyncio.timeout(5):
        await asyncio.gather(*(follow(name, hosts) for _ in range(20) for name, hosts in ways.items()))
    assert len(done) == 100
    assert not room.is_full


async def test_requests_that_trickle_keep_no_place_from_others_and_wait_for_one_when_they_are_done() -> None:
    gates, room, stop, trickling = HostGates(0.0), Room(1, slow_seconds=0.0, most_slow=2), asyncio.Event(), asyncio.Event()
    began: list[str] = []

    async def ask(name: str, until: asyncio.Event | None = None, work: asyncio.Event | None = None) -> None:
        async with Passage(gates, room, stop) as passage:
            async with passage.turn(f"{name}.invalid"):
                began.append(name)
                if until is not None:
                    await until.wait()
            if work is not None:
                await work.wait()

    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        slow = [tasks.create_task(ask(name, trickling)) for name in ("a", "b")]
        working = asyncio.Event()
        await until_true(lambda: began == ["a", "b"])
        busy = tasks.create_task(ask("c", work=working))
        await until_true(lambda: began == ["a", "b", "c"])
        trickling.set()
        await asyncio.sleep(0)
        assert not any(task.done() for task in (*slow, busy))
        working.set()
    assert not room.is_full
    assert room.slow_left == 2


async def test_a_machine_that_is_slow_itself_begins_no_further_requests() -> None:
    room = Room(3, slow_seconds=0.0)
    async with room.place() as one, room.place() as other:
        await one.settle()
        await other.settle()
        async with room.place():
            await asyncio.sleep(0.01)
            assert room.is_full
            await one.__aexit__(None, None, None)
            await until_true(lambda: room.slow_left < MOST_SLOW)
    assert (room.at_work, room.slow_left) == (0, MOST_SLOW)
    assert not room.is_full


async def test_what_has_come_in_slowly_goes_before_all_requests_that_have_not_begun() -> None:
    room, order = Room(1, slow_seconds=0.0, most_slow=1), list[str]()

    async def ask(name: str) -> None:
        async with room.place():
            order.append(name)
            await asyncio.sleep(0.001)

    async with asyncio.timeout(5), room.place() as slow:
        await until_true(lambda: room.slow_left == 0)
        tasks = [asyncio.create_task(ask(name)) for name in "abc"]
        await until_true(lambda: order == ["a"])
        await slow.settle()
        order.append("slow")
        await slow.__aexit__(None, None, None)
        await asyncio.gather(*tasks)
    assert order == ["a", "slow", "b", "c"]
    assert (room.is_full, room.at_work, room.slow_left) == (False, 0, 1)


async def test_whoever_no_longer_waits_for_a_place_leaves_none_taken() -> None:
    room = Room(1)
    async with room.place():
        waiting = [asyncio.create_task(room.place().__aenter__()) for _ in range(3)]
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    assert not room.is_full


async def test_no_more_than_so_many_may_be_slow_at_once() -> None:
    room = Room(1, slow_seconds=0.0, most_slow=1)
    async with room.place():
        await until_true(lambda: room.slow_left == 0)
        async with room.place():
            await asyncio.sleep(0.01)
            assert room.is_full


async def until_true(condition: Callable[[], bool]) -> None:
    """Waits for what other tasks are about to do."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - nobody could set an event
            await asyncio.sleep(0)


async def test_after_a_stop_no_request_begins() -> None:
    stop = asyncio.Event()
    stop.set()
    async with Passage(HostGates(0.0), Room(1), stop) as passage:
        with pytest.raises(ClosedError):
            async with passage.turn("a.invalid"):
                pytest.fail("a request began")


async def test_hosts_that_nobody_asks_any_more_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.ingest.gates.MOST_IDLE_HOSTS", 10)
    gates = HostGates(0.0)
    for number in range(100):
        async with gates.through(f"{number}.invalid"):
            pass
    assert len(gates._locks) <= 12
