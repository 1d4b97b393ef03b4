"""BREAKS on a real Kafka, its worker killed: what stands on `breaks` is what a fresh stage says of what stands on `trends`."""

from __future__ import annotations

import json
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from streams import topology
from streams.clock import week_start, weeks_between
from streams.records import TrendStanding, decode
from streams.stage import InputRecord
from tests.helpers.archives import write_archive
from tests.helpers.stack import Stack, running_stack, wait_for
from tests.helpers.standings import breaks_stage, judge_all, own_words

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

STATES = {"Belarus": 4, "Armenia": 30, "Serbia": 99}
WEEKS = weeks_between("2016-W01", "2016-W52")


def items() -> list[dict[str, Any]]:
    """A year of stories about three states and Russia; from some week on, each works with it more often (Serbia never does)."""
    found = []
    for at, week in enumerate(WEEKS):
        for state, change in STATES.items():
            for number in range(12):
                exercise = number < (8 if at >= change else 2) + at % 3 - 1
                title = f"{state} and Russia hold joint exercise" if exercise else "Sport"
                text = (
                    f"{state} began a joint military exercise with Russia, number {number} of {week}, ministries said."
                    if exercise
                    else f"A chess player from {state} lost to a player from Russia in round {number} of the cup of {week}."
                )
                day = week_start(week) + timedelta(days=number % 7)
                found.append(
                    {"id": f"{state}-{week}-{number}", "title": title, "text": f"{text} {own_words(state + week + str(number))}", "published": f"{day}T12:00:00Z",
                     "url": f"https://news.invalid/{state}/{week}/{number}"}
                )  # fmt: skip
    return found


def newest(stack: Stack, topic: str, partition: int) -> dict[bytes, InputRecord]:
    """The records that stand on a partition, by key."""
    found = {record.key or b"": record for record in stack.records(topic)[partition]}
    return {key: record for key, record in found.items() if record.value is not None}


def expected(stack: Stack, partition: int, folder: Path) -> dict[bytes, bytes | None]:
    """What a fresh stage says of the weeks that stand on a partition of `trends`."""
    records = list(newest(stack, topology.TRENDS.name, partition).values())
    outputs = judge_all(breaks_stage(folder / str(partition)), [InputRecord(at, r.key, r.value) for at, r in enumerate(records)])
    return {output.key: output.value for output in outputs}


def standing(stack: Stack, partition: int) -> dict[bytes, bytes | None]:
    return {key: record.value for key, record in newest(stack, topology.BREAKS.name, partition).items()}


def test_after_kills_what_stands_on_breaks_is_what_a_fresh_stage_says_of_trends(tmp_path: Path) -> None:
    everything = items()
    with running_stack(tmp_path) as stack:
        stack.start_worker()
        for number, part in enumerate((everything[:900], everything[900:1500], everything[1500:])):
            stack.run("ingest", "archive", str(write_archive(tmp_path / f"{number}.jsonl", part)))
            if number < 2:
                wait_for(
                    "something on breaks", lambda: any(standing(stack, p) for p in range(stack.settings.partitions)), seconds=90
                )
                stack.end("worker-1", signal.SIGKILL)
                stack.start_worker()
        stack.wait_until_processed(len(everything))
        for partition in range(stack.settings.partitions):
            right = expected(stack, partition, tmp_path)
            wait_for(f"the standings of partition {partition}", lambda p=partition, r=right: standing(stack, p) == r, seconds=90)  # type: ignore[misc]
        listed = [json.loads(line) for line in stack.run("trends", "--json", "--pair", "ARM-RUS").stdout.splitlines()]
        assert listed[-1]["standings"]["cooperation"]["breaks"][0]["direction"] == "up"
        assert {row["pair"] for row in listed} == {"ARM-RUS"}
        table = stack.run("trends").stdout
        assert "up x" in next(line for line in table.splitlines() if line.startswith("ARM-RUS    cooperation"))
        found = [
            decode(TrendStanding, value or b"") for p in range(stack.settings.partitions) for value in standing(stack, p).values()
        ]
    broken = {
        (one.source, one.breaks[0].direction) for one in found if one.domain == "all" and one.partner == "RUS" and one.breaks
    }
    assert ("ARM", "up") in broken
    assert not any(source == "SRB" for source, _ in broken)
