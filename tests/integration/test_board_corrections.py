"""What people say on the board: who may, in which form, how often; what is written, what the page shows, and what is refused how."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from streams.board.attempts import Attempts
from streams.board.correcting import Correcting, CorrectionDesk, add_corrections
from streams.board.model import BoardModel
from streams.board.web import build_app
from streams.push.tokens import TokenCheck, TokenFile
from tests.helpers.board_data import evidence, feed, ready, trend, watchlist
from tests.helpers.corrections import FOUND, OneArticle, WrittenCorrections


@dataclass
class Desk:
    """A board that takes corrections, a token that may, and one that may only push."""

    client: TestClient[Any, Any]
    log: WrittenCorrections
    token: str
    pushing: str

    async def post(self, body: dict[str, Any], token: str = "", **headers: str) -> tuple[int, dict[str, Any]]:
        head = {"Authorization": f"Bearer {token}"} if token else {}
        answer = await self.client.post("/api/v1/corrections", json=body, headers={**head, **headers})
        return answer.status, await answer.json()

    async def post_form(self, fields: dict[str, Any], **headers: str) -> tuple[int, str, str]:
        answer = await self.client.post("/article/correction", data=fields, headers=headers, allow_redirects=False)
        return answer.status, answer.headers.get("Location", ""), await answer.text()


def model_with_a_correction() -> BoardModel:
    """BLR-RUS in one week, with one article of which Ann has corrected the labels."""
    model = BoardModel(watchlist())
    proof = {"hedging": [evidence(1, "hedging", "2017-W31", 1.0, corrected="Ann")]}
    feed(model, trend("BLR-RUS", "2017-W31", {"hedging": 1}, about=3, evidence=proof))
    return model


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    tokens, log = TokenFile(tmp_path / "tokens.json"), WrittenCorrections()
    made = Desk(None, log, tokens.add("Ann", ["correct"]), tokens.add("newsroom"))  # type: ignore[arg-type]
    articles = OneArticle()
    app = build_app(model_with_a_correction(), ready, CollectorRegistry(), articles=articles)
    taking = CorrectionDesk(articles, Correcting(TokenCheck(tokens), log), accepted=Attempts(3, 1), refused=Attempts(3, 1))
    add_corrections(app, taking)
    async with TestClient(TestServer(app)) as made.client:
        yield made


HEDGING = {"article": "article-1", "pair": "BLR-RUS", "labels": ["hedging"], "why": "it declines the base"}


async def test_what_a_token_says_is_written_in_its_name_on_the_revision_that_stands(desk: Desk) -> None:
    status, answer = await desk.post(HEDGING, desk.token)
    [written] = desk.log.written
    assert (status, answer["accepted"][0]["pair"]) == (202, "BLR-RUS")
    assert (written.by, written.labels, written.digest, written.why) == ("Ann", ["hedging"], FOUND.digest, "it declines the base")


async def test_nobody_says_anything_in_the_name_of_another(desk: Desk) -> None:
    status, _ = await desk.post({**HEDGING, "by": "the editor"}, desk.token)
    assert (status, desk.log.written) == (400, [])


@pytest.mark.parametrize("token", ["", "bwt_wrong", "push"])
async def test_without_a_token_for_it_nothing_is_taken(desk: Desk, token: str) -> None:
    status, answer = await desk.post(HEDGING, desk.pushing if token == "push" else token)
    assert (status, desk.log.written) == (401, [])
    assert "--role correct" in answer["error"]["todo"]


async def test_a_program_without_a_token_is_refused_before_its_body_is_there(desk: Desk) -> None:
    host, port = desk.client.server.host, desk.client.server.port
    reader, writer = await asyncio.open_connection(host, port)
    head = f"POST /api/v1/corrections HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"
    writer.write(head.encode())
    async with asyncio.timeout(10):
        answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    assert answer.startswith(b"HTTP/1.1 401")
    assert b"WWW-Authenticate: Bearer" in answer


async def test_wrong_tokens_of_one_address_are_borne_a_few_times_only(desk: Desk) -> None:
    answers = [(await desk.post(HEDGING, "bwt_guess"))[0] for _ in range(5)]
    assert answers == [401, 401, 401, 429, 429]
    status, _ = await desk.post(HEDGING, desk.token)
    assert (status, desk.log.written) == (429, [])


async def test_a_token_corrects_no_faster_than_a_person_could(desk: Desk) -> None:
    answers = [(await desk.post(HEDGING, desk.token))[0] for _ in range(5)]
    assert (answers, len(desk.log.written)) == ([202, 202, 202, 429, 429], 3)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"labels": ["friendship"]}, "symbolic-allegiance"),
        ({"pair": "BLR-XYZ"}, "BLR, RUS"),
        ({"pair": ""}, "BLR-RUS or RUS-BLR"),
        ({"none": True}, "one of them"),
        ({"why": " "}, "in one line"),
        ({"labels": "hedging"}, "labels, none or withdraw"),
    ],
)
async def test_what_can_not_be_said_is_refused_with_what_can(desk: Desk, changes: dict[str, Any], expected: str) -> None:
    status, answer = await desk.post({**HEDGING, **changes}, desk.token)
    assert (status, desk.log.written) == (400, [])
    assert expected in answer["error"]["expected"]


async def test_an_article_that_is_not_there_is_404_and_a_silent_broker_503(desk: Desk) -> None:
    assert (await desk.post({**HEDGING, "article": "article-2"}, desk.token))[0] == 404
    desk.log.is_out_of_reach = True
    status, answer = await desk.post(HEDGING, desk.token)
    assert (status, "send it again" in answer["error"]["todo"]) == (503, True)


async def test_the_form_writes_what_it_says_and_leads_back_to_the_article(desk: Desk) -> None:
    page = await (await desk.client.get("/article?id=article-1")).text()
    assert 'action="/article/correction"' in page
    assert 'type="password"' in page
    fields = {"article": "article-1", "pair": "BLR-RUS", "said": "labels", "label": "hedging", "why": "so", "token": desk.token}
    status, location, _ = await desk.post_form(fields, Origin=str(desk.client.make_url("/")).rstrip("/"))
    assert (status, location) == (303, "/article?id=article-1#said")
    assert [(one.by, one.labels) for one in desk.log.written] == [("Ann", ["hedging"])]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.invalid"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "null"},
    ],
)
async def test_a_form_of_another_page_is_refused(desk: Desk, headers: dict[str, str]) -> None:
    fields = {"article": "article-1", "said": "none", "why": "so", "token": desk.token}
    status, _, page = await desk.post_form(fields, **headers)
    assert (status, desk.log.written) == (403, [])
    assert "not of this board" in page


async def test_a_form_with_a_wrong_token_is_told_so_on_a_page(desk: Desk) -> None:
    status, _, page = await desk.post_form({"article": "article-1", "said": "none", "why": "so", "token": "bwt_wrong"})
    assert (status, desk.log.written) == (401, [])
    assert "not good for corrections" in page
    assert "bwt_wrong" not in page


async def test_other_types_and_large_bodies_are_refused(desk: Desk) -> None:
    head = {"Authorization": f"Bearer {desk.token}", "Content-Type": "text/plain"}
    assert (await desk.client.post("/api/v1/corrections", data=b"x", headers=head)).status == 415
    assert (await desk.post({**HEDGING, "sentence": "x" * 20_000}, desk.token))[0] == 413


async def test_no_line_of_the_log_has_the_token(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    await desk.post(HEDGING, desk.token)
    await desk.post(HEDGING, "bwt_wrong")
    logged = capsys.readouterr()
    assert "article_corrected" in logged.out + logged.err
    assert not any(secret in logged.out + logged.err for secret in (desk.token, "bwt_wrong"))
