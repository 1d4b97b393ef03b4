"""What is remembered of feeds: survives a restart, stays bounded, and says when it can't be read."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streams.errors import StateError
from streams.ingest import state as state_module
from streams.ingest.addresses import is_public, public_socket
from streams.ingest.answers import Validators
from streams.ingest.feed_record import EntryCounts, FeedRecord
from streams.ingest.schedule import Rhythm
from streams.ingest.state import FeedState, Seen

NOW = datetime(2017, 8, 2, 12, 0, tzinfo=UTC)
DUE = NOW + timedelta(minutes=15)
URL = "https://courier.invalid/rss"


def test_a_feed_that_was_never_asked_has_no_record(tmp_path: Path) -> None:
    with FeedState(tmp_path / "deep" / "feeds.sqlite") as state:
        assert state.load(URL) == FeedRecord()
        assert state.load_all() == {}
        assert state.seen(URL) == {}


def test_what_was_saved_is_there_after_a_restart(tmp_path: Path) -> None:
    entries = {"a": Seen("digest-a", NOW)}
    record = FeedRecord(
        validators=Validators('"v1"', "Wed"), next_due=DUE, last_success=NOW, moved_to="https://new.invalid/", rhythm=Rhythm(3, NOW), hours=[1, 2],
        counts=EntryCounts(3, 1, 1, 1, 0), lag_seconds=1.5,
    )  # fmt: skip
    with FeedState(tmp_path / "feeds.sqlite") as state:
        state.save(URL, record, entries, now=NOW)
        state.save_quiet_host("courier.invalid", DUE)
    with FeedState(tmp_path / "feeds.sqlite") as state:
        assert state.load(URL) == record
        assert state.load_all() == {URL: record}
        assert state.seen(URL) == entries
        assert state.seen("https://other.invalid/") == {}
        assert state.quiet_hosts(NOW) == {"courier.invalid": DUE}
        assert state.quiet_hosts(DUE) == {}


def test_a_record_without_entries_leaves_those_that_were_seen(tmp_path: Path) -> None:
    with FeedState(tmp_path / "feeds.sqlite") as state:
        state.save(URL, FeedRecord(), {"a": Seen("x", NOW)}, now=NOW)
        state.save(URL, FeedRecord(failures=1), now=NOW)
        assert state.load(URL).failures == 1
        assert sorted(state.seen(URL)) == ["a"]


def test_of_each_feed_the_entries_seen_last_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "MAX_SEEN_PER_FEED", 3)
    with FeedState(tmp_path / "feeds.sqlite") as state:
        state.save("https://other.invalid/", FeedRecord(), {"z": Seen("z", NOW)}, now=NOW)
        for day in range(5):
            moment = NOW + timedelta(days=day)
            state.save(URL, FeedRecord(), {"old": Seen("o", NOW), f"day-{day}": Seen("d", moment)}, now=moment)
        assert sorted(state.seen(URL)) == ["day-3", "day-4", "old"]
        assert sorted(state.seen("https://other.invalid/")) == ["z"]


def test_the_state_of_the_first_version_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "feeds.sqlite"
    database = sqlite3.connect(path)
    database.executescript(
        "CREATE TABLE feeds (url TEXT PRIMARY KEY, etag TEXT, last_modified TEXT, next_due TEXT, failures INTEGER, last_success TEXT,"
        " last_error TEXT) WITHOUT ROWID; CREATE TABLE entries (feed TEXT NOT NULL, article TEXT NOT NULL, digest TEXT NOT NULL,"
        " first_seen TEXT NOT NULL, last_seen TEXT NOT NULL, PRIMARY KEY (feed, article)) WITHOUT ROWID;"
        f"INSERT INTO feeds VALUES ('{URL}', 'v1', 'Wed', '2017-08-02T12:15:00Z', 2, '2017-08-02T12:00:00Z', 'down');"
        f"INSERT INTO entries VALUES ('{URL}', 'a', 'digest-a', '2017-08-02T12:00:00Z', '2017-08-02T12:00:00Z');"
        "PRAGMA user_version = 1"
    )
    database.close()
    for _ in range(2):
        with FeedState(path) as state:
            expected = FeedRecord(validators=Validators("v1", "Wed"), next_due=DUE, failures=2, last_success=NOW, error="down")
            assert state.load(URL) == expected
            assert state.seen(URL) == {"a": Seen("digest-a", NOW)}


def test_a_record_that_nobody_can_read_is_told(tmp_path: Path) -> None:
    with FeedState(tmp_path / "feeds.sqlite") as state:
        state.save(URL, FeedRecord(), now=NOW)
        state._database.execute("UPDATE feed_records SET record = ?", (b"{",))
        with pytest.raises(StateError, match="can't be read"):
            state.load(URL)


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
