"""For tests of ingestion: a producer that acknowledges when told, a publisher over it, and feeds served from memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from kafka.future import Future
from prometheus_client import CollectorRegistry

from streams.ingest.publish import ArticlePublisher
from streams.metrics import IngestMetrics
from streams.records import Article, DeadLetter, decode
from streams.settings import Settings, load_settings


@dataclass
class Sent:
    """One record that was handed to the producer."""

    topic: str
    key: bytes
    value: bytes
    future: Any = field(default_factory=Future)


class FakeProducer:
    """Acknowledges in order when flushed. `failures` maps a key to the errors that its first deliveries meet."""

    def __init__(self, failures: dict[bytes, list[Exception]] | None = None) -> None:
        self.failures = failures or {}
        self.waiting: list[Sent] = []
        self.acked: list[Sent] = []
        self.closed = False
        self.silent = False

    def send(self, topic: str, value: bytes | None = None, key: bytes | None = None) -> Any:
        assert value is not None
        assert key is not None
        sent = Sent(topic, key, value)
        self.waiting.append(sent)
        return sent.future

    def flush(self, timeout: float | None = None) -> None:
        while self.waiting and not self.silent:
            sent = self.waiting.pop(0)
            errors = self.failures.get(sent.key, [])
            if errors:
                sent.future.failure(errors.pop(0))
            else:
                self.acked.append(sent)
                sent.future.success(None)

    def close(self, timeout: float | None = None) -> None:
        self.closed = True

    @property
    def articles(self) -> list[Article]:
        """The acknowledged articles."""
        return [decode(Article, sent.value) for sent in self.acked if sent.topic == "articles"]

    @property
    def dead_letters(self) -> list[DeadLetter]:
        """The acknowledged dead letters."""
        return [decode(DeadLetter, sent.value) for sent in self.acked if sent.topic == "dead-letters"]


def fake_publisher(producer: FakeProducer, *, settings: Settings | None = None, **changes: Any) -> ArticlePublisher:
    """A publisher over a fake producer, with metrics of its own."""
    metrics = IngestMetrics(CollectorRegistry())
    return ArticlePublisher(settings or load_settings(), metrics, changes.pop("name", "archive"), producer=producer, **changes)


@dataclass
class Page:
    """What the server answers at a path."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    etag: str = ""
    hold: threading.Event | None = None


@dataclass
class FeedServer:
    """A web server in memory. `requests` are the (path, headers) that came."""

    address: str
    pages: dict[str, Page] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def url(self, path: str) -> str:
        """The address of a path."""
        return self.address + path

    def paths(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [path for path, _ in self.requests]


@contextmanager
def feed_server(*, listen: str = "127.0.0.1") -> Iterator[FeedServer]:
    """A server on a free port of 127.0.0.1, or of every address; answers 304 to a matching `If-None-Match`."""
    served = FeedServer("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.requests.append((self.path, dict(self.headers.items())))
            page = served.pages.get(self.path, Page(status=404))
            if page.hold is not None:
                page.hold.wait(30)
            unchanged = bool(page.etag) and self.headers.get("If-None-Match") == page.etag
            self.send_response(304 if unchanged else page.status)
            for name, value in page.headers.items():
                self.send_header(name, value)
            if page.etag:
                self.send_header("ETag", page.etag)
            self.send_header("Content-Length", "0" if unchanged else str(len(page.body)))
            self.end_headers()
            if not unchanged:
                self.wfile.write(page.body)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """Says nothing: a client that goes away in the middle is what some tests are about."""

    server = Server((listen, 0), Handler)
    served.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def rss(*items: tuple[str, str, str]) -> bytes:
    """An RSS 2.0 document; each item is (guid, title, description)."""
    entries = "".join(
        f'<item><guid isPermaLink="false">{guid}</guid><title>{title}</title><link>https://courier.invalid/{guid}</link>'
        f"<pubDate>Wed, 02 Aug 2017 09:30:00 GMT</pubDate><description>{text}</description></item>"
        for guid, title, text in items
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>Courier</title>{entries}</channel></rss>'.encode()
