"""Every hostile case, in the order of the ways in."""

from __future__ import annotations

from tests.hostile import archives, articles, charsets, feeds, odd_feeds, odd_pushes, pushes, servers
from tests.hostile.case import Case, Path

CASES: tuple[Case, ...] = (
    *feeds.CASES, *charsets.CASES, *odd_feeds.CASES, *servers.CASES, *archives.CASES, *pushes.CASES, *odd_pushes.CASES, *articles.CASES
)  # fmt: skip
PATHS: tuple[Path, ...] = ("feed", "server", "archive", "push", "connection", "classify")
