"""`bellwether deliver`: sends the bulletin of each closed week to where delivery.toml says."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from streams.commands.asked import WEEK
from streams.commands.common import connected, connected_to_shown, say, started
from streams.errors import EXIT_FAILED, ConfigError

if TYPE_CHECKING:
    from streams.bulletin.build import Stands
    from streams.delivery.config import Target
    from streams.delivery.ledger import Entry
    from streams.delivery.rounds import Rounds, Wish
    from streams.metrics import DeliveryMetrics
    from streams.settings import Settings


@click.command()
@click.option(
    "--once", is_flag=True, help="Deliver what is due, then end: for cron. Exit code 1 if a target did not take its bulletin."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be sent to whom; send and note nothing.")
@click.option("--week", type=WEEK, help="Deliver this closed week, due or not, then end.")
@click.option("--target", "names", multiple=True, help="Only this target; may be given several times.")
@click.option("--again", is_flag=True, help="With --week: also to those who have it, as a new printing.")
@click.option("--list", "listed", is_flag=True, help="Print what was delivered, from the ledger.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line a delivery.")
def deliver(
    once: bool, dry_run: bool, week: str | None, names: tuple[str, ...], again: bool, listed: bool, as_json: bool
) -> None:
    """Sends the bulletin of each week, once it is closed, to folders, mailboxes, webhooks and a news feed.

    The targets stand in delivery.toml in the data directory, or where BELLWETHER_DELIVERY says. `bellwether up` runs this by itself.

    \b
    bellwether deliver --dry-run                          what would be sent now
    bellwether deliver --once                             for cron
    bellwether deliver --week 2017-W31 --target desk      try a target out
    bellwether deliver --list
    """
    from streams.delivery.rounds import Wish

    if again and not week:
        raise click.UsageError("--again needs --week: which bulletin is to be sent again?")
    is_one_round = once or dry_run or bool(week)
    if names and not (is_one_round or listed):
        raise click.UsageError("--target goes with --once, --week, --dry-run or --list; `enabled = false` leaves a target out")
    settings = started()
    if listed:
        _say_all(_kept(settings, names), as_json=as_json)
        return
    targets = _chosen(settings, names)
    metrics = _metrics(settings, served=not is_one_round)
    wish = Wish(week or "", again, at_once=True)
    if is_one_round:
        sys.exit(_one_round(connected_to_shown(settings), targets, metrics, wish, dry=dry_run, as_json=as_json))
    _run(connected(settings), metrics)


def _run(settings: Settings, metrics: DeliveryMetrics) -> None:
    from streams.delivery.run import run_deliveries

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    run_deliveries(settings, metrics, stop)


def _one_round(
    settings: Settings, targets: tuple[Target, ...], metrics: DeliveryMetrics, wish: Wish, *, dry: bool, as_json: bool
) -> int:
    from streams.bulletin.source import read_stands
    from streams.delivery.run import deliver_now, opened_rounds

    stands = read_stands(settings)
    _check_week(stands, wish.week)
    with opened_rounds(settings, metrics, dry=dry) as rounds:
        if dry:
            _say_all(list(_plan(rounds, stands, targets, wish)), as_json=as_json)
            return 0
        done = deliver_now(settings, rounds, targets, wish, stands)
    _say_all(done, as_json=as_json)
    return 0 if all(entry.state == "sent" for entry in done) else EXIT_FAILED


def _plan(rounds: Rounds, stands: Stands, targets: tuple[Target, ...], wish: Wish) -> Iterator[Entry]:
    """What would be sent; each text is made, so that a missing typesetter shows."""
    from dataclasses import replace

    for target, week, entries in rounds.planned(stands, targets, wish):
        rounds.check(rounds.issue_of(stands, target, week), target)
        yield from (replace(entry, state="would be sent") for entry in entries)


def _check_week(stands: Stands, week: str) -> None:
    from streams.clock import week_name, week_number
    from streams.delivery.due import newest_due

    newest = newest_due(stands)
    if week and week_number(week) > newest:
        raise ConfigError(
            "the week is not closed, and its counts may still change", where=f"--week {week}",
            expected=f"a week up to {week_name(newest)}" if newest >= 0 else "a closed week; there is none yet",
            todo="name another week, or write it with `bellwether bulletin --week ... --out FILE`",
        )  # fmt: skip


def _chosen(settings: Settings, names: tuple[str, ...]) -> tuple[Target, ...]:
    from streams.delivery.config import load_targets

    targets = load_targets(settings.delivery_file)
    unknown = sorted(set(names) - {target.name for target in targets})
    if unknown:
        raise ConfigError(
            f"there is no target {unknown[0]!r} that is enabled", where=str(settings.delivery_file),
            expected=", ".join(target.name for target in targets), todo="name one of them",
        )  # fmt: skip
    return tuple(target for target in targets if not names or target.name in names)


def _metrics(settings: Settings, *, served: bool) -> DeliveryMetrics:
    from prometheus_client import CollectorRegistry

    from streams.metrics import DeliveryMetrics, add_process_info, serve_metrics

    registry = CollectorRegistry()
    add_process_info(registry, process="deliver")
    metrics = DeliveryMetrics(registry)
    if served:
        serve_metrics(registry, settings.metrics_host, settings.delivery_metrics_port, "BELLWETHER_DELIVERY_METRICS_PORT")
    return metrics


def _kept(settings: Settings, names: tuple[str, ...]) -> list[Entry]:
    from streams.delivery.ledger import Ledger
    from streams.delivery.run import ledger_file

    path = ledger_file(settings)
    if not path.exists():
        return []
    ledger = Ledger(path)
    try:
        return [entry for entry in ledger.entries() if not names or entry.target in names]
    finally:
        ledger.close()


def _say_all(entries: list[Entry], *, as_json: bool) -> None:
    from dataclasses import asdict

    for entry in entries:
        if as_json:
            say(json.dumps(asdict(entry), ensure_ascii=False))
        else:
            whom = f" to {entry.recipient}" if entry.recipient else ""
            printing = f", printing {entry.printing}" if entry.printing > 1 else ""
            when = f" {entry.at}" if entry.at else ""
            again = f"; tried again at {entry.next_at}" if entry.next_at else ""
            say(
                f"{entry.week} {entry.target}{whom}{printing}: {entry.state}{when}"
                + (f": {entry.problem}{again}" if entry.problem else "")
            )
    if not entries and not as_json:
        say("nothing to deliver")
