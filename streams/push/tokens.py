"""Who may push, correct, and read the board: bearer tokens in one small file, which holds their hashes and never themselves.

A token is 256 random bits, so that one SHA-256 is hash enough; what is slow on purpose would only slow down every request. The
running server sees a change of the file at its next request: a revoked token ends at once.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec

from streams.clock import Clock, format_utc, utc_now
from streams.deeds import an_act, note
from streams.errors import ConfigError, StateError
from streams.log import get_logger

log = get_logger("tokens")
PREFIX = "bwt_"
MAX_TOKENS = 100
MAX_TOKEN_CHARS = 200
MAX_FILE_BYTES = 1024 * 1024
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


Role = Literal["push", "read", "correct"]


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """One token as it is kept. `name` is the operator's; it stands in logs, dead letters and corrections.

    `roles` says what it is good for; one of a file that does not say may push.
    """

    name: str
    sha256: str
    created: str
    roles: list[Role] = msgspec.field(default_factory=lambda: ["push"])


class _File(msgspec.Struct, frozen=True, kw_only=True):
    v: int = 1
    tokens: list[Token] = []


class TokenFile:
    """The file; every method reads it anew, blocks for a moment and raises `StateError` for a bad disk or a damaged file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def tokens(self) -> list[Token]:
        """The tokens in the order in which they were added; none where there is no file."""
        try:
            content = self.path.read_bytes()[: MAX_FILE_BYTES + 1]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._failed(error.strerror or str(error)) from error
        try:
            return msgspec.json.decode(content, type=_File).tokens
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise self._failed(f"it is damaged: {error}") from error

    def has_any(self, role: Role) -> bool:
        """Whether some token is good for a role."""
        return any(role in token.roles for token in self.tokens())

    def add(self, name: str, roles: Sequence[Role] = ("push",), *, clock: Clock = utc_now) -> str:
        """Makes a token and returns it: the only time that it can be seen.

        Raises:
            ConfigError: for a name that is taken or can't be one, or above `MAX_TOKENS`.
        """
        if not _NAME.fullmatch(name):
            raise ConfigError(
                f"{name!r} can't name a token",
                where="tokens add",
                expected="1 to 40 letters, digits, dots, dashes or underscores",
            )
        with self._locked():
            tokens = self.tokens()
            if any(token.name == name for token in tokens):
                raise ConfigError(
                    f"there is a token {name} already", where=str(self.path), expected="a new name", todo=f"`bellwether tokens revoke {name}`"
                )  # fmt: skip
            if len(tokens) >= MAX_TOKENS:
                raise ConfigError(f"there are {MAX_TOKENS} tokens", where=str(self.path), todo="revoke one that is not used")
            self._note("made", f"token {name} ({', '.join(dict.fromkeys(roles))})", clock)
            secret = PREFIX + secrets.token_urlsafe(32)
            made = Token(name=name, sha256=_hash(secret), created=format_utc(clock()), roles=list(dict.fromkeys(roles)))
            self._write([*tokens, made])
        return secret

    def revoke(self, name: str, *, clock: Clock = utc_now) -> None:
        """Takes a token away.

        Raises:
            ConfigError: if there is none of that name.
        """
        with self._locked():
            tokens = self.tokens()
            kept = [token for token in tokens if token.name != name]
            if len(kept) == len(tokens):
                raise ConfigError(
                    f"there is no token {name!r}", where=str(self.path), expected=", ".join(t.name for t in tokens) or "no name: there are none"
                )  # fmt: skip
            self._note("revoked", f"token {name}", clock)
            self._write(kept)

    def stamp(self) -> tuple[int, int, int]:
        """Changes whenever the file does; zeros where there is none."""
        try:
            found = self.path.stat()
        except OSError:
            return (0, 0, 0)
        return (found.st_mtime_ns, found.st_ino, found.st_size)

    def _note(self, did: str, subject: str, clock: Clock) -> None:
        note(self.path.with_name(self.path.name + ".audit.jsonl"), an_act(did, subject, clock=clock))

    def _write(self, tokens: list[Token]) -> None:
        # Beside it, then in its place: a crash leaves the old file or the new one.
        beside = self.path.with_name(self.path.name + ".new")
        try:
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(_File(tokens=tokens))) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.path)
        except OSError as error:
            raise self._failed(error.strerror or str(error)) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path.with_name(self.path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise self._failed(error.strerror or str(error)) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _failed(self, what: str) -> StateError:
        return StateError(
            f"the tokens can't be read or written: {what}", where=str(self.path), expected="a file that `bellwether tokens` wrote",
            todo="give this user the right to it, or move it away and add the tokens anew",
        )  # fmt: skip


class TokenCheck:
    """Says whose token it is, by the file as it is now. Where the file can't be read, nobody gets in."""

    def __init__(self, file: TokenFile) -> None:
        self._file = file
        self._stamp: tuple[int, int, int] | None = None
        self._tokens: list[Token] = []
        self._is_damaged = False

    def names(self, role: Role = "push") -> frozenset[str]:
        """The names of the tokens that are good for a role now."""
        self._reload()
        return frozenset(token.name for token in self._tokens if role in token.roles)

    def name_of(self, secret: str, role: Role = "push") -> str:
        """The name of the token, or "" if it is none for this role. Takes as long for a wrong one as for a right one."""
        found = self.token_of(secret)
        return found.name if found is not None and role in found.roles else ""

    def token_of(self, secret: str) -> Token | None:
        """The token that was shown; None for none. Takes as long for a wrong one as for a right one."""
        self._reload()
        given, found = _hash(secret), None
        for token in self._tokens:
            if hmac.compare_digest(given, token.sha256):
                found = token
        return found

    def named(self, name: str) -> Token | None:
        """The token of that name, as the file is now."""
        self._reload()
        return next((token for token in self._tokens if token.name == name), None)

    @property
    def is_damaged(self) -> bool:
        """Whether the file is there and can't be read, so that nobody knows whom it would let in."""
        self._reload()
        return self._is_damaged

    def _reload(self) -> None:
        stamp = self._file.stamp()
        if stamp == self._stamp:
            return
        try:
            self._tokens = self._file.tokens()
            self._is_damaged = False
        except StateError as error:
            self._tokens = []
            self._is_damaged = True
            log.error("tokens_unreadable", error=error.what, path=error.where)
        self._stamp = stamp
        log.info("tokens_read", tokens=len(self._tokens))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
