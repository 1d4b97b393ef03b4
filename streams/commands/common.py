"""What every command needs: the settings in force, the broker to talk to, a line to say.

Settings and logging are imported when they are asked for: they take half of the time of a command that needs neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from streams.printable import printable

if TYPE_CHECKING:
    from pathlib import Path

    from streams.settings import Settings


def started(**overrides: Any) -> Settings:
    """The settings in force, with logging set up by them."""
    from streams.log import configure_logging
    from streams.settings import load_settings

    settings = load_settings(**overrides)
    configure_logging(settings.log_level, as_json=settings.log_json)
    return settings


def connected(settings: Settings) -> Settings:
    """The settings with the servers of the embedded Kafka where none are set."""
    from streams.kafka.embedded import resolve_servers

    return settings.model_copy(update={"kafka_servers": resolve_servers(settings)})


def write_out(what: str, path: Path, body: bytes, option: str = "--out") -> None:
    """Writes a file that an option named.

    Raises:
        ConfigError: if it can't be written.
    """
    from streams.errors import unwritable

    try:
        path.write_bytes(body)
    except OSError as error:
        raise unwritable(what, path, error, option) from error


def connected_to_shown(settings: Settings) -> Settings:
    """The same, in the edition that is shown, or in the one that BELLWETHER_EDITION names: for commands that read what was counted."""
    from streams.editions.registry import in_shown

    return in_shown(connected(settings))


def say(line: str) -> None:
    """One line of output; what strangers wrote in it can't steer the terminal."""
    click.echo(printable(line))
