"""The bulletin of the sample archive on a real Kafka: an eventful week, a quiet one, and what stands on `breaks` against it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from signal import SIGTERM

import msgspec
import pyarrow.parquet as pq
import pytest

from streams.board.listing import read_standings
from streams.topology import BREAKS
from tests.helpers.stack import REPOSITORY, Stack, answers, fetch, free_port, running_stack, wait_for

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

SAMPLE = REPOSITORY / "streams" / "sample" / "archive.jsonl"


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("bulletin")) as stack:
        stack.start_worker()
        report = json.loads(stack.run("ingest", "archive", "--json", str(SAMPLE)).stdout)
        stack.wait_until_processed(report["published"])
        wait_for("every pair to be judged", lambda: _is_judged(stack))
        yield stack


def _is_judged(stack: Stack) -> bool:
    """Whether each pair whose news goes on after 2022-W40 stands as of a week after it."""
    found = read_standings(stack.settings, BREAKS.name)
    return len(found) >= 17 and all(one.record.week > "2022-W40" for pair in found.values() for one in pair.values())


def test_an_eventful_week_is_told_and_its_numbers_come_from_the_printed_commands(played: Stack, tmp_path: Path) -> None:
    text = played.run("bulletin", "--week", "2022-W09").stdout
    assert text.startswith("# How states leaned in week 2022-W09\n")
    assert "## Armenia keeps room from Russia" in text
    assert text == played.run("bulletin", "--week", "2022-W09").stdout
    told = json.loads(played.run("bulletin", "--json", "--week", "2022-W09").stdout)
    pair = next(one for one in told["pairs"] if one["pair"] == "ARM-RUS")
    command = next(line for line in text.splitlines() if line.startswith("bellwether trends --json --pair ARM-RUS"))
    (line,) = map(json.loads, played.run(*command.partition("#")[0].split()[1:]).stdout.splitlines())
    assert line["exposure"]["all"] == {"stories": pair["stories"], "articles": pair["articles"]}
    for signal in pair["signals"]:
        assert line["counts"].get(signal["label"], {}).get("all", {"stories": 0})["stories"] == signal["stories"]
        assert {**signal["standing"], "active": False} == line["standings"][signal["label"]]
    page = tmp_path / "week.html"
    played.run("bulletin", "--week", "2022-W09", "--pair", "ARM-RUS", "--format", "html", "--lang", "be", "--out", str(page))
    assert '<html lang="be">' in page.read_text(encoding="utf-8")
    assert re.search(r'<a href="https://sample\.invalid/sample-\d+"', page.read_text(encoding="utf-8"))


def test_a_quiet_week_and_one_without_data_read_as_such(played: Stack) -> None:
    assert played.run("bulletin", "--week", "2017-W01", "--pair", "BLR-RUS").stdout.startswith(
        "# Belarus and Russia: a quiet week\n"
    )
    assert "Nothing so new has been read" in played.run("bulletin", "--week", "2040-W01").stdout


def test_the_last_closed_week_is_judged_as_it_stands_on_breaks(played: Stack) -> None:
    found = read_standings(played.settings, BREAKS.name)["BLR-RUS"]
    said = {signal: one.record for (signal, domain), one in found.items() if domain == "all"}
    (pair,) = json.loads(played.run("bulletin", "--json", "--pair", "BLR-RUS").stdout)["pairs"]
    assert pair["week"] == next(iter(said.values())).week
    assert {signal["label"]: signal["standing"] for signal in pair["signals"]} == {
        label: {**msgspec.to_builtins(one), "early": None} for label, one in said.items()
    }


def test_exported_tables_say_what_stands(played: Stack, tmp_path: Path) -> None:
    def rows(table: str, *options: str) -> list[dict[str, object]]:
        return [json.loads(line) for line in played.run("export", table, "--json", *options).stdout.splitlines()]

    weeks = [json.loads(line) for line in played.run("trends", "--json", "--pair", "BLR-RUS").stdout.splitlines()]
    trends = rows("trends", "--pair", "BLR-RUS")
    for label in ("cooperation", "symbolic-allegiance", "hedging"):
        counted = sum(week["counts"].get(label, {}).get("all", {"articles": 0})["articles"] for week in weeks)
        assert counted == sum(int(str(r["articles"])) for r in trends if r["signal"] == label and r["domain"] == "all")
        assert counted == sum(r["signal"] == label for r in rows("facts", "--pair", "BLR-RUS"))
    assert {row["week"] for row in rows("trends", "--pair", "BLR-RUS", "--since", "2017-W01", "--until", "2017-W10")} <= {
        f"2017-W{number:02d}" for number in range(1, 11)
    }
    standing = read_standings(played.settings, BREAKS.name)
    assert len(rows("standings")) == sum(len(found) for found in standing.values())
    assert len(rows("breaks")) == sum(len(one.record.breaks) for found in standing.values() for one in found.values())
    played.run("export", "facts", "--format", "parquet", "--out", str(tmp_path / "facts.parquet"))
    assert pq.read_metadata(tmp_path / "facts.parquet").num_rows == len(rows("facts"))


def test_a_closed_week_is_delivered_by_itself_once_and_over_a_restart(played: Stack, tmp_path: Path) -> None:
    targets = tmp_path / "delivery.toml"
    text = '[[target]]\nname = "files"\nkind = "file"\nfolder = "{}"\nforms = ["pdf", "json"]\noldest_weeks = 0\n'
    targets.write_text(text.format(tmp_path / "out"), encoding="utf-8")
    address = f"http://127.0.0.1:{(port := free_port())}/metrics"
    for _ in range(2):
        played.start("deliver", "deliver", delivery=str(targets), delivery_metrics_port=str(port))
        wait_for("a round", lambda: answers(address) and re.search(r"last_round_timestamp_seconds [1-9]", fetch(address)))
        assert 'bellwether_deliveries_waiting{kind="file"} 0.0' in fetch(address)
        assert played.end("deliver", SIGTERM) == 0
    (line,) = map(json.loads, played.run("deliver", "--list", "--json").stdout.splitlines())
    assert (line["state"], line["tries"], line["printing"]) == ("sent", 1, 1)
    told = json.loads(next((tmp_path / "out").glob("*.json")).read_bytes())
    assert told["week"] == line["week"]
    assert told["state"] == "closed"
    assert next((tmp_path / "out").glob("*.pdf")).read_bytes().startswith(b"%PDF")
