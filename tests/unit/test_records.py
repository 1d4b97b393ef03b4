"""The wire format: what is written is read, and what is not a record is refused with a reason."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import RecordError
from streams.records import Article, Trend, decode, encode, fact_key, split_fact_key, story_fingerprint
from tests.helpers.builders import article, fact

texts = st.text(st.characters(codec="utf-8"), max_size=200)


@given(texts, texts, texts)
def test_an_article_comes_back_as_it_was(title: str, text: str, outlet: str) -> None:
    written = article(1, title=title, text=text, outlet=outlet)
    assert decode(Article, encode(written)) == written


def test_a_field_that_a_newer_writer_added_is_ignored() -> None:
    value = encode(article(1)).replace(b'{"id"', b'{"added_later": [1], "id"')
    assert decode(Article, value) == article(1)


def test_a_record_of_a_newer_version_is_refused() -> None:
    with pytest.raises(RecordError, match="version 2") as caught:
        decode(Article, encode(article(1, v=2)))
    assert caught.value.reason == "newer-version"


@pytest.mark.parametrize("value", [b"", b"{", b"null", b"[]", b'{"id": 1}', b"\xff", b"{}", b'"text"'])
def test_what_is_not_a_record_is_refused_with_a_reason(value: bytes) -> None:
    with pytest.raises(RecordError) as caught:
        decode(Article, value)
    assert caught.value.reason in {"not-json", "not-an-article"}


@given(st.binary(max_size=300))
def test_arbitrary_bytes_never_raise_anything_else(value: bytes) -> None:
    with contextlib.suppress(RecordError):
        decode(Article, value)
    with contextlib.suppress(RecordError):
        decode(Trend, value)


def test_the_digest_ignores_when_an_undated_article_arrived() -> None:
    one = article(1, date_origin="missing", published="2020-01-01T00:00:00Z", ingested="2020-01-01T00:00:00Z")
    other = article(1, date_origin="missing", published="2021-01-01T00:00:00Z", ingested="2021-01-01T00:00:00Z")
    assert one.digest() == other.digest()


@pytest.mark.parametrize("field", ["title", "text", "published", "outlet", "url"])
def test_the_digest_notices_an_edit(field: str) -> None:
    changed = {"published": "2018-01-01T00:00:00Z"}.get(field, "edited")
    assert article(1).digest() != article(1, **{field: changed}).digest()


def test_a_fact_key_splits_into_its_parts_whatever_the_article_id_holds() -> None:
    assert split_fact_key(fact_key("BLR-RUS", "a|b-c")) == ("BLR-RUS", "a|b-c")


@pytest.mark.parametrize("key", [b"", b"BLR-RUS", b"BLR|x", b"BLR-RUS|", b"\xff"])
def test_what_is_no_fact_key_is_refused(key: bytes) -> None:
    with pytest.raises(RecordError):
        split_fact_key(key)


def test_copies_that_differ_in_case_and_punctuation_are_one_story() -> None:
    assert story_fingerprint("Minsk: “No base”", "It said so.") == story_fingerprint("MINSK - no base", "it  said so")
    assert story_fingerprint("Minsk", "No base") != story_fingerprint("Minsk", "A base")


def test_the_same_record_gives_the_same_bytes() -> None:
    assert encode(fact(1)) == encode(fact(1))
