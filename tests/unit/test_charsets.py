"""A document in another charset than it states is read as what it is; one that states the truth is left alone."""

from __future__ import annotations

import time

import pytest

from streams.ingest.parsers.charsets import as_utf8

RUSSIAN = "Беларусь и Россия подписали договор"
UTF8 = "application/xml; charset=utf-8"


def document(text: str, stated: str = "") -> str:
    return f'<?xml version="1.0"{f" encoding={stated!r}" if stated else ""}?><a>{text}</a>'


@pytest.mark.parametrize(
    ("text", "stated", "written"),
    [
        (RUSSIAN, "utf-8", "cp1251"), (RUSSIAN, "", "cp1251"), (RUSSIAN, "utf-8", "koi8-r"), (RUSSIAN, "iso-8859-1", "utf-8"),
        (RUSSIAN, "windows-1251", "utf-8"), (RUSSIAN, "utf-16", "utf-8"), ("Minsk", "utf-16", "utf-8"), (RUSSIAN, "utf-8", "utf-16"),
        ("中国与俄罗斯签署协议", "utf-8", "gb18030"),
    ],
)  # fmt: skip
def test_a_document_that_states_another_charset_is_read_in_its_own(text: str, stated: str, written: str) -> None:
    found = as_utf8(document(text, stated).encode(written), "text/xml")
    assert found.data.decode() == f"<a>{text}</a>"
    assert found.content_type == UTF8
    assert found.charset


@pytest.mark.parametrize(
    ("text", "stated", "written"),
    [
        (RUSSIAN, "utf-8", "utf-8"), (RUSSIAN, "windows-1251", "cp1251"), (RUSSIAN, "koi8-r", "koi8-r"), ("Élysée", "iso-8859-1", "latin-1"),
        ("Élysée: déjà vu à Gênes", "utf-8", "latin-1"), ("日本の首相", "shift_jis", "shift_jis"), ("Minsk", "us-ascii", "ascii"),
        ("é", "x-nobody-knows", "latin-1"),
    ],
)  # fmt: skip
def test_a_document_that_states_its_charset_or_leaves_no_other_is_left_as_it_is(text: str, stated: str, written: str) -> None:
    data = document(text, stated).encode(written)
    assert as_utf8(data, "text/xml") == (data, "text/xml", "")


def test_utf_8_that_states_nothing_is_not_rewritten_but_said_to_be_what_it_is() -> None:
    data = f"<a>{RUSSIAN}</a>".encode()
    assert as_utf8(data, "") == (data, UTF8, "")


def test_the_servers_charset_stands_above_the_documents_own() -> None:
    data = document(RUSSIAN, "utf-8").encode("koi8-r")
    assert as_utf8(data, "text/xml; charset=koi8-r").data == data


@pytest.mark.parametrize("unit", [b"\xff\xfe", b"<?xml ", b"\xd0", b"\xe0a", b" encoding=", b"\x81\x30\x81\x30"])
def test_hostile_bytes_take_time_in_proportion_to_their_number(unit: bytes) -> None:
    started = time.monotonic()
    as_utf8(unit * (4_000_000 // len(unit)), "text/xml; charset=" + "x" * 10_000)
    assert time.monotonic() - started < 3
