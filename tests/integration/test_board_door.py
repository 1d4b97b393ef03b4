"""Who may read the board, over HTTP: every address asks for a token once somebody has the role; forms, programs, feeds and streams."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from streams.board.app import run_board
from streams.board.bulletins import add_bulletins
from streams.board.correcting import Correcting, CorrectionDesk, add_corrections
from streams.board.door import OPEN_PATHS, OPEN_ROUTES, add_door
from streams.board.model import BoardModel
from streams.board.web import build_app
from streams.errors import ConfigError
from streams.push.tokens import TokenFile
from streams.settings import Settings
from tests.helpers.board_data import feed, ready, trend, watchlist
from tests.helpers.board_door import a_door, token_file
from tests.helpers.corrections import OneArticle, WrittenCorrections

Client = TestClient[web.Request, web.Application]
ADDRESSES = (
    "/", "/pairs/BLR-RUS", "/article?id=article-1", "/fragments/pair/BLR-RUS", "/events", "/api/v1/pairs", "/api/v1/pairs/BLR-RUS",
    "/api/v1/trends", "/api/v1/breaks", "/evidence/BLR-RUS/hedging/all/1", "/api/v1/progress", "/breaks", "/breaks.atom", "/breaks.rss",
    "/breaks.json", "/feeds", "/about", "/api/v1/feeds", "/bulletins", "/bulletins/feed.xml", "/bulletins/2017-W31.html", "/nowhere",
)  # fmt: skip


class Served:
    """A board with a door, and the tokens that open it."""

    def __init__(self, tokens: TokenFile, client: Client, written: WrittenCorrections) -> None:
        self.tokens, self.client, self.written = tokens, client, written

    async def get(self, path: str, token: str = "", **headers: str) -> ClientResponse:
        head = {"Authorization": f"Bearer {token}"} if token else {}
        return await self.client.get(path, headers={**head, **headers}, allow_redirects=False)

    async def sign_in(self, token: str, next_page: str = "/", **headers: str) -> ClientResponse:
        return await self.client.post(
            "/sign-in", data={"token": token, "next": next_page}, headers=headers, allow_redirects=False
        )


Serve = Callable[..., Awaitable[Served]]


@pytest.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Serve]:
    clients: list[Client] = []

    async def start(*, readers: Any = "auto", wrong_tokens: int = 10) -> Served:
        tokens, written, articles = token_file(tmp_path), WrittenCorrections(), OneArticle()
        model = BoardModel(watchlist())
        feed(model, trend("BLR-RUS", "2017-W31", {"hedging": 1}, about=3))
        app = build_app(model, ready, CollectorRegistry(), articles=articles)
        door = a_door(tokens, readers, wrong_tokens=wrong_tokens)
        add_bulletins(app, tmp_path / "bulletins")
        add_corrections(app, CorrectionDesk(articles, Correcting(door.tokens, written)))  # type: ignore[arg-type]
        add_door(app, door)
        client = TestClient(TestServer(app))
        await client.start_server()
        clients.append(client)
        return Served(tokens, client, written)

    yield start
    for client in clients:
        await client.close()


async def test_without_a_reader_everybody_reads_and_the_first_one_shuts_the_door(serve: Serve) -> None:
    served = await serve()
    served.tokens.add("newsroom", ["push"])
    served.tokens.add("ann", ["correct"])
    assert (await served.get("/")).status == 200
    assert (await served.get("/sign-in")).headers["Location"] == "/"
    served.tokens.add("bob", ["read"])
    assert (await served.get("/")).status == 303
    served.tokens.revoke("bob")
    assert (await served.get("/")).status == 303, "a door that was shut does not open because a token is revoked"


async def test_every_address_asks_for_a_token_and_lets_in_who_shows_one(serve: Serve) -> None:
    served = await serve(wrong_tokens=1_000)
    token = served.tokens.add("bob", ["read"])
    for path in ADDRESSES:
        for answer in (await served.get(path), await served.get(path, "bwt_wrong")):
            assert answer.status in (303, 401), path
            assert "BLR" not in await answer.text(), path
        let_in = await served.get(path, token)
        assert let_in.status in (200, 404), path
        assert let_in.headers["Cache-Control"].startswith("private"), path
        let_in.close()


async def test_no_route_was_forgotten(serve: Serve) -> None:
    served = await serve(readers="tokens")
    routes = [route for route in served.client.app.router.routes() if route.method == "GET"]
    for route in routes:
        path = (route.resource.canonical if route.resource else "").format(
            pair="BLR-RUS", signal="hedging", domain="all", number="1", format="atom", name="feed.xml"
        )
        answer = await served.get(path)
        is_open = route.name in OPEN_ROUTES or path in OPEN_PATHS
        assert (answer.status not in (303, 401)) == is_open, path


async def test_probes_and_prometheus_need_no_token(serve: Serve) -> None:
    served = await serve(readers="tokens")
    for path in ("/healthz", "/readyz", "/metrics", "/static/board.css"):
        assert (await served.get(path)).status == 200, path


async def test_who_corrects_reads_and_who_pushes_does_not(serve: Serve) -> None:
    served = await serve(readers="tokens")
    tokens = {role: served.tokens.add(role, [role]) for role in ("read", "correct", "push")}
    assert {role: (await served.get("/", token)).status for role, token in tokens.items()} == {
        "read": 200,
        "correct": 200,
        "push": 303,
    }


async def test_people_are_led_to_the_form_and_from_there_to_what_they_wanted(serve: Serve) -> None:
    served = await serve()
    token = served.tokens.add("bob", ["read"])
    asked = await served.get("/pairs/BLR-RUS?domain=security")
    assert asked.headers["Location"] == "/sign-in?next=/pairs/BLR-RUS?domain%3Dsecurity"
    form = await served.get(asked.headers["Location"])
    assert 'value="/pairs/BLR-RUS?domain=security"' in await form.text()
    signed_in = await served.sign_in(token, "/pairs/BLR-RUS?domain=security")
    assert (signed_in.status, signed_in.headers["Location"]) == (303, "/pairs/BLR-RUS?domain=security")
    page = await served.get("/pairs/BLR-RUS")
    text = await page.text()
    assert page.status == 200
    assert "bob" in text
    assert "Sign out" in text
    assert token not in text


async def test_the_cookie_is_out_of_reach_of_scripts_other_sites_and_under_tls_of_plain_http(serve: Serve) -> None:
    served = await serve()
    token = served.tokens.add("bob", ["read"])
    plain = SimpleCookie((await served.sign_in(token)).headers["Set-Cookie"])["bellwether"]
    assert (plain["httponly"], plain["samesite"], plain["path"], plain["secure"], plain["domain"]) == (True, "Lax", "/", "", "")
    behind_tls = SimpleCookie((await served.sign_in(token, **{"X-Forwarded-Proto": "https"})).headers["Set-Cookie"])
    assert behind_tls["__Host-bellwether"]["secure"] is True
    assert token not in plain.value


@pytest.mark.parametrize(
    "elsewhere", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/a\r\nb", "/" * 3_000]
)
async def test_nobody_is_led_to_another_site(serve: Serve, elsewhere: str) -> None:
    served = await serve()
    assert (await served.sign_in(served.tokens.add("bob", ["read"]), elsewhere)).headers["Location"] == "/"


async def test_whoever_signs_out_or_whose_token_is_revoked_is_out(serve: Serve) -> None:
    served = await serve()
    token = served.tokens.add("bob", ["read"])
    await served.sign_in(token)
    left = await served.client.post("/sign-out", allow_redirects=False)
    assert (left.status, left.headers["Location"], left.headers["Clear-Site-Data"]) == (303, "/sign-in", '"cache"')
    assert (await served.get("/")).status == 303
    await served.sign_in(token)
    assert (await served.get("/")).status == 200
    served.tokens.revoke("bob")
    served.tokens.add("bob", ["read"])
    assert (await served.get("/")).status == 303


async def test_a_form_of_another_site_signs_nobody_in_or_out(serve: Serve) -> None:
    served = await serve()
    token = served.tokens.add("bob", ["read"])
    assert (await served.sign_in(token, **{"Sec-Fetch-Site": "cross-site"})).status == 403
    await served.sign_in(token)
    assert (
        await served.client.post("/sign-out", headers={"Origin": "https://evil.example"}, allow_redirects=False)
    ).status == 403
    assert (await served.get("/")).status == 200


async def test_wrong_tokens_of_one_address_are_borne_a_few_times_only(serve: Serve) -> None:
    served = await serve(wrong_tokens=3)
    token = served.tokens.add("bob", ["read"])
    answers = [await served.sign_in("bwt_guess") for _ in range(4)]
    assert [answer.status for answer in answers] == [401, 401, 401, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert "Set-Cookie" not in answers[0].headers
    assert (await served.get("/api/v1/pairs", token)).status == 429


async def test_a_session_is_let_in_whatever_others_of_its_address_try(serve: Serve) -> None:
    served = await serve(wrong_tokens=1)
    await served.sign_in(served.tokens.add("bob", ["read"]))
    assert (await served.get("/api/v1/pairs", "bwt_guess")).status == 401
    assert (await served.get("/")).status == 200


async def test_programs_are_told_how_and_feed_readers_may_use_a_password(serve: Serve) -> None:
    served = await serve()
    token = served.tokens.add("bob", ["read"])
    refused = await served.get("/api/v1/pairs")
    assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, 'Bearer realm="bellwether"')
    assert "--role read" in (await refused.json())["error"]["todo"]
    assert "Basic" in (await served.get("/breaks.atom")).headers["WWW-Authenticate"]
    password = base64.b64encode(f"anything:{token}".encode()).decode()
    assert (await served.get("/breaks.atom", Authorization=f"Basic {password}")).status == 200
    assert (await served.get("/breaks.atom", Authorization="Basic ====")).status == 401


async def test_a_stream_of_events_ends_when_its_reader_may_no_longer_read(serve: Serve) -> None:
    served = await serve()
    stream = await served.get("/events", served.tokens.add("bob", ["read"]))
    assert (await stream.content.readline()).startswith(b"retry:")
    served.tokens.revoke("bob")
    async with asyncio.timeout(10):
        await stream.content.read()


async def test_who_signed_in_with_a_token_that_may_correct_needs_it_no_second_time(serve: Serve) -> None:
    served = await serve()
    tokens = {role: served.tokens.add(role, [role]) for role in ("read", "correct")}
    said = {"article": "article-1", "said": "none", "why": "about football"}
    for role, expected in (("read", 401), ("correct", 303)):
        await served.sign_in(tokens[role])
        page = await (await served.get("/article?id=article-1")).text()
        assert ('name="token"' in page) == (role == "read")
        answer = await served.client.post("/article/correction", data=said, allow_redirects=False)
        assert answer.status == expected
    assert [correction.by for correction in served.written.written] == ["correct"]


async def test_a_damaged_file_of_tokens_lets_nobody_in(serve: Serve) -> None:
    served = await serve()
    served.tokens.path.write_text("{")
    assert (await served.get("/")).status == 303


@pytest.mark.parametrize(
    ("readers", "host", "has_reader", "starts"),
    [
        ("auto", "127.0.0.1", False, True), ("auto", "::1", False, True), ("auto", "0.0.0.0", False, False), ("auto", "10.0.0.7", False, False),
        ("auto", "0.0.0.0", True, True), ("tokens", "0.0.0.0", False, True), ("anyone", "0.0.0.0", False, True),
    ],
)  # fmt: skip
def test_a_board_is_open_to_other_machines_only_where_somebody_said_so(
    tmp_path: Path, readers: Any, host: str, has_reader: bool, starts: bool
) -> None:
    tokens = token_file(tmp_path)
    if has_reader:
        tokens.add("bob", ["read"])
    door = a_door(tokens, readers)
    if starts:
        door.check_address(host)
    else:
        with pytest.raises(ConfigError, match="everybody who reaches the port"):
            door.check_address(host)


def test_the_board_does_not_even_ask_the_broker_before_that_is_settled(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, kafka_servers="127.0.0.1:1", board_host="0.0.0.0", board_port=0)
    with pytest.raises(ConfigError, match="--role read"):
        run_board(settings, watchlist(), topics={}, door=a_door(token_file(tmp_path)))
