"""A push server over a producer in memory, in the loop of the test, and a client that speaks to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client import CollectorRegistry

from streams.errors import KafkaError
from streams.metrics import PushMetrics
from streams.push.app import PushServer
from streams.push.connections import Connections
from streams.push.tokens import TokenFile
from streams.settings import Settings
from tests.helpers.ingesting import FakeProducer, fake_publisher

GOOD = {
    "id": "a-1",
    "title": "Belarus and Russia sign pact",
    "text": "They signed it in Minsk.",
    "published": "2017-08-02T09:30:00Z",
}


async def until(condition: Callable[[], bool], *, seconds: float = 10.0) -> None:
    """Waits for what another thread, or the server, is about to do."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - nobody could set an event
            await asyncio.sleep(0.005)


@dataclass
class Answer:
    """What the server answered."""

    status: int
    headers: dict[str, str]
    body: Any


@dataclass
class Pusher:
    """The server, what its producer got, and a client with a token."""

    server: PushServer
    producer: FakeProducer
    registry: CollectorRegistry
    file: TokenFile
    token: str
    session: aiohttp.ClientSession
    deaths: list[KafkaError] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where articles are pushed to."""
        return f"{self.server.address}/v1/articles"

    @property
    def port(self) -> int:
        """Its port on 127.0.0.1."""
        return int(self.server.address.rpartition(":")[2])

    async def post(self, body: object, *, kind: str = "application/json", token: str | None = None, **headers: str) -> Answer:
        """Posts bytes as they are, anything else as JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"Content-Type": kind, "Authorization": f"Bearer {self.token if token is None else token}", **headers}
        async with self.session.post(self.url, data=data, headers={k.replace("_", "-"): v for k, v in given.items()}) as response:
            return Answer(response.status, dict(response.headers), json.loads(await response.read()))

    async def sent(self) -> None:
        """Waits until the producer has something that it has not acknowledged."""
        await until(lambda: bool(self.producer.waiting))

    def acknowledge(self) -> None:
        """Lets a silent producer acknowledge what waits, and what comes."""
        self.producer.silent = False
        self.producer.flush()

    def metric(self, name: str, **labels: str) -> float:
        """A value of the server's registry."""
        return self.registry.get_sample_value(name, labels) or 0.0


@asynccontextmanager
async def pushing(
    folder: Path, *, producer: FakeProducer | None = None, connections: Connections | None = None, bounds: dict[str, Any] | None = None, **changes: Any
) -> AsyncIterator[Pusher]:  # fmt: skip
    """A server on a free port with one token, `desk`."""
    settings = Settings(data_dir=folder, push_port=0, **changes)
    file, made = TokenFile(settings.push_tokens_file), producer or FakeProducer()
    token, registry, deaths = file.add("desk"), CollectorRegistry(), []  # type: ignore[var-annotated]
    publisher = fake_publisher(made, settings=settings, name="push", **(bounds or {}))
    metrics = PushMetrics(registry)
    async with (
        PushServer(settings, publisher, metrics, on_death=deaths.append, connections=connections) as server,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session,
    ):
        yield Pusher(server, made, registry, file, token, session, deaths)
