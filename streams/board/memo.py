"""Values that are made from the whole model, kept while it does not change: many readers ask for the same. Pure."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from streams.board.model import BoardModel

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Memo(Generic[Key, Value]):
    """The last values of one revision of the model; the model must be held still by the caller.

    Args:
        make: makes the value of a key.
        revision: what stays equal as long as the values do.
        at_most: values kept; more of one revision, and it starts again.
    """

    def __init__(
        self, model: BoardModel, make: Callable[[BoardModel, Key], Value], *,
        revision: Callable[[BoardModel], object] = lambda model: model.revision, at_most: int = 64,
    ) -> None:  # fmt: skip
        self._model = model
        self._make = make
        self._at_most = at_most
        self._revision_of = revision
        self._revision: object = None
        self._held: dict[Key, Value] = {}

    def get(self, key: Key) -> Value:
        """The value of `key`, of the model as it is."""
        revision = self._revision_of(self._model)
        if self._revision != revision or len(self._held) >= self._at_most:
            self._held.clear()
            self._revision = revision
        if key not in self._held:
            self._held[key] = self._make(self._model, key)
        return self._held[key]
