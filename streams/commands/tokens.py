"""`bellwether tokens`: who may push."""

from __future__ import annotations

import json

import click

from streams.commands.common import say, started


@click.group()
def tokens() -> None:
    """Tokens for `ingest push`: several, each with a name, kept as hashes.

    \b
    bellwether tokens add newsroom
    bellwether tokens revoke newsroom
    """


@tokens.command("add")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def tokens_add(name: str, as_json: bool) -> None:
    """Makes a token and prints it: the only time that it can be seen."""
    from streams.push.tokens import TokenFile

    token = TokenFile(started().push_tokens_file).add(name)
    if as_json:
        say(json.dumps({"name": name, "token": token}))
    else:
        say(token)
        click.echo(
            f"Keep it: only its hash is stored. Send it as `Authorization: Bearer <token>`. It is called {name}.", err=True
        )


@tokens.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON line a token.")
def tokens_list(as_json: bool) -> None:
    """Lists the tokens by name, with the day on which each was made."""
    from streams.push.tokens import TokenFile

    found = TokenFile(started().push_tokens_file).tokens()
    for token in found:
        say(json.dumps({"name": token.name, "created": token.created}) if as_json else f"{token.name:<40}  {token.created}")
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
