"""Any counts and any articles make a bulletin: no exception, quotes of at most 30 words, links that go nowhere but to http(s)."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from models.labels import DOMAINS, LABELS
from streams.bulletin.build import build, stands_of
from streams.bulletin.quoting import MOST_WORDS, quote
from streams.bulletin.render import RENDERERS, to_html, to_markdown
from streams.bulletin.wording import LANGUAGES
from streams.clock import week_name
from streams.records import Count, Evidence, Trend
from tests.helpers.bulletins import said_of
from tests.helpers.standings import FIRST

HOSTILE = st.text(
    st.one_of(st.sampled_from(list("[]()<>`*_|#!\\&'\"\n\r\t~-+.:/$@=")), st.characters(exclude_categories=["Cs"])), max_size=40
)
ADDRESSES = st.one_of(HOSTILE, HOSTILE.map("https://news.invalid/".__add__), HOSTILE.map("javascript:".__add__))
TAGS = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "main",
    "h1",
    "h2",
    "h3",
    "p",
    "ul",
    "li",
    "a",
    "span",
    "blockquote",
    "div",
    "table",
    "tr",
    "th",
    "td",
    "pre",
}
COUNTS = st.integers(0, 4_000)


@st.composite
def evidence(draw: st.DrawFn) -> Evidence:
    return Evidence(
        article_id=draw(HOSTILE), title=draw(HOSTILE), outlet=draw(HOSTILE), url=draw(ADDRESSES), published=draw(HOSTILE),
        probability=draw(st.floats(0, 1)), sentence=draw(HOSTILE), terms=draw(st.lists(HOSTILE, max_size=6)),
    )  # fmt: skip


@st.composite
def trend(draw: st.DrawFn, week: int) -> Trend:
    def by_domain() -> dict[str, Count]:
        return {
            name: Count(n := draw(COUNTS), n + draw(COUNTS))
            for name in ("all", *draw(st.sets(st.sampled_from(DOMAINS), max_size=2)))
        }

    labels = draw(st.sets(st.sampled_from(LABELS)))
    return Trend(
        source="BLR", partner="RUS", week=week_name(week), exposure=by_domain(), counts={label: by_domain() for label in labels},
        evidence={label: draw(st.lists(evidence(), max_size=3)) for label in labels},
    )  # fmt: skip


@st.composite
def some_weeks(draw: st.DrawFn) -> list[Trend]:
    numbers = draw(st.sets(st.integers(FIRST, FIRST + 40), min_size=1, max_size=8))
    return [draw(trend(number)) for number in sorted(numbers)]


class Page(HTMLParser):
    """The tags and links that a browser sees."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]


@settings(max_examples=60, deadline=None)
@given(some_weeks(), st.integers(-1, 41), st.integers(-1, 41), st.sampled_from(LANGUAGES))
def test_any_counts_render_and_links_lead_to_the_web_only(trends: list[Trend], at: int, closed: int, language: str) -> None:
    stands = stands_of(trends, said_of(trends, week_name(FIRST + closed)))
    for pair in ("BLR-RUS", ""):
        found = build(stands, week_name(FIRST + at), pair)
        for render in RENDERERS.values():
            assert render(found, language)  # type: ignore[arg-type]
        for page in (Page(to_html(found)), Page(MarkdownIt("commonmark").render(to_markdown(found)))):
            assert all(link.startswith(("http://", "https://", "HTTP", "hTTP", "Http")) for link in page.links)
            assert page.tags <= TAGS | {"code"}


@given(st.text(max_size=2_000), st.lists(st.text(max_size=10), max_size=5))
def test_a_quote_has_at_most_thirty_words(sentence: str, terms: list[str]) -> None:
    assert len(quote(sentence, terms).split()) <= MOST_WORDS
