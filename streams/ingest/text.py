"""Text that strangers wrote, made safe to keep: HTML to text, one form of Unicode, no control characters.

Pure and linear in the length of the input, whatever stands in it: the scanner never looks at a character twice for the same
reason, so unclosed tags, a million `<` or nested tables cost no more than plain prose.
"""

from __future__ import annotations

import html
import re
import unicodedata

from streams.marks import bounded_marks


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Elements whose content nobody reads; an unclosed one of the first kind swallows the rest, as it does in a browser.
_RAW_ELEMENTS = frozenset({"script", "style", "iframe", "noframes", "noembed"})
_DROPPED_ELEMENTS = _RAW_ELEMENTS | {"template", "svg", "math", "object"}
_BLOCKS = _names(
    "address article aside blockquote br caption center dd details div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 "
    "header hr li main nav ol p pre section summary table tbody tfoot thead tr ul"
)
_CELLS = frozenset({"td", "th"})
_INLINE = _names(
    "a abbr acronym audio b bdi bdo big body button cite code col colgroup data del dfn em embed font head html i img input ins kbd label "
    "link mark meta noscript param picture q s samp small source span strike strong sub sup time title tt u var video wbr"
)
_KNOWN_TAG = re.compile(
    r"<(?=[/!a-z])(?:/?(?:"
    + "|".join(sorted(_BLOCKS | _CELLS | _INLINE | _DROPPED_ELEMENTS, key=len, reverse=True))
    + r")(?=[\s/>])|!--|!\[CDATA\[)",
    re.IGNORECASE,
)
_TAG_NAME = re.compile(r"/?([a-zA-Z][a-zA-Z0-9:-]{0,40})")
#: Where a tag, a comment or a declaration may begin; any other "<" is text.
_OPENING = re.compile(r"<(?=[!?]|/?[a-zA-Z])")
_TAG_STOP = re.compile(r"[>\"']")
_CLOSE = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in _DROPPED_ELEMENTS}
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")

# Control characters, and those that hide or turn text round: zero-width marks, bidirectional overrides, soft hyphens, line and
# paragraph separators, tags (letters that nobody sees), and what is no character at all. The joiners U+200C and U+200D stay: Persian and the Indic scripts are written with them.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_SPACES = re.compile(r"[^\S\n]+")
_LINES = re.compile(r" ?(?:\n ?)+")
_LINE_ENDS = re.compile("\r\n?|\x85|\u2028|\u2029")


def clean_text(raw: str, *, one_line: bool = False) -> str:
    """Readable text from what a feed or an archive holds: NFC, no tags, entities resolved, white space collapsed.

    HTML is recognised by a tag that HTML knows, so `a < b` and `<john@example.org>` stay as they are in plain text.

    Args:
        raw: any string, lone surrogates included.
        one_line: whether paragraph breaks (kept as one newline) become spaces too, as in a title.

    >>> clean_text("<p>Minsk &amp; Moscow</p><p>signed<br>it</p>")
    'Minsk & Moscow\\nsigned\\nit'
    """
    text = raw
    if "<" in text and _KNOWN_TAG.search(text):
        text = html_to_text(text)
    elif "&" in text and _ENTITY.search(text):
        text = html.unescape(text)
    return normalise(text, one_line=one_line)


def normalise(text: str, *, one_line: bool = False) -> str:
    """NFC without control, hidden or lone surrogate characters; white space collapsed. See `clean_text`."""
    text = bounded_marks(mend_surrogates(text))
    if not text.isascii() and not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    text = _HIDDEN.sub("", _LINE_ENDS.sub("\n", text))
    text = _SPACES.sub(" ", text)
    text = _LINES.sub(" " if one_line else "\n", text)
    return text.strip()


def mend_surrogates(text: str) -> str:
    """The text with surrogate pairs joined and lone surrogates replaced by U+FFFD: it encodes to UTF-8.

    >>> mend_surrogates("a\\ud83d\\ude00b\\ud800")
    'a😀b�'
    """
    if text.isascii() or not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def html_to_text(markup: str) -> str:
    """The text of HTML, blocks on lines of their own, entities resolved; scripts, styles and comments left out.

    Tags need not be closed or nested properly. What can't be a tag stays as text.
    """
    markup = markup.replace("<![CDATA[", "").replace("]]>", "")
    pieces: list[str] = []
    unclosed: set[str] = set()
    position = 0
    while True:
        found = _OPENING.search(markup, position)
        if found is None:
            pieces.append(html.unescape(markup[position:]))
            break
        opening = found.start()
        pieces.append(html.unescape(markup[position:opening]))
        position, written = _read_markup(markup, opening, unclosed)
        if written:
            pieces.append(written)
    return "".join(pieces)


def _read_markup(markup: str, opening: int, unclosed: set[str]) -> tuple[int, str]:
    # Where the text goes on after the "<" at `opening`, and what stands for it in the text. `unclosed`: elements that have no
    # closing tag from here on, so that nobody searches for it again.
    if markup.startswith("<!--", opening):
        return _after(markup, "-->", opening + 4), ""
    if markup.startswith(("<!", "<?"), opening):
        return _after(markup, ">", opening + 2), ""
    found = _TAG_NAME.match(markup, opening + 1)
    if found is None:
        return opening + 1, "<"
    name = found[1].lower()
    end = _tag_end(markup, found.end())
    if name in _DROPPED_ELEMENTS and markup[opening + 1] != "/" and markup[end - 2 : end] != "/>":
        return _after_element(markup, name, end, unclosed), " "
    if name in _BLOCKS:
        return end, "\n"
    return end, " " if name in _CELLS else ""


def _after(markup: str, mark: str, start: int) -> int:
    end = markup.find(mark, start)
    return len(markup) if end < 0 else end + len(mark)


def _tag_end(markup: str, start: int) -> int:
    # Past the ">" that closes the tag; a ">" in a quoted attribute does not. A tag that is never closed takes the rest, so that
    # no part of the input is searched for its end again.
    position = start
    while True:
        stop = _TAG_STOP.search(markup, position)
        if stop is None:
            return len(markup)
        if stop[0] == ">":
            return stop.end()
        closing = markup.find(stop[0], stop.end())
        if closing < 0:
            return _after(markup, ">", stop.end())
        position = closing + 1


def _after_element(markup: str, name: str, start: int, unclosed: set[str]) -> int:
    closing = None if name in unclosed else _CLOSE[name].search(markup, start)
    if closing is not None:
        return _after(markup, ">", closing.end())
    unclosed.add(name)
    return len(markup) if name in _RAW_ELEMENTS else start
