"""Looks at everything that Bellwether needs and says what is wrong and how to mend it. Changes nothing, starts nothing.

Each check is a function of the settings that yields findings; one that raises is a finding too, so that a fault of one thing never
hides the others.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from models.errors import ModelError
from streams.errors import BellwetherError
from streams.kafka.home import NEEDED_BYTES
from streams.settings import Settings

State = Literal["ok", "warning", "fault"]

OLDEST_PYTHON = (3, 11)
#: Below `NEEDED_BYTES` of disk nothing runs, below this it will not for long.
GOOD_DISK_BYTES = 2 * 2**30
#: Kafka, a worker with its spare, and the board take some 1.3 GB with the encoder.
GOOD_MEMORY_BYTES = 1_500 * 2**20
_MB = 2**20


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes:
        check: what was looked at.
        state: `ok`; `warning`: it works, but not well or not for long; `fault`: something can't work.
        found: what there is, in one sentence.
        todo: what mends it; empty when nothing is wrong.
    """

    check: str
    state: State
    found: str
    todo: str = ""


Check = Callable[[Settings], Iterator[Finding]]


def examine(settings: Settings, checks: Sequence[tuple[str, Check]] | None = None) -> Iterator[Finding]:
    """The findings, check by check; blocks on disks and on the network, at most some 15 s for a broker that is silent.

    Args:
        checks: (name, check), instead of all of them.
    """
    for name, check in CHECKS if checks is None else checks:
        try:
            yield from check(settings)
        except (BellwetherError, ModelError) as error:
            where = f" ({error.where})" if error.where else ""
            yield Finding(name, "fault", f"{error.what}{where}", error.todo or error.expected)
        except Exception as error:  # noqa: BLE001 - a check that fails must not hide the others
            yield Finding(name, "fault", f"it could not be looked at: {type(error).__name__}: {error}", "report this")


def _python(_: Settings) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST_PYTHON:
        yield Finding("python", "fault", f"Python {version}", "install Python 3.11 or newer")
    else:
        yield Finding("python", "ok", f"Python {version} at {sys.executable}")


def _java(settings: Settings) -> Iterator[Finding]:
    from streams.kafka.java import find_java

    if settings.kafka_servers:
        yield Finding("java", "ok", "not needed: BELLWETHER_KAFKA_SERVERS names a broker")
        return
    java = find_java(settings.java_home)
    yield Finding("java", "ok", f"Java {java.major} from {java.source}, {java.executable}")


def _disk(settings: Settings) -> Iterator[Finding]:
    for name, setting, folder in (
        ("data directory", "BELLWETHER_DATA_DIR", settings.data_dir),
        ("cache directory", "BELLWETHER_CACHE_DIR", settings.cache_dir),
    ):
        yield _folder(name, setting, folder)


def _folder(name: str, setting: str, folder: Path) -> Finding:
    place = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    another = f"set {setting} to a directory that this user may write to, on a disk with room"
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        return Finding(name, "fault", f"{folder} can't be written to: {error.strerror}", another)
    free = shutil.disk_usage(place).free
    found = f"{folder}, {free // _MB:,} MB free"
    if free < NEEDED_BYTES:
        return Finding(name, "fault", found, f"free at least {NEEDED_BYTES // _MB} MB, or {another}")
    if free < GOOD_DISK_BYTES:
        return Finding(name, "warning", found, "a year of news takes a few GB: free some, or " + another)
    return Finding(name, "ok", found)


def _memory(_: Settings) -> Iterator[Finding]:
    free = psutil.virtual_memory().available
    found = f"{free // _MB:,} MB available"
    if free < GOOD_MEMORY_BYTES:
        yield Finding(
            "memory", "warning", found, "set BELLWETHER_SPARE_WORKER=false and BELLWETHER_ENCODER=false, which save some 600 MB"
        )
    else:
        yield Finding("memory", "ok", found)


def _ports(settings: Settings) -> Iterator[Finding]:
    from streams.kafka.ports import is_free
    from streams.listening import what_listens

    for name in (
        "board_port",
        "worker_metrics_port",
        "ingest_metrics_port",
        "push_port",
        "push_metrics_port",
        "delivery_metrics_port",
    ):
        port, setting = int(getattr(settings, name)), f"BELLWETHER_{name.upper()}"
        check = f"port {port}" if port else name
        if port == 0 or is_free(port):
            yield Finding(check, "ok", f"free ({setting})" if port else f"any free one ({setting})")
            continue
        holder = what_listens(port)
        yield Finding(
            check, "warning", f"{holder} listens there ({setting})", f"unless that is Bellwether, end it or set {setting}"
        )


