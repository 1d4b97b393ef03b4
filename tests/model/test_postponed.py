"""What is put off is not missed: it is there as soon as it is used, and nothing is imported before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from models.postponed import postponed


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package that counts in a file how often it is imported."""
    package = tmp_path / "slow_package"
    package.mkdir()
    (package / "__init__.py").write_text("open(__file__ + '.log', 'a').write('x')\nvalue = 7\n", encoding="utf-8")
    (package / "part.py").write_text("from slow_package import value\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("slow_package", "slow_package.part"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return str(package / "__init__.py.log")


def test_a_module_is_imported_when_something_of_it_is_used(module: str) -> None:
    with postponed("slow_package"):
        import slow_package  # type: ignore[import-not-found]
    assert not Path(module).exists()
    assert slow_package.value == 7
    assert slow_package.value == 7
    assert Path(module).read_text(encoding="utf-8") == "x"


def test_a_module_that_is_used_within_is_imported_within(module: str) -> None:
    with postponed("slow_package"):
        from slow_package import value
    assert value == 7
    assert type(sys.modules["slow_package"]).__name__ == "module"


def test_whoever_imports_afterwards_gets_the_module_itself(module: str) -> None:
    with postponed("slow_package"):
        import slow_package as stand_in
    import slow_package.part  # type: ignore[import-not-found]

    assert slow_package is not stand_in
    assert slow_package.part.value == stand_in.value == 7
    assert Path(module).read_text(encoding="utf-8") == "x"


def test_what_a_module_lacks_is_missing_all_the_same(module: str) -> None:
    with postponed("slow_package"):
        import slow_package
    with pytest.raises(AttributeError, match="nothing"):
        _ = slow_package.nothing


def test_a_module_that_is_imported_already_stays_as_it_is() -> None:
    with postponed("json"):
        import json
    assert json is sys.modules["json"]


def test_to_classify_loads_neither_the_statistics_nor_the_solvers_of_the_libraries() -> None:
    """They take a second of each start; training and evaluation load them when they need them."""
    loaded = "import sys, models.predict; print(*sorted({'scipy.stats', 'sklearn.linear_model', 'skops'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == []
