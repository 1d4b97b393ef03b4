"""Which editions there are, what differs between them, and which is shown."""

from __future__ import annotations

import json
from pathlib import Path

import click
import msgspec

from streams.commands.common import connected, say, started, write_out


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON line an edition.")
def editions(as_json: bool) -> None:
    """Lists the editions of the counts: whose word each is, how far it is, and which is shown.

    \b
    bellwether editions --json | jq -r 'select(.is_shown) | .name'
    """
    from streams.editions.registry import in_edition, read_editions, shown_of
    from streams.replay.metering import Meter

    settings = connected(started())
    found = read_editions(settings)
    for name, edition in found.items():
        with Meter(in_edition(settings, edition)) as meter:
            reading = meter.read()
        is_shown = name == shown_of(found)
        if as_json:
            fields = msgspec.to_builtins(edition) | {"is_shown": is_shown, "outcomes": reading.outcomes, "left": reading.left}
            say(json.dumps(fields))
        else:
            since = f" from {edition.since} on" if edition.since else ""
            behind = sum(reading.left.values())
            state = f"{behind:,} records behind" if behind else "caught up"
            say(
                f"{'*' if is_shown else ' '} {name:<12} {reading.done:>9,} articles{since}, {state}, model {edition.model or 'of its workers'}"
            )


@click.command()
@click.option("--edition", "new", required=True, help="The edition that is held against another.")
@click.option("--with", "old", help="That other one; else the one that is shown, or `live` where that is the same.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write to: .html for a page, .json, else Markdown."
)
def compare(new: str, old: str | None, as_json: bool, out: Path | None) -> None:
    """Says what an edition would change: labels, counts, trends and breaks, with the articles that make the difference.

    \b
    bellwether compare --edition b
    bellwether compare --edition b --out before-after.html
    """
    from streams.comparison.compare import compare as find
    from streams.comparison.report import to_html, to_markdown
    from streams.editions.registry import known, read_editions, shown_of
    from streams.settings import LIVE

    settings = connected(started())
    found = read_editions(settings)
    shown = shown_of(found)
    beside = old or (shown if shown != new else LIVE)
    if known(found, new) == known(found, beside):
        raise click.UsageError("an edition differs from itself in nothing; name another one with --with")
    comparison = find(settings, found, beside, new)
    text = json.dumps(msgspec.to_builtins(comparison), ensure_ascii=False) + "\n"
    if out is not None:
        body = text if out.suffix == ".json" else (to_html if out.suffix == ".html" else to_markdown)(comparison)
        write_out("the comparison", out, body.encode())
    if as_json:
        say(text.rstrip("\n"))
    elif out is None:
        say(to_markdown(comparison).rstrip("\n"))


@click.command()
@click.argument("edition", required=False)
@click.option("--back", is_flag=True, help="To the edition that was shown before this one.")
@click.option("--anyway", is_flag=True, help="Also to one that has not caught up.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def switch(edition: str | None, back: bool, anyway: bool, as_json: bool) -> None:
    """Shows another edition from now on: on the board within seconds, in bulletins, exports and commands. One step, and one back.

    \b
    bellwether switch b
    bellwether switch --back
    """
    from streams.replay.switching import switch_shown

    if (edition is None) != back:
        raise click.UsageError("name the edition to show, or --back")
    done = switch_shown(connected(started()), edition, anyway=anyway)
    if as_json:
        say(json.dumps(msgspec.to_builtins(done)))
        return
    say(
        f"edition {done.shown} is shown; before it was {done.before}"
        if done.shown != done.before
        else f"edition {done.shown} is shown already"
    )
    if done.advice:
        click.echo(done.advice, err=True)
