"""Commands that bring news in: archives and feeds."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.commands.common import connected, say, started
from streams.commands.feeds import feed_list_path
from streams.errors import EXIT_FAILED

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from streams.ingest.publish import ArticlePublisher
    from streams.settings import Settings


@click.group()
def ingest() -> None:
    """Producers: bring articles onto the stream."""


@ingest.command("archive")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--rate", type=click.FloatRange(min=0.01), help="Articles a second, at most.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
def ingest_archive(files: tuple[Path, ...], rate: float | None, as_json: bool) -> None:
    """Sends archives (JSON lines, CSV, either of them gzipped, or - for stdin). Event time is each article's `published`.

    \b
    bellwether ingest archive news.jsonl.gz
    bellwether ingest archive --rate 200 2016.csv 2017.csv
    """
    from prometheus_client import CollectorRegistry

    from streams.ingest.archive import ingest_archive as send

    settings = connected(started())
    with _publisher(settings, "archive", CollectorRegistry()) as publisher:
        report = send(files, publisher, settings, rate=rate)
    if as_json:
        say(json.dumps(dataclasses.asdict(report)))
    else:
        dead = sum(report.dead_letters.values())
        reasons = "".join(f"; {count} {reason}" for reason, count in sorted(report.dead_letters.items()))
        speed = report.read / report.seconds if report.seconds else 0.0
        say(f"{report.read} read = {report.published} articles + {dead} dead letters{reasons}; {speed:.0f}/s")
    sys.exit(EXIT_FAILED if report.interrupted else 0)


def _publisher(settings: Settings, producer: str, registry: CollectorRegistry) -> ArticlePublisher:
    """A publisher onto the topology's topics."""
    from streams import topology
    from streams.ingest.publish import ArticlePublisher, IngestTopics
    from streams.metrics import IngestMetrics, add_process_info

    add_process_info(registry, process="ingest")
    topics = IngestTopics(topology.ARTICLES.name, topology.DEAD_LETTERS.name, topology.FEEDS.name)
    return ArticlePublisher(settings, IngestMetrics(registry), producer, topics)


@ingest.command("feeds")
@click.option("--feeds", type=click.Path(path_type=Path), help="TOML file of the feeds.")
@click.option("--once", is_flag=True, help="Fetch every enabled feed once, then end.")
def ingest_feeds(feeds: Path | None, once: bool) -> None:
    """Reads RSS, Atom, RDF, CDF and JSON feeds, politely, for ever. An edited list is taken over within some seconds."""
    from prometheus_client import CollectorRegistry

    from streams.ingest.feed_file import Watched
    from streams.ingest.poll import PollOptions, run_feeds
    from streams.metrics import serve_metrics

    settings = started(feeds=feeds)
    watched = Watched(feed_list_path(settings))
    settings = connected(settings)
    registry = CollectorRegistry()
    serve_metrics(registry, settings.metrics_host, settings.ingest_metrics_port, "BELLWETHER_INGEST_METRICS_PORT")
    options = PollOptions(reload=watched.changed, registry=registry)
    with _publisher(settings, "feeds", registry) as publisher:
        report = run_feeds(settings, watched.feeds, publisher, once=once, options=options)
    sys.exit(EXIT_FAILED if once and report.failed else 0)
