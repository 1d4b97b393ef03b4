"""`POST /v1/articles`: what is taken, what is refused and why, and that 202 means that the broker has it."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import jsonschema  # type: ignore[import-untyped,unused-ignore]
import kafka.errors as client_errors
import pytest

from streams.errors import KafkaError
from streams.push import body as push_body
from streams.push.connections import Connections
from streams.push.problems import PROBLEM_JSON
from tests.helpers.ingesting import FakeProducer
from tests.helpers.pushing import GOOD, Pusher, pushing, until


@pytest.fixture
async def pusher(tmp_path: Path) -> AsyncIterator[Pusher]:
    async with pushing(tmp_path) as made:
        yield made


async def read_all(reader: asyncio.StreamReader, *, seconds: float = 5.0) -> bytes:
    return await asyncio.wait_for(reader.read(), seconds)


def head(pusher: Pusher, *lines: str, token: bool = True) -> bytes:
    """The head of a POST, with the lines given."""
    fixed = ["POST /v1/articles HTTP/1.1", "Host: push", "Content-Type: application/json"]
    if token:
        fixed.append(f"Authorization: Bearer {pusher.token}")
    return "\r\n".join([*fixed, *lines, "", ""]).encode()


async def test_an_object_an_array_and_json_lines_are_taken_in_order(pusher: Pusher) -> None:
    one = await pusher.post(GOOD)
    assert (one.status, one.body) == (202, {"accepted": 1, "articles": [{"item": 0, "id": "a-1", "date_origin": "published"}]})
    many = await pusher.post([{**GOOD, "id": "a-2"}, {**GOOD, "id": "a-3", "published": "9999-01-01"}])
    assert [article["date_origin"] for article in many.body["articles"]] == ["published", "future"]
    lines = "\n".join(json.dumps({**GOOD, "id": f"a-{number}"}) for number in (4, 5)).encode() + b"\r\n\n"
    assert (await pusher.post(lines, kind="application/x-ndjson")).body["accepted"] == 2
    assert [article.id for article in pusher.producer.articles] == ["a-1", "a-2", "a-3", "a-4", "a-5"]
    assert pusher.metric("bellwether_push_items_total", outcome="taken") == 5


async def test_a_gzip_body_is_taken_and_a_utf8_mark_passed_over(pusher: Pusher) -> None:
    packed = gzip.compress(b"\xef\xbb\xbf" + json.dumps([GOOD]).encode())
    assert (await pusher.post(packed, Content_Encoding="gzip")).status == 202


async def test_the_same_request_twice_has_the_same_answer_and_the_same_article(pusher: Pusher) -> None:
    first, second = await pusher.post(GOOD), await pusher.post(GOOD)
    assert first.body == second.body
    assert len({article.digest() for article in pusher.producer.articles}) == 1


async def test_202_is_not_answered_before_the_broker_acknowledges(pusher: Pusher) -> None:
    pusher.producer.silent = True
    waiting = asyncio.ensure_future(pusher.post(GOOD))
    await pusher.sent()
    done, _ = await asyncio.wait({waiting}, timeout=0.5)
    assert not done
    pusher.acknowledge()
    assert (await waiting).status == 202


async def test_a_broker_that_is_silent_for_too_long_is_a_503_and_the_bytes_stay_held(pusher: Pusher) -> None:
    pusher.server.push.commit_seconds = 0.2
    pusher.producer.silent = True
    answer = await pusher.post(GOOD)
    assert (answer.status, answer.body["type"]) == (503, "urn:bellwether:push:broker-silent")
    assert int(answer.headers["Retry-After"]) >= 1
    assert pusher.metric("bellwether_push_in_work_bytes") > 0
    pusher.acknowledge()
    await until(lambda: not pusher.metric("bellwether_push_in_work_bytes"))


async def test_a_broker_that_is_lost_is_a_503_for_all_and_is_told_once(tmp_path: Path) -> None:
    producer = FakeProducer()
    producer.silent = True
    async with pushing(tmp_path, producer=producer, bounds={"stall_seconds": 0.3}) as pusher:
        answers = await asyncio.gather(*(pusher.post({**GOOD, "id": str(number)}) for number in range(3)))
        assert [answer.status for answer in answers] == [503, 503, 503]
        assert (await pusher.post(GOOD)).status == 503
        async with pusher.session.get(f"{pusher.server.address}/readyz") as ready:
            assert ready.status == 503
        assert [type(death) for death in pusher.deaths] == [KafkaError]


async def test_an_article_that_the_broker_refuses_is_named_and_its_neighbours_are_taken(tmp_path: Path) -> None:
    refusals: list[Exception] = [client_errors.MessageSizeTooLargeError() for _ in range(2)]
    async with pushing(tmp_path, producer=FakeProducer({b"a-2": refusals})) as pusher:
        bad, good = await asyncio.gather(pusher.post([GOOD, {**GOOD, "id": "a-2"}]), pusher.post({**GOOD, "id": "a-3"}))
        assert (bad.status, good.status) == (422, 202)
        assert [(error["item"], error["reason"]) for error in bad.body["errors"]] == [(1, "undeliverable")]


@pytest.mark.parametrize("header", ["", "Basic x", "Bearer ", "Bearer wrong", "bearer", "Bearer " + "x" * 5_000, "Bearer \xff"])
async def test_without_a_good_token_nothing_gets_in(pusher: Pusher, header: str) -> None:
    given = {"Content-Type": "application/json"} | ({"Authorization": header} if header else {})
    async with pusher.session.post(pusher.url, json=GOOD, headers=given) as response:
        assert response.status == 401
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
        assert response.content_type == PROBLEM_JSON
    assert not pusher.producer.acked


async def test_two_tokens_in_one_request_are_none(pusher: Pusher) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", pusher.port)
    writer.write(head(pusher, f"Authorization: Bearer {pusher.token}", "Content-Length: 2", "Connection: close") + b"{}")
    assert (await read_all(reader)).startswith(b"HTTP/1.1 401")
    writer.close()


async def test_401_comes_before_the_body_is_sent_and_100_only_with_a_token(pusher: Pusher) -> None:
    for token, expected in ((False, b"HTTP/1.1 401"), (True, b"HTTP/1.1 100")):
        reader, writer = await asyncio.open_connection("127.0.0.1", pusher.port)
        writer.write(head(pusher, "Content-Length: 1000", "Expect: 100-continue", token=token))
        assert (await asyncio.wait_for(reader.readline(), 5)).startswith(expected)
        writer.transport.abort()


async def test_a_revoked_token_ends_at_once_and_the_others_go_on(pusher: Pusher) -> None:
    other = pusher.file.add("wire")
    assert (await pusher.post(GOOD, token=other)).status == 202
    pusher.file.revoke("desk")
    assert [(await pusher.post(GOOD)).status, (await pusher.post(GOOD, token=other)).status] == [401, 202]


async def test_a_damaged_token_file_lets_nobody_in(pusher: Pusher) -> None:
    pusher.file.path.write_text("{", encoding="utf-8")
    assert (await pusher.post(GOOD)).status == 401


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/json; charset=utf-16", "x", "application/json/x"])
async def test_another_type_is_415(pusher: Pusher, kind: str) -> None:
    answer = await pusher.post(GOOD, kind=kind)
    assert (answer.status, answer.headers["Content-Type"]) == (415, PROBLEM_JSON)


@pytest.mark.parametrize("coding", ["br", "gzip, gzip", "deflate", "zstd"])
async def test_another_coding_is_415(pusher: Pusher, coding: str) -> None:
    assert (await pusher.post(GOOD, Content_Encoding=coding)).status == 415


async def test_too_large_is_413_whether_it_says_so_or_not(tmp_path: Path) -> None:
    async with pushing(tmp_path, push_max_body_bytes=10_000) as pusher:
        large = json.dumps({**GOOD, "text": "x" * 20_000}).encode()

        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(20):
                yield b" " * 1_000

        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {pusher.token}"}
        async with pusher.session.post(pusher.url, data=pieces(), headers=headers) as response:
            assert response.status == 413
        assert (await pusher.post(large)).status == 413
        assert (await pusher.post(gzip.compress(large), Content_Encoding="gzip")).status == 413
        assert pusher.metric("bellwether_push_in_work_bytes") == 0


async def test_more_items_than_may_be_are_413(pusher: Pusher) -> None:
    assert (await pusher.post([GOOD] * 1_001)).status == 413
    assert (await pusher.post((json.dumps(GOOD) + "\n").encode() * 1_001, kind="application/jsonl")).status == 413
    assert not pusher.producer.acked


async def test_items_that_are_no_articles_are_422_by_item_and_field_and_become_dead_letters(pusher: Pusher) -> None:
    body = [GOOD, {"title": 7, "published": [1]}, "text", {"id": "x", "text": " "}]
    first, second = await pusher.post(body), await pusher.post(body)
    assert (first.status, first.headers["Content-Type"]) == (422, PROBLEM_JSON)
    assert [(error["item"], error["field"]) for error in first.body["errors"]] == [
        (1, "title"),
        (1, "published"),
        (2, ""),
        (3, ""),
    ]
    assert first.body["errors"][0]["pointer"] == "/1/title"
    assert first.body == second.body
    letters = pusher.producer.dead_letters
    assert len(letters) == 6
    assert {letter.where.rpartition("/")[2] for letter in letters} == {"1", "2", "3"}
    assert letters[0].where.startswith("push:desk/")
    assert not pusher.producer.articles
    assert pusher.metric("bellwether_push_items_total", outcome="rejected") == 6
    assert pusher.metric("bellwether_push_items_total", outcome="withheld") == 2


async def test_an_empty_array_is_422_and_an_empty_body_400(pusher: Pusher) -> None:
    assert (await pusher.post([])).status == 422
    assert (await pusher.post(b"")).status == 400


async def test_a_line_that_is_not_json_is_422_and_a_document_that_is_not_400(pusher: Pusher) -> None:
    lines = json.dumps(GOOD).encode() + b"\n{broken\n"
    answer = await pusher.post(lines, kind="application/jsonl")
    assert (answer.status, answer.body["errors"][0]["item"], answer.body["errors"][0]["reason"]) == (422, 1, "not-json")
    answer = await pusher.post(b"[{broken}]")
    assert (answer.status, answer.headers["Content-Type"]) == (400, PROBLEM_JSON)
    assert [letter.reason for letter in pusher.producer.dead_letters] == ["not-json", "not-json"]


async def test_a_token_that_sends_too_fast_is_429_and_another_is_not(tmp_path: Path) -> None:
    async with pushing(tmp_path, push_articles_per_second=5) as pusher:
        other = pusher.file.add("wire")
        assert (await pusher.post([GOOD] * 40)).status == 202
        answer = await pusher.post(GOOD)
        assert (answer.status, answer.headers["Retry-After"]) == (429, "6")
        assert (await pusher.post(GOOD, token=other)).status == 202


async def test_beyond_the_bytes_in_work_503_is_answered_and_they_come_back(tmp_path: Path) -> None:
    async with pushing(tmp_path, push_in_work_bytes=1_000_000) as pusher:
        pusher.producer.silent = True
        large = {**GOOD, "text": "x" * 600_000}
        waiting = asyncio.ensure_future(pusher.post(large))
        await pusher.sent()
        answer = await pusher.post({**large, "id": "a-2"})
        assert (answer.status, answer.body["type"]) == (503, "urn:bellwether:push:busy")
        pusher.acknowledge()
        assert (await waiting).status == 202
        assert (await pusher.post({**large, "id": "a-2"})).status == 202


async def test_other_addresses_and_methods_are_problems(pusher: Pusher) -> None:
    for method, path, status in (("GET", "/v1/articles", 405), ("POST", "/v1/nothing", 404), ("PUT", "/healthz", 405)):
        async with pusher.session.request(method, pusher.server.address + path) as response:
            assert (response.status, response.content_type) == (status, PROBLEM_JSON)
            assert json.loads(await response.read())["status"] == status
    async with pusher.session.get(f"{pusher.server.address}/readyz") as response:
        assert response.status == 200


async def test_a_client_that_has_closed_its_half_gets_its_answer(pusher: Pusher) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", pusher.port)
    body = json.dumps(GOOD).encode()
    writer.write(head(pusher, f"Content-Length: {len(body)}") + body)
    pusher.producer.silent = True
    writer.write_eof()
    await pusher.sent()
    pusher.acknowledge()
    assert (await read_all(reader)).startswith(b"HTTP/1.1 202")
    writer.close()


async def test_a_slow_head_and_a_silent_connection_are_cut_and_others_are_served(tmp_path: Path) -> None:
    async with pushing(tmp_path, connections=Connections(head_seconds=0.5, idle_seconds=0.5)) as pusher:
        reader, writer = await asyncio.open_connection("127.0.0.1", pusher.port)
        silent, _ = await asyncio.open_connection("127.0.0.1", pusher.port)
        writer.write(b"POST /v1/articles HTTP/1.1\r\n")

        async def drip() -> None:
            while True:
                writer.write(b"X-Slow: 1\r\n")
                await asyncio.sleep(0.05)

        dripping = asyncio.ensure_future(drip())
        assert (await pusher.post(GOOD)).status == 202
        assert await asyncio.wait_for(silent.read(), 5) == b""
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), 5)
        dripping.cancel()


async def test_a_slow_body_is_408_and_holds_nothing_after(pusher: Pusher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push_body, "BODY_SECONDS", 0.3)
    reader, writer = await asyncio.open_connection("127.0.0.1", pusher.port)
    writer.write(head(pusher, "Content-Length: 100000") + b"{")
    answer = await read_all(reader)
    assert answer.startswith(b"HTTP/1.1 408")
    assert pusher.metric("bellwether_push_in_work_bytes") == 0
    writer.close()


async def test_more_connections_than_may_be_are_turned_away_and_come_back(tmp_path: Path) -> None:
    async with pushing(tmp_path, connections=Connections(most=2)) as pusher:
        opened = [await asyncio.open_connection("127.0.0.1", pusher.port) for _ in range(2)]
        reader, _ = await asyncio.open_connection("127.0.0.1", pusher.port)
        assert (await read_all(reader)).startswith(b"HTTP/1.1 503")
        opened[0][1].close()
        await until(lambda: pusher.metric("bellwether_push_connections") < 2)
        assert (await pusher.post(GOOD)).status == 202


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST /v1/articles HTTP/1.1\r\nHost: push\r\nX-Large: " + b"x" * 70_000 + b"\r\n\r\n",
        b"POST /v1/articles HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % number for number in range(5_000)) + b"\r\n",
        b"POST /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: push\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,
        b"GET /\x1b[31m\r\n\r\n",
        b"POST /v1/articles HTTP/1.1\r\nHost: push\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /v1/articles HTTP/1.1\r\nHost: push\r\nContent-Length: -1\r\n\r\n",
    ],
)
async def test_a_head_that_is_no_proper_one_is_400_says_nothing_back_and_others_are_served(
    pusher: Pusher, request_bytes: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    reader, writer = await asyncio.open_connection("127.0.0.1", pusher.port)
    writer.write(request_bytes)
    answer = await read_all(reader)
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))
    assert b"\x1b" not in answer
    assert len(answer) < 2_000
    assert not [record for record in caplog.records if record.name.startswith("aiohttp")]
    writer.close()
    assert (await pusher.post(GOOD)).status == 202


async def test_a_chunked_body_with_broken_chunks_is_400(pusher: Pusher) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", pusher.port)
    writer.write(head(pusher, "Transfer-Encoding: chunked") + b'5\r\n{"a":\r\nzz\r\n')
    assert (await read_all(reader)).startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))
    writer.close()


async def test_a_client_that_goes_away_in_the_middle_leaves_nothing_behind(pusher: Pusher) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", pusher.port)
    writer.write(head(pusher, "Content-Length: 50000") + b"{")
    await writer.drain()
    await until(lambda: pusher.metric("bellwether_push_in_work_bytes") > 0)
    writer.transport.abort()
    await until(lambda: not pusher.metric("bellwether_push_in_work_bytes") and not pusher.metric("bellwether_push_connections"))
    assert (await pusher.post(GOOD)).status == 202


async def test_every_answer_is_as_the_served_document_says(pusher: Pusher) -> None:
    async with pusher.session.get(f"{pusher.server.address}/v1/openapi.json") as response:
        document = json.loads(await response.read())
    answers = [
        await pusher.post(GOOD),
        await pusher.post([GOOD, {"title": 7}]),
        await pusher.post(b"{"),
        await pusher.post([GOOD] * 1_001),
        await pusher.post(GOOD, kind="text/plain"),
        await pusher.post(GOOD, token="wrong"),
    ]
    assert [answer.status for answer in answers] == [202, 422, 400, 413, 415, 401]
    for answer in answers:
        described = document["paths"]["/v1/articles"]["post"]["responses"][str(answer.status)]["content"]
        schema = described[answer.headers["Content-Type"]]["schema"]
        jsonschema.Draft202012Validator({**document, **schema}).validate(answer.body)
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
