"""English names of the codes that a pair is made of, from the actor lexicon; a code without a name stands for itself."""

from __future__ import annotations

from functools import cache

from models.actors.lexicon import read_table
from models.errors import ModelError

# Most blocs are known by their acronyms, which are their codes; these read better in words. And for some states the long form
# that comes first in the lexicon is not what a table's heading wants.
_BETTER = {
    "EU": "European Union", "UN": "United Nations", "AU": "African Union", "ARAB": "Arab League", "INTERPOL": "Interpol",
    "COUNCILOFEUROPE": "Council of Europe", "PACIFICFORUM": "Pacific Islands Forum", "UNIONSTATE": "Union State",
    "WARSAWPACT": "Warsaw Pact", "WORLDBANK": "World Bank", "USA": "United States", "COG": "Congo (Brazzaville)", "COD": "DR Congo",
}  # fmt: skip


@cache
def _names() -> dict[str, str]:
    try:
        rows = read_table("states_en.tsv", ("code", "names", "capitals", "demonyms", "people"))
    except ModelError:
        return dict(_BETTER)
    return {row["code"]: row["names"].split("|")[0] for row in rows if row["names"]} | _BETTER


def name_of(code: str) -> str:
    """`Belarus` for `BLR`."""
    return _names().get(code, code)
