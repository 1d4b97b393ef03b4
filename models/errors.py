"""The one error of `models`: it says what happened, where, what was expected and what to do.

It has the fields of the errors of `streams`, so that a caller can log either, but stands alone: `models` imports nothing from there.
"""

from __future__ import annotations


class ModelError(ValueError):
    """A model, a lexicon or a corpus file is missing, damaged, or not the one that this version was built for.

    Args:
        what: what happened, in one sentence.
        where: the file (and line) that it happened at.
        expected: what should have been there.
        todo: what the reader can do about it.
    """

    def __init__(self, what: str, *, where: str = "", expected: str = "", todo: str = "") -> None:
        self.what = what
        self.where = where
        self.expected = expected
        self.todo = todo
        super().__init__(str(self))

    def __str__(self) -> str:
        parts = [self.what]
        if self.where:
            parts.append(f"where: {self.where}")
        if self.expected:
            parts.append(f"expected: {self.expected}")
        if self.todo:
            parts.append(f"what to do: {self.todo}")
        return "\n  ".join(parts)
