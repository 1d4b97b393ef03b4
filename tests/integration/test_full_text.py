"""Full texts over real HTTP: pages are read where they may be, and whatever goes wrong, the feed's own text stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.errors import ConfigError
from streams.ingest import fulltext, pages
from streams.ingest.feeds import Feed, FeedList, load_feeds
from streams.ingest.fetch import Timeouts
from streams.ingest.poll import PollOptions, run_feeds
from streams.records import Article
from streams.settings import Settings, load_settings
from tests.helpers.ingesting import FakeProducer, FeedServer, Page, fake_publisher, feed_server

BEGINNING = "Belarus and Russia have agreed to hold a joint exercise near Brest in September, the ministry announced..."
WHOLE = (
    "Belarus and Russia have agreed to hold a joint exercise near Brest in September, the ministry announced on Wednesday after talks.",
    "Some troops of both armies will train to guard the western border, with observers from the alliance invited to watch the final day.",
    "The opposition called the plan a surrender and wants parliament to vote on it before any soldier moves from his barracks.",
)
HTML = {"Content-Type": "text/html; charset=utf-8"}

needs_library = pytest.mark.skipif(not pages.can_read_pages(), reason="trafilatura (the extra `fulltext`) is not installed")


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with feed_server() as served:
        yield served


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(data_dir=tmp_path / "data", kafka_servers="127.0.0.1:1")


def page_of(*paragraphs: str, head: str = "") -> Page:
    body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    nav = "<nav><a href='/'>Home</a> <a href='/world'>World</a></nav>"
    html = f"<html><head><title>Exercise</title>{head}</head><body>{nav}<main><article><h1>Exercise</h1>{body}</article></main></body></html>"
    return Page(html.encode(), headers=HTML)


def feed_page(server: FeedServer, amount: int = 1, text: str = BEGINNING) -> Page:
    items = "".join(
        f"<item><guid>g{n}</guid><title>Exercise</title><link>{server.url(f'/a/{n}')}</link><description>{text}</description></item>"
        for n in range(amount)
    )
    return Page(f'<rss version="2.0"><channel><title>Courier</title>{items}</channel></rss>'.encode())


def read(settings: Settings, server: FeedServer, *, full_text: bool = True) -> list[Article]:
    feeds = FeedList((Feed(server.url("/rss"), "Courier", "en", allow_private=True, full_text=full_text),))
    producer = FakeProducer()
    options = PollOptions(host_spacing_seconds=0.0, parsers=1, timeouts=Timeouts(connect=2.0, read=2.0, total=4.0))
    run_feeds(settings, feeds, fake_publisher(producer, name="feeds"), once=True, options=options)
    return producer.articles


@needs_library
def test_the_text_of_the_page_takes_the_place_of_its_beginning_and_makes_no_revision(
    server: FeedServer, settings: Settings
) -> None:
    server.pages |= {"/rss": feed_page(server), "/a/0": page_of(*WHOLE)}
    (article,) = read(settings, server)
    assert article.text.split("\n") == list(WHOLE)
    assert server.paths() == ["/rss", "/robots.txt", "/a/0"]
    assert read(settings, server) == []
    assert server.paths()[3:] == ["/rss"]


@needs_library
@pytest.mark.parametrize(
    ("page", "robots"),
    [
        (page_of(*WHOLE), Page(b"User-agent: bellwether\nDisallow: /a/")),
        (page_of(*WHOLE), Page(status=500)),
        (page_of(*WHOLE, head='<script type="application/ld+json">{"isAccessibleForFree": "False"}</script>'), None),
        (page_of(*WHOLE, "Already a subscriber? Sign in to continue reading."), None),
        (Page(status=402), None),
        (Page(status=404), None),
        (Page(b"%PDF-1.4 " + " ".join(WHOLE).encode(), headers={"Content-Type": "application/pdf"}), None),
        (page_of("We value your privacy. " * 20, "Accept all cookies to use this service. " * 20), None),
        (page_of(WHOLE[0][:60]), None),
        (Page(b"<div>" * 250_000, headers=HTML), None),
        (Page(b"x" * (fulltext.MAX_PAGE_BYTES + 1), headers=HTML), None),
        (Page(status=302, headers={"Location": "ftp://courier.invalid/a"}), None),
    ],
    ids=[
        "disallowed", "robots.txt out of order", "not free", "asks for a subscription", "payment required", "gone", "no page", "another text",
        "less than the feed has", "nested deeply", "too large", "redirected elsewhere",
    ],
)  # fmt: skip
def test_the_text_of_the_feed_stands_where_there_is_no_page_to_be_read(
    server: FeedServer, settings: Settings, page: Page, robots: Page | None
) -> None:
    server.pages |= {"/rss": feed_page(server), "/a/0": page, **({"/robots.txt": robots} if robots else {})}
    (article,) = read(settings, server)
    assert article.text == BEGINNING
    assert robots is None or "/a/0" not in server.paths()


@needs_library
def test_no_more_pages_are_read_for_one_document_than_the_bound(server: FeedServer, settings: Settings) -> None:
    amount = fulltext.MAX_PAGES + 5
    server.pages |= {"/rss": feed_page(server, amount), **{f"/a/{n}": page_of(*WHOLE) for n in range(amount)}}
    articles = read(settings, server)
    assert len(articles) == amount
    assert sum(article.text != BEGINNING for article in articles) == fulltext.MAX_PAGES
    assert server.paths().count("/robots.txt") == 1


@needs_library
def test_a_server_that_is_busy_is_asked_for_no_more_pages(server: FeedServer, settings: Settings) -> None:
    server.pages |= {"/rss": feed_page(server, 5), "/a/0": Page(status=429, headers={"Retry-After": "60"})}
    server.pages |= {f"/a/{n}": page_of(*WHOLE) for n in range(1, 5)}
    assert [article.text for article in read(settings, server)] == [BEGINNING] * 5
    assert [path for path in server.paths() if path.startswith("/a/")] == ["/a/0"]


@needs_library
def test_an_article_that_the_feed_holds_whole_is_left_alone(server: FeedServer, settings: Settings) -> None:
    server.pages["/rss"] = feed_page(server, text=" ".join(WHOLE) * 5)
    read(settings, server)
    assert server.paths() == ["/rss"]


def test_a_feed_that_does_not_want_full_texts_costs_no_request(server: FeedServer, settings: Settings) -> None:
    server.pages |= {"/rss": feed_page(server), "/a/0": page_of(*WHOLE)}
    assert read(settings, server, full_text=False)[0].text == BEGINNING
    assert server.paths() == ["/rss"]


def test_a_list_that_wants_full_texts_without_the_library_is_refused_at_the_start(
    server: FeedServer, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "feeds.toml"
    path.write_text('[[feed]]\nurl = "https://courier.invalid/rss"\noutlet = "Courier"\nfull_text = true\n', encoding="utf-8")
    monkeypatch.setattr(fulltext, "can_read_pages", lambda: False)
    with pytest.raises(ConfigError, match="fulltext"):
        fulltext.check_full_text(load_feeds(path))
    with pytest.raises(ConfigError, match="trafilatura"):
        read(settings, server)


@needs_library
def test_a_reader_that_finds_no_end_is_ended_and_the_next_page_is_read() -> None:
    with pages.PageReader(timeout_seconds=0.001) as reader, pytest.raises(pages.PageReadError, match="no end in time"):
        reader.read(b"<p>a b c d e f g h</p>" * 60_000)
    with pages.PageReader() as reader:
        assert "joint exercise" in reader.read(page_of(*WHOLE).body)
        process = reader._process
        assert process is not None
        process.kill()
        process.wait()
        assert "joint exercise" in reader.read(page_of(*WHOLE).body)
