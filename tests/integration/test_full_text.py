"""Full texts over real HTTP: pages are read where they may be, and whatever goes wrong, the feed's own text stands."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.errors import ConfigError
from streams.ingest import fulltext, pages
from streams.ingest.feeds import Feed, FeedList, load_feeds
from streams.ingest.fetch import Timeouts
from streams.ingest.poll import STATE_FILE, PollOptions, run_feeds
from streams.ingest.state import FeedState
from streams.records import Article
from streams.settings import Settings
from tests.helpers.ingesting import FakeProducer, FeedServer, Page, fake_publisher

BEGINNING = "Belarus and Russia have agreed to hold a joint exercise near Brest in September, the ministry announced..."
WHOLE = (
    "Belarus and Russia have agreed to hold a joint exercise near Brest in September, the ministry announced on Wednesday after talks.",
    "Some troops of both armies will train to guard the western border, with observers from the alliance invited to watch the final day.",
    "The opposition called the plan a surrender and wants parliament to vote on it before any soldier moves from his barracks.",
)
HTML = {"Content-Type": "text/html; charset=utf-8"}

needs_library = pytest.mark.skipif(not pages.can_read_pages(), reason="trafilatura (the extra `fulltext`) is not installed")


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


def read(
    settings: Settings, server: FeedServer, *, full_text: bool = True, producer: FakeProducer | None = None
) -> list[Article]:
    feeds = FeedList((Feed(server.url("/rss"), "Courier", "en", allow_private=True, full_text=full_text),))
    used = producer or FakeProducer()
    options = PollOptions(host_spacing_seconds=0.0, parsers=1, timeouts=Timeouts(connect=2.0, read=2.0, total=4.0))
    run_feeds(settings, feeds, fake_publisher(used, name="feeds"), once=True, options=options)
    return used.articles


def wait_for(condition: Callable[[], bool]) -> None:
    """Waits for what another thread is about to do."""
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.005)


def newest(articles: list[Article]) -> list[Article]:
    """The last record of each article, as the compacted topic keeps it."""
    return list({article.id: article for article in articles}.values())


@needs_library
def test_the_text_of_the_page_takes_the_place_of_its_beginning_and_makes_no_revision(
    server: FeedServer, settings: Settings
) -> None:
    server.pages |= {"/rss": feed_page(server), "/a/0": page_of(*WHOLE)}
    first, again = read(settings, server)
    assert first.text == BEGINNING
    assert again.text.split("\n") == list(WHOLE)
    assert again.id == first.id
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
    articles = newest(read(settings, server))
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
def test_a_page_that_never_comes_keeps_no_article_waiting(server: FeedServer, settings: Settings) -> None:
    hold = threading.Event()
    server.pages |= {"/rss": feed_page(server), "/a/0": Page(b"", hold=hold)}
    producer = FakeProducer()
    reading = threading.Thread(target=read, args=(settings, server), kwargs={"producer": producer})
    reading.start()
    try:
        wait_for(lambda: "/a/0" in server.paths())
        assert [article.text for article in producer.articles] == [BEGINNING]
    finally:
        hold.set()
        reading.join()


@needs_library
def test_a_fault_that_a_page_brings_out_is_no_failure_of_its_feed(
    server: FeedServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(_article: Article, _text: str) -> str:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(fulltext, "judge", break_down)
    server.pages |= {"/rss": feed_page(server), "/a/0": page_of(*WHOLE)}
    assert [article.text for article in read(settings, server)] == [BEGINNING]
    with FeedState(settings.data_dir / STATE_FILE) as state:
        record = state.load(server.url("/rss"))
    assert (record.failures, record.counts.new) == (0, 1)


@needs_library
def test_a_feed_in_a_private_network_leads_to_no_page_of_another_host_there(server: FeedServer, settings: Settings) -> None:
    elsewhere = server.url("/a/0").replace("127.0.0.1", "127.0.0.2")
    page = feed_page(server)
    server.pages |= {"/rss": Page(page.body.replace(server.url("/a/0").encode(), elsewhere.encode())), "/a/0": page_of(*WHOLE)}
    (article,) = read(settings, server)
    assert article.url == elsewhere
    assert server.paths() == ["/rss"]


@needs_library
@pytest.mark.parametrize(
    "head",
    [
        '<script type="application/ld+json">{"isAccessibleForFree" : "https://schema.org/False"}</script>',
        '<meta property="article:content_tier" content="locked">',
        "<meta content='locked' name='article:content_tier'>",
        "<body data-paywall=true>",
    ],
)
def test_a_page_that_says_it_is_not_free_is_not_read(server: FeedServer, settings: Settings, head: str) -> None:
    server.pages |= {"/rss": feed_page(server), "/a/0": page_of(*WHOLE, head=head)}
    assert [article.text for article in read(settings, server)] == [BEGINNING]


@pytest.mark.parametrize(
    "unit", [b'"isAccessibleForFree"' + b" " * 50, b'"isAccessibleForFree":' + b" " * 50, b"content_tier' ", b"content='locked' "]
)
def test_looking_whether_a_page_is_free_takes_time_in_proportion_to_its_length(unit: bytes) -> None:
    started = time.monotonic()
    assert fulltext._PAYWALL.search(unit * (fulltext.MAX_PAGE_BYTES // len(unit))) is None
    assert fulltext._PAYWALL.search(unit + b" " * fulltext.MAX_PAGE_BYTES) is None
    assert time.monotonic() - started < 1


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
