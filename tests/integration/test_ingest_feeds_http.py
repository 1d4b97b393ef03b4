"""Feeds over real HTTP: conditional requests, state over restarts, and servers that are slow, hostile or down."""

from __future__ import annotations

import asyncio
import dataclasses
import gzip
import os
import signal
import socket
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import kafka.errors as client_errors
import pytest

from streams.errors import KafkaError, StateError
from streams.ingest.answers import Fetched, FetchError, inflate
from streams.ingest.feed_record import FeedRecord
from streams.ingest.feeds import Feed, FeedList
from streams.ingest.fetch import Fetcher, Timeouts, retry_after_seconds
from streams.ingest.poll import STATE_FILE, PollOptions, run_feeds
from streams.ingest.publish import ArticlePublisher
from streams.ingest.reading import FeedsReport
from streams.ingest.state import FeedState
from streams.settings import Settings
from tests.helpers.ingesting import FakeProducer, FeedServer, Page, fake_publisher, feed_server, rss

OPTIONS = PollOptions(host_spacing_seconds=0.0, parsers=1, timeouts=Timeouts(connect=2.0, read=2.0, total=4.0))
NOW = datetime(2017, 8, 2, 12, 0, tzinfo=UTC)


def feeds_of(*urls: str, allow_private: bool = True) -> FeedList:
    return FeedList(tuple(Feed(url, "Courier", "en", allow_private=allow_private) for url in urls))


def read_once(settings: Settings, feeds: FeedList, producer: FakeProducer | None = None) -> tuple[FeedsReport, FakeProducer]:
    producer = producer or FakeProducer()
    return run_feeds(settings, feeds, fake_publisher(producer, name="feeds"), once=True, options=OPTIONS), producer


def get(url: str, *, allow_private: bool = True, max_body_bytes: int = 10_000) -> Fetched:
    async def fetch() -> Fetched:
        async with Fetcher(OPTIONS.timeouts, max_body_bytes=max_body_bytes) as fetcher:
            return await fetcher.get(url, allow_private=allow_private)

    return asyncio.run(fetch())


def problem_of(url: str, **options: Any) -> FetchError:
    with pytest.raises(FetchError) as caught:
        get(url, **options)
    return caught.value


def test_what_a_feed_holds_is_sent_once_and_an_edit_once_more(server: FeedServer, settings: Settings) -> None:
    feeds = feeds_of(server.url("/rss"))
    server.pages["/rss"] = Page(rss(("1", "One", "First"), ("2", "Two", "Second")))
    report, producer = read_once(settings, feeds)
    assert (report.fresh, report.new, len(producer.articles)) == (1, 2, 2)
    report, producer = read_once(settings, feeds)
    assert (report.new, report.unchanged, producer.articles) == (0, 2, [])
    server.pages["/rss"] = Page(rss(("1", "One", "First"), ("2", "Two", "Second, corrected"), ("3", "Three", "Third")))
    report, producer = read_once(settings, feeds)
    assert (report.new, report.revisions, report.unchanged) == (1, 1, 1)
    assert [article.text for article in producer.articles] == ["Second, corrected", "Third"]


def test_after_a_restart_the_server_is_asked_whether_anything_changed(server: FeedServer, settings: Settings) -> None:
    server.pages["/rss"] = Page(
        rss(("1", "One", "First")), etag='"v1"', headers={"Last-Modified": "Wed, 02 Aug 2017 09:30:00 GMT"}
    )
    read_once(settings, feeds_of(server.url("/rss")))
    report, producer = read_once(settings, feeds_of(server.url("/rss")))
    assert (report.fresh, report.not_modified, producer.articles) == (0, 1, [])
    first, second = (headers for _, headers in server.requests)
    assert "If-None-Match" not in first
    assert second["If-None-Match"] == '"v1"'
    assert second["If-Modified-Since"] == "Wed, 02 Aug 2017 09:30:00 GMT"
    assert second["User-Agent"].startswith("Bellwether/")
    assert second["Accept-Encoding"] == "gzip"


def test_validators_are_kept_only_once_kafka_has_the_articles(server: FeedServer, settings: Settings) -> None:
    server.pages["/rss"] = Page(rss(("1", "One", "First")), etag='"v1"')

    class LostProducer(FakeProducer):
        def send(self, topic: str, value: bytes | None = None, key: bytes | None = None) -> Any:
            raise client_errors.TopicAuthorizationFailedError

    with pytest.raises(KafkaError):
        read_once(settings, feeds_of(server.url("/rss")), LostProducer())
    report, producer = read_once(settings, feeds_of(server.url("/rss")))
    assert (report.fresh, len(producer.articles)) == (1, 1)
    assert "If-None-Match" not in server.requests[-1][1]


