"""The HTML templates of `models/pages`: every value is escaped, and freed of what HTML does not allow."""

from __future__ import annotations

import re
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape
from markupsafe import Markup

# Characters that HTML does not allow, and marks that turn text round.
_NOT_HTML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef\ud800-\udfff]")


def _clean(value: object) -> object:
    return value if isinstance(value, Markup) else _NOT_HTML.sub("\ufffd", str(value))


@cache
def page_template(name: str) -> Template:
    """A template by its file's name."""
    environment = Environment(
        loader=PackageLoader("models", "pages"), autoescape=select_autoescape(), finalize=_clean, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )  # fmt: skip
    return environment.get_template(name)
