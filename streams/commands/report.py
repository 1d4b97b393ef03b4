"""Commands that say what stands: the counts, the settings, the generated docs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from streams.commands.common import connected, say, started
from streams.errors import EXIT_FAILED
from streams.settings import describe_settings


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON line a pair's week.")
@click.option("--pair", help="Only this pair, such as BLR-RUS.")
def trends(as_json: bool, pair: str | None) -> None:
    """Prints the weekly counts as they stand on the stream."""
    from streams import topology
    from streams.board.listing import read_trends, trends_table

    settings = connected(started())
    found = read_trends(settings, topology.TRENDS.name, pair)
    if as_json:
        for line in found:
            say(line.to_json())
    else:
        say(trends_table(found))


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def config(as_json: bool) -> None:
    """Prints the settings in force, secrets masked, each with its meaning."""
    rows = describe_settings(started())
    if as_json:
        say(json.dumps({name: value for name, value, _ in rows}))
    else:
        for name, value, meaning in rows:
            say(f"{name}={value}\n    {meaning}")


@click.command()
@click.option("--check", is_flag=True, help="Only say whether they are up to date; exit code 1 when not.")
def docs(check: bool) -> None:
    """Writes the generated parts of docs/."""
    from streams.diagram import write_docs

    stale = write_docs(Path("docs"), check=check)
    say("\n".join(f"{name}: {'out of date' if check else 'written'}" for name in stale) or "the docs are up to date")
    sys.exit(EXIT_FAILED if check and stale else 0)
