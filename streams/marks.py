"""Runs of combining marks kept short, so that Unicode's normal forms stay cheap.

Putting marks into their canonical order takes time by the square of their number: 40,000 in a row take a second, 400,000 a minute
and a half. No script stacks more than a few; Unicode's own Stream-Safe Text Format (UAX 15) allows 30.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

MAX_MARKS = 30
#: A shorter text can't hold enough marks to be slow.
_SHORT = 2_000
#: Where combining characters stand in Unicode; the ideographs between have none.
_RANGES = ((0x300, 0x3100), (0xA000, 0xAC00), (0xFB00, 0xFE30), (0x10000, 0x12000), (0x16A00, 0x17000), (0x1BC00, 0x1F000))


def bounded_marks(text: str) -> str:
    """The text without what goes beyond `MAX_MARKS` combining marks in a row.

    >>> len(bounded_marks("a" + "\\u0301\\u0323" * 5_000))
    31
    """
    return text if len(text) < _SHORT or text.isascii() else _long_runs().sub(r"\1", text)


@lru_cache(maxsize=1)
def _long_runs() -> re.Pattern[str]:
    marks = "".join(chr(code) for first, last in _RANGES for code in range(first, last) if unicodedata.combining(chr(code)))
    return re.compile(f"([{re.escape(marks)}]{{{MAX_MARKS}}})[{re.escape(marks)}]+")