def _watchlist(settings: Settings) -> Iterator[Finding]:
    from streams.watchlist import load_watchlist

    found = load_watchlist(settings.watchlist)
    yield Finding("watchlist", "ok", f"{len(found.pairs)} pairs in {settings.watchlist}")


def _model(settings: Settings) -> Iterator[Finding]:
    from models.artifact import TRAINED, load

    artifact = load(settings.model)
    rungs = "with the encoder" if settings.encoder and artifact.encoder is not None else "without the encoder"
    yield Finding("model", "ok", f"{artifact.version} in {settings.model or TRAINED}, {rungs}")


def _feed_list(settings: Settings) -> Iterator[Finding]:
    from streams.ingest.feeds import load_feeds

    if settings.feeds is None:
        yield Finding("feed list", "ok", "none is set (BELLWETHER_FEEDS); archives and push need none")
        return
    found = load_feeds(settings.feeds)
    off = len(found.feeds) - len(found.enabled)
    yield Finding(
        "feed list", "ok", f"{len(found.enabled)} feeds in {settings.feeds}" + (f", {off} more switched off" if off else "")
    )
    if found.enabled and not settings.contact:
        yield Finding(
            "contact", "warning", "sites that are asked can't tell whose reader it is", "set BELLWETHER_CONTACT to a mail or web address of yours"
        )  # fmt: skip


def _broker(settings: Settings) -> Iterator[Finding]:
    from streams import topology
    from streams.editions.registry import read_editions, shown_of
    from streams.kafka.embedded import resolve_servers, status
    from streams.kafka.topics import compare_topics

    if not settings.kafka_servers and not status(settings).running:
        yield Finding("broker", "ok", "the embedded Kafka does not run; `bellwether up` starts it")
        return
    settings = settings.model_copy(update={"kafka_servers": resolve_servers(settings)})
    editions = read_editions(settings)
    wanted = topology.topics_of_all(settings, editions)
    report = compare_topics(settings, wanted)
    yield Finding("broker", "ok", f"answers at {settings.kafka_servers}")
    if report.missing:
        yield Finding(
            "topics", "fault", f"missing: {', '.join(report.missing)}", "`bellwether topics --create`, or `bellwether up`"
        )
    if report.differing:
        yield Finding(
            "topics", "fault", "; ".join(report.differing), f"{report.todo}; `bellwether topics` lists what is expected"
        )  # fmt: skip
    if report.is_fine:
        yield Finding("topics", "ok", f"all {len(wanted)} are as they should be")
        yield Finding("editions", "ok", f"{', '.join(editions)}; shown is {shown_of(editions)}")
        yield from _asked_feeds(settings)


def _asked_feeds(settings: Settings) -> Iterator[Finding]:
    """How the feeds are that `ingest feeds` asks, by what it has told of them."""
    from streams import topology
    from streams.board.listing import read_feeds

    known = read_feeds(settings, topology.FEEDS.name)
    if not known:
        return
    failing = [feed for feed in known if feed.state == "failing"]
    gone = [feed for feed in known if feed.state == "gone"]
    yield Finding("feeds", "ok", f"{sum(feed.state == 'good' for feed in known)} of {len(known)} answer as they should")
    for feed in failing[:_SHOWN]:
        yield Finding(
            f"feed {feed.name}", "warning", f"failed {feed.failures} times, last: {feed.error or feed.error_kind}",
            f"it is tried again at {feed.next_due}; `bellwether feeds check` says more",
        )  # fmt: skip
    for feed in gone[:_SHOWN]:
        yield Finding(
            f"feed {feed.name}", "warning", f"its server says that {feed.url} is gone", "find its new address, or switch it off"
        )
    if (more := max(0, len(failing) - _SHOWN) + max(0, len(gone) - _SHOWN)) > 0:
        yield Finding("feeds", "warning", f"{more} more fail or are gone", "look at the board's page of feeds")


#: Feeds with a fault that are named one by one.
_SHOWN = 10

CHECKS: Sequence[tuple[str, Check]] = (
    ("python", _python),
    ("java", _java),
    ("disk", _disk),
    ("memory", _memory),
    ("ports", _ports),
    ("watchlist", _watchlist),
    ("feed list", _feed_list),
    ("model", _model),
    ("broker", _broker),
)

MARKS: Mapping[State, str] = {"ok": "ok     ", "warning": "warning", "fault": "FAULT  "}
