"""The signals, by definition: every label and domain that the product knows, in one place.

A new label is a member here, examples in `models/corpus/`, and `bellwether train`. Nothing else names the labels one by one.
"""

from __future__ import annotations

from enum import StrEnum

#: Goes up whenever a label or domain is added, removed or redefined: a model trained for another version is refused.
LABEL_VERSION = 1


class Label(StrEnum):
    """How a state (the source) behaves towards a partner in one news item; an item may carry several, or none."""

    COOPERATION = "cooperation"
    SYMBOLIC_ALLEGIANCE = "symbolic-allegiance"
    HEDGING = "hedging"


class Domain(StrEnum):
    """What an item is about; an item may touch several."""

    SECURITY = "security"
    ECONOMY = "economy"
    POLITICS = "politics"
    SOCIETY = "society"


LABELS: tuple[Label, ...] = tuple(Label)
DOMAINS: tuple[Domain, ...] = tuple(Domain)
#: What the model scores, in the order of its outputs.
TARGETS: tuple[str, ...] = (*LABELS, *DOMAINS)

DEFINITIONS: dict[Label, str] = {
    Label.COOPERATION: "The source does, agrees, prepares or extends practical joint work with the partner.",
    Label.SYMBOLIC_ALLEGIANCE: "The source publicly displays closeness or loyalty to the partner; the display is the point.",
    Label.HEDGING: "The source keeps room from the partner: avoids, limits or offsets commitment without breaking with it.",
}

#: Whether a label speaks for a lean towards the partner, or for distance: a reading of one direction is weighed against the other.
LEANS_TOWARDS: dict[Label, bool] = {
    Label.COOPERATION: True,
    Label.SYMBOLIC_ALLEGIANCE: True,
    Label.HEDGING: False,
}
