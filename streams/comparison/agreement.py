"""How far two models agree on a label over the same articles. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

import msgspec

from models.labels import LABELS


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """One label over the articles that both editions hold in the same revision.

    Attributes:
        both, old_only, new_only, neither: articles in which it is decided by both models, by one, by none.
        kappa: agreement beyond chance (Cohen, 1960), -1 to 1; None where the label is in all articles or in none, by both.
    """

    label: str
    both: int
    old_only: int
    new_only: int
    neither: int
    kappa: float | None


def kappa_of(both: int, old_only: int, new_only: int, neither: int) -> float | None:
    """Cohen's kappa of a two-by-two table; None where chance alone would agree on everything.

    >>> kappa_of(20, 5, 10, 15)
    0.4
    """
    total = both + old_only + new_only + neither
    if not total:
        return None
    observed = (both + neither) / total
    old, new = (both + old_only) / total, (both + new_only) / total
    chance = old * new + (1 - old) * (1 - new)
    return round((observed - chance) / (1 - chance), 4) if chance < 1 else None


class AgreementCounter:
    """Counts article by article."""

    def __init__(self) -> None:
        self._tables: dict[str, Counter[tuple[bool, bool]]] = {str(label): Counter() for label in LABELS}

    def add(self, old: Collection[str], new: Collection[str]) -> None:
        """Takes in the labels that were decided in one article by either model."""
        for label, table in self._tables.items():
            table[label in old, label in new] += 1

    def results(self) -> list[Agreement]:
        """One for each label, in their order."""
        return [_agreement(label, table) for label, table in self._tables.items()]


def _agreement(label: str, table: Counter[tuple[bool, bool]]) -> Agreement:
    cells = table[True, True], table[True, False], table[False, True], table[False, False]
    both, old_only, new_only, neither = cells
    return Agreement(label=label, both=both, old_only=old_only, new_only=new_only, neither=neither, kappa=kappa_of(*cells))
