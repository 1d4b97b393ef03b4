"""Rows of the overview's table as markup, kept until the pair changes: on a page of 200 pairs, nearly all are as they were."""

from __future__ import annotations

from collections import OrderedDict

import jinja2
from markupsafe import Markup

from streams.board.model import BoardModel
from streams.board.queries import pair_row
from streams.board.svg import SLOT
from streams.board.view import View
from streams.board.weeks import SHARE_WEEKS, STRIP_WEEKS, year_starts

#: Most rows kept; a row is about 5 kB.
MOST_ROWS = 2_000


class RowCache:
    """The rows last asked for; the model must be held still by the caller."""

    def __init__(self, model: BoardModel, templates: jinja2.Environment, at_most: int = MOST_ROWS) -> None:
        self._model = model
        self._template = templates.get_template("row.html")
        self._at_most = at_most
        self._rows: OrderedDict[tuple[str, int, View], Markup] = OrderedDict()

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, pair: str, view: View) -> Markup:
        """The `<tr>` of a shown pair."""
        key = (pair, self._model.pair_revision(pair), view)
        row = self._rows.pop(key, None)
        if row is None:
            # Rendered by a template that escapes everything, so that it may stand in another one as it is.
            found = pair_row(self._model, pair, view.domain, view.until)
            row = Markup(self._template.render(row=found, view=view, **time_axis(view.until)))  # noqa: S704
        self._rows[key] = row
        if len(self._rows) > self._at_most:
            self._rows.popitem(last=False)
        return row


def time_axis(until: int) -> dict[str, object]:
    """What all strips share: their width in units, where years begin, where the 13 weeks of the share lie."""
    first = until - STRIP_WEEKS + 1
    years = [(number - first) * SLOT for number, _ in year_starts(first, until) if number > first]
    return {
        "years_path": "".join(f"M{x} 0V40" for x in years), "strip_width": STRIP_WEEKS * SLOT,
        "recent_x": (STRIP_WEEKS - SHARE_WEEKS) * SLOT, "recent_width": SHARE_WEEKS * SLOT,
    }  # fmt: skip
