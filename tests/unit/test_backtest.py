"""Claims about the back-test: it says what the stream says, nothing earlier, and its report needs nothing but itself."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from models.results import Classified, Text
from streams.backtest.aftermath import aftermath_of, as_dict, delay_weeks
from streams.backtest.history import History, Reading
from streams.backtest.report import alarms_table, html_report, pairs_as_dicts, pairs_table
from streams.backtest.run import Alarm, BackTest, Stepper
from streams.clock import week_name, week_number, week_start
from streams.records import BreakEvidence
from streams.settings import Settings
from streams.watchlist import WatchedPair, Watchlist
from tests.helpers.builders import classified, pair_signal
from tests.helpers.stack import REPOSITORY
from tests.helpers.standings import FIRST, a_break, breaks_stage, judge_all, trend_records

WATCHED = Watchlist((WatchedPair("BLR", "RUS"),), discover_min_stories=10_000)
TITLE = "Belarus and Russia hold joint exercise"


class Oracle:
    """A model that knows two kinds of articles; it is told apart by a word."""

    version = "1-oracle"

    def classify(self, texts: Sequence[Text]) -> list[Classified]:
        return [classified(pair_signal(probability=0.9)) if "exercise" in text.title else classified() for text in texts]


def item(week: int, number: int, *, exercise: bool, **changes: object) -> dict[str, object]:
    day = week_start(week_name(week)) + timedelta(days=number % 7)
    fields: dict[str, object] = {
        "id": f"{week}-{number}", "title": TITLE if exercise else "Chess", "text": f"Number {number} of {week_name(week)}.",
        "published": f"{day}T12:00:00Z", "url": f"https://news.invalid/{week}/{number}",
    }  # fmt: skip
    return {**fields, **changes}


def archive(
    folder: Path, *, weeks: int = 70, change: int = 40, until: int | None = None, extra: Sequence[dict[str, object]] = ()
) -> Path:
    """20 stories a week, 3 of them of exercises, 12 from the change on (24 before the last ten weeks); the last week first."""
    items = [
        item(FIRST + at, number, exercise=number < (12 if change <= at < weeks - 10 else 3) + at % 3 - 1)
        for at in range(weeks) for number in range(20)
    ]  # fmt: skip
    path = folder / "archive.jsonl"
    kept = [one for one in items if until is None or str(one["published"]) < str(week_start(week_name(until)))]
    path.write_text("".join(json.dumps(one) + "\n" for one in [*reversed(kept), *extra]), encoding="utf-8")
    return path


def play(folder: Path, path: Path, watchlist: Watchlist = WATCHED) -> tuple[Reading, BackTest, History]:
    folder.mkdir(exist_ok=True)
    history = History(folder / "facts.sqlite", lambda _: True)
    reading = history.fill([path], Oracle(), Settings(), lambda _lines, _bytes: None)
    steps: list[int] = []
    found = Stepper(history, folder, watchlist, timedelta(hours=48), 0.2).run(lambda done, _of: steps.append(done))
    assert steps == list(range(1, len(steps) + 1))
    return reading, found, history


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Reading, BackTest, History]:
    folder = tmp_path_factory.mktemp("played")
    bad: list[dict[str, object]] = [{"id": "undated", "title": "Chess", "text": "x"}, {"title": 3}]
    return play(folder, archive(folder, extra=[*bad, item(FIRST, 0, exercise=False)]))


def test_breaks_are_said_at_the_date_on_which_their_week_closed_and_with_their_delay(
    played: tuple[Reading, BackTest, History],
) -> None:
    _, found, _ = played
    first = next(alarm for alarm in found.alarms if alarm.series == ("cooperation", "all"))
    assert abs(week_number(first.said.start) - (FIRST + 40)) <= 1
    assert first.at.date() == week_start(first.said.alarm) + timedelta(days=9)
    assert 2 <= delay_weeks(first) <= 4
    assert first.said.direction == "up"
    assert first.reported is not None
    assert first.reported >= first.at


def test_every_line_of_the_archive_is_accounted_for_and_a_later_revision_replaces_the_earlier(
    played: tuple[Reading, BackTest, History],
) -> None:
    reading, _, history = played
    assert (reading.articles, dict(reading.left_out)) == (1401, {"undated": 1, "not-an-article": 1})
    facts = history.facts(FIRST)["BLR-RUS"]
    assert len(facts) == 20
    assert sum(bool(fact.labels) for fact in facts) == 1


def test_nothing_is_said_from_weeks_that_were_still_to_come(tmp_path: Path, played: tuple[Reading, BackTest, History]) -> None:
    _, whole, _ = played
    until = week_number(whole.alarms[0].said.alarm) + 3
    _, part, _ = play(tmp_path / "part", archive(tmp_path, until=until, extra=[item(FIRST, 0, exercise=False)]))
    known = [alarm for alarm in whole.alarms if week_number(alarm.said.alarm) < until - 1]
    assert [(a.pair, a.series, a.said.start, a.said.size) for a in part.alarms] == [
        (a.pair, a.series, a.said.start, a.said.size) for a in known
    ]
    weeks = whole.weeks["BLR-RUS"]["cooperation"]
    assert part.weeks["BLR-RUS"]["cooperation"] == weeks[: len(part.weeks["BLR-RUS"]["cooperation"])]


def test_the_stream_says_the_same_when_it_has_read_the_same_weeks(
    tmp_path: Path, played: tuple[Reading, BackTest, History]
) -> None:
    from streams.records import TrendStanding, decode
    from streams.trends.windows import count_week

    _, found, history = played
    trends = [
        count_week(pair, facts[0].week, facts)
        for week in history.weeks()
        for pair, facts in history.facts(week).items()
        if pair == "BLR-RUS"
    ]
    outputs = judge_all(breaks_stage(tmp_path), trend_records(trends))
    said = decode(TrendStanding, [o.value for o in outputs if o.key == b"BLR-RUS|cooperation|all"][-1] or b"")
    expected = [alarm.said for alarm in found.alarms if alarm.series == ("cooperation", "all")]
    assert [(one.start, one.alarm, one.size) for one in said.breaks] == [(one.start, one.alarm, one.size) for one in expected]


def test_what_came_after_is_told_apart_from_what_was_said(played: tuple[Reading, BackTest, History]) -> None:
    _, found, _ = played
    first = next(alarm for alarm in found.alarms if alarm.series == ("cooperation", "all"))
    after = aftermath_of(first)
    assert after.word == "lasted"
    assert after.weeks >= 8
    assert as_dict(first)["after"] == {
        "weeks": after.weeks, "stories": after.stories, "exposure": after.exposure, "kept": after.kept, "word": "lasted"
    }  # fmt: skip
    last = found.alarms[-1]
    assert last.said.direction == "down"
    assert aftermath_of(last).word == "unknown"


def test_a_pair_that_appears_by_itself_is_looked_at_from_then_on_with_its_whole_history(tmp_path: Path) -> None:
    others = Watchlist((WatchedPair("ARM", "RUS"),), discover_min_stories=30)
    _, found, _ = play(tmp_path / "run", archive(tmp_path), others)
    weeks = found.weeks["BLR-RUS"]["cooperation"]
    assert weeks[0].number > FIRST
    assert {alarm.pair for alarm in found.alarms} == {"BLR-RUS", "RUS-BLR"} or {alarm.pair for alarm in found.alarms} == {
        "BLR-RUS"
    }


def test_the_report_is_one_file_that_loads_nothing_and_escapes_what_came_from_the_archive(
    played: tuple[Reading, BackTest, History],
) -> None:
    reading, found, _ = played
    odd = a_break(evidence=[BreakEvidence(
        week="2017-W32", side="after", article_id="a", title="<script>alert(1)</script>", url="javascript:alert(1)", outlet="", probability=0.9
    )])  # fmt: skip
    alarms = [*found.alarms, Alarm("BLR-RUS", ("cooperation", "security"), odd, found.alarms[-1].at, 0.2)]
    page = html_report(replace(found, alarms=alarms), reading, "Back-test of archive.jsonl")
    assert "javascript" not in page
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert not re.search(r"<(?:link|img|iframe|object|script)\b|@import|url\(", page)
    assert page.count('class="mark"') == sum(alarm.series[1] == "all" for alarm in found.alarms)
    assert all(f"<td>{alarm.at:%Y-%m-%d}</td>" in page for alarm in found.alarms)


def test_the_table_has_a_line_for_each_alarm_by_date(played: tuple[Reading, BackTest, History]) -> None:
    _, found, _ = played
    lines = alarms_table(found).splitlines()[1:]
    assert len(lines) == len(found.alarms)
    assert [line[:10] for line in lines] == sorted(line[:10] for line in lines)
    assert "lasted" in lines[0]
    assert alarms_table(BackTest()) == "No break was said."


def test_what_there_was_to_judge_is_told_pair_by_pair(played: tuple[Reading, BackTest, History]) -> None:
    _, found, _ = played
    (row,) = pairs_as_dicts(found)
    assert (row["pair"], row["weeks"], row["exposure"]) == ("BLR-RUS", 69, 69 * 20)
    assert row["signals"]["hedging"] == {"stories": 0, "judged_weeks": 0}  # type: ignore[index]
    assert row["signals"]["cooperation"]["judged_weeks"] == 69  # type: ignore[index]
    assert "(69 weeks judged)" in pairs_table(found)


def test_the_command_prints_one_json_object_and_writes_the_report(tmp_path: Path) -> None:
    path = tmp_path / "news.jsonl"
    path.write_text(
        json.dumps({"id": "1", "title": "Chess", "text": "A player from Belarus met one from Russia.", "published": "2017-08-02"})
        + "\n"
    )
    command = [
        sys.executable,
        "-m",
        "streams.cli",
        "backtest",
        str(path),
        "--json",
        "--html",
        str(tmp_path / "report.html"),
        "--pair",
        "BLR-RUS",
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"articles": 1, "left_out": {}, "pairs": [], "alerts": []}
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_pair_that_there_is_not_is_refused_with_what_to_do(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "streams.cli", "backtest", str(tmp_path / "news.jsonl"), "--pair", "BLR-XYZ"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, timeout=120, check=False)
    assert done.returncode == 2
    assert "'XYZ' is no code of a state or bloc" in done.stderr
