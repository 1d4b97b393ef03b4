"""The audit of the locks: what is vulnerable fails it, and silence is told from an answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deploy.audit import ask, read_report

FINE: dict[str, Any] = {"name": "aiohttp", "version": "3.14.5", "vulns": []}
BAD = {
    "name": "jinja2", "version": "3.0.0", "vulns": [{"id": "PYSEC-2099-1", "fix_versions": ["3.0.1"]}, {"id": "PYSEC-2099-2", "fix_versions": []}]
}  # fmt: skip
UNKNOWN = {"name": "uv", "skip_reason": "Dependency not found"}


@pytest.mark.parametrize(
    ("dependencies", "strict", "lenient"),
    [([FINE], 0, 0), ([FINE, UNKNOWN], 1, 0), ([FINE, BAD], 1, 1), ([UNKNOWN, BAD], 1, 1)],
    ids=["all answered", "somebody silent", "vulnerable", "vulnerable, and somebody silent"],
)
def test_a_vulnerability_always_fails_and_silence_fails_unless_it_is_allowed(
    dependencies: list[dict[str, Any]], strict: int, lenient: int
) -> None:
    audit = read_report({"dependencies": dependencies})
    assert (audit.exit_code(lenient=False), audit.exit_code(lenient=True)) == (strict, lenient)


def test_it_says_what_is_vulnerable_what_mends_it_and_about_what_nobody_could_be_asked() -> None:
    assert read_report({"dependencies": [FINE, BAD, UNKNOWN]}).lines() == [
        "jinja2 3.0.0: PYSEC-2099-1; mended in 3.0.1",
        "jinja2 3.0.0: PYSEC-2099-2; mended in no version yet",
        "audit: 2 distributions asked about, 2 vulnerabilities",
        "audit: NOBODY COULD BE ASKED about 1, such as uv: Dependency not found",
    ]


def test_where_it_can_t_be_run_nothing_counts_as_answered(tmp_path: Path) -> None:
    audit = ask(tmp_path / "no-such-tool")
    assert (audit.exit_code(lenient=False), audit.asked) == (1, [])
