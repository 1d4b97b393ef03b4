"""Rounds of deliveries into folders: which weeks are due, what the ledger says of them, and that nothing is delivered twice."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest

from streams.bulletin.build import Stands, build, stands_of
from streams.bulletin.figures import Revision
from streams.bulletin.render import to_html
from streams.clock import parse_utc, shift_week, week_name, week_number, week_start
from streams.delivery.due import CATCH_UP_WEEKS, NONE_DUE, newest_due, weeks_to_send
from streams.delivery.issue import delivery_key
from streams.delivery.ledger import LONGEST_PAUSE, MOST_TRIES, Entry, Ledger
from streams.delivery.rounds import Wish
from streams.errors import StateError
from streams.records import Count, Trend
from tests.helpers.bulletins import LAST, eventful, eventful_weeks, said_of
from tests.helpers.delivering import NOW, rounds_in, targets_of
from tests.helpers.standings import week_of_pair

FILE = '[[target]]\nname = "archive"\nkind = "file"\nfolder = "{folder}"\nforms = ["html", "pdf"]\n'
TODAY = NOW.date()
NEWEST = week_number(LAST)


@pytest.fixture(scope="module")
def stands() -> Stands:
    return eventful()


def closed_up_to(week: str, *, others: str = "") -> Stands:
    """BLR-RUS closed up to a week, and another pair that has news in it, closed up to `others`."""
    trends = [trend for trend in eventful_weeks() if trend.week <= week]
    other = [week_of_pair("ARM-RUS", number, 10, 1) for number in range(week_number(week) - 30, week_number(week) + 1)]
    said = said_of(trends, week) + (said_of(other, others) if others else [])
    return stands_of([*trends, *(other if others else [])], said)


def test_a_week_is_due_when_every_pair_with_news_in_it_has_closed_it() -> None:
    assert week_name(newest_due(closed_up_to(LAST, others=LAST))) == LAST
    assert week_name(newest_due(closed_up_to(LAST, others=shift_week(LAST, -1)))) == shift_week(LAST, -1)


def test_a_pair_whose_news_has_ended_holds_a_week_up_for_one_week_only() -> None:
    assert week_name(newest_due(closed_up_to(LAST, others=shift_week(LAST, -9)))) == shift_week(LAST, -1)


def test_nothing_is_due_before_a_week_has_closed() -> None:
    assert newest_due(stands_of([], [])) == NONE_DUE
    assert newest_due(stands_of(list(eventful_weeks()), [])) == NONE_DUE
    assert weeks_to_send(NONE_DUE, {}, today=TODAY, oldest_weeks=0) == []


@pytest.mark.parametrize(
    ("known", "weeks"),
    [
        ({}, [NEWEST]),
        ({NEWEST: True}, []),
        ({NEWEST: False}, [NEWEST]),
        ({NEWEST - 2: True}, [NEWEST - 1, NEWEST]),
        ({NEWEST - 2: False, NEWEST: True}, [NEWEST - 2, NEWEST - 1]),
        ({NEWEST - 40: True}, list(range(NEWEST - CATCH_UP_WEEKS + 1, NEWEST + 1))),
    ],
)
def test_a_new_recipient_gets_the_newest_week_and_a_known_one_what_is_missing(
    known: Mapping[int, bool], weeks: list[int]
) -> None:
    assert weeks_to_send(NEWEST, known, today=TODAY, oldest_weeks=8) == weeks


def test_weeks_of_an_archive_are_not_sent_by_themselves() -> None:
    long_after = week_start(LAST) + timedelta(weeks=10)
    assert weeks_to_send(NEWEST, {}, today=long_after, oldest_weeks=8) == []
    assert weeks_to_send(NEWEST, {}, today=long_after, oldest_weeks=9) == [NEWEST]
    assert weeks_to_send(NEWEST, {}, today=date(2999, 1, 1), oldest_weeks=0) == [NEWEST]


def test_a_bulletin_is_written_once_and_the_ledger_says_so(tmp_path: Path, stands: Stands) -> None:
    targets = targets_of(tmp_path, FILE.format(folder=tmp_path / "out"))
    with rounds_in(tmp_path) as rounds:
        (entry,) = rounds.deliver(stands, targets)
        assert (entry.week, entry.state, entry.tries) == (LAST, "sent", 1)
        page = tmp_path / "out" / f"{LAST}.en.html"
        assert page.read_text(encoding="utf-8") == to_html(build(stands, LAST))
        assert (tmp_path / "out" / f"{LAST}.en.pdf").read_bytes().startswith(b"%PDF")
        assert not list((tmp_path / "out").glob(".*"))
        page.unlink()
        assert rounds.deliver(stands, targets) == []
        assert not page.exists()
    with rounds_in(tmp_path) as rounds:
        assert rounds.deliver(stands, targets) == []
        assert rounds.metrics.deliveries.labels("file", "sent")._value.get() == 0


def test_a_week_is_sent_again_only_when_asked_and_under_another_key(tmp_path: Path, stands: Stands) -> None:
    (target,) = targets_of(tmp_path, FILE.format(folder=tmp_path / "out"))
    with rounds_in(tmp_path) as rounds:
        rounds.deliver(stands, [target])
        assert rounds.deliver(stands, [target], Wish(LAST)) == []
        (again,) = rounds.deliver(stands, [target], Wish(LAST, again=True))
        (older,) = rounds.deliver(stands, [target], Wish(shift_week(LAST, -30)))
    assert (again.printing, older.printing) == (2, 1)
    assert delivery_key(target, "", LAST, 1) != delivery_key(target, "", LAST, 2)
    assert delivery_key(target, "", LAST) == delivery_key(target, "", LAST, 1)


def test_a_target_that_fails_is_tried_again_later_and_holds_up_no_other(tmp_path: Path, stands: Stands) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    broken = FILE.format(folder=tmp_path / "file" / "out")
    targets = targets_of(tmp_path, broken + FILE.format(folder=tmp_path / "out").replace("archive", "other"))
    now = [NOW]
    with rounds_in(tmp_path, lambda: now[0]) as rounds:
        failed, sent = rounds.deliver(stands, targets)
        assert (failed.state, sent.state) == ("waiting", "sent")
        assert "can't be written" in failed.problem
        assert rounds.metrics.waiting.labels("file")._value.get() == 1
        assert rounds.deliver(stands, targets) == []
        assert not rounds.is_retry_due()
        now[0] = parse_utc(failed.next_at)
        assert rounds.is_retry_due()
        (tmp_path / "file").unlink()
        (mended,) = rounds.deliver(stands, targets)
    assert (mended.state, mended.tries) == ("sent", 2)


def test_pauses_double_up_to_a_ceiling_and_end_in_giving_up(tmp_path: Path) -> None:
    ledger, now = Ledger(tmp_path / "ledger.sqlite"), NOW
    entry, pauses = Entry("desk", "", LAST, 1), []
    while not entry.is_finished:
        entry = ledger.failed(ledger.begin(entry, now), now, "no answer", is_final=False)
        if entry.next_at:
            pauses.append(parse_utc(entry.next_at) - now)
            now = parse_utc(entry.next_at)
    assert (entry.state, entry.tries, len(pauses)) == ("given-up", MOST_TRIES, MOST_TRIES - 1)
    assert pauses[:3] == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4)]
    assert max(pauses) == LONGEST_PAUSE
    assert timedelta(days=2) < now - NOW < timedelta(days=4)
    ledger.close()


def test_a_refusal_for_good_is_not_tried_again(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    assert ledger.failed(ledger.begin(Entry("desk", "", LAST, 1), NOW), NOW, "550", is_final=True).is_finished
    ledger.close()


def test_a_ledger_of_a_newer_version_and_a_damaged_one_stop_everything(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger._db.execute("PRAGMA user_version=99")
    ledger.close()
    (tmp_path / "damaged.sqlite").write_bytes(b"no database at all" * 100)
    for name in ("ledger.sqlite", "damaged.sqlite"):
        with pytest.raises(StateError):
            Ledger(tmp_path / name)


def test_the_next_bulletin_tells_what_late_news_changed_of_the_one_before(tmp_path: Path, stands: Stands) -> None:
    before = shift_week(LAST, -1)
    (target,) = targets_of(tmp_path, FILE.format(folder=tmp_path / "out"))
    with rounds_in(tmp_path) as rounds:
        rounds.deliver(stands, [target], Wish(before))
        late = stands_of(list(map(_with_late_news, eventful_weeks())), said_of(list(eventful_weeks()), LAST))
        found = rounds.issue_of(late, target, LAST).found
    then = stands.pairs["BLR-RUS"].by_week[week_number(before)].exposure["all"].stories
    assert found.since == before
    assert found.revisions == (Revision("BLR-RUS", before, "exposure", then, then + 3),)


def _with_late_news(trend: Trend) -> Trend:
    if trend.week != shift_week(LAST, -1):
        return trend
    about = trend.exposure["all"]
    return msgspec.structs.replace(trend, exposure=trend.exposure | {"all": Count(about.stories + 3, about.articles + 3)})


def test_rounds_end_between_two_deliveries_when_they_are_asked_to(tmp_path: Path, stands: Stands) -> None:
    targets = targets_of(tmp_path, FILE.format(folder=tmp_path / "out"))
    with rounds_in(tmp_path) as rounds:
        stopping = type(rounds)(
            rounds.ledger, rounds.metrics, rounds.lateness, rounds.shown_folder, rounds.clock, is_stopping=lambda: True
        )
        assert stopping.deliver(stands, targets) == []
        assert rounds.ledger.entries() == []
