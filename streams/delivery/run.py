"""Rounds until SIGTERM: looks four times a minute whether a week has closed, the list of targets has changed, or a retry is due."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from streams import topology
from streams.bulletin.build import Stands
from streams.bulletin.source import read_stands
from streams.clock import parse_utc
from streams.delivery.config import Target, load_targets
from streams.delivery.ledger import Entry, Ledger
from streams.delivery.rounds import Rounds, Wish
from streams.editions.registry import in_shown
from streams.errors import ConfigError, StateError
from streams.kafka.clients import bulk_consumer
from streams.kafka.locks import locked
from streams.kafka.reading import end_offset
from streams.log import get_logger
from streams.metrics import DeliveryMetrics
from streams.settings import Settings

log = get_logger("deliver")
LOOK_SECONDS = 15.0
#: Longer than a round of one process takes, unless many targets are out of reach.
_LOCK_SECONDS = 120.0


def ledger_file(settings: Settings) -> Path:
    """Where it stands what was delivered."""
    return settings.data_dir / "state" / settings.group / "deliveries.sqlite"


@contextmanager
def opened_rounds(
    settings: Settings, metrics: DeliveryMetrics, stop: threading.Event | None = None, *, dry: bool = False
) -> Iterator[Rounds]:
    """What rounds are made with, over the ledger of the data directory.

    Args:
        dry: nothing is to be written: where there is no ledger yet, one in memory takes its place.
    """
    path = ledger_file(settings)
    ledger = Ledger(Path(":memory:") if dry and not path.exists() else path)
    lateness = timedelta(hours=settings.allowed_lateness_hours)
    is_stopping = stop.is_set if stop is not None else (lambda: False)
    try:
        yield Rounds(ledger, metrics, lateness, settings.bulletins_folder, is_stopping=is_stopping)
    finally:
        ledger.close()


def deliver_now(
    settings: Settings, rounds: Rounds, targets: tuple[Target, ...], wish: Wish, stands: Stands | None = None
) -> list[Entry]:
    """One round, while no other process makes one; blocks.

    Args:
        stands: what stands on the topics; None: it is read.

    Raises:
        StateError: if another process delivers for minutes on end, or the ledger can't be used.
        KafkaError: if the broker can't be read.
    """
    lock = ledger_file(settings).with_suffix(".lock")
    try:
        with locked(lock, wait_seconds=_LOCK_SECONDS):
            return rounds.deliver(stands or read_stands(settings), targets, wish)
    except TimeoutError as error:
        raise StateError(
            "another process is delivering", where=str(lock), expected=f"its end within {_LOCK_SECONDS:.0f} s", todo="try again later"
        ) from error  # fmt: skip


def run_deliveries(settings: Settings, metrics: DeliveryMetrics, stop: threading.Event) -> None:
    """Delivers what falls due until `stop` is set; blocks.

    Raises:
        ConfigError: if the list of targets is wrong at the start; later the last good one stays in force.
        KafkaError, StateError: if the broker or the ledger can't be used.
    """
    targets = load_targets(settings.delivery_file)
    log.info("deliveries_scheduled", targets=[target.name for target in targets], file=str(settings.delivery_file))
    seen: object = None
    with opened_rounds(settings, metrics, stop) as rounds:
        _recall(rounds, targets, metrics)
        while not stop.is_set():
            targets = _reloaded(settings.delivery_file, targets)
            shown = in_shown(settings)
            found = (shown.edition, _marks(shown), targets)
            if found != seen or rounds.is_retry_due():
                deliver_now(shown, rounds, targets, Wish())
                seen = found
            rounds.tell(targets)
            stop.wait(LOOK_SECONDS)


def _reloaded(path: Path, targets: tuple[Target, ...]) -> tuple[Target, ...]:
    try:
        return load_targets(path)
    except ConfigError as error:
        log.error("deliveries_not_taken_over", problem=error.what, where=error.where)
        return targets


def _marks(settings: Settings) -> tuple[int, ...]:
    """How far `breaks` has been written: every week that closes is judged there."""
    consumer = bulk_consumer(settings, f"{settings.group}-deliver")
    try:
        return tuple(
            end_offset(consumer, topology.name_in(settings, topology.BREAKS), partition)
            for partition in range(settings.partitions)
        )
    finally:
        consumer.close()


def _recall(rounds: Rounds, targets: tuple[Target, ...], metrics: DeliveryMetrics) -> None:
    """The last success of each kind, as it stands in the ledger from before the start."""
    kinds = {target.name: target.kind for target in targets}
    last: dict[str, str] = {}
    for entry in rounds.ledger.entries():
        if entry.state == "sent" and entry.target in kinds:
            last[kinds[entry.target]] = max(last.get(kinds[entry.target], ""), entry.at)
    for kind, at in last.items():
        metrics.last_success_seconds.labels(kind).set(parse_utc(at).timestamp())
