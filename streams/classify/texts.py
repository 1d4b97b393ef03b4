"""Input of `bellwether classify`: JSON lines or plain text in, `Text`s out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from models.results import Text
from streams.clock import parse_utc
from streams.errors import RecordError
from streams.json_text import JsonTextError, read_json


@dataclass(frozen=True, slots=True)
class NamedText:
    """A text with the id it is reported under."""

    id: str
    text: Text


def read_texts(content: bytes, name: str) -> Iterator[NamedText | RecordError]:
    """The items of a file in order; an unusable line gives an error in its place.

    JSON lines have `id,title,text[,published,language]`; anything else is one plain-text article, its first line the title.

    Args:
        content: the whole input.
        name: what to call it in errors, and the id of a plain-text article.
    """
    text = content.decode("utf-8-sig", "replace")
    first = text.lstrip()[:1]
    lines = text.splitlines()
    if name.endswith((".jsonl", ".ndjson")) or (first == "{" and _is_json_object(next(line for line in lines if line.strip()))):
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield _from_line(line, f"{name}:{number}", str(number))
        return
    title, _, body = text.strip().partition("\n")
    yield NamedText(name, Text(title.strip(), body.strip()))


def _is_json_object(line: str) -> bool:
    try:
        return isinstance(read_json(line), dict)
    except JsonTextError:
        return False


def _from_line(line: str, where: str, number: str) -> NamedText | RecordError:
    expected = 'an object such as {"id": "1", "title": "...", "text": "..."}'
    try:
        data = read_json(line)
    except JsonTextError as error:
        return RecordError(
            f"not JSON: {error}", reason="not-json", where=where, expected=expected, todo="correct or drop the line"
        )
    if not isinstance(data, dict):
        return RecordError(
            "not a JSON object", reason="not-an-article", where=where, expected=expected, todo="correct or drop the line"
        )
    wrong = [key for key in ("title", "text", "published", "language") if not isinstance(data.get(key) or "", str)]
    if wrong:
        return RecordError(
            f"{wrong[0]!r} is not a string",
            reason="not-an-article",
            where=where,
            expected=expected,
            todo="correct or drop the line",
        )
    published = None
    if data.get("published"):
        try:
            published = parse_utc(data["published"]).date()
        except ValueError:
            # A date only tells which leader was in office; without it, all of them count.
            published = None
    text = Text(_encodable(data.get("title")), _encodable(data.get("text")), published, data.get("language") or None)
    return NamedText(str(data.get("id", number)), text)


def _encodable(text: str | None) -> str:
    """The text without lone surrogates, which JSON can express and UTF-8 can't."""
    return (text or "").encode("utf-8", "replace").decode("utf-8")
