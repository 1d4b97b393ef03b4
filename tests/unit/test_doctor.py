"""The doctor: each thing that can be wrong is found, named and comes with what mends it; one fault hides no other."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.doctor import CHECKS, Finding, examine
from streams.errors import KafkaError
from streams.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[2]
BY_NAME = dict(CHECKS)


def settings(folder: Path, **changes: object) -> Settings:
    fields = {"data_dir": folder / "data", "cache_dir": folder / "cache", **changes}
    return Settings(**fields)  # type: ignore[arg-type]


def found(check: str, at: Settings) -> list[Finding]:
    return list(examine(at, [(check, BY_NAME[check])]))


def test_a_machine_that_is_fine_has_no_fault(tmp_path: Path) -> None:
    names = ["python", "disk", "watchlist", "feed list"]
    findings = list(examine(settings(tmp_path), [(name, BY_NAME[name]) for name in names]))
    assert {finding.check for finding in findings} == {"python", "data directory", "cache directory", "watchlist", "feed list"}
    assert "fault" not in {finding.state for finding in findings}


def test_a_check_that_fails_is_a_fault_and_the_next_is_made_all_the_same(tmp_path: Path) -> None:
    def refused(_: Settings) -> Iterator[Finding]:
        raise KafkaError("nobody answers", where="h:1", todo="start it")

    def broken(_: Settings) -> Iterator[Finding]:
        raise RuntimeError("odd")

    first, second, third = examine(settings(tmp_path), [("a", refused), ("b", broken), ("python", BY_NAME["python"])])
    assert first == Finding("a", "fault", "nobody answers (h:1)", "start it")
    assert second.state == "fault"
    assert "RuntimeError: odd" in second.found
    assert third.state == "ok"


def test_a_folder_that_can_not_be_written_to_is_a_fault_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file, not a folder")
    (first, second) = found("disk", settings(tmp_path))
    assert (first.check, first.state, second.state) == ("data directory", "fault", "ok")
    assert "BELLWETHER_DATA_DIR" in first.todo


def test_a_port_in_use_is_told_with_its_holder_and_its_setting(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        findings = {finding.check: finding for finding in found("ports", settings(tmp_path, board_port=port, push_port=0))}
    assert findings[f"port {port}"].state == "warning"
    assert f"process {os.getpid()}" in findings[f"port {port}"].found
    assert "BELLWETHER_BOARD_PORT" in findings[f"port {port}"].todo
    assert findings["push_port"].state == "ok"


def test_a_wrong_watchlist_a_missing_feed_list_and_no_java_are_faults_that_say_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "pairs.toml").write_text("[[pairs]]\nsource = 1\n")
    at = settings(tmp_path, watchlist=tmp_path / "pairs.toml", feeds=tmp_path / "none.toml", model=tmp_path / "no-model")
    for check in ("watchlist", "feed list", "model"):
        (finding,) = found(check, at)
        assert finding.state == "fault"
        assert finding.todo, check


def test_feeds_without_a_contact_are_a_warning(tmp_path: Path) -> None:
    (tmp_path / "feeds.toml").write_text('[[feed]]\nurl = "https://example.org/rss.xml"\noutlet = "Example"\n')
    assert [f.state for f in found("feed list", settings(tmp_path, feeds=tmp_path / "feeds.toml"))] == ["ok", "warning"]
    at = settings(tmp_path, feeds=tmp_path / "feeds.toml", contact="desk@example.org")
    assert [f.state for f in found("feed list", at)] == ["ok"]


@pytest.mark.timeout(60)
def test_a_broker_that_does_not_answer_is_a_fault(tmp_path: Path) -> None:
    (finding,) = found("broker", settings(tmp_path, kafka_servers="127.0.0.1:1"))
    assert finding.state == "fault"
    assert "127.0.0.1:1" in finding.found
    assert "BELLWETHER_KAFKA_SERVERS" in finding.todo


def test_the_command_ends_with_1_for_a_fault_and_writes_json_lines_only(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BELLWETHER_")}
    environment |= {"BELLWETHER_DATA_DIR": str(tmp_path / "data"), "BELLWETHER_MODEL": str(tmp_path / "none")}
    command = [sys.executable, "-m", "streams.cli", "doctor", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=REPOSITORY, timeout=60, check=False)
    assert done.returncode == 1, done.stderr
    findings = [json.loads(line) for line in done.stdout.splitlines()]
    assert {"model"} == {finding["check"] for finding in findings if finding["state"] == "fault"}
    wrong = {**environment, "BELLWETHER_PARTITIONS": "x"}
    done = subprocess.run(command, env=wrong, capture_output=True, text=True, cwd=REPOSITORY, timeout=60, check=False)
    assert done.returncode == 1
    (finding,) = map(json.loads, done.stdout.splitlines())
    assert (finding["check"], finding["state"]) == ("settings", "fault")
    assert "BELLWETHER_PARTITIONS" in finding["found"]
