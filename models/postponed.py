"""Imports that are put off: what a library imports at its top and hardly ever uses need not delay the start of every process.

scikit-learn imports `scipy.stats` for a few functions that no vectorizer calls. That import alone takes as long as half of scikit-learn.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType
from typing import Any


class _Postponed(ModuleType):
    """Stands for a module until something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # the import system looks for these, and takes none for an answer
            raise AttributeError(name)
        _withdraw(self)
        return getattr(importlib.import_module(self.__name__), name)


def _withdraw(stand_in: _Postponed) -> None:
    if sys.modules.get(stand_in.__name__) is stand_in:
        del sys.modules[stand_in.__name__]


@contextmanager
def postponed(name: str) -> Iterator[None]:
    """Within it `import name` costs nothing: the module is imported when something of it is used, be it within or afterwards.

    Whoever imports the module later gets the module itself. One that is imported already stays as it is.

    Args:
        name: of a module, with its package.
    """
    if name in sys.modules:
        yield
        return
    stand_in = _Postponed(name)
    stand_in.__spec__ = find_spec(name)
    stand_in.__path__ = list((stand_in.__spec__ and stand_in.__spec__.submodule_search_locations) or ())
    sys.modules[name] = stand_in
    try:
        yield
    finally:
        _withdraw(stand_in)
