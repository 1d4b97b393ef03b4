"""Commands that say what stands: the counts, the settings, the generated docs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from streams.commands.asked import WEEK
from streams.commands.common import connected_to_shown, say, started
from streams.errors import EXIT_FAILED


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON line a pair's week; how the pair stands, with its newest week.")
@click.option("--pair", help="Only this pair, such as BLR-RUS.")
@click.option("--weeks", is_flag=True, help="The weekly counts too.")
@click.option("--week", type=WEEK, help="How each trend stood after this week, such as 2017-W31, and its counts; no look ahead.")
@click.option("--back", type=click.IntRange(1, 1_400), default=1, show_default=True, help="With --week: so many weeks up to it.")
def trends(as_json: bool, pair: str | None, weeks: bool, week: str | None, back: int) -> None:
    """Prints how each trend stands, how likely it is to last, and when it broke; with --json or --weeks, the weekly counts.

    \b
    bellwether trends --pair BLR-RUS
    bellwether trends --json --week 2017-W31 --back 4
    """
    from streams import topology
    from streams.board.listing import read_standings, read_trends, standings_table, trends_table, with_standings
    from streams.bulletin.listing import lines_at, standings_at

    settings = connected_to_shown(started())
    standings = read_standings(settings, topology.name_in(settings, topology.BREAKS))
    if week is not None:
        known = read_trends(settings, topology.name_in(settings, topology.TRENDS), pair)
        lines = list(lines_at(known, standings, week, back))
        if as_json:
            for line in lines:
                say(line.to_json())
            return
        say(standings_table(standings_at(known, standings, week)))
        say("\n" + trends_table(lines))
        return
    rows = read_trends(settings, topology.name_in(settings, topology.TRENDS), pair) if as_json or weeks else []
    if as_json:
        for line in with_standings(rows, standings):
            say(line.to_json())
        return
    shown = [found for key, found in standings.items() if pair in (None, key)]
    say(standings_table(one.record for found in shown for (_, domain), one in found.items() if domain == "all"))
    if weeks:
        say("\n" + trends_table(rows))


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--dir", "directory", type=click.Path(path_type=Path), help="Every CSV file of a directory.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line a file.")
def breaks(files: tuple[Path, ...], directory: Path | None, as_json: bool) -> None:
    """Finds breaks in series, online: CSV files with `time,value` or `time,value,exposure`.

    \b
    bellwether breaks --json share.csv
    bellwether breaks --json --dir series/
    """
    from streams.trends.breaks_command import breaks_json, files_of

    started()
    paths = [*files, *(files_of(directory) if directory is not None else [])]
    if not paths:
        raise click.UsageError("name at least one CSV file, or a directory with --dir")
    for line in breaks_json(paths):
        if as_json:
            say(line)
        else:
            found = json.loads(line)
            marks = ", ".join(f"{b['direction']} from row {b['start']} (said at {b['alarm']})" for b in found["breaks"]) or "none"
            say(f"{found['file']}: {found['status']}; breaks: {marks}")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def config(as_json: bool) -> None:
    """Prints the settings in force, secrets masked, each with its meaning.

    \b
    bellwether config --json | jq -r .BELLWETHER_DATA_DIR
    """
    from streams.settings import describe_settings

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
