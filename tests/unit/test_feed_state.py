"""What is remembered of feeds: survives a restart, stays bounded, and says when it can't be read."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streams.errors import StateError
from streams.ingest import state as state_module
from streams.ingest.addresses import is_public, public_socket
from streams.ingest.fetch import Validators
from streams.ingest.state import FeedRecord, FeedState, Seen

NOW = datetime(2017, 8, 2, 12, 0, tzinfo=UTC)
DUE = NOW + timedelta(minutes=15)
URL = "https://courier.invalid/rss"


def test_a_feed_that_was_never_asked_has_no_record(tmp_path: Path) -> None:
    with FeedState(tmp_path / "deep" / "feeds.sqlite") as state:
        assert state.load(URL) == FeedRecord()
        assert state.seen(URL) == {}


def test_what_was_saved_is_there_after_a_restart(tmp_path: Path) -> None:
    entries = {"a": Seen("digest-a", NOW)}
    with FeedState(tmp_path / "feeds.sqlite") as state:
        state.save_success(URL, Validators('"v1"', "Wed"), entries, now=NOW, next_due=DUE)
    with FeedState(tmp_path / "feeds.sqlite") as state:
        assert state.load(URL) == FeedRecord(Validators('"v1"', "Wed"), DUE, 0, NOW, "")
        assert state.seen(URL) == entries
        assert state.seen("https://other.invalid/") == {}


def test_failures_are_counted_keep_the_validators_and_end_with_a_good_fetch(tmp_path: Path) -> None:
    with FeedState(tmp_path / "feeds.sqlite") as state:
        assert state.save_failure(URL, "down", next_due=DUE) == 1
        state.save_success(URL, Validators('"v1"'), {}, now=NOW, next_due=DUE)
        assert state.save_failure(URL, "down", next_due=DUE) == 1
        assert state.save_failure(URL, "still down", next_due=DUE) == 2
        assert state.load(URL) == FeedRecord(Validators('"v1"'), DUE, 2, NOW, "still down")
        state.save_success(URL, Validators(), {}, now=NOW, next_due=DUE)
        assert state.load(URL).failures == 0


def test_of_each_feed_the_entries_seen_last_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "MAX_SEEN_PER_FEED", 3)
    with FeedState(tmp_path / "feeds.sqlite") as state:
        state.save_success("https://other.invalid/", Validators(), {"z": Seen("z", NOW)}, now=NOW, next_due=DUE)
        for day in range(5):
            moment = NOW + timedelta(days=day)
            state.save_success(
                URL, Validators(), {"old": Seen("o", NOW), f"day-{day}": Seen("d", moment)}, now=moment, next_due=DUE
            )
        assert sorted(state.seen(URL)) == ["day-3", "day-4", "old"]
        assert sorted(state.seen("https://other.invalid/")) == ["z"]


def test_a_damaged_file_is_told_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "feeds.sqlite"
    path.write_bytes(b"this is no database at all" * 100)
    with pytest.raises(StateError, match="move the file away"):
        FeedState(path)


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "feeds.sqlite"
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(StateError, match="version 99"):
        FeedState(path)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.2.1", "198.18.0.1",
        "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::7f00:1", "fe80::1%eth0", "fc00::1",
        "fd00:ec2::254", "ff02::1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001::1", "2001:db8::1", "fec0::1", "nonsense", "",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    assert not is_public(address)
    with pytest.raises(OSError, match="is not a public address"):
        public_socket((2, 1, 6, "", (address, 80)))


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.215.14", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:8.8.8.8"])
def test_public_addresses_are_let_through(address: str) -> None:
    assert is_public(address)
