"""Push as a process on a real broker: what it has answered 202 to is on the stream, over any number of kills."""

from __future__ import annotations

import asyncio
import json
import random
import signal
from collections import Counter
from collections.abc import Iterator

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from streams import topology
from streams.push.tokens import TokenFile
from streams.records import Article, decode
from tests.helpers.pushing import GOOD, until
from tests.helpers.stack import Stack, answers, fetch, free_port, running_stack, wait_for

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]
KILLS = 3
SENDERS = 8


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("push"), push_port=free_port(), push_metrics_port=free_port()) as made:
        yield made


@pytest.fixture(scope="module")
def token(stack: Stack) -> str:
    return str(json.loads(stack.run("tokens", "add", "desk", "--json").stdout)["token"])


def start(stack: Stack) -> str:
    stack.start("push", "ingest", "push")
    address = f"http://127.0.0.1:{stack.settings.push_port}"
    wait_for("push", lambda: answers(f"{address}/healthz"))
    return address


def ids_on_the_stream(stack: Stack) -> Counter[str]:
    records = [record for part in stack.records(topology.ARTICLES.name).values() for record in part]
    return Counter(decode(Article, record.value).id for record in records if record.value is not None)


def series(address: str) -> set[tuple[str, frozenset[tuple[str, str]]]]:
    families = text_string_to_metric_families(fetch(address))
    return {(sample.name, frozenset(sample.labels.items())) for family in families for sample in family.samples}


async def send_for_ever(address: str, token: str, sender: int, taken: set[str]) -> None:
    """One article after the other; an error or a refusal is sent again, as a client would."""
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=10)) as session:
        number = 0
        while True:
            article = {**GOOD, "id": f"s{sender}-{number}"}
            try:
                async with session.post(f"{address}/v1/articles", json=article) as response:
                    if response.status == 202:
                        taken.add(article["id"])
                        number += 1
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(0.02)


async def until_taken(taken: set[str], more: int) -> None:
    wanted = len(taken) + more
    await until(lambda: len(taken) >= wanted, seconds=60)


async def test_every_article_that_was_taken_is_on_the_stream_after_kills_of_push_and_of_the_broker(
    stack: Stack, token: str
) -> None:
    address, taken, dice = start(stack), set[str](), random.Random(7)
    senders = [asyncio.create_task(send_for_ever(address, token, sender, taken)) for sender in range(SENDERS)]
    for _ in range(KILLS):
        await until_taken(taken, dice.randint(50, 200))
        stack.end("push", signal.SIGKILL)
        await asyncio.to_thread(start, stack)
    await asyncio.to_thread(stack.kill_kafka)
    await asyncio.to_thread(stack.start_kafka)
    await until_taken(taken, 50)
    for sender in senders:
        sender.cancel()
    assert stack.end("push", signal.SIGTERM) == 0
    assert taken <= set(ids_on_the_stream(stack))


def test_the_process_serves_metrics_with_labels_from_closed_sets(stack: Stack, token: str) -> None:
    address = start(stack)

    async def push_oddly() -> None:
        async with aiohttp.ClientSession() as session:
            for number in range(30):
                headers = {"Authorization": f"Bearer {token if number % 2 else 'x' * number}"}
                async with session.request(
                    "POST" if number % 3 else f"M{number}", f"{address}/v1/articles", json={"id": str(number)}, headers=headers
                ):
                    pass  # fmt: skip

    metrics = f"http://127.0.0.1:{stack.settings.push_metrics_port}/metrics"
    before = series(metrics)
    asyncio.run(push_oddly())
    after = series(metrics)
    assert before == after
    assert any(name[0].startswith("bellwether_push_requests") for name in after)
    stack.end("push", signal.SIGTERM)


def test_a_port_that_is_taken_is_said_and_ends_with_2(stack: Stack, token: str) -> None:
    start(stack)
    done = stack.run("ingest", "push", ok=False)
    assert done.returncode == 2
    assert "BELLWETHER_PUSH" in done.stderr
    stack.end("push", signal.SIGTERM)


def test_tokens_are_listed_without_themselves_and_revoked(stack: Stack, token: str) -> None:
    stack.run("tokens", "add", "wire")
    listed = [json.loads(line) for line in stack.run("tokens", "list", "--json").stdout.splitlines()]
    assert [row["name"] for row in listed] == ["desk", "wire"]
    assert token not in json.dumps(listed)
    stack.run("tokens", "revoke", "wire")
    assert [found.name for found in TokenFile(stack.settings.push_tokens_file).tokens()] == ["desk"]
