"""`bellwether completion`: the line that makes a shell complete commands and options."""

from __future__ import annotations

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Prints the script that completes commands and options in a shell.

    \b
    eval "$(bellwether completion bash)"         in ~/.bashrc; zsh alike
    bellwether completion fish > ~/.config/fish/completions/bellwether.fish
    """
    from click.shell_completion import get_completion_class

    from streams.cli import cli

    kind = get_completion_class(shell)
    assert kind is not None, "click knows the three shells"
    click.echo(kind(cli, {}, "bellwether", "_BELLWETHER_COMPLETE").source())
