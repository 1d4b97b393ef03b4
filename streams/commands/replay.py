"""Labels history again with another model, beside what is shown."""

from __future__ import annotations

import dataclasses
import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.commands.asked import SINCE
from streams.commands.common import connected, say, started
from streams.errors import EXIT_FAILED

if TYPE_CHECKING:
    from streams.records import Edition
    from streams.replay.running import Pace
    from streams.settings import Settings

#: Where stderr is no terminal, a line so many seconds.
_LINE_SECONDS = 10.0


@click.command()
@click.option(
    "--model",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Directory of the new model; else BELLWETHER_MODEL.",
)
@click.option("--no-encoder", is_flag=True, help="Without the model's encoder: much faster, and less sure.")
@click.option("--edition", "name", help="Name of the edition; else the first letter from b on that is free.")
@click.option("--since", type=SINCE, help="Only articles from this week on, such as 2017-W01, or of the week of this date.")
@click.option(
    "--workers", type=click.IntRange(0, 64), default=1, show_default=True, help="Worker processes here; 0: they run elsewhere."
)
@click.option("--follow", is_flag=True, help="Go on with the live stream after that, until Ctrl-C.")
@click.option("--drop", "dropped", metavar="EDITION", help="Delete an edition instead: its topics, its group, its local state.")
@click.option("--json", "as_json", is_flag=True, help="The summary as JSON.")
def replay(
    model: Path | None, no_encoder: bool, name: str | None, since: str | None, workers: int, follow: bool, dropped: str | None, as_json: bool
) -> None:  # fmt: skip
    """Labels all articles again with another model, into an edition of its own; what is shown goes on undisturbed.

    \b
    bellwether replay --model models/next --edition b
    bellwether compare --edition b           what would change
    bellwether switch b                      show it; `bellwether switch --back` undoes it
    bellwether replay --drop b
    """
    settings = connected(started())
    if dropped:
        _drop(settings, dropped, as_json=as_json)
        return
    from streams.editions.registry import in_edition
    from streams.replay.making import make_edition

    edition = make_edition(
        settings, name, model or settings.model, encoder=settings.encoder and not no_encoder, since=since or ""
    )
    _run(in_edition(settings, edition), edition, workers, follow=follow, as_json=as_json)


def _run(settings: Settings, edition: Edition, workers: int, *, follow: bool, as_json: bool) -> None:
    from streams.replay.running import run_workers

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    click.echo(f"edition {edition.name}: labels history again with the model {edition.model}", err=True)
    with _shown_pace() as show:
        # Each batch of each worker would be a line otherwise.
        pace, is_done = run_workers(settings.model_copy(update={"log_level": "WARNING"}), workers, show, follow=follow, stop=stop)
    summary = {
        "edition": edition.name, "model": edition.model, "since": edition.since, "caught_up": is_done, **pace.reading.outcomes,
        "left": dict(pace.reading.left), "articles": pace.articles, "seconds": round(pace.seconds, 1),
        "articles_per_second": round(pace.per_second, 1), "workers": workers,
    }  # fmt: skip
    say(json.dumps(summary) if as_json else _sentence(edition, pace, is_done=is_done))
    if not is_done:
        sys.exit(EXIT_FAILED)


def _sentence(edition: Edition, pace: Pace, *, is_done: bool) -> str:
    what = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in pace.reading.outcomes.items() if count)
    line = f"edition {edition.name}: {pace.articles:,} articles in {pace.seconds:.0f} s, {pace.per_second:,.0f} a second; in all {what or 'none'}"
    if is_done:
        return f"{line}\n`bellwether compare --edition {edition.name}` says what would change"
    return f"{line}\nnot done: {pace.reading.left['classify']:,} articles are left; the same command goes on with it"


@contextmanager
def _shown_pace() -> Iterator[Callable[[Pace], None]]:
    """A bar on a terminal; elsewhere a line every now and then."""
    from streams.commands.progress import bar

    with bar("articles", None) as shown:
        last = [float("-inf")]

        def show(pace: Pace) -> None:
            shown(pace.reading.done, pace.reading.total)
            if not sys.stderr.isatty() and pace.seconds - last[0] >= _LINE_SECONDS:
                last[0] = pace.seconds
                left = f", {pace.seconds_left:,.0f} s left" if pace.seconds_left is not None else ""
                click.echo(
                    f"{pace.reading.done:,} of {pace.reading.total:,} articles, {pace.per_second:,.0f} a second{left}", err=True
                )

        yield show


def _drop(settings: Settings, name: str, *, as_json: bool) -> None:
    from streams.replay.dropping import drop_edition

    done = drop_edition(settings, name)
    if as_json:
        say(json.dumps(dataclasses.asdict(done)))
    else:
        say(f"edition {name}: {len(done.topics)} topics, {len(done.groups)} groups and {len(done.folders)} folders are deleted")
