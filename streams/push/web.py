"""Push's HTTP application: `POST /v1/articles`, its OpenAPI document and health. No Kafka: what sends is handed in.

The order of the checks is the order of their cost: token, type, declared length, rate, room; then the body is read.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import msgspec
from aiohttp import web

from streams.clock import Clock, monotonic_seconds, utc_now
from streams.errors import KafkaError
from streams.ingest.publish import dead_letter
from streams.log import get_logger
from streams.metrics import PUSH_STATUSES, PushMetrics
from streams.push.body import Held, body_kind, check_coding, check_length, read_body
from streams.push.commit import GroupCommit, Parcel
from streams.push.connections import Connections
from streams.push.items import BodyKind, Reading, read_items
from streams.push.limits import Budget, RateLimit
from streams.push.openapi import openapi_document
from streams.push.problems import PROBLEM_JSON, ItemError, PushError
from streams.push.tokens import MAX_TOKEN_CHARS, TokenCheck
from streams.records import DEAD_LETTER_CONTENT_CHARS, Article, DeadLetter
from streams.settings import Settings

log = get_logger("push")
COMMIT_SECONDS = 30.0
#: A larger body is read into articles beside the loop, so that the small ones don't wait for it.
INLINE_BYTES = 64 * 1024
HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Server": "Bellwether"}
_AGAIN = "send the same request again: an article that comes twice counts once"


@dataclass(slots=True)
class Push:
    """What the handlers work with; made for one application."""

    settings: Settings
    tokens: TokenCheck
    commit: GroupCommit
    metrics: PushMetrics
    rates: RateLimit
    budget: Budget
    connections: Connections
    clock: Clock = utc_now
    commit_seconds: float = COMMIT_SECONDS
    threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="push-read"))


PUSH: web.AppKey[Push] = web.AppKey("push", Push)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def build_app(push: Push) -> web.Application:
    """The application over what it works with."""
    app = web.Application(middlewares=[_answer])
    app[PUSH] = push
    app.router.add_post("/v1/articles", push_articles, expect_handler=_expect_later)
    app.router.add_get("/v1/openapi.json", show_openapi)
    app.router.add_get("/healthz", show_health)
    app.router.add_get("/readyz", show_readiness)
    return app


async def push_articles(request: web.Request) -> web.Response:
    """`POST /v1/articles`: 202 when Kafka has acknowledged every article of the body; else a problem, and none is taken."""
    push = request.app[PUSH]
    name = _authorize(request, push)
    kind = body_kind(request)
    check_coding(request)
    check_length(request, push.settings.push_max_body_bytes)
    _check_rate(push, name)
    with Held(push.budget) as held:
        body = await read_body(request, held, push.settings.push_max_body_bytes)
        try:
            reading = await _read(push, body, kind)
        except PushError as error:
            if error.reason:
                await _commit(push, Parcel((), [_body_letter(name, body, error)]), held)
            raise
        push.rates.take(name, max(0, len(reading.articles) + len(reading.bad) - 1))
        return await _take(push, name, body, reading, held)


async def show_openapi(request: web.Request) -> web.Response:
    """`/v1/openapi.json`: what this server takes and answers."""
    return _json(openapi_document(request.app[PUSH].settings))


async def show_health(_request: web.Request) -> web.Response:
    """`/healthz`: 200 while the process answers."""
    return _json({"status": "alive"})


async def show_readiness(request: web.Request) -> web.Response:
    """`/readyz`: 200 while the broker takes articles and there are tokens; else 503 with the reason."""
    push = request.app[PUSH]
    reason = "the broker takes nothing" if push.commit.death else "" if push.tokens.names() else "there are no tokens"
    return _json({"ready": not reason, "reason": reason}, status=503 if reason else 200)


async def _expect_later(_request: web.Request) -> None:
    """A client that asks before it sends its body hears 100 once its head is accepted, not at once."""


def _authorize(request: web.Request, push: Push) -> str:
    given = request.headers.getall("Authorization", [])
    scheme, _, secret = given[0].strip().partition(" ") if len(given) == 1 else ("", "", "")
    secret = secret.strip()
    name = ""
    if scheme.lower() == "bearer" and 0 < len(secret) <= MAX_TOKEN_CHARS:
        name = push.tokens.name_of(secret)
    if not name:
        challenge = 'Bearer realm="bellwether"' + (', error="invalid_token"' if given else "")
        raise PushError(
            "the token is none of this server's" if given else "there is no token", kind="unauthorized",
            expected="one header Authorization: Bearer <token>", todo="`bellwether tokens add NAME` makes one",
            headers={"WWW-Authenticate": challenge},
        )  # fmt: skip
    return name


def _check_rate(push: Push, name: str) -> None:
    names = push.tokens.names()
    push.metrics.tokens.set(len(names))
    push.rates.keep_only(names)
    wait = push.rates.wait_seconds(name)
    if wait:
        raise PushError(
            f"more than {push.settings.push_articles_per_second:g} articles a second", kind="too-fast", todo=f"wait {wait} s",
            headers={"Retry-After": str(wait)},
        )  # fmt: skip
    push.rates.take(name, 1)


async def _read(push: Push, body: bytes, kind: BodyKind) -> Reading:
    def read() -> Reading:
        return read_items(body, kind, now=push.clock(), settings=push.settings)

    if len(body) <= INLINE_BYTES:
        return read()
    return await asyncio.get_running_loop().run_in_executor(push.threads, read)


async def _take(push: Push, name: str, body: bytes, reading: Reading, held: Held) -> web.Response:
    """Sends what was read, all of it or, where an item is bad, the dead letters of the bad ones alone."""
    counts = push.metrics.items
    if reading.bad or not reading.articles:
        await _commit(push, Parcel((), _item_letters(name, body, reading)), held)
        counts.labels("rejected").inc(len(reading.bad))
        counts.labels("withheld").inc(len(reading.articles))
        raise _not_articles(reading.errors)
    parcel = Parcel(reading.articles)
    try:
        await _commit(push, parcel, held)
    except PushError:
        counts.labels("withheld").inc(len(reading.articles))
        raise
    counts.labels("taken").inc(len(reading.articles) - len(parcel.refused))
    counts.labels("rejected").inc(len(parcel.refused))
    if parcel.refused:
        raise _not_articles(
            [ItemError(place, "", "the broker refuses it", "a smaller article", "undeliverable") for place in parcel.refused]
        )
    return _json({"accepted": len(reading.articles), "articles": _receipts(reading.articles)}, status=202)


async def _commit(push: Push, parcel: Parcel, held: Held) -> None:
    future = push.commit.submit(parcel)
    held.until(future)
    done, _ = await asyncio.wait({future}, timeout=push.commit_seconds)
    if done and future.exception() is None:
        return
    error = future.exception() if done else None
    what = error.what if isinstance(error, KafkaError) else f"no acknowledgement within {push.commit_seconds:g} s"
    raise PushError(what, kind="broker-silent", todo=_AGAIN, headers={"Retry-After": "5"})


def _receipts(articles: list[Article]) -> list[dict[str, object]]:
    return [
        {"item": number, "id": article.id, "date_origin": article.date_origin} for number, article in enumerate(articles)
    ]  # fmt: skip


def _not_articles(errors: list[ItemError]) -> PushError:
    items = len({error.item for error in errors})
    return PushError(
        f"{items} items are no articles" if items else "there is no article in it", kind="not-articles", errors=errors,
        expected="items with a title or a text", todo="correct them and send the request again; nothing of it was taken",
    )  # fmt: skip


def _item_letters(name: str, body: bytes, reading: Reading) -> list[DeadLetter]:
    place = _place(name, body)
    return [
        dead_letter(item.errors[0].reason, f"{place}/{item.errors[0].item}", "; ".join(e.what for e in item.errors), item.content)
        for item in reading.bad
    ]  # fmt: skip


def _body_letter(name: str, body: bytes, error: PushError) -> DeadLetter:
    return dead_letter(error.reason, _place(name, body), error.what, body[:DEAD_LETTER_CONTENT_CHARS].decode("utf-8", "replace"))


def _place(name: str, body: bytes) -> str:
    # The same body from the same sender has the same place: a request that is sent again can be told from another.
    return f"push:{name}/{hashlib.blake2b(body, digest_size=8).hexdigest()}"


@web.middleware
async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns errors into problems, and counts and times the request."""
    push = request.app[PUSH]
    started = monotonic_seconds()
    with push.connections.at_work(request) as is_half_closed:
        try:
            response = await handler(request)
        except PushError as error:
            response = _problem(error)
        except web.HTTPException as error:
            response = _problem(_of_http(error))
        except Exception as error:
            log.error("request_failed", error=repr(error), exc_info=True)
            response = _problem(PushError("a fault of the server", kind="failed", todo=_AGAIN))
        if is_half_closed():
            response.force_close()
    status = str(response.status)
    push.metrics.requests.labels(status if status in PUSH_STATUSES else "other").inc()
    push.metrics.request_seconds.labels("yes" if response.status < 300 else "no").observe(monotonic_seconds() - started)
    return response


def _of_http(error: web.HTTPException) -> PushError:
    if isinstance(error, web.HTTPMethodNotAllowed):
        return PushError(
            "the address does not take this method", kind="method-not-allowed", headers={"Allow": error.headers["Allow"]}
        )
    return PushError("there is nothing at this address", kind="not-found", expected="POST /v1/articles")


def _problem(error: PushError) -> web.Response:
    return _json(error.to_json(), status=error.status, content_type=PROBLEM_JSON, headers=error.headers)


def _json(
    document: object, *, status: int = 200, content_type: str = "application/json", headers: dict[str, str] | None = None
) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(document), status=status, content_type=content_type, headers={**HEADERS, **(headers or {})}
    )  # fmt: skip
