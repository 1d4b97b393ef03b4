"""Explanations as HTML: one for a notebook, or many as a page that needs nothing but itself. Every text of an item is escaped."""

from __future__ import annotations

from models.explanation import Explanation
from models.labels import LABELS
from models.page_templates import page_template

_PAGE = "explanation.html"


def to_fragment(found: Explanation) -> str:
    """One explanation with its style, to stand in another page."""
    return page_template(_PAGE).render(part="fragment", found=found, labels=list(map(str, LABELS)))


def page_start(title: str) -> str:
    """The head of a page of explanations, which are written one by one, so that long input need not be held."""
    return page_template(_PAGE).render(part="head", title=title, labels=list(map(str, LABELS)))


def page_item(found: Explanation) -> str:
    """One explanation of the page."""
    return page_template(_PAGE).render(part="item", found=found, labels=list(map(str, LABELS)))


def page_end() -> str:
    """The end of the page."""
    return page_template(_PAGE).render(part="foot", labels=list(map(str, LABELS)))
