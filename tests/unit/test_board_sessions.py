"""The cookie of somebody who has signed in: good for its token and its time, and for nothing that was changed."""

from __future__ import annotations

import stat
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streams.board.sessions import SESSION_SECONDS, Sessions, as_reader, session_key


@dataclass(frozen=True)
class Kept:
    """A token as it is kept."""

    name: str = "ann"
    sha256: str = "a" * 64
    roles: tuple[str, ...] = ("read",)


ANN = Kept()
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
KEY = b"k" * 32


def sessions(after: timedelta = timedelta(), key: bytes = KEY) -> Sessions:
    return Sessions(key, clock=lambda: NOON + after)


def test_a_cookie_is_good_until_its_time_is_over() -> None:
    cookie = sessions().start(ANN)
    assert sessions().name_in(cookie) == "ann"
    assert sessions(timedelta(seconds=SESSION_SECONDS - 1)).is_good(cookie, ANN)
    assert not sessions(timedelta(seconds=SESSION_SECONDS)).is_good(cookie, ANN)


def test_a_cookie_is_good_for_its_own_token_and_under_its_own_key_alone() -> None:
    cookie = sessions().start(ANN)
    assert not sessions().is_good(cookie, replace(ANN, sha256="b" * 64))
    assert not sessions().is_good(cookie, replace(ANN, name="bob"))
    assert not sessions(key=b"l" * 32).is_good(cookie, ANN)


def test_a_time_that_was_put_off_is_noticed() -> None:
    name, expires, signature = sessions().start(ANN).split(":")
    assert not sessions().is_good(f"{name}:{int(expires) + 60}:{signature}", ANN)


@pytest.mark.parametrize("cookie", ["", "ann", "ann:1", "ann:1:a:b", ":" * 3, "ann:1:" + "f" * 300])
def test_what_is_no_cookie_names_nobody(cookie: str) -> None:
    assert sessions().name_in(cookie) == ""


@pytest.mark.parametrize("expires", ["-1", "1e9", "\N{ARABIC-INDIC DIGIT FIVE}", "", "9" * 40])
def test_a_time_that_is_none_is_not_good(expires: str) -> None:
    assert not sessions().is_good(f"ann:{expires}:\N{SNOWMAN}", ANN)


def test_who_may_correct_may_read_and_who_may_only_push_may_not() -> None:
    assert [as_reader(replace(ANN, roles=(role,))) is not None for role in ("read", "correct", "push")] == [True, True, False]
    assert [as_reader(replace(ANN, roles=(role,))).may_correct for role in ("read", "correct")] == [False, True]  # type: ignore[union-attr]
    assert as_reader(None) is None


def test_the_key_is_kept_for_its_owner_alone_and_made_anew_where_it_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "board" / "session.key"
    key = session_key(path)
    assert (len(key), session_key(path), stat.S_IMODE(path.stat().st_mode)) == (32, key, 0o600)
    path.write_bytes(b"short")
    assert session_key(path) not in (key, b"short")


def test_a_board_that_can_keep_no_key_has_one_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    keys = [session_key(tmp_path / "file" / "session.key") for _ in range(2)]
    assert [len(key) for key in keys] == [32, 32]
    assert keys[0] != keys[1]
