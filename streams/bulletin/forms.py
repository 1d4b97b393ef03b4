"""Every form that a bulletin can be written in, as bytes: the texts of `render.py`, and the PDF of `pdf.py`."""

from __future__ import annotations

from streams.bulletin.figures import Bulletin
from streams.bulletin.pdf import to_pdf
from streams.bulletin.render import RENDERERS
from streams.bulletin.wording import Language

#: Form -> its media type. The form is the ending of a file's name, too.
MEDIA_TYPES = {
    "md": "text/markdown; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "json": "application/json",
}


def written(form: str, found: Bulletin, language: Language) -> bytes:
    """The bulletin in one of `MEDIA_TYPES`.

    Raises:
        ConfigError: for `pdf`, if the typesetter is not installed.
    """
    if form == "pdf":
        return to_pdf(found, language)
    return RENDERERS[form](found, language).encode("utf-8", "replace")
