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

    commands = click.get_current_context().find_root().command
    kind = get_completion_class(shell)
    assert kind is not None, "click knows the three shells"
    click.echo(kind(commands, {}, "bellwether", "_BELLWETHER_COMPLETE").source())
