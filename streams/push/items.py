"""A request's body to articles: JSON (an object or an array) or JSON Lines. Pure; every fault names its item and field.

Before anything is built, the brackets and commas are counted: a body of four megabytes could otherwise become two million objects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from streams.errors import RecordError
from streams.ingest.article import (
    AUTHOR_FIELDS,
    DATE_FIELDS,
    ID_FIELDS,
    LANGUAGE_FIELDS,
    ORIGIN_FIELDS,
    OUTLET_FIELDS,
    TEXT_FIELDS,
    TITLE_FIELDS,
    URL_FIELDS,
    to_article,
)
from streams.json_text import JsonTextError, Tokens, TooManyTokensError, read_json
from streams.push.problems import ItemError, PushError
from streams.records import DEAD_LETTER_CONTENT_CHARS, Article
from streams.settings import Settings

BodyKind = Literal["json", "json-lines"]
MAX_ITEMS = 1_000
_UTF8_MARK = b"\xef\xbb\xbf"
_BLANK = b" \t\r\n"

_STRINGS = (
    *URL_FIELDS, *TITLE_FIELDS, *TEXT_FIELDS, *OUTLET_FIELDS, *LANGUAGE_FIELDS, *AUTHOR_FIELDS, *ORIGIN_FIELDS,
)  # fmt: skip
#: field -> (types, how they are named).
_TYPES: Mapping[str, tuple[tuple[type, ...], str]] = {
    **dict.fromkeys(_STRINGS, ((str,), "a string")),
    **dict.fromkeys(ID_FIELDS, ((str, int), "a string or a whole number")),
    **dict.fromkeys(DATE_FIELDS, ((str, int, float), "a date as a string, or seconds since 1970")),
}


@dataclass(frozen=True, slots=True)
class BadItem:
    """An item that is no article: its faults, at least one, and the start of what it was."""

    errors: tuple[ItemError, ...]
    content: str


@dataclass(slots=True)
class Reading:
    """What a body held, in order: items = `articles` + `bad`."""

    articles: list[Article] = field(default_factory=list)
    bad: list[BadItem] = field(default_factory=list)

    @property
    def errors(self) -> list[ItemError]:
        """The faults of all bad items."""
        return [error for item in self.bad for error in item.errors]


def read_items(body: bytes, kind: BodyKind, *, now: datetime, settings: Settings) -> Reading:
    """The articles of a body.

    Raises:
        PushError: if the body as a whole can't be read (`unreadable-request`), or has too many items (`too-large`).
    """
    reading = Reading()
    parts = _lines(body) if kind == "json-lines" else _elements(body)
    for number, part in enumerate(parts):
        try:
            reading.articles.append(_read_item(number, part, kind, now, settings))
        except _BadItemError as error:
            reading.bad.append(BadItem(error.errors, part[:DEAD_LETTER_CONTENT_CHARS].decode("utf-8", "replace")))
    return reading


class _BadItemError(Exception):
    def __init__(self, *errors: ItemError) -> None:
        self.errors = errors


def _read_item(number: int, part: bytes, kind: BodyKind, now: datetime, settings: Settings) -> Article:
    try:
        raw = read_json(part.decode())
    except UnicodeDecodeError as error:
        found = _unreadable(number, f"not UTF-8: {error.reason} at byte {error.start}", "not-utf8")
        raise _whole_or_line(found, kind) from error
    except JsonTextError as error:
        raise _whole_or_line(_unreadable(number, f"not JSON: {error}", "not-json"), kind) from error
    if not isinstance(raw, dict):
        raise _BadItemError(ItemError(number, "", f"JSON, but a {type(raw).__name__}", "a JSON object"))
    wrong = _wrong_types(number, raw)
    if wrong:
        raise _BadItemError(*wrong)
    try:
        return to_article(raw, now=now, settings=settings)
    except RecordError as error:
        raise _BadItemError(ItemError(number, "", error.what, error.expected, error.reason)) from error


def _unreadable(number: int, what: str, reason: str) -> ItemError:
    return ItemError(number, "", what, "one JSON value in UTF-8, each name once", reason)


def _whole_or_line(found: ItemError, kind: BodyKind) -> Exception:
    # A line that is not JSON is one bad item; an array with an element that is not JSON is not JSON at all.
    if kind == "json-lines":
        return _BadItemError(found)
    return PushError(
        f"item {found.item}: {found.what}", kind="unreadable-request", expected="a JSON object, or an array of them",
        reason=found.reason,
    )  # fmt: skip


def _wrong_types(number: int, raw: Mapping[str, object]) -> list[ItemError]:
    found = []
    for name, (types, expected) in _TYPES.items():
        value = raw.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, types)):
            found.append(ItemError(number, name, f"field {name!r} is of type {type(value).__name__}", expected))
    return found


def _lines(body: bytes) -> list[bytes]:
    body = body.removeprefix(_UTF8_MARK)
    if body.count(b"\n") > 2 * MAX_ITEMS:
        raise _too_many(f"more than {2 * MAX_ITEMS} lines")
    lines = [stripped for line in body.split(b"\n") if (stripped := line.strip(_BLANK))]
    if len(lines) > MAX_ITEMS:
        raise _too_many(f"{len(lines)} items")
    with _body_errors():
        tokens = Tokens()
        for line in lines:
            tokens.check(line)
    return lines


def _elements(body: bytes) -> list[bytes]:
    """The one object, or each element of the array, as it stands."""
    body = body.removeprefix(_UTF8_MARK).strip(_BLANK)
    if not body:
        raise PushError("the body is empty", kind="unreadable-request", expected="a JSON object, or an array of them")
    with _body_errors():
        if body.startswith(b"["):
            return _split(body)
        Tokens().check(body)
    return [body]


def _split(body: bytes) -> list[bytes]:
    elements: list[bytes] = []
    start, depth = 1, 1
    for mark, position, depth in Tokens().walk(body):
        if (depth == 1 and mark == b",") or depth == 0:
            elements.append(body[start:position])
            start = position + 1
            if len(elements) > MAX_ITEMS:
                raise _too_many(f"more than {MAX_ITEMS} items")
        if depth == 0:
            break
    if start < len(body) or depth:
        raise _broken("the array is not closed, or something follows it")
    return [] if len(elements) == 1 and not elements[0].strip(_BLANK) else elements


@contextmanager
def _body_errors() -> Iterator[None]:
    try:
        yield
    except TooManyTokensError as error:
        raise _too_many(str(error)) from error
    except JsonTextError as error:
        raise _broken(str(error)) from error


def _too_many(what: str) -> PushError:
    return PushError(
        f"the body holds {what}", kind="too-large", expected=f"at most {MAX_ITEMS} articles in a request", todo="send it in several requests"
    )  # fmt: skip


def _broken(what: str) -> PushError:
    return PushError(
        f"not JSON that is taken: {what}", kind="unreadable-request", expected="a JSON object, an array of them, or one on each line",
        reason="not-json",
    )  # fmt: skip
