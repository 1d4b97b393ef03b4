"""Bulletins by HTTP POST: JSON, signed, with a key by which a receiver recognises a repetition.

Only public addresses are connected to unless the target may stand in a private network, checked when the connection is made;
redirects are not followed, and what the receiver answers is not read beyond its status.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from urllib.parse import urlsplit

import aiohttp

from streams.clock import Clock, utc_now
from streams.delivery.config import WebhookTarget
from streams.delivery.courier import Send
from streams.delivery.issue import Issue, NotTakenError
from streams.ingest.addresses import ForbiddenAddressError, public_or_private_socket, public_socket
from streams.settings import read_secret

#: To connect, and for all of a delivery.
CONNECT_SECONDS, TOTAL_SECONDS = 10.0, 30.0
#: Answers after which another try would change nothing: the request is not understood, or the address is gone for good.
_FINAL = frozenset({400, 405, 410, 413, 415, 422})


@contextmanager
def open_webhook(target: WebhookTarget, *, clock: Clock = utc_now) -> Iterator[Send]:
    """Reads the secret; each bulletin then has a connection of its own.

    Raises:
        ConfigError: if the secret can't be read.
    """
    secret = read_secret(target.secret_env, target.secret_file)

    def send(issue: Issue, _recipient: str, key: str) -> None:
        body = body_of(target, issue, key)
        asyncio.run(_post(target, body, headers_of(body, key, secret, int(clock().timestamp()))))

    yield send


def body_of(target: WebhookTarget, issue: Issue, key: str) -> bytes:
    """The JSON: what it is, its text as Markdown and its figures; the same bulletin gives the same bytes."""
    document = issue.document
    fields = {
        "type": "bellwether.bulletin", "version": 1, "key": key, "week": issue.week, "pair": target.pair, "language": issue.language,
        "title": document.title, "summary": document.line, "markdown": issue.text("md").decode(), "figures": json.loads(issue.text("json")),
    }  # fmt: skip
    return json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace")


def headers_of(body: bytes, key: str, secret: str, now_seconds: int) -> dict[str, str]:
    """The headers. The signature is the HMAC-SHA256 of `<timestamp>.<body>`; there is none without a secret."""
    headers = {
        "Content-Type": "application/json", "User-Agent": f"Bellwether/{version('bellwether')}", "Idempotency-Key": key,
        "X-Bellwether-Timestamp": str(now_seconds),
    }  # fmt: skip
    if secret:
        signed = hmac.new(secret.encode(), str(now_seconds).encode() + b"." + body, hashlib.sha256)
        headers["X-Bellwether-Signature"] = f"sha256={signed.hexdigest()}"
    return headers


async def _post(target: WebhookTarget, body: bytes, headers: dict[str, str]) -> None:
    # A path or a query may be a secret (Slack's is): only the host is told of.
    where = urlsplit(target.url).hostname or ""
    connector = aiohttp.TCPConnector(socket_factory=public_or_private_socket if target.allow_private else public_socket)
    limits = aiohttp.ClientTimeout(total=TOTAL_SECONDS, connect=CONNECT_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=limits, trust_env=False, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.post(target.url, data=body, headers=headers, allow_redirects=False) as response,
        ):  # fmt: skip
            status = response.status
    except TimeoutError as error:
        raise NotTakenError(f"no answer within {TOTAL_SECONDS:.0f} s", where=where) from error
    except aiohttp.ClientConnectorError as error:
        if isinstance(error.os_error, ForbiddenAddressError):
            raise NotTakenError(
                f"the receiver is in a private network: {error.os_error}", where=where, todo="set allow_private = true if that is meant"
            ) from error  # fmt: skip
        raise NotTakenError(f"no connection: {type(error.os_error).__name__}", where=where) from error
    except (aiohttp.ClientError, OSError) as error:
        raise NotTakenError(f"the answer is not proper HTTP: {type(error).__name__}", where=where) from error
    if not 200 <= status < 300:
        raise NotTakenError(f"the receiver answered {status}", where=where, is_final=status in _FINAL)
