"""A bulletin as a PDF: typeset by Typst with the fonts that it brings along. The same figures give the same bytes; nothing is fetched.

What strangers wrote reaches the typesetter as JSON and is printed as text: it is never read as markup, whatever characters it holds.
A letter that the fonts have none for (they have Latin, Greek and Cyrillic, not Chinese) is printed as a box.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from streams.bulletin.compose import document_of
from streams.bulletin.figures import Bulletin
from streams.bulletin.wording import Language
from streams.clock import week_start
from streams.errors import ConfigError

if TYPE_CHECKING:
    import typst

TEMPLATE = Path(__file__).with_name("templates") / "bulletin.typ"


def to_pdf(found: Bulletin, language: Language = "en") -> bytes:
    """The bulletin as pages of A4.

    Raises:
        ConfigError: if the typesetter is not installed.
    """
    return _compiler(found, language).compile(format="pdf", timestamp=_made_at(found.week))  # type: ignore[return-value]


def to_pictures(found: Bulletin, language: Language = "en", *, dots_per_inch: float = 100.0) -> list[bytes]:
    """Each page of the PDF as a PNG, to look at.

    Raises:
        ConfigError: if the typesetter is not installed.
    """
    pages = _compiler(found, language).compile(format="png", ppi=dots_per_inch)
    return pages if isinstance(pages, list) else [pages or b""]


def _compiler(found: Bulletin, language: Language) -> typst.Compiler:
    try:
        import typst
    except ImportError as error:
        raise ConfigError(
            "A PDF can't be made: the typesetter is not installed", where="the package `typst`",
            expected="Bellwether with its extra `pdf`", todo="pip install 'bellwether[pdf]', or choose --format html",
        ) from error  # fmt: skip
    files: dict[str, bytes] = {"main.typ": TEMPLATE.read_bytes(), "document.json": _data(found, language)}
    # The stubs of typst don't know of several files in memory.
    return typst.Compiler(files, ignore_system_fonts=True)  # type: ignore[type-var]


def _data(found: Bulletin, language: Language) -> bytes:
    """What the template prints. `apart` are the headlines of pairs, `many` says that there are such."""
    fields = asdict(document_of(found, language))
    many = not found.asked
    last = len(fields["sections"]) - bool(found.since)
    for number, section in enumerate(fields["sections"]):
        section["apart"] = many and section["level"] == 2 and 0 < number < last
    text = json.dumps({**fields, "week": found.week, "many": many}, ensure_ascii=False)
    # A number and its percent sign stay on one line.
    return text.replace(" %", "\u00a0%").encode("utf-8", "replace")


def _made_at(week: str) -> datetime:
    """The time that the PDF bears: the end of its week, since no clock is asked."""
    end = week_start(week) + timedelta(weeks=1) if week else datetime.fromtimestamp(0, UTC).date()
    return datetime.combine(end, time(), UTC)
