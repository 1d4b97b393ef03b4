"""JSON that strangers wrote, read strictly: what two readers could take for two different things is refused.

Python's own reader takes NaN, numbers beyond all measure and names that come twice. None of them is needed to state an article. Nor
are a million lists in a line of three megabytes, which would become two hundred megabytes of objects: before anything is built,
brackets and commas are counted.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import NoReturn

MAX_DEPTH = 32
#: Strings, brackets and commas; a thousand articles with every field have some fifty thousand.
MAX_TOKENS = 100_000
# Possessive, so that a string which is never closed is gone over once, not once for each of its characters.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["\[\]{},]', re.DOTALL)


class JsonTextError(ValueError):
    """The text is not JSON, or is JSON that says two things at once; the message says what and where."""


class TooManyTokensError(JsonTextError):
    """There is more in it than is read."""


class Tokens:
    """Goes over the brackets and commas of JSON, outside of strings, and stops at what is too many or too deep.

    Args:
        most: strings, brackets and commas over all texts that are gone over.
    """

    def __init__(self, most: int = MAX_TOKENS) -> None:
        self._most = most
        self._seen = 0

    def walk(self, text: bytes) -> Iterator[tuple[bytes, int, int]]:
        """(bracket or comma, its position, how deep it is nested after it).

        Raises:
            JsonTextError: for a string that is not closed, or too deep a nesting; `TooManyTokensError`.
        """
        depth = 0
        for found in _TOKEN.finditer(text):
            token = found[0]
            self._seen += 1
            if self._seen > self._most:
                raise TooManyTokensError(f"more than {self._most} strings, brackets and commas")
            if token[0] == 0x22:
                if len(token) == 1:
                    raise JsonTextError("a string is not closed")
                continue
            depth += 1 if token in b"[{" else -1 if token in b"]}" else 0
            if depth > MAX_DEPTH:
                raise JsonTextError(f"nested more than {MAX_DEPTH} deep")
            yield token, found.start(), depth

    def check(self, text: bytes) -> None:
        """The same, for its errors alone."""
        for _ in self.walk(text):
            pass


def read_json_bytes(data: bytes) -> object:
    """The value that UTF-8 states, however it is made up. See `read_json`.

    Raises:
        UnicodeDecodeError: if it is not UTF-8.
        JsonTextError: see `read_json`; `TooManyTokensError` beyond `MAX_TOKENS`.
    """
    # Counting is quick, and only a text that could hold too many is gone over.
    if data.count(b",") + data.count(b"[") + data.count(b"{") > MAX_TOKENS // 4:
        Tokens().check(data)
    return read_json(data.decode())


def read_json(text: str) -> object:
    """The value that `text` states.

    Lone surrogates written as escapes come through: whoever keeps the text mends them.

    Raises:
        JsonTextError: for anything but one JSON value; for NaN, infinite numbers, a name twice in one object, thousands of digits
            or thousands of brackets.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_float=_read_float, object_pairs_hook=_read_object)
    except JsonTextError:
        raise
    except RecursionError as error:
        raise JsonTextError("nested too deeply") from error
    except ValueError as error:
        raise JsonTextError(str(error)) from error


def _refuse_constant(name: str) -> NoReturn:
    raise JsonTextError(f"{name} is not JSON")


def _read_float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise JsonTextError("a number beyond every measure")
    return number


def _read_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise JsonTextError(f"the name {twice[:40]!r} stands twice in one object")
    return found
