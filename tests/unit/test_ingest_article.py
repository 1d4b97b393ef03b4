"""A raw mapping becomes an article, or an error that names the field."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.clock import format_utc
from streams.errors import RecordError
from streams.ingest.article import MAX_TITLE_CHARS, to_article
from streams.ingest.dates import read_date
from streams.ingest.text import clean_text, html_to_text
from streams.ingest.urls import canonical_url, web_address
from streams.records import DEAD_LETTER_REASONS, Article, decode, encode
from streams.settings import load_settings

NOW = datetime(2018, 1, 10, 12, 0, tzinfo=UTC)
SETTINGS = load_settings()


def make(**raw: Any) -> Article:
    return to_article({"title": "Title", "text": "Text.", **raw}, now=NOW, settings=SETTINGS)


@pytest.mark.parametrize(
    ("stated", "event_time"),
    [
        ("2017-08-02", "2017-08-02T00:00:00Z"),
        ("2017-08-02T12:30:00+03:00", "2017-08-02T09:30:00Z"),
        ("2017-08-02 09:30:00 UTC", "2017-08-02T09:30:00Z"),
        ("Wed, 02 Aug 2017 12:30:00 +0300", "2017-08-02T09:30:00Z"),
        ("Wed, 02 Aug 2017 12:30:00 MSK", "2017-08-02T09:30:00Z"),
        ("Wed, 02 Aug 2017 05:30:00 EDT", "2017-08-02T09:30:00Z"),
        ("Wednesday, August 2nd, 2017", "2017-08-02T00:00:00Z"),
        ("2 August 2017", "2017-08-02T00:00:00Z"),
        ("02.08.2017", "2017-08-02T00:00:00Z"),
        ("02.08.2017 12:30 MSK", "2017-08-02T09:30:00Z"),
        ("2017/8/2 9:30", "2017-08-02T09:30:00Z"),
        ("August 2, 2017 9:30 PM", "2017-08-02T21:30:00Z"),
        ("Aug. 2, 2017, 12:05 a.m. EDT", "2017-08-02T04:05:00Z"),
        ("Ср, 02 авг 2017 12:30:00 +0300", "2017-08-02T09:30:00Z"),
        ("2 августа 2017 г., 9:30", "2017-08-02T09:30:00Z"),
        ("2 жніўня 2017", "2017-08-02T00:00:00Z"),
        ("2 серпня 2017 р.", "2017-08-02T00:00:00Z"),
        ("2. August 2017 um 9:30", "2017-08-02T09:30:00Z"),
        ("2 août 2017 à 9h30", "2017-08-02T09:30:00Z"),
        ("1er juillet 2017", "2017-07-01T00:00:00Z"),
        ("2 de agosto de 2017", "2017-08-02T00:00:00Z"),
        ("Thu Aug  3 2017 10:00:00 GMT+0300 (MSK)", "2017-08-03T07:00:00Z"),
        ("2 авг. 2017, 12:30 (МСК)", "2017-08-02T09:30:00Z"),
        ("الأربعاء، ٠٢ أغسطس ٢٠١٧ ٠٩:٣٠", "2017-08-02T09:30:00Z"),
        ("2 Αυγούστου 2017 09:30", "2017-08-02T09:30:00Z"),
        ("2017年8月2日 9:30", "2017-08-02T09:30:00Z"),
        ("2017년 8월 2일 9시 30분", "2017-08-02T09:30:00Z"),
        ("2017/08/02(水) 09:30", "2017-08-02T09:30:00Z"),
        ("Wed, 02 Aug 2017 12:30:00 GMT+3", "2017-08-02T09:30:00Z"),
        ("Wed,02 Aug 2017 09:30:00GMT", "2017-08-02T09:30:00Z"),
        ("2017-08-02t09:30:00z", "2017-08-02T09:30:00Z"),
        ("Sat, 31 Dec 2016 23:59:60 GMT", "2017-01-01T00:00:00Z"),
        ("2017-08-01T24:00:00Z", "2017-08-02T00:00:00Z"),
        ("20170802", "2017-08-02T00:00:00Z"),
        ("1501666200", "2017-08-02T09:30:00Z"),
        (1501666200, "2017-08-02T09:30:00Z"),
        (1501666200000, "2017-08-02T09:30:00Z"),
    ],
)
def test_a_publication_date_is_read_in_the_forms_that_feeds_and_archives_use(stated: object, event_time: str) -> None:
    article = make(published=stated)
    assert (article.published, article.date_origin) == (event_time, "published")


@pytest.mark.parametrize(
    ("stated", "origin"),
    [
        (None, "missing"),
        ("  ", "missing"),
        ("last week", "unreadable"),
        ("2017", "unreadable"),
        ("02/08/2017", "unreadable"),
        ("31 February 2017", "unreadable"),
        ("2 August 2017 25:00", "unreadable"),
        (True, "unreadable"),
        ({"year": 2017}, "unreadable"),
        (float("nan"), "unreadable"),
        ("1" * 5_000, "unreadable"),
        ("2018-01-11T12:00:01Z", "future"),
        ("9999-12-31T23:59:59-12:00", "unreadable"),
        ("2017-W31", "unreadable"),
        ("-0001-11-30T00:00:00Z", "unreadable"),
        ("2017-08-02T09:00:00-24:00", "unreadable"),
        ("1899-12-30", "absurd"),
        ("1970-01-01T00:00:00Z", "absurd"),
    ],
)
def test_a_date_that_cannot_be_used_becomes_the_arrival_time_and_is_marked(stated: object, origin: str) -> None:
    article = make(published=stated)
    assert (article.published, article.date_origin) == (format_utc(NOW), origin)


def test_a_date_within_the_tolerance_ahead_is_kept() -> None:
    ahead = NOW + timedelta(hours=SETTINGS.future_tolerance_hours)
    assert make(published=ahead.isoformat()).date_origin == "published"


@pytest.mark.parametrize("name", ["text", "content", "summary", "body"])
@pytest.mark.parametrize("link", ["url", "link"])
@pytest.mark.parametrize("date", ["published", "date", "pubDate"])
def test_fields_are_taken_under_their_other_names(name: str, link: str, date: str) -> None:
    raw = {name: "Words.", link: "https://a.invalid/1", date: "2017-08-02", "source": "Courier"}
    article = to_article(raw, now=NOW, settings=SETTINGS)
    assert (article.text, article.url, article.published[:10]) == ("Words.", "https://a.invalid/1", "2017-08-02")
    assert article.outlet == "Courier"


@pytest.mark.parametrize(("title", "text"), [("", "Only text."), ("Only a title", "")])
def test_title_or_text_alone_is_an_article(title: str, text: str) -> None:
    article = to_article({"title": title, "text": text}, now=NOW, settings=SETTINGS)
    assert (article.title, article.text) == (title, text)


@pytest.mark.parametrize(
    "raw", [{}, {"title": " ", "text": ""}, {"title": None}, {"text": "<p>&nbsp;</p>"}, {"title": "\u200b\x00"}, {"id": "a"}]
)
def test_neither_title_nor_text_is_no_article(raw: dict[str, object]) -> None:
    with pytest.raises(RecordError, match="neither title nor text") as caught:
        to_article(raw, now=NOW, settings=SETTINGS)
    assert caught.value.reason == "not-an-article"


@pytest.mark.parametrize("name", ["title", "text", "url", "outlet", "language", "id"])
def test_a_field_of_a_wrong_type_is_named(name: str) -> None:
    with pytest.raises(RecordError, match=rf"field '{name}' is of type list") as caught:
        make(**{name: ["x"]})
    assert caught.value.reason == "not-an-article"


def test_the_id_is_the_given_one_else_of_the_address_else_of_the_words() -> None:
    assert make(id="wire-7").id == "wire-7"
    assert make(id=7).id == "7"
    by_address = make(url="https://www.a.invalid/x/?utm_source=rss#top")
    assert by_address.id == make(url="http://a.invalid/x", title="Another title").id
    assert by_address.id != make(url="http://a.invalid/y").id
    assert make().id == make(published="2017-08-02").id
    assert make().id != make(text="Other text.").id


@pytest.mark.parametrize("odd", ["a|b", "a\nb", "x" * 257, "a\ud800", "a\u202eb", "\x00"])
def test_an_odd_or_long_id_becomes_its_hash_and_stays_the_same(odd: str) -> None:
    article = make(id=odd)
    assert article.id == make(id=odd, title="Edited").id
    assert article.id.startswith("id-")
    assert len(article.id) == 35


def test_markup_becomes_text_and_plain_text_with_angle_brackets_stays() -> None:
    assert make(text="<p>Minsk &amp; Moscow</p><p>sign<br/>it</p><script>x</script>").text == "Minsk & Moscow\nsign\nit"
    assert make(text="If a < b and b > c, write to <desk@a.invalid>").text == "If a < b and b > c, write to <desk@a.invalid>"
    assert make(title="A\n <b>title</b>\r\nof &quot;lines&quot;").title == 'A title of "lines"'


def test_hidden_characters_and_lone_surrogates_do_not_survive() -> None:
    assert make(text="a\x00b\u202ec\ufeffd\u00ade").text == "abcde"
    assert make(text="half \ud83d of \ud83d\ude00").text == "half \ufffd of 😀"
    assert make(text="e\u0301").text == "é"


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "ftp://a.invalid/x", "/relative", "http://", "http://a:b:c/", "http://[::1"]
)
def test_only_web_addresses_are_kept_as_links(address: str) -> None:
    assert make(url=address).url == ""


@pytest.mark.parametrize(
    ("stated", "kept"), [("en", "en"), ("en-GB", "en"), ("RU_ru", "ru"), ("English", ""), ("", ""), ("e", "")]
)
def test_a_language_is_kept_as_its_code(stated: str, kept: str) -> None:
    assert make(language=stated).language == kept


def test_an_article_over_the_bound_is_too_large_and_one_at_the_bound_is_not() -> None:
    small = SETTINGS.model_copy(update={"max_article_bytes": 2_000})
    frame = len(encode(to_article({"id": "a", "text": "x"}, now=NOW, settings=small))) - 1
    fits = to_article({"id": "a", "text": "я" * ((2_000 - frame) // 2)}, now=NOW, settings=small)
    assert 1_998 <= len(encode(fits)) <= 2_000
    for size in (2_000 - frame + 1, 100_000):
        with pytest.raises(RecordError) as caught:
            to_article({"id": "a", "text": "x" * size}, now=NOW, settings=small)
        assert caught.value.reason == "too-large"


def test_a_huge_title_is_cut_and_stands_in_the_text_when_there_is_none() -> None:
    article = to_article({"title": "t" * 5_000}, now=NOW, settings=SETTINGS)
    assert len(article.title) == MAX_TITLE_CHARS
    assert article.text == "t" * 5_000


@pytest.mark.parametrize(
    "unit",
    ["<", "<a ", '<a "', "<!--", "<![CDATA[", "<div>", "<svg>", "<object>", "<script>", '<a ">" ', "<?", "&#", " \n", "<p"],
)
def test_hostile_markup_costs_time_in_proportion_to_its_length(unit: str) -> None:
    import time

    # Quadratic work on 3 million characters would take minutes.
    markup = "<p>" + unit * (3_000_000 // len(unit))
    started = time.monotonic()
    clean_text(markup)
    assert time.monotonic() - started < 20


def test_markup_that_is_never_closed_gives_the_text_before_it() -> None:
    assert html_to_text("before <script>var x") == "before  "
    assert html_to_text('before <a href="x') == "before "
    assert html_to_text("a <object>kept") == "a  kept"


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.text()
any_text = st.text(st.characters(exclude_categories=()))
raws = st.dictionaries(
    st.sampled_from(["id", "url", "link", "title", "text", "content", "published", "date", "outlet", "language"]) | any_text,
    scalars | any_text | st.lists(scalars, max_size=2),
    max_size=8,
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # the first draw builds the table of all characters
@given(raw=raws)
def test_any_mapping_gives_an_article_that_survives_the_wire_or_a_known_reason(raw: dict[str, object]) -> None:
    try:
        article = to_article(raw, now=NOW, settings=SETTINGS)
    except RecordError as error:
        refusal = error.reason
    else:
        refusal = ""
    assert refusal in ("", *DEAD_LETTER_REASONS)
    if refusal:
        return
    assert decode(Article, encode(article)) == article
    assert 1 <= len(article.id) <= 256
    assert "|" not in article.id
    assert article.id.isprintable()
    assert article == to_article(raw, now=NOW, settings=SETTINGS)


@given(text=any_text)
def test_cleaning_clean_text_changes_nothing(text: str) -> None:
    from streams.ingest.text import normalise

    once = normalise(text)
    assert normalise(once) == once
    assert once.encode().decode() == once


@given(value=scalars | any_text | st.dates().map(str) | st.datetimes().map(str))
def test_a_date_is_read_as_an_aware_time_or_not_at_all(value: object) -> None:
    moment = read_date(value)
    assert moment is None or moment.utcoffset() == timedelta(0)


@given(raw=any_text | st.text("htps:/.?&=#[]@1a é%").map("http://".__add__))
def test_an_address_is_plain_ascii_and_its_canonical_form_is_stable(raw: str) -> None:
    address = web_address(raw)
    assert address.isascii()
    if address:
        assert web_address(address) == address
        assert canonical_url("http://" + canonical_url(address)) == canonical_url(address)


@pytest.mark.parametrize(
    "address",
    [
        "http://www.courier.invalid:80/a/7/?utm_source=rss&utm_medium=feed#comments",
        "https://courier.invalid/a/7?fbclid=x&amp=1",
        "https://amp.courier.invalid/a/7",
        "https://courier.invalid/a/7/amp/",
        "https://courier.invalid/a/7.amp",
        "https://courier.invalid/amp/a/7?outputType=amp",
        "https://www.google.com/amp/s/courier.invalid/a/7/amp",
        "https://courier-invalid.cdn.ampproject.org/c/s/courier.invalid/a/7?CMP=share",
    ],
)
def test_tracking_fragments_and_amp_do_not_make_another_page(address: str) -> None:
    assert canonical_url(address) == "courier.invalid/a/7"


@pytest.mark.parametrize(
    "address", ["https://amp.invalid/amp", "https://courier.invalid/champ?id=7", "https://courier.invalid/amplifier/7"]
)
def test_what_only_looks_like_amp_is_kept(address: str) -> None:
    assert canonical_url(address) == address.removeprefix("https://")


@pytest.mark.parametrize(
    ("fields", "author", "origin"),
    [
        ({"author": "Jane Doe"}, "Jane Doe", ""),
        ({"byline": ["Jane <b>Doe</b>", "", "John Roe"]}, "Jane Doe, John Roe", ""),
        ({"author": "Reuters"}, "Reuters", "Reuters"),
        ({"agency": "Northern Gazette", "author": "Reuters"}, "Reuters", "Northern Gazette"),
        ({"text": "MINSK, Aug 2 (AFP) - Words."}, "", "AFP"),
        ({"outlet": "TASS", "text": "МИНСК, 2 августа. /ТАСС/. Слова."}, "", ""),
        ({"author": {"name": "Jane"}, "origin": 7}, "", ""),
    ],
)
def test_the_author_and_whom_the_outlet_has_it_from_are_kept(fields: dict[str, object], author: str, origin: str) -> None:
    article = make(**fields)
    assert (article.author, article.origin) == (author, origin)
    assert article.digest() == make(**{**fields, "author": None, "byline": None}).digest()


def test_a_host_in_other_letters_is_kept_under_its_lookup_name() -> None:
    article = make(url="https://новости.рф:8080/лента?a=б")
    assert article.url == "https://xn--b1amnebsh.xn--p1ai:8080/%D0%BB%D0%B5%D0%BD%D1%82%D0%B0?a=%D0%B1"
