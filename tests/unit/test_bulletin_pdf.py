"""The bulletin as a PDF: the same bytes each time, in three scripts, and whatever strangers wrote is text."""

from __future__ import annotations

import io
import sys
import time
from datetime import UTC, datetime, timedelta
from datetime import time as dt_time

import msgspec
import pypdf
import pytest

from streams.bulletin.build import build, stands_of
from streams.bulletin.figures import Bulletin
from streams.bulletin.forms import MEDIA_TYPES, written
from streams.bulletin.pdf import to_pdf, to_pictures
from streams.bulletin.render import to_markdown
from streams.bulletin.wording import Language
from streams.clock import week_number, week_start
from streams.errors import ConfigError
from tests.helpers.bulletins import EVENTFUL, LAST, eventful, eventful_weeks, said_of, telling

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


def bulletin_with(**changes: object) -> Bulletin:
    trends = list(eventful_weeks())
    trends[-1] = msgspec.structs.replace(
        trends[-1], evidence={"cooperation": [telling(week_number(LAST), "cooperation", **changes)]}
    )
    return build(stands_of(trends, said_of(trends, LAST), {}), LAST, "BLR-RUS", None)


def links_of(pdf: bytes) -> list[str]:
    annotations = [item.get_object() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages for item in page.get("/Annots", [])]
    return [str(item["/A"]["/URI"]) for item in annotations if "/URI" in item.get("/A", {})]


@pytest.mark.parametrize("language", ["en", "ru", "be"])
def test_a_usual_week_of_one_pair_is_one_page_and_its_articles_are_linked(language: Language) -> None:
    found = build(eventful(), EVENTFUL, "BLR-RUS")
    pdf = to_pdf(found, language)
    assert len(pypdf.PdfReader(io.BytesIO(pdf)).pages) == 1
    assert links_of(pdf)[0] == found.pairs[0].items[0].url
    assert len(to_pictures(found, language)) == 1


def test_every_sentence_of_the_text_is_in_the_pdf() -> None:
    found = build(eventful(), EVENTFUL, "BLR-RUS")
    printed = "".join(text_of(to_pdf(found, "ru")).split())
    lines = [line.lstrip("- ") for line in to_markdown(found, "ru").splitlines() if line.startswith("- ") and "](" not in line]
    assert len(lines) > 8
    assert [line for line in lines if "".join(line.replace("\\", "").split()) not in printed] == []


def test_the_same_bytes_whatever_the_hour_and_the_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    found = build(eventful(), EVENTFUL, "BLR-RUS")
    first = to_pdf(found)
    monkeypatch.setenv("TZ", "Asia/Kamchatka")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    time.tzset()
    try:
        assert to_pdf(found) == first
    finally:
        monkeypatch.undo()
        time.tzset()
    dated = pypdf.PdfReader(io.BytesIO(first)).metadata
    assert dated is not None
    assert dated.creation_date == datetime.combine(week_start(EVENTFUL), dt_time(), UTC) + timedelta(weeks=1)


@pytest.mark.parametrize(
    "text",
    ["\x00\x01\x1b[31m\u202eevil\u2066", "#" * 1_000_000, "中文 العربية 🙂 \ud800", "a" * 100_000, "\\" * 50, "#{" * 100, "$" * 101, '"); read("/etc/passwd")'],
    ids=["controls", "a megabyte", "other scripts", "a long word", "backslashes", "braces", "dollars", "code"],
)  # fmt: skip
def test_any_text_of_a_stranger_makes_a_pdf(text: str) -> None:
    pdf = to_pdf(bulletin_with(title=text, sentence=text, outlet=text, terms=[text]))
    assert 1 <= len(pypdf.PdfReader(io.BytesIO(pdf)).pages) <= 2
    assert "root:" not in text_of(pdf)


def test_an_address_that_is_too_long_for_a_link_is_left_out_and_others_lead_to_the_web_only() -> None:
    long = "https://news.invalid/" + "я" * 1_900
    assert "%D1%8F" not in "".join(links_of(to_pdf(bulletin_with(url=long))))
    assert links_of(to_pdf(bulletin_with(url="javascript:alert(1)"))) == links_of(to_pdf(bulletin_with(url="")))


def test_without_the_typesetter_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(ConfigError, match=r"pip install 'bellwether\[pdf\]'"):
        to_pdf(build(eventful(), LAST))


def test_what_strangers_wrote_is_printed_and_not_run() -> None:
    found = bulletin_with(title=HOSTILE, sentence=HOSTILE, outlet=HOSTILE, url="https://news.invalid/#panic(1)")
    printed = text_of(written("pdf", found, "en"))
    assert '#panic("x")' in printed
    assert "//" in printed


def test_every_form_has_a_media_type_and_is_written() -> None:
    found = build(eventful(), LAST, "", None)
    assert {form: bool(written(form, found, "en")) for form in MEDIA_TYPES} == dict.fromkeys(("md", "html", "pdf", "json"), True)
