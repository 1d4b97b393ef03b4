"""A comparison for people: Markdown, or one HTML file that needs nothing but itself. Pure; the same comparison gives the same bytes."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import jinja2
from markupsafe import Markup

from streams.bulletin.render import escape_markdown
from streams.comparison.compare import Comparison, Side

_HERE = Path(__file__).parent


def to_markdown(found: Comparison) -> str:
    """The comparison as Markdown; what outlets wrote is escaped, so that it can't become a link or a heading."""
    environment = jinja2.Environment(
        autoescape=False,  # noqa: S701 - no HTML: `finalize` escapes for Markdown
        finalize=lambda value: value if isinstance(value, Markup) else escape_markdown(str(value)),
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return _render(environment, "report.md", found)


def to_html(found: Comparison) -> str:
    """The comparison as an HTML page."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return _render(environment, "report.html", found)


def _render(environment: jinja2.Environment, name: str, found: Comparison) -> str:
    environment.filters |= {
        "n": lambda value: f"{value:,}",
        "signed": lambda value: f"{'+' if value > 0 else '−' if value < 0 else '±'}{abs(value):,}",
        "p": lambda value: "not scored" if value is None else f"{value:.2f}",
        "kept": lambda value: "" if value is None else f" ({value:.0%} to last 4 weeks)",
        "is_web": lambda url: urlsplit(url).scheme in ("http", "https"),
    }
    template = environment.from_string((_HERE / name).read_text(encoding="utf-8"))
    return template.render(c=found, outcomes=_outcomes, left=_left, letters=_letters, series=_series).strip() + "\n"


def _outcomes(side: Side) -> str:
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in side.outcomes.items() if count) or "no article yet"


def _left(side: Side) -> str:
    return ", ".join(f"{count:,} records before {stage}" for stage, count in side.left.items() if count)


def _letters(side: Side) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in side.dead_letters.items()) or "none"


def _series(side: Side) -> str:
    return ", ".join(f"{count:,} {status}" for status, count in side.series.items()) or "none judged"
