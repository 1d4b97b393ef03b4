"""Over real HTTP: hosts that want to be left alone are, moves and ends are remembered, every entry is accounted for."""

from __future__ import annotations

import dataclasses
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from prometheus_client import CollectorRegistry

from streams.errors import StateError
from streams.ingest.feed_record import FeedRecord
from streams.ingest.feeds import Feed, FeedList
from streams.ingest.fetch import Timeouts
from streams.ingest.poll import STATE_FILE, PollOptions, run_feeds
from streams.ingest.reading import FeedsReport
from streams.ingest.state import FeedState
from streams.kafka.locks import locked
from streams.records import FeedStatus, decode
from streams.settings import Settings
from tests.helpers.ingesting import FakeProducer, FeedServer, Page, fake_publisher, rss

OPTIONS = PollOptions(host_spacing_seconds=0.0, parsers=1, timeouts=Timeouts(connect=2.0, read=2.0, total=4.0))
ONE = rss(("1", "One", "First"))


@dataclasses.dataclass
class Machine:
    """A reader of feeds that is started again for each pass, at a time that the test sets."""

    settings: Settings
    now: datetime = dataclasses.field(default_factory=lambda: datetime.now(UTC))
    producer: FakeProducer = dataclasses.field(default_factory=FakeProducer)
    registry: CollectorRegistry = dataclasses.field(default_factory=CollectorRegistry)

    def read(self, *feeds: Feed, options: PollOptions = OPTIONS) -> FeedsReport:
        """One pass."""
        self.producer, self.registry = FakeProducer(), CollectorRegistry()
        used = dataclasses.replace(options, registry=self.registry)
        publisher = fake_publisher(self.producer, name="feeds")
        report = run_feeds(self.settings, FeedList(feeds), publisher, once=True, options=used, clock=lambda: self.now)
        publisher.flush()
        return report

    def record(self, feed: Feed) -> FeedRecord:
        """What is remembered of a feed."""
        with FeedState(self.settings.data_dir / STATE_FILE) as state:
            return state.load(feed.url)

    def statuses(self) -> dict[str, FeedStatus]:
        """The newest record of each feed on the topic `feeds`."""
        records = [decode(FeedStatus, sent.value) for sent in self.producer.acked if sent.topic == "feeds"]
        return {record.url: record for record in records}


@pytest.fixture
def machine(settings: Settings) -> Machine:
    return Machine(settings)


def feed_at(server: FeedServer, path: str, *, honour_retry_after: bool = True) -> Feed:
    return Feed(server.url(path), "Courier", allow_private=True, honour_retry_after=honour_retry_after)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("as_date", [True, False])
def test_a_host_that_asks_to_be_left_alone_is_over_restarts_with_all_of_its_feeds(
    server: FeedServer, machine: Machine, status: int, *, as_date: bool
) -> None:
    wait = format_datetime(machine.now + timedelta(hours=2), usegmt=True) if as_date else "7200"
    server.pages["/busy"] = Page(status=status, headers={"Retry-After": wait})
    server.pages["/other"] = Page(ONE)
    busy, other = feed_at(server, "/busy"), feed_at(server, "/other")
    assert machine.read(busy).failed == 1
    for minutes in (0, 30, 117):
        machine.now += timedelta(minutes=minutes and 30)
        report = machine.read(busy, other)
        assert (report.left_alone, report.failed) == (2, 0)
    assert server.paths() == ["/busy"]
    assert machine.record(busy).failures == 1
    assert machine.record(other).failures == 0
    machine.now += timedelta(hours=2)
    assert machine.read(other).new == 1


def test_a_host_that_says_429_without_a_time_is_left_alone_for_a_quarter_of_an_hour(server: FeedServer, machine: Machine) -> None:
    server.pages["/busy"] = Page(status=429)
    server.pages["/other"] = Page(ONE)
    machine.read(feed_at(server, "/busy"))
    machine.now += timedelta(minutes=14)
    assert machine.read(feed_at(server, "/other")).left_alone == 1
    machine.now += timedelta(minutes=2)
    assert machine.read(feed_at(server, "/other")).new == 1


def test_a_feed_that_does_not_honour_retry_after_is_asked_all_the_same(server: FeedServer, machine: Machine) -> None:
    server.pages["/busy"] = Page(status=503, headers={"Retry-After": "7200"})
    server.pages["/own"] = Page(ONE)
    own = feed_at(server, "/own", honour_retry_after=False)
    machine.read(feed_at(server, "/busy"))
    assert machine.read(own).new == 1
    server.pages["/own"] = Page(status=503, headers={"Retry-After": "7200"})
    machine.read(own)
    due = machine.record(own).next_due
    assert due is not None
    assert due - machine.now <= timedelta(hours=1)


def test_a_server_error_of_one_page_does_not_silence_its_host(server: FeedServer, machine: Machine) -> None:
    server.pages["/broken"] = Page(status=500, headers={"Retry-After": "7200"})
    server.pages["/good"] = Page(ONE)
    machine.read(feed_at(server, "/broken"))
    assert machine.read(feed_at(server, "/good")).new == 1


