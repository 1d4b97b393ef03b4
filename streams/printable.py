"""What strangers wrote, made fit for a terminal and a log: nothing in it can move the cursor, turn the line round or end it early."""

from __future__ import annotations

import re

# Control characters of both sets, marks that hide or turn text round, separators that some viewers take for a line end, and lone
# surrogates, which no terminal can be given.
_HARMFUL = "\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
_IN_TEXT = re.compile(f"[{_HARMFUL}]")
_IN_LINE = re.compile(f"[\t\n{_HARMFUL}]")


def printable(text: str) -> str:
    """The text with what is harmful written as JSON escapes, so that JSON stays the same JSON; line ends and tabs stay.

    >>> printable("a\\x1b[31m\\nb")
    'a\\\\u001b[31m\\nb'
    """
    return text if text.isascii() and text.isprintable() else _IN_TEXT.sub(_escape, text)


def printable_line(text: str) -> str:
    """The same on one line: line ends and tabs are escaped, too."""
    return text if text.isascii() and text.isprintable() else _IN_LINE.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
