"""`make faults SEEDS=20`: every kind of fault with so many seeds, and the table in docs/faults.md. Fails unless all is exact."""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

import msgspec
import pytest

from tests.faults.kinds import KINDS
from tests.faults.runs import Row, Run, run
from tests.faults.truth import RememberingPredictor
from tests.helpers.stack import REPOSITORY

PAGE = REPOSITORY / "docs" / "faults.md"
START, END = "<!-- generated: faults -->", "<!-- end of generated: faults -->"


def main() -> int:
    """Runs, tells of each run as it ends, and writes the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="seeds of each kind")
    parser.add_argument("--first-seed", type=int, default=1, help="the first seed")
    parser.add_argument("--articles", type=int, default=20_000, help="records of each run")
    parser.add_argument("--rounds", type=int, default=10, help="faults of each run, more or less")
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=list(KINDS), help="some kinds only")
    parser.add_argument("--dry", action="store_true", help="leave docs/faults.md alone")
    parser.add_argument(
        "--resume", type=Path, help="a file of rows: what is in it is not run again, and what is done is added to it"
    )
    options = parser.parse_args()
    predictor = RememberingPredictor()
    rows = _kept_rows(options.resume)
    failed: list[str] = []
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        for kind in options.kinds:
            if (kind, seed, options.articles) in {(row.kind, row.seed, row.articles) for row in rows}:
                continue
            folder = Path(tempfile.mkdtemp(prefix="bellwether-faults-"))
            try:
                done = run(kind, seed, folder, predictor, articles=options.articles, rounds=options.rounds)
            except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - the other runs go on; the exit code tells
                failed.append(f"{kind}, seed {seed}: {type(error).__name__}: {error}")
                print(f"{failed[-1]}\n    its folder: {folder}", flush=True)
                continue
            print(_line(done), flush=True)
            if done.findings.differing:
                print(f"    its folder: {folder}", flush=True)
            else:
                shutil.rmtree(folder, ignore_errors=True)
            rows.append(done.row())
            if options.resume is not None:
                with options.resume.open("ab") as kept:
                    kept.write(msgspec.json.encode(rows[-1]) + b"\n")
            if not options.dry:
                write_page(rows)
    return 1 if failed or any(row.differing for row in rows) else 0


def _kept_rows(path: Path | None) -> list[Row]:
    if path is None or not path.exists():
        return []
    return [msgspec.json.decode(line, type=Row) for line in path.read_bytes().splitlines()]


def _line(done: Run) -> str:
    verdict = "exact" if not done.findings.differing else str(done.findings)
    return f"{done.kind}, seed {done.seed}: {done.faults} faults, {done.seconds:.0f} s: {verdict}"


def write_page(rows: list[Row]) -> None:
    """Puts the table between the markers."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{START}\n{table(rows)}\n{END}{after}", encoding="utf-8")


def table(rows: list[Row]) -> str:
    """One row for each run, and how long a killed worker took to tell of its first new articles."""
    lines = [
        "| fault | seed | records | times | workers that ended with a reason | counts, facts, tallies and dead letters that differ | seconds |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in sorted(rows, key=lambda row: (list(KINDS).index(row.kind), row.seed)):
        lines.append(
            f"| {row.kind} | {row.seed} | {row.articles:,} | {row.faults} | {row.ended_alone} | {row.differing} | {row.seconds:.0f} |"
        )
    restarts = sorted(seconds for row in rows for seconds in row.restarts)
    if restarts:
        lines += [
            "",
            f"From SIGKILL of a worker that is started again at once to the first new record of `progress`, {len(restarts)} times: "
            f"{restarts[0]:.1f} s at best, {statistics.median(restarts):.1f} s in the median, {restarts[-1]:.1f} s at worst, "
            "with everything of the run on the same two cores.",
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
