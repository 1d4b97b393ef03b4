"""How long the board's pages take with a thousand pairs, while the counts change and readers listen.

    python -m tests.bench.board_pages [--pairs 1000] [--asks 200] [--readers 50] [--changes 20]

The board is a process of its own, over made-up records: three years of weeks and a standing of each signal for every pair. So many records
a second replace others meanwhile, so that no page can live on what it drew before, and so many readers hold a stream of events open. Then
one reader asks for one page after the other, as browsers do (compressed), each time with another domain, week, order or pair.

Milliseconds on the clock are what a reader waits; those of the processor are what making the page costs, without compressing and sending it,
and are much the same on a machine that is busy with other things.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection

from aiohttp import ClientSession, ClientTimeout, TCPConnector, web

from models.labels import DOMAINS, LABELS
from streams.board.choosing import SORTS
from streams.board.model import BoardModel
from streams.board.settling import settle
from streams.board.web import Handler
from streams.clock import week_name, week_number
from streams.metrics import STATUS_NAMES
from streams.records import TrendBreak
from tests.bench.results import percentile
from tests.helpers.board_data import feed, history, ready, watchlist
from tests.helpers.board_server import serving
from tests.helpers.standings import a_break, a_standing, standing_record

FIRST, LAST = "2019-W40", "2022-W40"
WATCHED = 20
WARM_UP = 10


@dataclass(frozen=True, slots=True)
class Timing:
    """What one page took: milliseconds until its last byte, those of the processor to make it, bytes of the first one as sent."""

    name: str
    milliseconds: list[float]
    processor: list[float]
    size: int


def pair_names(number: int) -> list[str]:
    """So many pairs of made-up states with eight partners."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    sources = ("".join(three) for three in itertools.product(letters, repeat=3))
    partners = ("RUS", "CHN", "USA", "EU", "IND", "TUR", "BRA", "NATO")
    pairs = (f"{source}-{partner}" for source in sources for partner in partners if source != partner)
    return list(itertools.islice(pairs, number))


def filled_model(pairs: list[str]) -> BoardModel:
    """Three years of each pair, and how its series stand."""
    watched = [(source, partner) for source, _, partner in (pair.partition("-") for pair in pairs[:WATCHED])]
    model = BoardModel(watchlist(watched, max_pairs=len(pairs)))
    chance = random.Random(1)
    for number, pair in enumerate(pairs):
        for record in history(pair, FIRST, LAST, busy=4, seed=number):
            feed(model, record)
        for label, domain in itertools.product(LABELS, ("all", *DOMAINS)):
            one = a_standing(
                pair, str(label), domain, week=LAST, status=chance.choice(STATUS_NAMES), breaks=_breaks(chance)
            )  # fmt: skip
            model.apply_standing(*standing_record(one))
    return model


def _breaks(chance: random.Random) -> list[TrendBreak]:
    ago = week_number(LAST) - chance.randrange(2, 150)
    return [a_break(start=week_name(ago - 2), alarm=week_name(ago), size=chance.uniform(0.3, 4))] * (chance.random() < 0.2)


def serve(pairs: list[str], changes: float, told: Connection) -> None:
    """The board with its changes, until the other end of `told` is closed."""
    model = filled_model(pairs)
    settle()
    stop = threading.Event()

    def change() -> None:
        chance = random.Random(2)
        while not stop.wait(1 / changes):
            for record in history(chance.choice(pairs), LAST, LAST, busy=4, seed=chance.randrange(10**6)):
                feed(model, record)

    with serving(model, ready, prepare=lambda app: app.middlewares.append(tell_processor_time)) as address:
        changer = threading.Thread(target=change, daemon=True)
        if changes:
            changer.start()
        told.send(address)
        with contextlib.suppress(EOFError):
            told.recv()
        stop.set()


