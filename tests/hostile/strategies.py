"""What Hypothesis makes of the ways in: odd text, JSON that is nearly right, feeds cut and spliced."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from streams.ingest.article import KNOWN_FIELDS
from tests.helpers.ingesting import rss

#: Every code point, lone surrogates included, and the pieces that have meant trouble.
ODD_TEXT = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=60),
    st.sampled_from(("<", "</", "<!--", "<![CDATA[", "]]>", "&#xD800;", "&#0;", "\x00", "\u202e", "\x1b[2J", "|", "\n", "=1+1", "a" + "\u0301" * 40)),
    st.lists(st.sampled_from(("<p>", "<svg>", "<a href='", '"', "&", "&amp;", "x", " ", "\ud800", "\U0001f600")), max_size=30).map("".join),
)  # fmt: skip
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-(10**25), 10**25), st.floats(), ODD_TEXT)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ODD_TEXT, inner, max_size=4), max_leaves=12
)
RAW = st.dictionaries(st.one_of(st.sampled_from(sorted(KNOWN_FIELDS)), ODD_TEXT), VALUES, max_size=8)
_BODIES = st.one_of(VALUES.map(json.dumps), st.lists(RAW, max_size=5).map(json.dumps), RAW.map(json.dumps)).map(str.encode)


@st.composite
def spliced(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """Bytes with up to three places cut out, doubled, or replaced by noise."""
    data = draw(whole)
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 40)))
        data = data[:start] + draw(st.one_of(st.just(b""), st.just(data[start:end] * 2), st.binary(max_size=12))) + data[end:]
    return data


JSON_BODIES = spliced(_BODIES)
LINE_BODIES = spliced(st.lists(RAW.map(json.dumps), max_size=5).map("\n".join).map(str.encode))
FEEDS = spliced(
    st.lists(st.tuples(*[st.text(st.characters(min_codepoint=32, max_codepoint=0xD7FF), max_size=20)] * 3), max_size=4).map(
        lambda items: rss(*items)
    )
)
