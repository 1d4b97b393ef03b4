"""Runs every hostile case and writes the table of docs/security-inputs.md: `python -m tests.hostile`."""

from __future__ import annotations

import os
import platform
import re
import sys
import tempfile
from pathlib import Path as FilePath

from tests.hostile.case import MAX_DELAY_SECONDS, MAX_EXTRA_BYTES, MAX_SECONDS, MEGABYTE, Case, Measured
from tests.hostile.catalogue import CASES, PATHS
from tests.hostile.running import CaseProcess

PAGE = FilePath(__file__).parents[2] / "docs" / "security-inputs.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"


def main() -> int:
    """The number of cases that have another answer than theirs, or break a bound."""
    rows, faults = ["| way in | input | answer | s | MB | others waited, s |", "| --- | --- | --- | ---: | ---: | ---: |"], 0
    with tempfile.TemporaryDirectory() as folder:
        processes = {path: CaseProcess(path, FilePath(folder)) for path in PATHS}
        for case in CASES:
            found = processes[case.path].run(case)
            faults += not _is_good(case, found)
            rows.append(_row(case, found))
            print(rows[-1], "" if _is_good(case, found) else "  <- WRONG", flush=True)
        for process in processes.values():
            process.close()
    page = PAGE.read_text(encoding="utf-8")
    head, _, rest = page.partition(BEGIN)
    table = f"{_machine()}; {len(CASES)} cases.\n\n" + "\n".join(rows)
    PAGE.write_text(f"{head}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}", encoding="utf-8")
    return faults


def _machine() -> str:
    return f"{len(os.sched_getaffinity(0))} cores, {platform.machine()}, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}"


def _is_good(case: Case, found: Measured) -> bool:
    return (
        found.answer.startswith(case.answers) and found.seconds <= MAX_SECONDS and found.extra_bytes <= MAX_EXTRA_BYTES
        and found.delay_seconds <= MAX_DELAY_SECONDS
    )  # fmt: skip


def _row(case: Case, found: Measured) -> str:
    answer = re.sub(r"[|<>`]", lambda mark: f"&#{ord(mark[0])};", found.answer[:90])
    name = re.sub(r"[|<>`]", lambda mark: f"&#{ord(mark[0])};", case.name)
    waited = f"{found.delay_seconds:.2f}" if case.path in ("feed", "server", "push", "connection") else ""
    return f"| {case.path} | {name} | {answer} | {found.seconds:.2f} | {found.extra_bytes / MEGABYTE:.0f} | {waited} |"


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
