"""Commands about the broker: the embedded Kafka and the topics."""

from __future__ import annotations

import dataclasses
import json
import sys

import click

from streams.commands.common import connected, say, started
from streams.errors import EXIT_FAILED


@click.group()
def kafka() -> None:
    """The embedded Kafka: the real one, one node, on this machine.

    \b
    bellwether kafka start
    BELLWETHER_DATA_DIR=/srv/bellwether bellwether kafka status --json
    """


@kafka.command("start")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def kafka_start(as_json: bool) -> None:
    """Starts it in the background; does nothing when it runs."""
    from streams.kafka import embedded

    broker = embedded.start(started(), detached=True)
    if as_json:
        say(json.dumps({"servers": broker.servers, "pid": broker.pid, "data_dir": str(broker.data_dir)}))
    else:
        say(f"Kafka runs at {broker.servers} (pid {broker.pid}); data in {broker.data_dir}")


@kafka.command("stop")
def kafka_stop() -> None:
    """Stops it; its data stays."""
    from streams.kafka import embedded

    say("Kafka was stopped" if embedded.stop(started()) else "Kafka was not running")


@kafka.command("status")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def kafka_status(as_json: bool) -> None:
    """Says whether it runs, where, and how large its data is. Exit code 1 when it does not run."""
    from streams.kafka import embedded

    status = embedded.status(started())
    if as_json:
        say(json.dumps(dataclasses.asdict(status), default=str))
    else:
        state = f"runs at {status.servers} (pid {status.pid})" if status.running else "does not run"
        say(f"Kafka {status.version} {state}; {status.data_bytes / 2**20:.1f} MB in {status.data_dir}; log: {status.log_file}")
    sys.exit(0 if status.running else EXIT_FAILED)


@kafka.command("wipe")
@click.option("--yes", is_flag=True, help="Do not ask.")
def kafka_wipe(yes: bool) -> None:
    """Deletes its data: every article, fact and count. The broker must be stopped."""
    from streams.kafka import embedded

    settings = started()
    if not yes:
        click.confirm(f"Delete everything under {settings.data_dir / 'kafka'}?", abort=True)
    embedded.wipe(settings)
    say("Kafka's data was deleted")


@click.command()
@click.option("--create", is_flag=True, help="Make the missing topics on the broker.")
@click.option("--check", is_flag=True, help="Compare with the broker; exit code 1 when a topic is missing or differs.")
@click.option("--configure", is_flag=True, help="Give the topics that differ the configuration that they should have.")
@click.option("--mermaid", is_flag=True, help="The way of the data as a Mermaid diagram.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def topics(create: bool, check: bool, configure: bool, mermaid: bool, as_json: bool) -> None:
    """Lists the topics as the topology wants them; makes or checks them on request.

    \b
    bellwether topics --check                is the broker as it should be?
    BELLWETHER_REPLICATION_FACTOR=3 bellwether topics --create
    BELLWETHER_TEXT_DAYS=365 bellwether topics --configure
    """
    from streams import diagram, topology
    from streams.editions.registry import read_editions
    from streams.kafka.topics import compare_topics, configure_topics, ensure_topics
    from streams.settings import LIVE

    settings = started()
    if mermaid:
        say(diagram.mermaid())
    elif create or check or configure:
        settings = connected(settings)
        # Who makes topics may read none, `editions` neither: it is told of an edition by BELLWETHER_EDITION.
        editions = read_editions(settings) if check and not settings.edition else [settings.edition or LIVE]
        wanted = topology.topics_of_all(settings, editions)
        if configure:
            for line in configure_topics(settings, wanted).differing:
                click.echo(f"was: {line}", err=True)
        report = ensure_topics(settings, wanted) if create else compare_topics(settings, wanted)
        faults = report.faults(settings)
        if as_json:
            say(json.dumps({"made": report.made, "missing": report.missing, "differing": report.differing}))
        else:
            say("\n".join([f"{name}: made" for name in report.made] + faults) or "every topic is as it should be")
        sys.exit(EXIT_FAILED if faults else 0)
    elif as_json:
        say(json.dumps(diagram.topics_as_dicts(settings)))
    else:
        say(diagram.table(settings))