def test_a_permanent_move_is_stored_after_three_good_fetches_and_given_up_when_it_leads_nowhere(
    server: FeedServer, machine: Machine
) -> None:
    feed = feed_at(server, "/old")
    server.pages["/old"] = Page(status=301, headers={"Location": "/new"})
    server.pages["/new"] = Page(ONE, etag='"1"')
    for _ in range(3):
        machine.read(feed)
    assert server.paths() == ["/old", "/new"] * 3
    machine.read(feed)
    assert server.paths()[6:] == ["/new"]
    assert machine.statuses()[feed.url].moved_to == server.url("/new")
    server.pages["/new"] = Page(status=404)
    server.pages["/old"] = Page(rss(("2", "Two", "Second")))
    machine.read(feed)
    assert machine.read(feed).new == 1
    assert server.paths()[7:] == ["/new", "/old"]
    assert "If-None-Match" not in server.requests[-1][1]


@pytest.mark.parametrize(
    "answer", [Page(status=404), Page(b"<html>sign in</html>"), Page(status=302, headers={"Location": "/else"})]
)
def test_a_move_to_what_is_no_feed_is_never_stored(server: FeedServer, machine: Machine, answer: Page) -> None:
    feed = feed_at(server, "/old")
    server.pages["/old"] = Page(status=301, headers={"Location": "/new"})
    server.pages["/new"] = answer
    for _ in range(5):
        machine.read(feed)
    assert machine.record(feed).moved_to == ""


def test_a_feed_that_is_gone_is_looked_at_once_a_week_and_comes_back(server: FeedServer, machine: Machine) -> None:
    feed = feed_at(server, "/gone")
    server.pages["/gone"] = Page(status=410)
    for _ in range(3):
        machine.read(feed)
        record = machine.record(feed)
        assert record.next_due is not None
        assert timedelta(days=6) < record.next_due - machine.now < timedelta(days=8)
        machine.now = record.next_due
    assert machine.statuses()[feed.url].state == "gone"
    server.pages["/gone"] = Page(ONE)
    assert machine.read(feed).new == 1
    assert machine.statuses()[feed.url].state == "good"
    due = machine.record(feed).next_due
    assert due is not None
    assert due - machine.now < timedelta(days=2)


@pytest.mark.parametrize(
    ("headers", "document"),
    [
        ({"Cache-Control": "public, max-age=14400", "Age": "0"}, ONE),
        ({}, ONE.replace(b"<channel>", b"<channel><ttl>240</ttl>")),
        ({}, b'{"version": "https://jsonfeed.org/version/1.1", "title": "x", "expired": true, "items": []}'),
    ],
)
def test_what_a_feed_or_its_server_asks_for_is_a_lower_bound_of_the_interval(
    server: FeedServer, machine: Machine, headers: dict[str, str], document: bytes
) -> None:
    feed = feed_at(server, "/rss")
    server.pages["/rss"] = Page(document, headers=headers)
    machine.read(feed)
    due = machine.record(feed).next_due
    assert due is not None
    assert due - machine.now >= timedelta(hours=4)
    often = dataclasses.replace(feed, interval_minutes=5)
    machine.read(often)
    due = machine.record(feed).next_due
    assert due is not None
    assert due - machine.now < timedelta(minutes=6)


def test_every_entry_is_new_a_revision_a_duplicate_or_rejected_and_the_topic_and_the_metrics_say_so(
    server: FeedServer, machine: Machine
) -> None:
    feed = feed_at(server, "/rss")
    server.pages["/rss"] = Page(rss(("1", "One", "a"), ("2", "Two", "b"), ("2", "Two", "b"), ("3", "", "")))
    machine.read(feed)
    server.pages["/rss"] = Page(rss(("1", "One", "edited"), ("2", "Two", "b"), ("3", "", ""), ("4", "Four", "d")))
    machine.read(feed)
    status = machine.statuses()[feed.url]
    assert (status.read, status.new, status.revisions, status.duplicates, status.rejected) == (8, 3, 1, 2, 2)
    sample = machine.registry.get_sample_value
    outcomes = {
        name: sample("bellwether_feed_entries_total", {"outcome": name}) for name in ("new", "revision", "duplicate", "rejected")
    }
    assert outcomes == {"new": 1, "revision": 1, "duplicate": 1, "rejected": 1}
    assert sample("bellwether_feed_entries_read_total") == 4


def test_an_item_that_is_no_object_is_accounted_for_as_rejected(server: FeedServer, machine: Machine) -> None:
    feed = feed_at(server, "/json")
    server.pages["/json"] = Page(
        b'{"version": "https://jsonfeed.org/version/1", "items": [3, null, {"id": "1", "title": "One", "content_text": "x"}]}'
    )
    machine.read(feed)
    counts = machine.record(feed).counts
    assert (counts.read, counts.new, counts.rejected) == (3, 1, 2)


