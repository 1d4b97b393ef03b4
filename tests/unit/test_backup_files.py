"""The files of a backup without a broker: bytes come back as they were, damage is found before anything is restored, offsets follow."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import topology
from streams.backup.lines import read_records, sha256_of, write_records
from streams.backup.lists import keep_lists, put_back
from streams.backup.manifest import Manifest, OtherFile, TopicFile, check_files, read_manifest, write_manifest
from streams.backup.offsets import NAMES, Places, placed_anew
from streams.backup.topics import kept_topics
from streams.errors import StateError
from streams.push.tokens import TokenFile
from streams.records import Progress, decode, encode
from streams.settings import load_settings
from streams.stage import InputRecord

BYTES = st.one_of(st.none(), st.binary(max_size=40), st.text(st.characters(codec="utf-8"), max_size=20).map(str.encode))
RECORDS = st.lists(st.builds(InputRecord, st.integers(0, 2**40), BYTES, BYTES, st.integers(0, 2**41)), max_size=8)


@given(RECORDS)
def test_whatever_stands_on_a_topic_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, records: list[InputRecord]
) -> None:
    path = tmp_path_factory.mktemp("lines") / "articles-0.jsonl.gz"
    written = write_records(path, records)
    assert list(read_records(path)) == records
    assert (written.records, written.bytes) == (len(records), path.stat().st_size)


def test_a_file_can_be_read_without_bellwether_and_the_same_records_give_the_same_bytes(tmp_path: Path) -> None:
    records = [InputRecord(7, b"a", '{"title":"Мінск"}'.encode(), 1_000), InputRecord(8, b"\xff", None, 2_000)]
    first, second = (write_records(tmp_path / name, records) for name in ("first", "second"))
    assert first == second
    lines = [json.loads(line) for line in gzip.decompress((tmp_path / "first").read_bytes()).splitlines()]
    assert lines == [[7, 1_000, "a", '{"title":"Мінск"}'], [8, 2_000, {"base64": "/w=="}, None]]


def backup_of_one_topic(folder: Path) -> Manifest:
    """A backup with one file of two records."""
    written = write_records(folder / "feeds-0.jsonl.gz", [InputRecord(3, b"a", b"1"), InputRecord(9, b"b", b"2")])
    file = TopicFile(
        topic="feeds", partition=0, file="feeds-0.jsonl.gz", records=written.records, bytes=written.bytes, sha256=written.sha256
    )
    manifest = Manifest(taken_at="2026-01-01T00:00:00Z", bellwether="0.1.0", partitions=1, topics=[file], others=[])
    write_manifest(folder, manifest)
    return manifest


def test_a_whole_backup_is_found_to_be_whole(tmp_path: Path) -> None:
    manifest = backup_of_one_topic(tmp_path)
    assert read_manifest(tmp_path) == manifest
    assert manifest.counts() == {"feeds": 2}
    check_files(tmp_path, manifest)


@pytest.mark.parametrize("how", ["a bit", "the end", "all of it", "another file"])
def test_damage_is_named(tmp_path: Path, how: str) -> None:
    manifest = backup_of_one_topic(tmp_path)
    path = tmp_path / "feeds-0.jsonl.gz"
    content = bytearray(path.read_bytes())
    if how == "a bit":
        content[20] ^= 1
        path.write_bytes(content)
    elif how == "the end":
        path.write_bytes(content[:-1])
    elif how == "another file":
        [file] = manifest.topics
        manifest = msgspec.structs.replace(manifest, topics=[msgspec.structs.replace(file, file="../elsewhere")])
    else:
        path.unlink()
    with pytest.raises(StateError, match=r"(feeds-0\.jsonl\.gz|elsewhere): ") as caught:
        check_files(tmp_path, manifest)
    assert "nothing was restored" in caught.value.todo


@pytest.mark.parametrize(
    ("content", "said"), [(b"{}", "no backup"), (b'{"format": 2, "records": 1}', "newer version"), (b"\xff", "no backup")]
)
def test_what_is_no_backup_or_a_newer_one_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(StateError, match=said):
        read_manifest(tmp_path)


def test_offsets_follow_the_records_that_they_name_and_keep_their_order() -> None:
    places = Places([2, 5, 9])
    assert [places.of(offset) for offset in (2, 5, 9)] == [0, 1, 2]
    assert [places.of(offset) for offset in (0, 3, 8, 20)] == [-1, 0, 1, 2]
    assert [places.following(offset) for offset in (0, 2, 3, 10)] == [0, 0, 1, 3]


def test_the_tally_goes_on_in_the_partition_that_it_names() -> None:
    asked = []

    def places_of(topic: str, partition: int) -> Places:
        asked.append((topic, partition))
        return Places([2, 5, 9])

    tally = Progress(partition=3, offset=6, classified=2, duplicates=0, dead_letters=0)
    placed = placed_anew("progress", 0, InputRecord(0, b"3", encode(tally)), places_of)
    assert decode(Progress, placed.value or b"").offset == 2
    assert asked == [("articles", 3)]


def test_what_can_not_be_read_and_what_was_erased_is_kept_as_it_is() -> None:
    for name in NAMES:
        for value in (None, b"no record"):
            record = InputRecord(0, b"key", value)
            assert placed_anew(name, 0, record, lambda _topic, _partition: Places([])) == record


def test_every_topic_is_kept_facts_after_what_says_that_they_stand_and_what_is_somebody_elses_is_not() -> None:
    found = [
        spec.name for spec in kept_topics([spec.name for spec in topology.TOPICS] + ["__consumer_offsets", "signals.b", "else"])
    ]
    assert sorted(found) == sorted([*(spec.name for spec in topology.TOPICS), "signals.b"])
    for before, after in (
        ("progress", "classifications"),
        ("classifications", "signals"),
        ("signals", "sealed"),
        ("sealed", "articles"),
    ):
        assert found.index(before) < found.index(after)


def test_tokens_are_kept_only_when_asked_for_and_come_back_for_their_owner_alone(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path / "node")
    TokenFile(settings.push_tokens_file).add("desk")
    (settings.data_dir / "models" / "7").mkdir(parents=True)
    (settings.data_dir / "models" / "7" / "manifest.json").write_text("{}", encoding="utf-8")
    assert {one.role for one in keep_lists(settings, tmp_path / "plain", with_secrets=False)} == {"models"}
    others = keep_lists(settings, tmp_path / "whole", with_secrets=True)
    manifest = Manifest(taken_at="", bellwether="", partitions=1, topics=[], others=others)
    other = load_settings(data_dir=tmp_path / "other")
    assert {(one.role, one.was_there) for one in put_back(other, tmp_path / "whole", manifest)} == {
        ("tokens", False),
        ("models", False),
    }
    assert (other.push_tokens_file.read_bytes(), other.push_tokens_file.stat().st_mode & 0o777) == (
        settings.push_tokens_file.read_bytes(), 0o600
    )  # fmt: skip
    assert (other.data_dir / "models" / "7" / "manifest.json").is_file()
    assert all(one.was_there for one in put_back(other, tmp_path / "whole", manifest))


@pytest.mark.parametrize(
    "file", ["beside/models/../../planted", "beside/feeds/planted", "/etc/hostname", "../planted"],
    ids=["climbs and comes back", "of another role", "absolute", "climbs out"],
)  # fmt: skip
def test_a_manifest_that_would_put_a_file_elsewhere_is_refused(tmp_path: Path, file: str) -> None:
    folder = tmp_path / "kept"
    for place in (folder, folder / "beside" / "models", folder / "beside" / "feeds", tmp_path):
        place.mkdir(parents=True, exist_ok=True)
        (place / "planted").write_bytes(b"planted")
    found = (folder / file).read_bytes()
    digest = sha256_of(folder / file)
    other = OtherFile(role="models", file=file, bytes=len(found), sha256=digest)
    manifest = Manifest(taken_at="2026-01-01T00:00:00Z", bellwether="0.1.0", partitions=1, topics=[], others=[other])
    with pytest.raises(StateError, match="not as it was written"):
        check_files(folder, manifest)
