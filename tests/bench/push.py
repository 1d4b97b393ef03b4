"""How long a push takes, from the moment it is due to its 202, under a steady load of single articles on a real broker.

    python -m tests.bench.push [--rate 500] [--seconds 20] [--articles 1]

The load is open: requests are due at even moments whether the earlier ones are answered or not, and a late one counts from when it
was due. The server is a process of its own; the client is this one, on the same machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import aiohttp

from streams.push.tokens import TokenFile
from tests.bench.results import percentile
from tests.helpers.stack import Stack, answers, free_port, running_stack, wait_for

CONNECTIONS = 64
WARM_UP_SECONDS = 3.0
TEXT = "Belarus and Russia signed an agreement on joint air defence in Minsk on Tuesday, officials of both states said. " * 5


@dataclass(frozen=True, slots=True)
class PushTimes:
    """What was measured; times in seconds. `answers`: status -> requests."""

    requests_per_second: int
    articles_per_request: int
    answered_per_second: float
    answers: dict[int, int]
    p50_seconds: float
    p95_seconds: float
    p99_seconds: float
    max_seconds: float


def start_push(stack: Stack) -> tuple[str, str]:
    """Starts `ingest push` as a process of the stack; (address, token)."""
    file = TokenFile(stack.settings.push_tokens_file)
    file.path.unlink(missing_ok=True)
    token, port = file.add("bench"), free_port()
    stack.start("push", "ingest", "push", push_port=str(port), push_metrics_port="0", push_articles_per_second="100000")
    address = f"http://127.0.0.1:{port}"
    wait_for("push", lambda: answers(f"{address}/readyz"))
    return address, token


async def measure(address: str, token: str, *, rate: int, seconds: float, articles: int) -> PushTimes:
    """Pushes for so long, after a warm-up that does not count."""
    times: list[float] = []
    found: Counter[int] = Counter()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def push(number: int, due: float) -> None:
            body = [_article(f"push-{number}-{place}") for place in range(articles)]
            async with session.post(f"{address}/v1/articles", data=json.dumps(body)) as response:
                await response.read()
            if number >= rate * WARM_UP_SECONDS:
                times.append(time.perf_counter() - due)
                found[response.status] += 1

        begin = time.perf_counter()
        tasks = []
        for number in range(int(rate * (WARM_UP_SECONDS + seconds))):
            due = begin + number / rate
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            tasks.append(asyncio.create_task(push(number, due)))
        await asyncio.gather(*tasks)
        took = time.perf_counter() - begin - WARM_UP_SECONDS
    return PushTimes(
        requests_per_second=rate, articles_per_request=articles, answered_per_second=round(len(times) / took, 1), answers=dict(found),
        p50_seconds=round(percentile(times, 0.5), 4), p95_seconds=round(percentile(times, 0.95), 4),
        p99_seconds=round(percentile(times, 0.99), 4), max_seconds=round(max(times), 4),
    )  # fmt: skip


def _article(identity: str) -> dict[str, str]:
    return {
        "id": identity,
        "title": f"Belarus and Russia sign agreement {identity}",
        "text": TEXT,
        "published": "2017-08-02T09:30:00Z",
    }


def main() -> None:
    """Starts a broker and push, measures, prints one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=500, help="Requests a second.")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--articles", type=int, default=1, help="Articles in each request.")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running_stack(Path(folder)) as stack:
        address, token = start_push(stack)
        measured = asyncio.run(measure(address, token, rate=chosen.rate, seconds=chosen.seconds, articles=chosen.articles))
    print(json.dumps(asdict(measured)))


if __name__ == "__main__":
    main()