@web.middleware
async def tell_processor_time(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Says in the answer for how many milliseconds the board's thread was busy with it."""
    started = time.thread_time()
    response = await handler(request)
    if not response.prepared:
        response.headers["Server-Timing"] = f"cpu;dur={(time.thread_time() - started) * 1000:.3f}"
    return response


def pages(pairs: list[str]) -> dict[str, Iterator[str]]:
    """Name -> addresses that differ, without end."""
    weeks = [week_name(week_number(LAST) - back) for back in range(60)]
    domains = ["all", *map(str, DOMAINS)]
    chance = random.Random(3)
    return {
        "overview": (f"/?domain={chance.choice(domains)}" for _ in itertools.count()),
        "overview of a past week": (f"/?until={chance.choice(weeks)}" for _ in itertools.count()),
        "overview, sorted": (
            f"/?sort={chance.choice(list(SORTS)[1:])}&domain={chance.choice(domains)}" for _ in itertools.count()
        ),
        "overview, found": (f"/?find={chance.choice(pairs)[:2]}&status={chance.choice(STATUS_NAMES)}" for _ in itertools.count()),
        "pair": (f"/pairs/{chance.choice(pairs)}?domain={chance.choice(domains)}" for _ in itertools.count()),
        "breaks": (f"/breaks?domain={chance.choice(domains)}&page={chance.randrange(1, 4)}" for _ in itertools.count()),
        "breaks as Atom": (f"/breaks.atom?domain={chance.choice(domains)}" for _ in itertools.count()),
        "feeds": itertools.repeat("/feeds"),
        "about": itertools.repeat("/about"),
        "a row": (f"/fragments/pair/{chance.choice(pairs)}" for _ in itertools.count()),
        "/api/v1/progress": itertools.repeat("/api/v1/progress"),
    }


async def measure(address: str, pairs: list[str], *, asks: int, readers: int) -> list[Timing]:
    """Asks for each page in turn, so that all meet the same moments."""
    found: dict[str, Timing] = {}
    connector = TCPConnector(limit=0)
    async with ClientSession(
        address, connector=connector, timeout=ClientTimeout(total=None, sock_read=60), auto_decompress=False
    ) as client:
        listening = [asyncio.create_task(_listen(client)) for _ in range(readers)]
        wanted = pages(pairs)
        for number in range(WARM_UP + asks):
            for name, addresses in wanted.items():
                started = time.perf_counter()
                async with client.get(next(addresses), headers={"Accept-Encoding": "gzip"}) as answer:
                    body = await answer.read()
                    answer.raise_for_status()
                waited = (time.perf_counter() - started) * 1000
                one = found.setdefault(name, Timing(name, [], [], len(body)))
                if number >= WARM_UP:
                    one.milliseconds.append(waited)
                    one.processor.append(float(answer.headers["Server-Timing"].partition("dur=")[2]))
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
    return list(found.values())


async def _listen(client: ClientSession) -> None:
    async with client.get("/events") as stream:
        async for _ in stream.content:
            pass


def report(timings: list[Timing]) -> str:
    """The table for docs/board.md."""
    lines = ["| page | median ms | p95 ms | longest ms | processor: median ms | p95 ms | kB sent |", "| --- " * 7 + "|"]
    for one in timings:
        middle, high = percentile(one.milliseconds, 0.5), percentile(one.milliseconds, 0.95)
        cost, high_cost = percentile(one.processor, 0.5), percentile(one.processor, 0.95)
        lines.append(
            f"| {one.name} | {middle:.0f} | {high:.0f} | {max(one.milliseconds):.0f} | {cost:.0f} | {high_cost:.0f} | {one.size / 1000:.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Parses the command line and runs."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.board_pages", description="How long the board's pages take.")
    parser.add_argument("--pairs", type=int, default=1_000)
    parser.add_argument("--asks", type=int, default=200, help="of each page")
    parser.add_argument("--readers", type=int, default=50, help="streams of events that are open meanwhile")
    parser.add_argument("--changes", type=float, default=20, help="records a second that replace others meanwhile")
    options = parser.parse_args()
    names = pair_names(options.pairs)
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    board = context.Process(target=serve, args=(names, options.changes, theirs), daemon=True)
    board.start()
    address = ours.recv()
    print(
        f"{options.pairs} pairs, {options.readers} readers, {options.changes:g} changes a second, {options.asks} asks of each page\n"
    )
    print(report(asyncio.run(measure(address, names, asks=options.asks, readers=options.readers))))
    ours.close()
    theirs.close()
    board.terminate()
    board.join(10)


if __name__ == "__main__":
    main()
