"""Alertmanager's configuration: the routes of `alertmanager.yml`, with the receivers that a TOML file names.

    python -m deploy.alertmanager.receivers receivers.toml --output /etc/alertmanager/alertmanager.yml

What comes in: `receivers.toml`, as `receivers.example.toml` shows it. What goes out: one YAML file of mode 600, for Alertmanager 0.25 and
later. Secrets are named by their files, but for Telegram's token, which 0.25 can't read from one.
"""

from __future__ import annotations

import argparse
import os
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from streams.errors import BellwetherError, ConfigError

SHIPPED = Path(__file__).parent / "alertmanager.yml"
ROUTED = ("now", "today", "breaks")
HEADER = "# Written by `python -m deploy.alertmanager.receivers`; change alertmanager.yml or the list of receivers, and write it again.\n"
Table = Mapping[str, Any]


def _mail(table: Table) -> dict[str, Any]:
    login = {"auth_username": table["username"], "auth_password_file": table["password_file"]} if "username" in table else {}
    return {
        "to": table["to"], "from": table["from"], "smarthost": table["smarthost"], **login, "require_tls": table.get("tls", True),
        "headers": {"Subject": '{{ template "bellwether.subject" . }}'}, "send_resolved": True,
        "html": '{{ template "bellwether.html" . }}', "text": '{{ template "bellwether.text" . }}',
    }  # fmt: skip


def _slack(table: Table) -> dict[str, Any]:
    return {
        "api_url_file": table["api_url_file"], "channel": table["channel"], "send_resolved": True, "mrkdwn_in": ["text"],
        "color": '{{ if eq .Status "resolved" }}good{{ else if eq .CommonLabels.severity "critical" }}danger{{ else }}warning{{ end }}',
        "title": '{{ template "bellwether.subject" . }}', "title_link": "{{ .CommonAnnotations.board_url }}",
        "text": '{{ template "bellwether.slack" . }}', "fallback": '{{ template "bellwether.subject" . }}',
    }  # fmt: skip


def _telegram(table: Table) -> dict[str, Any]:
    path = Path(table["bot_token_file"])
    try:
        token = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(
            f"the bot's token can't be read: {error.strerror}", where=str(path), expected="a file with the token that @BotFather gave",
            todo="write it there, readable by you alone, or leave [telegram] out",
        ) from error  # fmt: skip
    server = {"api_url": table["api_url"]} if "api_url" in table else {}
    return {
        "bot_token": token, "chat_id": table["chat_id"], **server, "parse_mode": "HTML", "send_resolved": True,
        "message": '{{ template "bellwether.telegram" . }}',
    }  # fmt: skip


def _webhook(table: Table) -> dict[str, Any]:
    return {"url": table["url"], "send_resolved": True}


#: Table of the file -> (its list in a receiver, what is made of it).
FORMS: Mapping[str, tuple[str, Callable[[Table], dict[str, Any]]]] = {
    "mail": ("email_configs", _mail),
    "slack": ("slack_configs", _slack),
    "telegram": ("telegram_configs", _telegram),
    "webhook": ("webhook_configs", _webhook),
}


def build_configuration(tables: Table, where: str) -> dict[str, Any]:
    """The shipped configuration with the receivers of the tables.

    Args:
        where: the file that the tables are from, for messages.

    Raises:
        ConfigError: if a route, a table or a key of one is missing or unknown, or a secret can't be read now that has to be.
    """
    config: dict[str, Any] = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    routes = _checked_routes(tables, where)
    made = {name: (FORMS[name][0], _made(name, tables[name], where)) for names in routes.values() for name in names}
    for receiver in config["receivers"]:
        for name in routes.get(receiver["name"], []):
            kind, form = made[name]
            receiver.setdefault(kind, []).append(form)
        if receiver["name"] == "watchdog" and "watchdog" in tables:
            receiver["webhook_configs"] = [{**_made("webhook", tables["watchdog"], where), "send_resolved": False}]
    return config


def _made(name: str, table: Table, where: str) -> dict[str, Any]:
    try:
        return FORMS[name][1](table)
    except KeyError as error:
        raise ConfigError(
            f"[{name}] lacks {error.args[0]}", where=where, expected="the keys that receivers.example.toml shows", todo="add it"
        ) from error


def _checked_routes(tables: Table, where: str) -> dict[str, list[str]]:
    routes: dict[str, list[str]] = tables.get("routes", {})
    known = {*FORMS, "watchdog", "routes"}
    wrong = [f"there is no route {name!r}" for name in routes if name not in ROUTED]
    wrong += [f"there is no kind of receiver {name!r}" for name in tables if name not in known]
    wrong += [
        f"route {route!r} names [{name}], which is missing"
        for route, names in routes.items()
        for name in names
        if name not in FORMS or name not in tables
    ]
    if wrong:
        raise ConfigError(
            "; ".join(wrong), where=where, expected=f"routes {', '.join(ROUTED)}, each a list of {', '.join(FORMS)}",
            todo="see receivers.example.toml",
        )  # fmt: skip
    return routes


def write_configuration(source: Path, target: Path) -> None:
    """Reads the list of receivers and writes the configuration, readable by its owner alone.

    Raises:
        ConfigError: if the list can't be read or is wrong.
    """
    try:
        tables = tomllib.loads(source.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(
            f"the list of receivers can't be read: {error}", where=str(source), expected="a TOML file like receivers.example.toml",
            todo="copy that one and change it",
        ) from error  # fmt: skip
    text = HEADER + yaml.safe_dump(build_configuration(tables, str(source)), sort_keys=False, allow_unicode=True, width=400)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, 0o600)
        file.write(text)


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.alertmanager.receivers", description="Writes Alertmanager's configuration."
    )
    parser.add_argument("receivers", type=Path, help="TOML file of the receivers, like receivers.example.toml")
    parser.add_argument("--output", type=Path, required=True, help="where the configuration is written")
    asked = parser.parse_args(arguments)
    try:
        write_configuration(asked.receivers, asked.output)
    except BellwetherError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
