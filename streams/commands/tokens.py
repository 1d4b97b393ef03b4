"""`bellwether tokens`: who may push, read the board, and correct."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from streams.commands.common import say, started

if TYPE_CHECKING:
    from streams.push.tokens import Role


@click.group()
def tokens() -> None:
    """Tokens for `ingest push`, for reading the board and for corrections on it: several, each with a name, kept as hashes.

    \b
    bellwether tokens add newsroom
    bellwether tokens add bob --role read         from then on the board asks everybody for a token
    bellwether tokens add ann --role correct      may read too
    bellwether tokens revoke newsroom
    """


@tokens.command("add")
@click.argument("name")
@click.option(
    "--role", "roles", multiple=True, type=click.Choice(["push", "read", "correct"]), default=["push"], show_default=True,
    help="What it is good for; may be given several times.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def tokens_add(name: str, roles: tuple[Role, ...], as_json: bool) -> None:
    """Makes a token and prints it: the only time that it can be seen."""
    from streams.push.tokens import TokenFile

    token = TokenFile(started().push_tokens_file).add(name, roles)
    if as_json:
        say(json.dumps({"name": name, "roles": list(roles), "token": token}))
    else:
        say(token)
        click.echo(
            f"Keep it: only its hash is stored. Send it as `Authorization: Bearer <token>`. It is called {name}.", err=True
        )


@tokens.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON line a token.")
def tokens_list(as_json: bool) -> None:
    """Lists the tokens by name, with the day on which each was made and what it is good for."""
    from streams.push.tokens import TokenFile

    found = TokenFile(started().push_tokens_file).tokens()
    for token in found:
        known = {"name": token.name, "created": token.created, "roles": token.roles}
        say(json.dumps(known) if as_json else f"{token.name:<40}  {token.created}  {', '.join(token.roles)}")
    if not found and not as_json:
        say("there are no tokens; `bellwether tokens add NAME` makes one")


@tokens.command("revoke")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def tokens_revoke(name: str, as_json: bool) -> None:
    """Takes a token away; a server that runs refuses it from its next request on."""
    from streams.push.tokens import TokenFile

    TokenFile(started().push_tokens_file).revoke(name)
    say(json.dumps({"name": name, "revoked": True}) if as_json else f"{name} was revoked")
