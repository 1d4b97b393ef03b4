"""The long form: every kind of fault on a cluster of its own, then the cost of an article at 1, 2 and 3 workers.

`make cluster` prints the tables of docs/scaling.md. `--articles 20000 --records 4000 --seed 3` change what is done.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

import click

from tests.cluster.kinds import KINDS
from tests.cluster.measuring import Cost, measure
from tests.cluster.stack import running_cluster
from tests.faults.inputs import make_input
from tests.faults.scene import Scene
from tests.faults.truth import RememberingPredictor


def fault_rows(records: int, seed: int, predictor: RememberingPredictor) -> list[str]:
    """A row for each kind of fault; raises nothing for a difference, which the row shows."""
    rows = [
        "| what is done | records | faults | counts, facts and dead letters that differ | seconds |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for kind, do in KINDS.items():
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder, running_cluster(Path(folder), batch_articles=128) as stack:
            scene = Scene(stack, make_input(seed, records), random.Random(f"{kind} {seed}"), predictor, rounds=4)
            findings = do(scene)
        rows.append(f"| {kind} | {records:,} | {scene.faults} | {findings.differing} | {time.monotonic() - started:.0f} |")
        click.echo(rows[-1], err=True)
    return rows


def cost_rows(costs: list[Cost]) -> list[str]:
    """The cost of an article by the number of workers, and the bytes by topic."""
    rows = [
        "| workers | articles | ms of wall-clock | ms of CPU, workers | ms of CPU, brokers | state, bytes |",
        "| ---: " * 6 + "|",
    ]
    rows += [
        f"| {cost.workers} | {cost.articles:,} | {cost.wall_seconds * 1000:.2f} | {cost.worker_cpu_seconds * 1000:.2f} | "
        f"{cost.broker_cpu_seconds * 1000:.2f} | {cost.state_bytes:,.0f} |"
        for cost in costs
    ]
    rows += ["", "| topic | bytes of an article, one copy |", "| --- | ---: |"]
    return rows + [f"| `{name}` | {size:,.0f} |" for name, size in costs[-1].topic_bytes.items() if size]


@click.command()
@click.option("--records", default=3_000, show_default=True, help="Records of each kind of fault.")
@click.option("--articles", default=8_000, show_default=True, help="Articles of each measurement; 0 measures nothing.")
@click.option("--seed", default=1, show_default=True)
@click.option("--faults/--no-faults", default=True, help="Whether to run the faults.")
def main(records: int, articles: int, seed: int, faults: bool) -> None:
    """Runs everything and prints the tables."""
    rows = fault_rows(records, seed, RememberingPredictor()) if faults else []
    costs = []
    for workers in (1, 2, 3) if articles else ():
        with tempfile.TemporaryDirectory() as folder:
            costs.append(measure(Path(folder), workers, articles))
        click.echo(str(costs[-1]), err=True)
    click.echo("\n".join([*rows, "", *(cost_rows(costs) if costs else [])]))
    sys.exit(not all(cost.exact for cost in costs))


if __name__ == "__main__":
    main()
