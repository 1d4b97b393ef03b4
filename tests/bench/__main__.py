"""`python -m tests.bench`: runs everything, and writes docs/benchmarks.json and the table in docs/benchmarks.md.

`--quick` runs few articles once, to see that it works; its figures mean nothing and are written only where `--out` says.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench import latency, loads, machine, recovery, report, restart
from tests.bench.field import open_field
from tests.bench.results import Results
from tests.bench.rounds import CONTENDERS, run_rounds
from tests.helpers.stack import REPOSITORY

PARTS = ("rounds", "latency", "restart", "recovery")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of everything."""

    articles: int
    rounds: int
    batch: int
    worker_batch: int
    latency_seconds: float
    restarts: int
    recovery_articles: int


FULL = Plan(articles=12_000, rounds=4, batch=512, worker_batch=256, latency_seconds=30, restarts=5, recovery_articles=60_000)
QUICK = Plan(articles=1_000, rounds=1, batch=64, worker_batch=64, latency_seconds=2, restarts=1, recovery_articles=1_000)


def main() -> None:
    """Parses the command line and runs."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Bellwether's benchmarks.")
    parser.add_argument("--quick", action="store_true", help="few articles, one round: only to see that it works")
    parser.add_argument("--rounds", type=int, help="rounds of all contenders")
    parser.add_argument("--articles", type=int, help="articles of one run")
    parser.add_argument("--worker-batch", type=int, help="most articles in a batch of Bellwether's worker")
    parser.add_argument("--only", action="append", default=[], choices=[c.key for c in CONTENDERS], help="only these contenders")
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS, help="only these; the others stay as they were")
    parser.add_argument("--linear", action="store_true", help="the linear model alone: what is not the model weighs more")
    parser.add_argument(
        "--out", type=Path, help="directory for the results; without it docs/, and nowhere with --quick, --only, --linear"
    )
    options = parser.parse_args()
    plan = QUICK if options.quick else FULL
    out = options.out or (None if options.quick or options.only or options.linear else REPOSITORY / "docs")
    results = _begun(options, out)
    try:
        with tempfile.TemporaryDirectory(prefix="bellwether-bench-") as folder:
            for _ in _parts(plan, options, results, Path(folder)):
                if out is not None:
                    # After each part: what was measured before a failure took long, and the rest can be made up for with --parts.
                    report.write(results, out)
    finally:
        print(report.markdown(results))


def _begun(options: argparse.Namespace, out: Path | None) -> Results:
    """Empty results; where only some parts are to run, the earlier ones, to be replaced in part."""
    fresh = Results(machine=machine.facts(), is_quick=options.quick, news="real" if loads.is_real() else "the sample, multiplied")
    earlier = report.read(out) if out is not None and set(options.parts) != set(PARTS) else None
    if earlier is None:
        return fresh
    if "rounds" in options.parts:
        earlier.machine, earlier.rounds, earlier.failures = fresh.machine, {}, {}
    return earlier


def _parts(plan: Plan, options: argparse.Namespace, results: Results, folder: Path) -> Iterator[str]:
    """Runs one part after the other into the results, and says which is done."""
    worker_batch = options.worker_batch or plan.worker_batch
    with open_field(folder, batch=plan.batch, worker_batch=worker_batch, encoder=not options.linear) as field:
        if "rounds" in options.parts:
            run_rounds(
                field, results, rounds=options.rounds or plan.rounds, articles=options.articles or plan.articles, only=options.only
            )  # fmt: skip
            yield "rounds"
        if "latency" in options.parts:
            results.latency = latency.measure(field, seconds=plan.latency_seconds)
            yield "latency"
        if "restart" in options.parts:
            results.restart_seconds = restart.supervised(field, times=plan.restarts)
            results.cold_restart_seconds = restart.cold(field, times=plan.restarts)
            yield "restart"
        if "recovery" in options.parts:
            results.footprint, results.recovery = recovery.measure(field, articles=plan.recovery_articles)
            yield "recovery"


if __name__ == "__main__":
    main()