def test_a_feed_that_fails_is_remembered_and_does_not_stop_the_others(server: FeedServer, settings: Settings) -> None:
    server.pages["/good"] = Page(rss(("1", "One", "First")))
    server.pages["/busy"] = Page(status=503, headers={"Retry-After": "7200"})
    server.pages["/page"] = Page(b"<html><body>no feed</body></html>")
    urls = [server.url(path) for path in ("/gone", "/busy", "/page", "/good")]
    # Another name is another host: this one wants to be left alone, and the others need not be.
    urls[1] = urls[1].replace("127.0.0.1", "localhost")
    report, producer = read_once(settings, feeds_of(*urls))
    assert (report.failed, report.new, len(producer.articles)) == (3, 1, 1)
    assert report.errors[urls[0]] == "the server answered 404"
    assert report.errors[urls[2]].startswith("not a feed")
    with FeedState(settings.data_dir / STATE_FILE) as state:
        gone, busy = state.load(urls[0]), state.load(urls[1])
        assert (gone.failures, gone.error, gone.error_kind) == (1, "the server answered 404", "client-error")
        assert busy.next_due is not None
        assert busy.next_due > datetime.now(UTC) + timedelta(seconds=7_100)


def test_a_feed_on_a_private_address_is_refused_unless_allowed(server: FeedServer, settings: Settings) -> None:
    server.pages["/rss"] = Page(rss(("1", "One", "First")))
    report, _ = read_once(settings, feeds_of(server.url("/rss"), allow_private=False))
    assert "127.0.0.1 is not a public address" in report.errors[server.url("/rss")]
    assert server.requests == []


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]"])
def test_no_spelling_of_the_own_machine_gets_through(server: FeedServer, host: str) -> None:
    port = server.address.rpartition(":")[2]
    error = problem_of(f"http://{host}:{port}/rss", allow_private=False)
    assert error.kind in {"forbidden-address", "connection", "protocol"}
    assert server.requests == []


def test_redirects_are_followed_and_their_kind_is_told(server: FeedServer) -> None:
    server.pages["/old"] = Page(status=301, headers={"Location": "/new"})
    server.pages["/new"] = Page(status=308, headers={"Location": server.url("/rss")})
    server.pages["/today"] = Page(status=302, headers={"Location": "/rss"})
    server.pages["/rss"] = Page(b"body")
    assert get(server.url("/old")) == Fetched(server.url("/rss"), b"body", moved_to=server.url("/rss"))
    assert get(server.url("/today")).moved_to == ""


@pytest.mark.parametrize("location", ["file:///etc/hostname", "ftp://a.invalid/", "", "http://", "gopher://127.0.0.1:70/"])
def test_a_redirect_to_anything_but_the_web_is_refused(server: FeedServer, location: str) -> None:
    server.pages["/rss"] = Page(status=302, headers={"Location": location})
    assert problem_of(server.url("/rss")).kind == "redirect"


def test_redirects_end_after_five(server: FeedServer) -> None:
    for step in range(7):
        server.pages[f"/{step}"] = Page(status=302, headers={"Location": f"/{step + 1}"})
    server.pages["/7"] = Page(b"body")
    assert get(server.url("/2")).body == b"body"
    assert problem_of(server.url("/1")).kind == "redirect"
    assert server.paths()[-1] == "/6"


