"""`bellwether review`: which articles a person should look at first."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

import click

from streams.commands.common import connected_to_shown, say, started

if TYPE_CHECKING:
    from models.artifact import Artifact
    from streams.corrections.reviewing import Band
    from streams.records import Classification
    from streams.settings import Settings
    from streams.stage import InputRecord


@click.command()
@click.option("--limit", type=click.IntRange(1, 1_000), default=50, show_default=True, help="At most so many articles.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line an article.")
def review(limit: int, as_json: bool) -> None:
    """Lists the articles to look at first: corrected before they changed, then those that the model is unsure of and that move most.

    \b
    bellwether review --limit 20
    bellwether review --json | jq -r .article_id
    """
    from models.artifact import load
    from streams import topology
    from streams.corrections.reviewing import ReviewTopics
    from streams.corrections.reviewing import review as find
    from streams.watchlist import load_watchlist

    settings = connected_to_shown(started())
    artifact, watchlist = load(settings.model), load_watchlist(settings.watchlist)
    read = (topology.CORRECTIONS, topology.CLASSIFICATIONS, topology.SIGNALS, topology.TRENDS)
    topics = ReviewTopics(*(topology.name_in(settings, spec) for spec in read))
    bands = partial(bands_of, artifact, encoder=settings.encoder)
    found = find(partial(_records, settings), topics, bands, watchlist.keys, limit)
    for one in found:
        if as_json:
            say(json.dumps(dataclasses.asdict(one), ensure_ascii=False))
        else:
            why = "changed since it was corrected" if one.reason == "changed" else f"{one.label} {one.probability:.2f}"
            say(f"{one.article_id}  {one.pair} {one.week}  {why}\n    {one.title}")
    if not found and not as_json:
        say("nothing needs a look: no corrected article has changed, and the model is sure of the rest")


def bands_of(artifact: Artifact, found: Classification, *, encoder: bool) -> Mapping[str, Band]:
    """Label -> its abstain band, as it was for an article; nothing for articles that another model has classified.

    An article that the model does not score has no doubt in it.
    """
    from models.labels import LABELS
    from models.reading import ENCODED
    from streams.corrections.reviewing import Band

    manifest = artifact.manifest
    if found.model != (artifact.version if encoder else f"{artifact.version}-linear") or not any(found.labels.values()):
        return {}
    is_encoded = encoder and artifact.encoder is not None and found.language in ENCODED
    chosen = {**manifest.calibration, **(manifest.encoded if is_encoded else {})}
    return {str(label): Band(c.threshold, c.unsure_from, c.unsure_to) for label in LABELS for c in [chosen[label]]}


def _records(settings: Settings, topic: str) -> Iterator[InputRecord]:
    """Every record of a topic, partition by partition."""
    from streams.kafka.reading import whole_topic

    return whole_topic(settings, f"{settings.group}-review", topic)
