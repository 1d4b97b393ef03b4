"""Every hostile case, in the order of the ways in."""

from __future__ import annotations

from tests.hostile import archives, articles, feeds, pushes
from tests.hostile.case import Case, Path

CASES: tuple[Case, ...] = (*feeds.CASES, *archives.CASES, *pushes.CASES, *articles.CASES)
PATHS: tuple[Path, ...] = ("feed", "archive", "push", "connection", "classify")
