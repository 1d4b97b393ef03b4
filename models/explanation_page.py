"""Explanations as HTML: one for a notebook, or many as a page that needs nothing but itself. Every text of an item is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape

from models.explanation import Explanation
from models.labels import LABELS


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("models", "pages"), autoescape=select_autoescape(), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )  # fmt: skip
    return environment.get_template("explanation.html")


def to_fragment(found: Explanation) -> str:
    """One explanation with its style, to stand in another page."""
    return _template().render(part="fragment", found=found, labels=list(map(str, LABELS)))


def page_parts(explanations: Iterable[Explanation], title: str) -> Iterator[str]:
    """A whole page in parts, one for each explanation, so that long input need not be held."""
    labels = list(map(str, LABELS))
    yield _template().render(part="head", title=title, labels=labels)
    for found in explanations:
        yield _template().render(part="item", found=found, labels=labels)
    yield _template().render(part="foot", labels=labels)
