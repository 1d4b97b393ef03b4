"""The bulletin as a PDF: the same bytes each time, in three scripts, and whatever strangers wrote is text."""

from __future__ import annotations

import io

import msgspec
import pypdf
import pytest

from streams.bulletin.build import build, stands_of
from streams.bulletin.forms import MEDIA_TYPES, written
from streams.bulletin.pdf import to_pdf
from streams.bulletin.wording import Language
from streams.clock import week_number
from tests.helpers.bulletins import LAST, eventful, eventful_weeks, said_of, telling

HOSTILE = '#panic("x") $ @ref *b* _i_ `c` \\u{41} <tag> // no comment /* nor this */ [a](b) = not a heading'


def text_of(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


@pytest.mark.parametrize(("language", "word"), [("en", "Belarus"), ("ru", "Беларус"), ("be", "Беларус")])
def test_the_same_week_gives_the_same_bytes_in_every_language(language: Language, word: str) -> None:
    found = build(eventful(), LAST, "BLR-RUS", None)
    first = to_pdf(found, language)
    assert first == to_pdf(found, language)
    assert first.startswith(b"%PDF")
    assert word in text_of(first)
    links = [item for page in pypdf.PdfReader(io.BytesIO(first)).pages for item in page.get("/Annots", [])]
    assert links


def test_what_strangers_wrote_is_printed_and_not_run() -> None:
    week = week_number(LAST)
    hostile = telling(week, "cooperation", title=HOSTILE, sentence=HOSTILE, outlet=HOSTILE, url="https://news.invalid/#panic(1)")
    trends = list(eventful_weeks())
    trends[-1] = msgspec.structs.replace(trends[-1], evidence={"cooperation": [hostile]})
    found = build(stands_of(trends, said_of(trends, LAST), {}), LAST, "BLR-RUS", None)
    printed = text_of(written("pdf", found, "en"))
    assert '#panic("x")' in printed
    assert "//" in printed


def test_every_form_has_a_media_type_and_is_written() -> None:
    found = build(eventful(), LAST, "", None)
    assert {form: bool(written(form, found, "en")) for form in MEDIA_TYPES} == dict.fromkeys(("md", "html", "pdf", "json"), True)
