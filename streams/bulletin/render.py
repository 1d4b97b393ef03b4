"""A bulletin as Markdown, as one HTML file that needs nothing but itself, and as JSON. Pure; the same figures give the same bytes.

Markdown: every value is escaped unless it is marked as Bellwether's own, so that a title cannot become a link, a heading or HTML.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import jinja2
import msgspec
from markupsafe import Markup

from streams.bulletin.compose import Document, document_of, headline
from streams.bulletin.figures import Bulletin
from streams.bulletin.wording import Language, words_of

TEMPLATES = Path(__file__).with_name("templates")
_SPECIAL = re.compile(r"([\\`*_\[\]<>&|~$@#])")
_LINKED = re.compile(r"(?i)\b(https?|ftp|mailto|xmpp|www)([:.])")


def escape_markdown(text: str) -> str:
    """The text so that Markdown (CommonMark, and GitHub's) shows it as it stands.

    >>> print(escape_markdown("[a](http://b) <i>*c*</i>"))
    \\[a\\](http\\://b) \\<i\\>\\*c\\*\\</i\\>
    """
    return _LINKED.sub(r"\1\\\2", _SPECIAL.sub(r"\\\1", text))


def to_markdown(found: Bulletin, language: Language = "en") -> str:
    """The bulletin as Markdown, with a line end at its end."""
    environment = jinja2.Environment(
        autoescape=False,  # noqa: S701 - no HTML: `finalize` escapes for Markdown
        finalize=_for_markdown,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["own"] = Markup
    return _render(environment, "bulletin.md", document_of(found, language))


def _for_markdown(value: object) -> object:
    return value if isinstance(value, Markup) else escape_markdown(str(value))


def to_html(found: Bulletin, language: Language = "en") -> str:
    """The bulletin as an HTML page."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return _render(environment, "bulletin.html", document_of(found, language))


def _render(environment: jinja2.Environment, name: str, document: Document) -> str:
    template = environment.from_string((TEMPLATES / name).read_text(encoding="utf-8"))
    return template.render(document=document).strip() + "\n"


def to_json(found: Bulletin, language: Language = "en") -> str:
    """The figures as one line of JSON, with its line end; headlines in the language."""
    words = words_of(language)
    data = msgspec.to_builtins(asdict(found))
    for fields, pair in zip(data["pairs"], found.pairs, strict=True):
        fields |= {"pair": pair.key, "headline": headline(pair, words), "is_quiet": pair.is_quiet}
    return json.dumps({"language": language, "title": document_of(found, language).title, **data}, ensure_ascii=False) + "\n"


#: What a bulletin can be written as.
RENDERERS: dict[str, Callable[[Bulletin, Language], str]] = {"md": to_markdown, "html": to_html, "json": to_json}