def test_how_each_feed_is_stands_on_the_topic_and_in_the_metrics(server: FeedServer, machine: Machine) -> None:
    server.pages["/good"] = Page(ONE)
    good = dataclasses.replace(feed_at(server, "/good"), name="good")
    bad = dataclasses.replace(feed_at(server, "/bad"), name="bad")
    machine.read(good, bad)
    found = machine.statuses()
    assert (found[good.url].state, found[bad.url].state, found[bad.url].error_kind) == ("good", "failing", "client-error")
    assert found[good.url].newest == "2017-08-02T09:30:00Z"
    sample = machine.registry.get_sample_value
    assert sample("bellwether_feeds", {"state": "good"}) == 1
    assert sample("bellwether_feeds", {"state": "failing"}) == 1
    assert sample("bellwether_feed_failures", {"feed": "bad"}) == 1
    assert sample("bellwether_feed_last_success_timestamp_seconds", {"feed": "good"}) == pytest.approx(
        machine.now.timestamp(), abs=1
    )
    silent = sample("bellwether_feed_silent_at_timestamp_seconds", {"feed": "good"})
    assert silent is not None
    assert silent < machine.now.timestamp()
    assert sample("bellwether_feed_errors_total", {"kind": "client-error"}) == 1


def test_a_feed_that_was_taken_off_the_list_is_told_to_be_off(server: FeedServer, machine: Machine) -> None:
    server.pages["/rss"] = Page(ONE)
    feed, other = feed_at(server, "/rss"), feed_at(server, "/other")
    machine.read(feed, other)
    machine.read(dataclasses.replace(feed, enabled=False))
    assert {url: status.state for url, status in machine.statuses().items()} == {feed.url: "off", other.url: "off"}


def test_an_edited_list_is_taken_over_while_the_loop_runs(
    server: FeedServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.ingest.poller.RELOAD_SECONDS", 0.05)
    server.pages["/first"] = Page(rss(("1", "First", "x")))
    server.pages["/second"] = Page(rss(("2", "Second", "x")))
    first, second, stop = feed_at(server, "/first"), feed_at(server, "/second"), threading.Event()
    lists = [FeedList((second,))]

    class Producer(FakeProducer):
        def flush(self, timeout: float | None = None) -> None:
            super().flush(timeout)
            if any(article.title == "Second" for article in self.articles):
                stop.set()

    producer = Producer()
    options = dataclasses.replace(OPTIONS, reload=lambda: lists.pop() if lists and server.requests else None)
    publisher = fake_publisher(producer, name="feeds")
    run_feeds(settings, FeedList((first,)), publisher, stop=stop, options=options)
    publisher.flush()
    assert [article.title for article in producer.articles] == ["First", "Second"]
    off = [
        record.url
        for sent in producer.acked
        if sent.topic == "feeds" and (record := decode(FeedStatus, sent.value)).state == "off"
    ]
    assert off == [first.url]


def test_two_loops_do_not_read_with_one_state(machine: Machine) -> None:
    machine.settings.data_dir.mkdir(parents=True)
    with (
        locked(machine.settings.data_dir / f"{STATE_FILE}.lock", wait_seconds=0),
        pytest.raises(StateError, match="another process reads feeds"),
    ):
        machine.read()


def test_hops_of_a_redirect_wait_for_their_hosts_turn_too(server: FeedServer, machine: Machine) -> None:
    server.pages["/a"] = Page(status=302, headers={"Location": "/b"})
    server.pages["/b"] = Page(ONE)
    options = dataclasses.replace(OPTIONS, host_spacing_seconds=0.3)
    started = datetime.now(UTC)
    machine.read(feed_at(server, "/a"), options=options)
    assert datetime.now(UTC) - started >= timedelta(seconds=0.3)
    assert server.paths() == ["/a", "/b"]


def test_a_clock_that_was_wrong_does_not_put_a_feed_off_for_years(
    server: FeedServer, machine: Machine, settings: Settings
) -> None:
    server.pages["/rss"] = Page(ONE)
    feed, stop = feed_at(server, "/rss"), threading.Event()
    with FeedState(settings.data_dir / STATE_FILE) as state:
        state.save(feed.url, FeedRecord(next_due=machine.now + timedelta(days=3_650)), now=machine.now)

    class Producer(FakeProducer):
        def flush(self, timeout: float | None = None) -> None:
            super().flush(timeout)
            stop.set()

    run_feeds(settings, FeedList((feed,)), fake_publisher(Producer(), name="feeds"), stop=stop, options=OPTIONS)
    assert server.paths() == ["/rss"]


def test_the_sites_see_who_asks_and_whom_they_may_write_to(server: FeedServer, machine: Machine) -> None:
    machine.settings = machine.settings.model_copy(update={"contact": "news@desk.invalid"})
    machine.read(feed_at(server, "/rss"))
    agent = server.requests[0][1]["User-Agent"]
    assert agent.startswith("Bellwether/")
    assert "+news@desk.invalid" in agent
