"""A stranger's URL leads to public addresses only: whatever it is spelt like, wherever it redirects, whatever its name says later."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import aiohttp.abc
import pytest

from streams.ingest.addresses import is_public, is_public_or_private
from streams.ingest.answers import Fetched, FetchError
from streams.ingest.fetch import Fetcher, Timeouts
from tests.helpers.ingesting import FeedServer, Page, feed_server, rss

LIMITS = Timeouts(connect=2.0, read=2.0, total=4.0)
FORBIDDEN = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "168.63.129.16", "169.254.0.1",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2001:10::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "3fff::1", "5f00::1",
    "4000::1", "fc00::1", "fd00:ec2::254", "fd20:ce::254", "fe80::1", "fe80::1%lo", "fec0::1", "ff02::1", "ff0e::1", "", "localhost",
]  # fmt: skip
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "93.184.215.14",
    "::ffff:8.8.8.8",
    "2606:2800:220:1:248:1893:25c8:1946",
    "2a00:1450:4001:80e::200e",
]
PRIVATE = ["10.0.0.1", "172.16.0.1", "192.168.0.1", "127.0.0.1", "100.64.0.1", "::1", "fc00::1", "fd12::1", "::ffff:192.168.0.1"]
#: The server at 127.0.0.1, spelt in every way that a resolver or a URL parser may take for it.
SPELLINGS = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0x7F.0x0.0x0.0x1", "0177.0.0.1", "0177.1", "017700000001",
    "127.0.0.1.", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:0001]", "localhost", "LOCALHOST", "localhost.",
    "user:secret@127.0.0.1", "0.0.0.0", "0", "[::]", "[::1]", "127.000.000.001", "%31%32%37.0.0.1", "１２７.0.0.1", "①②⑦.0.0.1",
]  # fmt: skip


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with feed_server() as served:
        served.pages["/rss"] = Page(rss(("1", "One", "First")))
        yield served


async def fetch(url: str, *, allow_private: bool = False, resolver: Any = None) -> Fetched:
    async with Fetcher(LIMITS) as fetcher:
        if resolver is not None:
            for session in fetcher._sessions.values():
                session.connector._resolver = resolver  # type: ignore[union-attr]
                session.connector._use_dns_cache = False  # type: ignore[union-attr]
        return await fetcher.get(url, allow_private=allow_private)


def problem_of(url: str, **options: Any) -> FetchError:
    with pytest.raises(FetchError) as caught:
        asyncio.run(fetch(url, **options))
    return caught.value


@pytest.mark.parametrize("address", FORBIDDEN)
def test_an_address_that_is_not_public_is_told(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_public_with_and_without_private_ones(address: str) -> None:
    assert is_public(address)
    assert is_public_or_private(address)


@pytest.mark.parametrize("address", FORBIDDEN)
def test_leave_for_private_networks_is_leave_for_them_alone(address: str) -> None:
    private = {*PRIVATE, "127.255.255.254", "172.31.255.255", "::ffff:127.0.0.1", "::ffff:10.0.0.1"}
    assert is_public_or_private(address) == (address in private)


@pytest.mark.parametrize("host", SPELLINGS)
def test_no_spelling_of_loopback_is_connected_to(server: FeedServer, host: str) -> None:
    port = server.address.rpartition(":")[2]
    error = problem_of(f"http://{host}:{port}/rss")
    assert error.kind in ("forbidden-address", "connection", "protocol", "redirect")
    assert server.requests == []


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "[::ffff:7f00:1]", "localhost"])
def test_a_redirect_to_loopback_is_not_followed(server: FeedServer, host: str) -> None:
    # The first hop is let through by a resolver that calls the server a public name; the second is looked at like any other.
    port = server.address.rpartition(":")[2]
    server.pages["/moved"] = Page(status=302, headers={"Location": f"http://{host}:{port}/rss"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("streams.ingest.addresses._is_public", _only_the_first())
        error = problem_of(f"{server.address}/moved")
    assert error.kind in ("forbidden-address", "connection", "protocol")
    assert server.paths() == ["/moved"]


def _only_the_first() -> Any:
    asked: list[object] = []

    def is_public(address: object) -> bool:
        asked.append(address)
        return len(asked) == 1

    return is_public


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1:70/_x", "data:text/xml,x", "//", "http://", ""]
)
def test_a_redirect_to_no_web_address_is_not_followed(server: FeedServer, target: str) -> None:
    server.pages["/moved"] = Page(status=302, headers={"Location": target})
    assert problem_of(server.url("/moved"), allow_private=True).kind in ("redirect", "connection", "forbidden-address")


class Rebinding(aiohttp.abc.AbstractResolver):
    """Names an address that is public when asked first, and loopback from then on."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[aiohttp.abc.ResolveResult]:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return [{"hostname": host, "host": answer, "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}]

    async def close(self) -> None:
        """Nothing to close."""


def test_a_name_that_comes_to_mean_loopback_is_refused_when_it_is_connected_to(server: FeedServer) -> None:
    port = server.address.rpartition(":")[2]
    resolver = Rebinding("127.0.0.1")
    error = problem_of(f"http://rebound.example:{port}/rss", resolver=resolver)
    assert error.kind == "forbidden-address"
    assert resolver.asked == 1
    assert server.requests == []


@pytest.mark.parametrize("address", ["169.254.169.254", "100.100.100.200", "0.0.0.0", "224.0.0.1"])
def test_a_private_feed_is_not_led_to_metadata_by_its_redirects(server: FeedServer, address: str) -> None:
    server.pages["/moved"] = Page(status=302, headers={"Location": f"http://{address}/latest/meta-data/"})
    assert problem_of(server.url("/moved"), allow_private=True).kind == "forbidden-address"


def test_a_private_feed_is_read_where_that_is_allowed(server: FeedServer) -> None:
    assert asyncio.run(fetch(server.url("/rss"), allow_private=True)).body


def test_the_settings_of_a_proxy_in_the_environment_are_not_followed(server: FeedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.address)
    monkeypatch.setenv("http_proxy", server.address)
    problem_of("http://rebound.invalid/rss")
    assert server.requests == []
