"""What strangers wrote, cut and made fit for print: quotes of at most 30 words, titles on one line, addresses that are addresses. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from streams.printable import printable_line

MOST_WORDS, QUOTE_CHARS, TITLE_CHARS, OUTLET_CHARS, URL_CHARS = 30, 400, 200, 80, 2_000
_NOT_IN_URL = re.compile(r"[^!#$%&'*+,\-./0-9:;=?@A-Z_a-z~]")


def quote(sentence: str, terms: Sequence[str] = ()) -> str:
    """At most 30 words of a sentence; of a longer one the run of words that holds most of `terms`, the first of such runs.

    >>> quote("a b c")
    'a b c'
    """
    words = one_line(sentence, 20 * QUOTE_CHARS).split(" ")
    start = _best_start(words, {part.casefold() for term in terms for part in term.split()})
    chosen = words[start : start + MOST_WORDS]
    text = shorten(" ".join(chosen), QUOTE_CHARS)
    if start:
        text = "…" + text
    return text + "…" if start + MOST_WORDS < len(words) and not text.endswith("…") else text


def _best_start(words: Sequence[str], wanted: set[str]) -> int:
    if len(words) <= MOST_WORDS:
        return 0
    hits = [any(term in word.casefold() for term in wanted) for word in words]
    starts = range(len(words) - MOST_WORDS + 1)
    return max(starts, key=lambda start: (sum(hits[start : start + MOST_WORDS]), -start))


def one_line(text: str, chars: int) -> str:
    """The text on one line, at most `chars` long, with nothing in it that steers a terminal or turns the line round."""
    return shorten(printable_line(" ".join(text.split())), chars)


def shorten(text: str, chars: int) -> str:
    """The text, cut to `chars` with a mark."""
    return text if len(text) <= chars else text[: chars - 1].rstrip() + "…"


def link_target(url: str) -> str:
    """The address with every character that could end a link escaped; empty where it is not one of http or https.

    >>> link_target("javascript:alert(1)"), link_target("https://a.invalid/b c)")
    ('', 'https://a.invalid/b%20c%29')
    """
    url = url.strip()
    if len(url) > URL_CHARS or any(char.isspace() and char != " " for char in url):
        return ""
    try:
        parts = urlsplit(url)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return ""
    return (
        _NOT_IN_URL.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "replace")), url)
        if is_web
        else ""
    )
