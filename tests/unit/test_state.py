"""Local state: rows and offset change together, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streams.errors import StateError
from streams.kafka.topics import TOMBSTONE_DAYS
from streams.state import MAX_SLEEP_DAYS, PartitionStore

SCHEMA = "CREATE TABLE IF NOT EXISTS things (name TEXT PRIMARY KEY);"


def opened(path: Path, origin: str = "topic-1") -> PartitionStore:
    return PartitionStore(path / "state.sqlite", SCHEMA, origin)


def test_what_was_committed_is_there_after_reopening(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.execute("INSERT INTO things VALUES ('kept')")
    store.put("offset", "7")
    store.commit()
    store.close()
    again = opened(tmp_path)
    assert again.query("SELECT name FROM things") == [("kept",)]
    assert again.get("offset", "0") == "7"


def test_what_was_not_committed_is_gone_rows_and_offset_together(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.execute("INSERT INTO things VALUES ('lost')")
    store.put("offset", "7")
    store.close()
    again = opened(tmp_path)
    assert again.query("SELECT name FROM things") == []
    assert again.get("offset", "0") == "0"


def test_state_of_a_topic_that_was_made_anew_is_thrown_away(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.execute("INSERT INTO things VALUES ('of the old topic')")
    store.put("offset", "7")
    store.commit()
    store.close()
    again = opened(tmp_path, origin="topic-2")
    assert again.query("SELECT name FROM things") == []
    assert again.get("offset", "0") == "0"


def test_a_damaged_file_is_told_with_its_name_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "state.sqlite").write_bytes(b"this is no database at all" * 100)
    with pytest.raises(StateError, match="rebuilt from Kafka") as caught:
        opened(tmp_path)
    assert "state.sqlite" in str(caught.value)


def test_a_folder_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StateError, match="could not be opened"):
        opened(tmp_path / "file")


def test_a_full_disk_is_told_as_such(tmp_path: Path) -> None:
    store = opened(tmp_path)
    pages = int(str(store.query("PRAGMA page_count")[0][0]))
    store.rollback()
    store.query(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(StateError, match="full"):
        store.execute_many("INSERT INTO things VALUES (?)", [(f"{n}" * 2_000,) for n in range(50)])


def test_state_that_has_slept_longer_than_tombstones_are_kept_is_thrown_away(tmp_path: Path) -> None:
    today = datetime(2026, 1, 10, tzinfo=UTC)
    store = PartitionStore(tmp_path / "state.sqlite", SCHEMA, "topic-1", clock=lambda: today)
    store.execute("INSERT INTO things VALUES ('old')")
    store.commit()
    store.close()
    for days, kept in ((MAX_SLEEP_DAYS, [("old",)]), (2 * MAX_SLEEP_DAYS + 1, [])):
        later = today + timedelta(days=days)
        again = PartitionStore(tmp_path / "state.sqlite", SCHEMA, "topic-1", clock=lambda later=later: later)  # type: ignore[misc]
        assert again.query("SELECT name FROM things") == kept
        again.close()


def test_state_is_given_up_before_the_topics_forget_their_tombstones() -> None:
    assert MAX_SLEEP_DAYS < TOMBSTONE_DAYS
