"""Who reads the board, and the signed cookie by which a browser is known after it has signed in. Pure but for its clock and its key's file.

A cookie says `name:expires:signature`. It is as good as the token it was given for: revoked, or made anew under the same name, and the
session has ended too. It holds no secret of the token, and can't be made from the file of tokens.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from streams.clock import Clock, utc_now
from streams.log import get_logger

log = get_logger("board")

#: How long a browser stays signed in.
SESSION_SECONDS = 12 * 3600
MAX_COOKIE_CHARS = 200
_KEY_BYTES = 32


class Shown(Protocol):
    """A token, as it is kept (`streams.push.tokens.Token`)."""

    @property
    def name(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def roles(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who may read, by the name of the token."""

    name: str
    may_correct: bool


def as_reader(token: Shown | None) -> Reader | None:
    """Whom a token makes of its holder: who may correct may read."""
    if token is None or not {"read", "correct"} & set(token.roles):
        return None
    return Reader(token.name, "correct" in token.roles)


class Sessions:
    """Makes and reads cookies.

    Args:
        key: 32 secret bytes; another key ends every session.
    """

    def __init__(self, key: bytes, *, clock: Clock = utc_now) -> None:
        self._key = key
        self._clock = clock

    def start(self, token: Shown) -> str:
        """The cookie's value for whoever has shown this token."""
        expires = int(self._clock().timestamp()) + SESSION_SECONDS
        return f"{token.name}:{expires}:{self._signature(token, expires)}"

    def name_in(self, cookie: str) -> str:
        """The name that a cookie claims; empty for what is none. Nothing is proven yet."""
        name, *rest = cookie[: MAX_COOKIE_CHARS + 1].split(":")
        return name if len(rest) == 2 and len(cookie) <= MAX_COOKIE_CHARS else ""

    def is_good(self, cookie: str, token: Shown) -> bool:
        """Whether this key has signed the cookie for this token, and its time is not over."""
        _, expires, signature = cookie.split(":")
        if not (expires.isascii() and expires.isdigit() and len(expires) <= 12):
            return False
        is_signed = hmac.compare_digest(signature.encode(), self._signature(token, int(expires)).encode())
        return is_signed and int(expires) > self._clock().timestamp()

    def _signature(self, token: Shown, expires: int) -> str:
        said = f"bellwether board\n{token.name}\n{token.sha256}\n{expires}"
        return hmac.new(self._key, said.encode(), hashlib.sha256).hexdigest()


def session_key(path: Path) -> bytes:
    """The key of the file, which is made where it is missing; where it can't be kept, a new one, which ends with the process."""
    try:
        key = path.read_bytes()
        if len(key) == _KEY_BYTES:
            return key
    except OSError:
        pass
    key = secrets.token_bytes(_KEY_BYTES)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(path.name + ".new")
        beside.unlink(missing_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key)
        beside.replace(path)
    except OSError as error:
        log.warning("session_key_not_kept", path=str(path), problem=error.strerror or str(error))
    return key
