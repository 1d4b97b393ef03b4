"""Commands that bring news in: archives and feeds."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.commands.common import connected, say, started
from streams.errors import EXIT_FAILED, ConfigError
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.ingest.publish import ArticlePublisher


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
    from streams.ingest.archive import ingest_archive as send

    settings = connected(started())
    with _publisher(settings, "archive") as publisher:
        report = send(files, publisher, settings, rate=rate)
    if as_json:
        say(json.dumps(dataclasses.asdict(report)))
    else:
        dead = sum(report.dead_letters.values())
        reasons = "".join(f"; {count} {reason}" for reason, count in sorted(report.dead_letters.items()))
        speed = report.read / report.seconds if report.seconds else 0.0
        say(f"{report.read} read = {report.published} articles + {dead} dead letters{reasons}; {speed:.0f}/s")
    sys.exit(EXIT_FAILED if report.interrupted else 0)


def _publisher(settings: Settings, producer: str, *, serve: bool = False) -> ArticlePublisher:
    """A publisher onto the topology's topics, with /metrics of its own where it runs for long."""
    from prometheus_client import CollectorRegistry

    from streams import topology
    from streams.ingest.publish import ArticlePublisher, IngestTopics
    from streams.metrics import IngestMetrics, add_process_info, serve_metrics

    registry = CollectorRegistry()
    add_process_info(registry, process="ingest")
    if serve:
        serve_metrics(registry, settings.metrics_host, settings.ingest_metrics_port, "BELLWETHER_INGEST_METRICS_PORT")
    topics = IngestTopics(topology.ARTICLES.name, topology.DEAD_LETTERS.name)
    return ArticlePublisher(settings, IngestMetrics(registry), producer, topics)


@ingest.command("feeds")
@click.option("--feeds", type=click.Path(path_type=Path), help="TOML file of the feeds.")
@click.option("--once", is_flag=True, help="Fetch every enabled feed once, then end.")
def ingest_feeds(feeds: Path | None, once: bool) -> None:
    """Reads RSS and Atom feeds, politely, for ever."""
    from streams.ingest.feeds import load_feeds
    from streams.ingest.poll import run_feeds

    settings = started(feeds=feeds)
    if settings.feeds is None:
        raise ConfigError(
            "no feed list is set",
            where="BELLWETHER_FEEDS or --feeds",
            expected="a TOML file of feeds",
            todo="copy deploy/feeds.example.toml, edit it, and name it here",
        )
    feed_list = load_feeds(settings.feeds)
    settings = connected(settings)
    with _publisher(settings, "feeds", serve=True) as publisher:
        report = run_feeds(settings, feed_list, publisher, once=once)
    sys.exit(EXIT_FAILED if once and report.failed else 0)


@click.group()
def feeds() -> None:
    """Feeds: look at what they hold."""


@feeds.command("parse")
@click.argument("sources", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON line a source.")
def feeds_parse(sources: tuple[str, ...], as_json: bool) -> None:
    """Parses feed files or addresses and shows their entries. Exit code 1 when one can't be read as a feed."""
    from streams.ingest.parsing import parse_sources

    started()
    failed = False
    for parsed in parse_sources(sources):
        failed = failed or parsed.error is not None
        say(parsed.to_json() if as_json else parsed.describe())
    sys.exit(EXIT_FAILED if failed else 0)
