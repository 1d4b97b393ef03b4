"""Explanations as HTML: one for a notebook, or many as a page that needs nothing but itself. Every text of an item is escaped."""

from __future__ import annotations

import re
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape
from markupsafe import Markup

from models.explanation import Explanation
from models.labels import LABELS

# Characters that HTML does not allow, and marks that turn text round.
_NOT_HTML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef\ud800-\udfff]")


def _clean(value: object) -> object:
    return value if isinstance(value, Markup) else _NOT_HTML.sub("\ufffd", str(value))


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("models", "pages"), autoescape=select_autoescape(), finalize=_clean, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )  # fmt: skip
    return environment.get_template("explanation.html")


def to_fragment(found: Explanation) -> str:
    """One explanation with its style, to stand in another page."""
    return _template().render(part="fragment", found=found, labels=list(map(str, LABELS)))


def page_start(title: str) -> str:
    """The head of a page of explanations, which are written one by one, so that long input need not be held."""
    return _template().render(part="head", title=title, labels=list(map(str, LABELS)))


def page_item(found: Explanation) -> str:
    """One explanation of the page."""
    return _template().render(part="item", found=found, labels=list(map(str, LABELS)))


def page_end() -> str:
    """The end of the page."""
    return _template().render(part="foot", labels=list(map(str, LABELS)))
