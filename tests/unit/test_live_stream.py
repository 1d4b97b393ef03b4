"""One reader's stream of events: what it is sent, and when it is let go."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from aiohttp import web

from streams.board import live
from streams.board.changes import ChangeFeed
from streams.board.model import BoardModel
from streams.board.queries import counters
from tests.helpers.board_data import feed_progress, ready, watchlist


class Reader:
    """What an event is written to: takes so many pieces, and nothing after that."""

    def __init__(self, takes: int) -> None:
        self.takes = takes
        self.taken: list[str] = []
        self.got = asyncio.Event()

    async def write(self, data: bytes) -> None:
        if len(self.taken) >= self.takes:
            await asyncio.Event().wait()
        self.taken.append(data.decode())
        self.got.set()


def changes_of(model: BoardModel) -> ChangeFeed:
    return ChangeFeed(model, ready, lambda: counters(model), boot="b")


def as_response(reader: Reader) -> web.StreamResponse:
    return cast("web.StreamResponse", cast("Any", reader))


async def test_a_reader_that_takes_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "STALLED_SECONDS", 0.05)
    reader = Reader(takes=1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(live.send_changes(changes_of(BoardModel(watchlist())), as_response(reader), asyncio.Event()), 20)
    assert len(reader.taken) == 1


async def test_a_slow_reader_gets_one_large_step_instead_of_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "TICK_SECONDS", 0.01)
    model, reader, stopping = BoardModel(watchlist()), Reader(takes=100), asyncio.Event()
    sending = asyncio.create_task(live.send_changes(changes_of(model), as_response(reader), stopping))
    while len(reader.taken) < 2:
        reader.got.clear()
        await reader.got.wait()
    for number in range(50):
        feed_progress(model, 0, 1_000 + number)
    while len(reader.taken) < 3:
        reader.got.clear()
        await reader.got.wait()
    stopping.set()
    await sending
    assert '"read":"1,049"' in reader.taken[2]
    assert len(reader.taken) == 3


async def test_browsers_come_back_at_different_moments(monkeypatch: pytest.MonkeyPatch) -> None:
    stopping = asyncio.Event()
    stopping.set()
    pauses = set()
    for _ in range(20):
        reader = Reader(takes=100)
        await live.send_changes(changes_of(BoardModel(watchlist())), as_response(reader), stopping)
        pauses.add(reader.taken[0])
    assert len(pauses) > 5
    assert all(2_000 <= int(pause.split()[1]) <= 5_000 for pause in pauses)
