"""When a feed is asked again: by its rhythm, never sooner than asked for, later and later when it fails, and never no more."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from streams.ingest import schedule
from streams.ingest.gates import ClosedError, HostGates, HostQuietError, Passage
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
    gates, room, stop = HostGates(0.0), asyncio.Semaphore(1), asyncio.Event()
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
    assert not room.locked()


async def test_after_a_stop_no_request_begins() -> None:
    stop = asyncio.Event()
    stop.set()
    async with Passage(HostGates(0.0), asyncio.Semaphore(1), stop) as passage:
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
