"""`bellwether deliver`: what it says and how it ends; the weeks come from `bulletins.py` instead of a broker."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from prometheus_client import CollectorRegistry

from streams.bulletin import source
from streams.clock import parse_utc, shift_week
from streams.commands.deliver import deliver
from streams.delivery import run
from streams.delivery.config import load_targets
from streams.errors import ConfigError
from streams.metrics import DeliveryMetrics
from streams.settings import Settings
from streams.up import _children
from tests.helpers.bulletins import LAST, eventful

FILES = '[[target]]\nname = "files"\nkind = "file"\nfolder = "{folder}"\noldest_weeks = 0\n'
BROKEN = '[[target]]\nname = "broken"\nkind = "file"\nfolder = "/dev/null/x"\noldest_weeks = 0\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BELLWETHER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("BELLWETHER_KAFKA_SERVERS", "127.0.0.1:1")
    monkeypatch.setenv("BELLWETHER_EDITION", "live")  # else the broker would be asked which one is shown
    monkeypatch.setattr(source, "read_stands", lambda _settings: eventful())
    (tmp_path / "delivery.toml").write_text(FILES.format(folder=tmp_path / "out"), encoding="utf-8")
    return tmp_path


def call(*arguments: str) -> Result:
    return CliRunner().invoke(deliver, arguments)


def test_a_dry_run_says_what_would_be_sent_and_writes_nothing(folder: Path) -> None:
    result = call("--dry-run")
    assert (result.exit_code, result.stdout) == (0, f"{LAST} files: would be sent\n")
    assert sorted(path.name for path in folder.iterdir()) == ["delivery.toml"]


def test_once_delivers_what_is_due_and_a_second_time_nothing(folder: Path) -> None:
    (line,) = call("--once", "--json").stdout.splitlines()
    assert json.loads(line)["state"] == "sent"
    assert (folder / "out" / f"{LAST}.en.html").exists()
    assert call("--once").stdout == "nothing to deliver\n"
    assert call("--once", "--json").stdout == ""
    assert call("--list").stdout.startswith(f"{LAST} files: sent ")


def test_a_week_is_delivered_when_it_is_asked_for_and_again_when_that_is_asked_for(folder: Path) -> None:
    week = shift_week(LAST, -5)
    assert call("--week", week, "--target", "files").stdout.startswith(f"{week} files: sent")
    assert call("--week", week).stdout == "nothing to deliver\n"
    assert call("--week", week, "--again").stdout.startswith(f"{week} files, printing 2: sent")


def test_a_target_that_did_not_take_it_is_exit_code_1(folder: Path) -> None:
    with (folder / "delivery.toml").open("a", encoding="utf-8") as file:
        file.write(BROKEN)
    result = call("--once")
    assert result.exit_code == 1
    assert "broken: waiting" in result.stdout
    assert "files: sent" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--week", "2999-W01"], "not closed"), (["--once", "--target", "desk"], "no target 'desk'"), (["--again"], "--again needs --week"),
        (["--target", "files"], "goes with --once"), (["--week", "yesterday"], "no ISO week"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said(folder: Path, arguments: list[str], said: str) -> None:
    result = call(*arguments)
    assert result.exit_code != 0
    assert said in result.output + str(result.exception)
    assert not (folder / "out").exists()


def test_a_missing_list_says_how_to_write_one(folder: Path) -> None:
    (folder / "delivery.toml").unlink()
    result = call("--once")
    assert isinstance(result.exception, ConfigError)
    assert "docs/delivery.md" in str(result.exception)


def test_up_runs_deliveries_where_there_is_a_list_and_never_of_the_demo(folder: Path) -> None:
    settings = Settings()
    assert "deliver" in {child.name for child in _children(settings, demo=False)}
    assert "deliver" not in {child.name for child in _children(settings, demo=True)}
    (folder / "delivery.toml").unlink()
    assert "deliver" not in {child.name for child in _children(settings, demo=False)}


def test_a_list_that_became_wrong_is_told_of_and_the_last_good_one_stays(folder: Path) -> None:
    path = folder / "delivery.toml"
    before = load_targets(path)
    path.write_text("[[target", encoding="utf-8")
    assert run._reloaded(path, before) == before
    path.write_text(FILES.format(folder="elsewhere").replace("files", "moved"), encoding="utf-8")
    assert [target.name for target in run._reloaded(path, before)] == ["moved"]


def test_the_last_success_is_known_again_after_a_restart(folder: Path) -> None:
    call("--once")
    settings, metrics = Settings(), DeliveryMetrics(CollectorRegistry())
    with run.opened_rounds(settings, metrics) as rounds:
        (entry,) = rounds.ledger.entries()
        run._recall(rounds, load_targets(folder / "delivery.toml"), metrics)
        assert metrics.last_success_seconds.labels("file")._value.get() == parse_utc(entry.at).timestamp()
        assert metrics.last_success_seconds.labels("mail")._value.get() == 0
