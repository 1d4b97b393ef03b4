"""The command line: what it prints, where, and with which exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from models.labels import DOMAINS, LABELS
from tests.helpers.shared import shared_file

REPOSITORY = Path(__file__).resolve().parents[2]
SIGNED = (
    "Belarus and Russia sign pact",
    "Belarus and Russia signed an agreement in Minsk on Tuesday to build a joint training centre for air crews.",
)


def run(*arguments: str, text: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("BELLWETHER_")}
    command = [sys.executable, "-m", "streams.cli", *arguments]
    return subprocess.run(
        command,
        input=text,
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env={**inherited, **environment},
        timeout=120,
        check=False,
    )


def test_the_version_is_printed() -> None:
    assert run("--version").stdout.startswith("bellwether, version ")


def test_help_has_every_command_and_no_traceback_without_one() -> None:
    printed = run("--help").stdout
    for command in ("up", "kafka", "ingest", "worker", "board", "classify", "evaluate", "train", "trends", "topics", "config"):
        assert f"\n  {command} " in printed
    assert "Traceback" not in run().stderr


@pytest.mark.parametrize("arguments", [["nonsense"], ["classify", "--nonsense"], ["ingest", "archive"], ["up", "--rate", "x"]])
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_json_lines_are_classified_one_line_each_in_order_by_the_contract() -> None:
    lines = [{"id": "a", "title": SIGNED[0], "text": SIGNED[1]}, {"id": "b", "title": "Rain in Leeds", "text": "It rained."}]
    done = run("classify", "--json", "-", text="".join(json.dumps(line) + "\n" for line in lines))
    assert done.returncode == 0, done.stderr
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert [first["id"], second["id"]] == ["a", "b"]
    assert set(first) >= {"id", "language", "domain", "labels", "decided", "signals"}
    assert set(first["labels"]) == {label.value for label in LABELS}
    assert set(first["domain"]) == {domain.value for domain in DOMAINS}
    assert "cooperation" in first["decided"]
    signal = first["signals"][0]
    assert set(signal) == {"source", "partner", "label", "probability", "domain", "evidence", "terms"}
    assert {signal["source"], signal["partner"]} == {"BLR", "RUS"}
    assert signal["evidence"] in f"{SIGNED[0]}\n{SIGNED[1]}"
    assert second["decided"] == []


def test_a_plain_text_is_one_article_with_its_first_line_as_title(tmp_path: Path) -> None:
    path = tmp_path / "article.txt"
    path.write_text("\n".join(SIGNED), encoding="utf-8")
    done = run("classify", "--json", str(path))
    assert json.loads(done.stdout)["decided"] == ["cooperation"]
    shown = run("classify", str(path)).stdout
    assert "BLR -> RUS cooperation" in shown
    assert "words that weighed" in shown


def test_a_bad_line_is_told_with_its_number_and_the_others_are_classified() -> None:
    done = run("classify", "--json", "-", text='{"id":"a","title":"x","text":"y"}\n{broken\n[]\n{"id":"d","title":5}\n')
    assert done.returncode == 1
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ["a"]
    assert all(place in done.stderr for place in ("-:2", "-:3", "-:4"))
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "text", ["", "\n\n", "\x00\x01\x02", "x" * 1_000_000, "ТОЛЬКО ЗАГЛАВНЫЕ", "这是一条新闻。", "\ufeffword"]
)
def test_odd_texts_have_a_defined_answer(text: str) -> None:
    done = run("classify", "--json", "-", text=text)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["decided"] == []


def test_the_seed_report_carries_all_three_signals_of_belarus_towards_russia_in_security() -> None:
    done = run("classify", "--json", str(shared_file("data/seed.txt")))
    found = json.loads(done.stdout)
    assert {s["label"] for s in found["signals"] if (s["source"], s["partner"]) == ("BLR", "RUS")} == {
        label.value for label in LABELS
    }
    assert max(found["domain"], key=found["domain"].__getitem__) == "security"


def test_a_missing_file_is_told_without_a_traceback() -> None:
    done = run("classify", "no-such-file.txt")
    assert done.returncode == 2
    assert all(part in done.stderr for part in ("no-such-file.txt", "expected", "what to do"))


def test_settings_are_printed_with_secrets_masked() -> None:
    done = run("config", BELLWETHER_KAFKA_PASSWORD="hunter2")
    assert "hunter2" not in done.stdout + done.stderr
    assert "BELLWETHER_KAFKA_PASSWORD=********" in done.stdout


def test_a_broker_that_does_not_answer_is_told() -> None:
    done = run("topics", "--check", BELLWETHER_KAFKA_SERVERS="127.0.0.1:1")
    assert done.returncode == 1
    assert "can't be reached" in done.stderr
    assert "Traceback" not in done.stderr
