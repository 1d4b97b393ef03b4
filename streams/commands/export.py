"""`bellwether export`: what stands, as a table for other tools."""

from __future__ import annotations

from pathlib import Path

import click

from streams.commands.asked import PAIR, WEEK
from streams.commands.common import connected_to_shown, started


@click.command()
@click.argument("table", type=click.Choice(["facts", "trends", "standings", "breaks"]))
@click.option(
    "--format", "form", type=click.Choice(["csv", "jsonl", "parquet"]), default="csv", show_default=True, help="What to write."
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format jsonl.")
@click.option("--pair", type=PAIR, help="Only this pair, such as BLR-RUS.")
@click.option("--since", type=WEEK, help="From this week on, such as 2017-W01.")
@click.option("--until", type=WEEK, help="Up to this week.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write to, instead of the terminal.")
def export(
    table: str, form: str, as_json: bool, pair: str | None, since: str | None, until: str | None, out: Path | None
) -> None:
    """Writes what stands now: every fact with its sentence, the weekly counts, how each series stands, or its breaks.

    \b
    bellwether export trends --pair BLR-RUS > blr-rus.csv
    bellwether export facts --format parquet --since 2016-W01 --out facts.parquet
    """
    from streams.commands.progress import counting
    from streams.export.reading import Wanted, read_table
    from streams.export.tables import TABLES
    from streams.export.writing import FORMATS

    rows = read_table(connected_to_shown(started()), table, Wanted(pair or "", since or "", until or ""))
    with counting(f"rows of {table}") as counted:
        written = FORMATS["jsonl" if as_json else form](TABLES[table], counted(rows), out)
    if out is not None:
        click.echo(f"{written} rows in {out}", err=True)
