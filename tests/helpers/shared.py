"""Where the real data for tests may be: beside the checkout, never inside it. Tests skip, saying so, where it is absent."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared"


def shared_file(relative: str) -> Path:
    """The path of a file of the shared data; skips the calling test when it is not on this machine."""
    path = SHARED / relative
    if not path.exists():
        pytest.skip(f"the shared data is not beside this checkout: {relative}")
    return path