def test_compressed_answers_are_read_up_to_the_bound_on_what_they_hold(server: FeedServer) -> None:
    body = b"x" * 10_000
    gzipped = {"Content-Encoding": "gzip"}
    server.pages["/fits"] = Page(gzip.compress(body), headers=gzipped)
    server.pages["/deflate"] = Page(zlib.compress(body), headers={"Content-Encoding": "deflate"})
    server.pages["/twice"] = Page(gzip.compress(gzip.compress(body)), headers=gzipped)
    server.pages["/file"] = Page(gzip.compress(body))
    for path in ("/fits", "/deflate", "/twice", "/file"):
        assert get(server.url(path)).body == body
    server.pages["/plain-over"] = Page(body + b"x")
    server.pages["/over"] = Page(gzip.compress(body + b"x"), headers=gzipped)
    server.pages["/bomb"] = Page(gzip.compress(gzip.compress(bytes(300_000_000), 1), 1), headers=gzipped)
    for path in ("/plain-over", "/over", "/bomb"):
        assert problem_of(server.url(path)).kind == "too-large"
    server.pages["/damaged"] = Page(b"\x1f\x8b\x08 this is not gzip", headers=gzipped)
    server.pages["/cut"] = Page(gzip.compress(body)[:-20], headers=gzipped)
    server.pages["/brotli"] = Page(body[:10], headers={"Content-Encoding": "br"})
    for path in ("/damaged", "/cut", "/brotli"):
        assert problem_of(server.url(path)).kind == "encoding"


def test_inflating_never_holds_more_than_the_bound() -> None:
    import tracemalloc

    bomb = gzip.compress(bytes(100_000_000))
    tracemalloc.start()
    with pytest.raises(FetchError):
        inflate(bomb, 1_000_000, "here")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


@contextmanager
def raw_server(answer: bytes) -> Iterator[str]:
    """A server that sends `answer` to whoever connects and then keeps the connection open."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ended, connections = threading.Event(), []

        def serve() -> None:
            while not ended.is_set():
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                connections.append(connection)
                connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        finally:
            ended.set()
            listening.shutdown(socket.SHUT_RDWR)
            for connection in connections:
                connection.close()
            thread.join()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"", "timeout"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "timeout"),
        (b"this is not HTTP\r\n\r\n", "protocol"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n", "protocol"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", "protocol"),
    ],
)
def test_servers_that_hang_or_speak_nonsense_give_an_error_in_time(answer: bytes, kind: str) -> None:
    with raw_server(answer) as url:
        assert problem_of(url).kind == kind


def test_a_port_that_nobody_listens_on_and_a_name_that_nobody_has_are_connection_errors() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    assert problem_of(f"http://127.0.0.1:{port}/").kind == "connection"
    assert problem_of("http://no-such-host.invalid/").kind == "connection"


def test_retry_after_is_read_in_both_forms_and_bounded() -> None:
    assert retry_after_seconds("120", NOW) == 120
    assert retry_after_seconds(format_datetime(NOW + timedelta(minutes=5), usegmt=True), NOW) == 300
    assert retry_after_seconds(format_datetime(NOW - timedelta(minutes=5), usegmt=True), NOW) == 0
    assert retry_after_seconds("9" * 50, NOW) == 7 * 86_400
    assert [retry_after_seconds(text, NOW) for text in ("", "soon", "-5", "1e9", "٣")] == [0, 0, 0, 0, 0]


def test_a_slow_feed_does_not_delay_another_one_and_the_loop_ends_when_told(server: FeedServer, settings: Settings) -> None:
    hold, stop = threading.Event(), threading.Event()
    server.pages["/slow"] = Page(rss(("1", "Slow", "x")), hold=hold)
    server.pages["/fast"] = Page(rss(("2", "Fast", "x")))

    class TellingProducer(FakeProducer):
        def flush(self, timeout: float | None = None) -> None:
            super().flush(timeout)
            stop.set()

    # The two names of the machine are two hosts, so that politeness does not put one behind the other.
    slow = server.url("/slow").replace("127.0.0.1", "localhost")
    producer = TellingProducer()
    publisher = fake_publisher(producer, name="feeds")
    impatient = settings.model_copy(update={"stop_timeout_seconds": 0.1})
    report = run_feeds(impatient, feeds_of(slow, server.url("/fast")), publisher, stop=stop, options=OPTIONS)
    hold.set()
    assert [article.title for article in producer.articles] == ["Fast"]
    assert (report.fresh, report.failed) == (1, 0)


def test_a_feed_is_asked_again_when_it_is_due_and_not_before(server: FeedServer, settings: Settings) -> None:
    server.pages["/due"] = Page(rss(("1", "Due", "x")))
    server.pages["/later"] = Page(rss(("2", "Later", "x")))
    with FeedState(settings.data_dir / STATE_FILE) as state:
        state.save(server.url("/due"), FeedRecord(next_due=NOW - timedelta(seconds=1)), now=NOW)
        state.save(server.url("/later"), FeedRecord(next_due=NOW + timedelta(hours=1)), now=NOW)
    stop = threading.Event()

    class StoppingProducer(FakeProducer):
        def flush(self, timeout: float | None = None) -> None:
            super().flush(timeout)
            stop.set()

    producer = StoppingProducer()
    publisher = fake_publisher(producer, name="feeds")
    feeds = feeds_of(server.url("/due"), server.url("/later"))
    run_feeds(settings, feeds, publisher, stop=stop, options=OPTIONS, clock=lambda: NOW)
    assert server.paths() == ["/due"]
    with FeedState(settings.data_dir / STATE_FILE) as state:
        due = state.load(server.url("/due")).next_due
    assert due is not None
    assert timedelta(minutes=27) <= due - NOW <= timedelta(minutes=33)


def test_a_state_that_cannot_be_read_ends_the_command(server: FeedServer, settings: Settings) -> None:
    settings.data_dir.mkdir(parents=True)
    (settings.data_dir / STATE_FILE).write_bytes(b"no database" * 500)
    with pytest.raises(StateError):
        read_once(settings, feeds_of(server.url("/rss")))
    assert server.requests == []


def test_fetches_are_counted_by_outcome(server: FeedServer, settings: Settings) -> None:
    server.pages["/rss"] = Page(rss(("1", "One", "First")), etag='"v1"')
    publisher: ArticlePublisher = fake_publisher(FakeProducer(), name="feeds")
    for _ in range(2):
        run_feeds(settings, feeds_of(server.url("/rss"), server.url("/gone")), publisher, once=True, options=OPTIONS)
    counted = publisher.metrics.feed_fetches
    values = {name: counted.labels(name)._value.get() for name in ("fresh", "not-modified", "failed")}
    assert values == {"fresh": 1, "not-modified": 1, "failed": 2}


def test_a_signal_ends_the_loop_in_order(server: FeedServer, settings: Settings) -> None:
    server.pages["/rss"] = Page(rss(("1", "One", "First")))

    class SignallingProducer(FakeProducer):
        def flush(self, timeout: float | None = None) -> None:
            super().flush(timeout)
            os.kill(os.getpid(), signal.SIGTERM)

    producer = SignallingProducer()
    report = run_feeds(settings, feeds_of(server.url("/rss")), fake_publisher(producer, name="feeds"), options=OPTIONS)
    assert (report.new, len(producer.articles)) == (1, 1)
    with FeedState(settings.data_dir / STATE_FILE) as state:
        assert state.load(server.url("/rss")).last_success is not None


def test_servers_that_never_come_to_an_end_hold_up_no_other_feed(settings: Settings) -> None:
    hold, stop = threading.Event(), threading.Event()

    class Producer(FakeProducer):
        def flush(self, timeout: float | None = None) -> None:
            super().flush(timeout)
            if self.articles:
                stop.set()

    with feed_server(listen="0.0.0.0") as server:
        server.pages |= {"/held": Page(hold=hold), "/good": Page(rss(("1", "Good", "x")))}
        held = [server.url("/held").replace("127.0.0.1", f"127.0.1.{number}") for number in range(1, 21)]
        options = dataclasses.replace(OPTIONS, concurrency=4, timeouts=Timeouts(connect=20.0, read=20.0, total=20.0))
        producer = Producer()
        feeds = feeds_of(*held, server.url("/good"))
        reading = threading.Thread(
            target=run_feeds, args=(settings, feeds, fake_publisher(producer, name="feeds")), kwargs={"stop": stop, "options": options}
        )  # fmt: skip
        reading.start()
        assert stop.wait(15), "the good feed waited for the others"
        hold.set()
        reading.join()
    assert [article.title for article in producer.articles] == ["Good"]


def test_the_bytes_of_all_answers_on_their_way_are_bounded_and_counted_back(
    server: FeedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.ingest.fetch.MAX_BYTES_ON_THEIR_WAY", 3_000)
    server.pages |= {"/large": Page(b"x" * 5_000), "/small": Page(b"x" * 2_000)}

    async def fetch() -> list[str | int]:
        async with Fetcher(OPTIONS.timeouts) as fetcher:
            found: list[str | int] = []
            for path in ("/large", "/small", "/large", "/small"):
                try:
                    found.append(len((await fetcher.get(server.url(path), allow_private=True)).body or b""))
                except FetchError as error:
                    found.append(error.what)
            return found

    refused = "too much of other feeds is on its way"
    assert asyncio.run(fetch()) == [refused, 2_000, refused, 2_000]
