"""What the audit tells of: who somebody is at this machine, an article by its mark, and the journal beside the file of tokens.

What goes through Kafka is told on the topic `audit` (`streams.kafka.audit`). Tokens are made where no broker need be: what is done with
them stands beside them, one JSON line after the other.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import socket
from pathlib import Path

import msgspec

from streams.clock import Clock, format_utc, utc_now
from streams.errors import StateError
from streams.records import Act

_MOST_BYTES = 16 * 1024 * 1024


def operator_name() -> str:
    """Who runs this process, as `ann@host`, by the system's word and not by the environment's."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = f"user {os.getuid()}"
    return f"{user}@{socket.gethostname()}"


def article_mark(article_id: str) -> str:
    """What the audit calls an article: a digest, so that it keeps no address of what was erased, and still finds all that was done to it."""
    return f"article {hashlib.blake2b(article_id.encode(), digest_size=8).hexdigest()}"


def an_act(did: str, subject: str, *, by: str = "", why: str = "", clock: Clock = utc_now) -> Act:
    """An act of now; without `by` it is this machine's operator who does it."""
    return Act(at=format_utc(clock()), by=by or operator_name(), did=did, subject=subject, why=why)


def note(journal: Path, act: Act) -> None:
    """Appends an act to a journal, durably.

    Raises:
        StateError: if it can't be written.
    """
    try:
        descriptor = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(act) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _failed(journal, error.strerror or str(error)) from error


def read_journal(journal: Path) -> list[Act]:
    """The acts of a journal in their order; none where there is none. A line that a crash has cut off is passed over.

    Raises:
        StateError: if it can't be read.
    """
    try:
        with journal.open("rb") as file:
            lines = file.read(_MOST_BYTES).splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _failed(journal, error.strerror or str(error)) from error
    return [act for line in lines if (act := _act_of(line)) is not None]


def _act_of(line: bytes) -> Act | None:
    try:
        return msgspec.json.decode(line, type=Act)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _failed(journal: Path, why: str) -> StateError:
    return StateError(
        f"what is done with tokens can't be noted or read: {why}", where=str(journal), expected="a file that this user may write to",
        todo="mend the rights, or make room",
    )  # fmt: skip
