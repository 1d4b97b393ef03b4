"""`bellwether train --with-corrections`: what people said, as lessons; and a new model only where nothing got worse."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from streams.commands.common import connected_to_shown, say, started
from streams.commands.progress import busy
from streams.errors import EXIT_FAILED


def train_with_corrections(
    corpus: Path | None, out: Path | None, against: Sequence[Path], bearable: float, seed: int, *, as_json: bool
) -> None:  # fmt: skip
    """Trains beside the model in force, prints the comparison, and says how to switch; exit code 1 where a label got worse."""
    from models.artifact import TRAINED
    from models.predict import Predictor
    from streams import topology
    from streams.corrections.lookup import Lookup
    from streams.corrections.retraining import retrain
    from streams.corrections.teaching import read_taught
    from streams.kafka.clients import bulk_consumer, point_consumer

    settings = connected_to_shown(started())
    load = partial(Predictor.load, encoder=settings.encoder)
    present = load(settings.model)
    name = f"{settings.group}-teaching"
    with (
        contextlib.closing(bulk_consumer(settings, name, tells_end=True)) as whole,
        contextlib.closing(point_consumer(settings, name)) as point,
    ):
        lookup = Lookup(whole, point, topology.ARTICLES.name, topology.name_in(settings, topology.CLASSIFICATIONS))
        taught = read_taught(lookup, topology.CORRECTIONS.name, settings.partitions, present.classify)
    left_out = ", ".join(f"{count} {reason}" for reason, count in sorted(taught.left_out.items()) if count)
    click.echo(f"{len(taught.rows)} corrected articles teach{f'; left out: {left_out}' if left_out else ''}", err=True)
    if not taught.rows:
        click.echo("there is nothing to learn; `bellwether corrections` lists what is corrected", err=True)
        sys.exit(EXIT_FAILED)
    with busy("the model is trained"):
        found = retrain(
            corpus or TRAINED.with_name("corpus"), taught.rows, out or settings.data_dir / "models", present, load,
            measured=against, bearable=bearable, seed=seed,
        )  # fmt: skip
    say(found.to_json() if as_json else found.to_table())
    if found.folder is None:
        labels = ", ".join(sorted({change.label for change in found.worse}))
        click.echo(
            f"error: the new model is worse at {labels}, and was not kept\n  what to do: add items, or bear it with --bearable",
            err=True,
        )
        sys.exit(EXIT_FAILED)
    if not as_json:
        say(f"\nmodel {found.version} is in {found.folder}; BELLWETHER_MODEL={found.folder} switches to it at the next start")
