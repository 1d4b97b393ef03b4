"""`bellwether doctor`: what is wrong, and what mends it."""

from __future__ import annotations

import dataclasses
import json
import sys
from typing import TYPE_CHECKING

import click

from streams.commands.common import say
from streams.errors import EXIT_FAILED, ConfigError

if TYPE_CHECKING:
    from streams.doctor import Finding

_COLOURS = {"ok": "green", "warning": "yellow", "fault": "red"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON line a finding: check, state, found, todo.")
def doctor(as_json: bool) -> None:
    """Looks at Python, Java, disk, memory, ports, model, watchlist, feeds, broker and topics; says what is wrong and what mends it.

    Changes nothing. Exit code 1 when something can't work.

    \b
    bellwether doctor
    bellwether doctor --json | jq 'select(.state != "ok")'
    """
    from streams.doctor import Finding, examine
    from streams.log import configure_logging
    from streams.settings import load_settings

    try:
        settings = load_settings()
    except ConfigError as error:
        _show(Finding("settings", "fault", error.what, error.todo), as_json=as_json)
        sys.exit(EXIT_FAILED)
    configure_logging("ERROR", as_json=settings.log_json)
    states = []
    for finding in examine(settings):
        _show(finding, as_json=as_json)
        states.append(finding.state)
    if not as_json:
        say(f"\n{states.count('fault')} faults, {states.count('warning')} warnings")
    sys.exit(EXIT_FAILED if "fault" in states else 0)


def _show(finding: Finding, *, as_json: bool) -> None:
    if as_json:
        say(json.dumps(dataclasses.asdict(finding), ensure_ascii=False))
        return
    from streams.doctor import MARKS
    from streams.printable import printable

    mark = click.style(MARKS[finding.state], fg=_COLOURS[finding.state])
    # `echo` drops the colours where nobody sees them; what the finding says is made harmless first.
    click.echo(f"{mark}  {printable(f'{finding.check}: {finding.found}')}")
    if finding.todo:
        click.echo(f"         -> {printable(finding.todo)}")
