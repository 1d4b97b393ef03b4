"""The command line: parses arguments, builds the settings once, and calls one function each.

Exit codes: 0 done, 1 failed, 2 wrong usage or settings. Errors go to stderr: what, where, what was expected, what to do.
With `--json`, nothing but JSON goes to stdout. Heavy imports happen inside the commands, so that `--help` is quick.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streams.errors import EXIT_FAILED, BellwetherError, ConfigError, RecordError
from streams.log import configure_logging
from streams.settings import Settings, describe_settings, load_settings

if TYPE_CHECKING:
    from streams.ingest.publish import ArticlePublisher

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


def _started(**overrides: Any) -> Settings:
    """The settings in force, with logging set up by them."""
    settings = load_settings(**overrides)
    configure_logging(settings.log_level, as_json=settings.log_json)
    return settings


def _connected(settings: Settings) -> Settings:
    """The settings with the servers of the embedded Kafka where none are set."""
    from streams.kafka.embedded import resolve_servers

    return settings.model_copy(update={"kafka_servers": resolve_servers(settings)})


def _say(line: str) -> None:
    click.echo(line)


@click.group(context_settings=CONTEXT)
@click.version_option(package_name="bellwether", prog_name="bellwether")
def cli() -> None:
    """Measures from the news how states lean: cooperation, symbolic allegiance, hedging.

    \b
    bellwether up --demo                     everything, with the sample archive
    bellwether ingest archive news.jsonl     your own archive
    bellwether classify article.txt          why an article is labelled as it is
    """


@cli.command()
@click.option("--demo", is_flag=True, help="Stream the sample archive, into a data directory of its own.")
def up(demo: bool) -> None:
    """Kafka, a worker, the board and the feeds, under one supervisor. Ctrl-C ends all of it."""
    from streams.up import run_up

    sys.exit(run_up(_started(), demo=demo))


@cli.group()
def kafka() -> None:
    """The embedded Kafka: the real one, one node, on this machine."""


@kafka.command("start")
def kafka_start() -> None:
    """Starts it in the background; does nothing when it runs."""
    from streams.kafka import embedded

    broker = embedded.start(_started(), detached=True)
    _say(f"Kafka runs at {broker.servers} (pid {broker.pid}); data in {broker.data_dir}")


@kafka.command("stop")
def kafka_stop() -> None:
    """Stops it; its data stays."""
    from streams.kafka import embedded

    _say("Kafka was stopped" if embedded.stop(_started()) else "Kafka was not running")


@kafka.command("status")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def kafka_status(as_json: bool) -> None:
    """Says whether it runs, where, and how large its data is. Exit code 1 when it does not run."""
    from streams.kafka import embedded

    status = embedded.status(_started())
    if as_json:
        _say(json.dumps(dataclasses.asdict(status), default=str))
    else:
        state = f"runs at {status.servers} (pid {status.pid})" if status.running else "does not run"
        _say(f"Kafka {status.version} {state}; {status.data_bytes / 2**20:.1f} MB in {status.data_dir}; log: {status.log_file}")
    sys.exit(0 if status.running else EXIT_FAILED)


@kafka.command("wipe")
@click.option("--yes", is_flag=True, help="Do not ask.")
def kafka_wipe(yes: bool) -> None:
    """Deletes its data: every article, fact and count. The broker must be stopped."""
    from streams.kafka import embedded

    settings = _started()
    if not yes:
        click.confirm(f"Delete everything under {settings.data_dir / 'kafka'}?", abort=True)
    embedded.wipe(settings)
    _say("Kafka's data was deleted")


@cli.command()
@click.option("--create", is_flag=True, help="Make the missing topics on the broker.")
@click.option("--check", is_flag=True, help="Compare with the broker; exit code 1 when a topic is missing or differs.")
@click.option("--mermaid", is_flag=True, help="The way of the data as a Mermaid diagram.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def topics(create: bool, check: bool, mermaid: bool, as_json: bool) -> None:
    """Lists the topics as the topology wants them; makes or checks them on request."""
    from streams import diagram, topology
    from streams.kafka.topics import compare_topics, ensure_topics

    settings = _started()
    if mermaid:
        _say(diagram.mermaid())
    elif create or check:
        connected = _connected(settings)
        report = ensure_topics(connected, topology.TOPICS) if create else compare_topics(connected, topology.TOPICS)
        faults = [f"{name}: missing" for name in report.missing] + report.differing
        if as_json:
            _say(json.dumps({"made": report.made, "missing": report.missing, "differing": report.differing}))
        else:
            _say("\n".join([f"{name}: made" for name in report.made] + faults) or "every topic is as it should be")
        sys.exit(EXIT_FAILED if faults else 0)
    elif as_json:
        _say(json.dumps(diagram.topics_as_dicts(settings)))
    else:
        _say(diagram.table(settings))


@cli.group()
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

    settings = _connected(_started())
    with _publisher(settings, "archive") as publisher:
        report = send(files, publisher, settings, rate=rate)
    if as_json:
        _say(json.dumps(dataclasses.asdict(report)))
    else:
        dead = sum(report.dead_letters.values())
        reasons = "".join(f"; {count} {reason}" for reason, count in sorted(report.dead_letters.items()))
        speed = report.read / report.seconds if report.seconds else 0.0
        _say(f"{report.read} read = {report.published} articles + {dead} dead letters{reasons}; {speed:.0f}/s")
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

    settings = _started(feeds=feeds)
    if settings.feeds is None:
        raise ConfigError(
            "no feed list is set",
            where="BELLWETHER_FEEDS or --feeds",
            expected="a TOML file of feeds",
            todo="copy deploy/feeds.example.toml, edit it, and name it here",
        )
    feed_list = load_feeds(settings.feeds)
    connected = _connected(settings)
    with _publisher(connected, "feeds", serve=True) as publisher:
        report = run_feeds(connected, feed_list, publisher, once=once)
    sys.exit(EXIT_FAILED if once and report.failed else 0)


@cli.group()
def feeds() -> None:
    """Feeds: look at what they hold."""


@feeds.command("parse")
@click.argument("sources", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON line a source.")
def feeds_parse(sources: tuple[str, ...], as_json: bool) -> None:
    """Parses feed files or addresses and shows their entries. Exit code 1 when one can't be read as a feed."""
    from streams.ingest.parsing import parse_sources

    _started()
    failed = False
    for parsed in parse_sources(sources):
        failed = failed or parsed.error is not None
        _say(parsed.to_json() if as_json else parsed.describe())
    sys.exit(EXIT_FAILED if failed else 0)


@cli.command()
def worker() -> None:
    """Runs a worker: classifies articles and counts trends. Any number may run, each with its own BELLWETHER_WORKER_ID."""
    from streams.watchlist import load_watchlist
    from streams.worker import run_worker

    settings = _started()
    watchlist = load_watchlist(settings.watchlist)
    sys.exit(run_worker(_connected(settings), watchlist))


@cli.command()
def board() -> None:
    """Runs the board: the page, the JSON API and /metrics."""
    from streams import topology
    from streams.board.app import run_board
    from streams.watchlist import load_watchlist

    settings = _started()
    watchlist = load_watchlist(settings.watchlist)
    run_board(_connected(settings), watchlist, topics={"trends": topology.TRENDS.name, "progress": topology.PROGRESS.name})


@cli.command()
@click.argument("file", default="-", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="One JSON line an article.")
@click.option("--model", type=click.Path(path_type=Path), help="Directory of a trained model.")
def classify(file: Path, as_json: bool, model: Path | None) -> None:
    """Classifies a text file (first line: title) or JSON lines (`id,title,text[,published,language]`), and says why.

    \b
    bellwether classify article.txt
    cat articles.jsonl | bellwether classify --json
    """
    from rich.console import Console

    from models.predict import Predictor
    from streams.classify import render
    from streams.classify.batches import classify_all
    from streams.classify.texts import read_texts

    settings = _started(model=model)
    content, name = _read(file)
    predictor = Predictor.load(settings.model)
    console = Console()
    failed = False
    for found in classify_all(predictor, read_texts(content, name)):
        if isinstance(found, RecordError):
            failed = True
            click.echo(f"error: {found}", err=True)
        elif as_json:
            _say(render.as_json(*found))
        else:
            render.show(console, *found)
    sys.exit(EXIT_FAILED if failed else 0)


def _read(file: Path) -> tuple[bytes, str]:
    if str(file) == "-":
        return sys.stdin.buffer.read(), "-"
    try:
        return file.read_bytes(), file.name
    except OSError as error:
        raise ConfigError(
            f"the file can't be read: {error.strerror}", where=str(file), expected="a readable file", todo="check the name"
        ) from error


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
@click.option("--model", type=click.Path(path_type=Path), help="Directory of a trained model.")
def evaluate(file: Path, as_json: bool, model: Path | None) -> None:
    """Measures the model on labelled items (JSON lines with `title,text,labels`): precision, recall, F1, calibration."""
    from models.evaluate import evaluate_file
    from models.predict import Predictor

    settings = _started(model=model)
    report = evaluate_file(file, Predictor.load(settings.model))
    _say(report.to_json() if as_json else report.to_table())


@cli.command()
@click.option("--corpus", type=click.Path(path_type=Path), help="Directory of the corpus.")
@click.option("--out", type=click.Path(path_type=Path), help="Directory to write the model to.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of everything random.")
def train(corpus: Path | None, out: Path | None, seed: int) -> None:
    """Trains the model from the corpus; the same corpus and seed give the same bytes."""
    from models.artifact import TRAINED
    from models.train import train as run

    _started()
    _say(run(corpus or TRAINED.with_name("corpus"), out or TRAINED, seed).to_table())


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON line a pair's week.")
@click.option("--pair", help="Only this pair, such as BLR-RUS.")
def trends(as_json: bool, pair: str | None) -> None:
    """Prints the weekly counts as they stand on the stream."""
    from streams import topology
    from streams.board.listing import read_trends, trends_table

    settings = _connected(_started())
    found = read_trends(settings, topology.TRENDS.name, pair)
    if as_json:
        for line in found:
            _say(line.to_json())
    else:
        _say(trends_table(found))


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def config(as_json: bool) -> None:
    """Prints the settings in force, secrets masked, each with its meaning."""
    rows = describe_settings(_started())
    if as_json:
        _say(json.dumps({name: value for name, value, _ in rows}))
    else:
        for name, value, meaning in rows:
            _say(f"{name}={value}\n    {meaning}")


@cli.command()
@click.option("--check", is_flag=True, help="Only say whether they are up to date; exit code 1 when not.")
def docs(check: bool) -> None:
    """Writes the generated parts of docs/."""
    from streams.diagram import write_docs

    stale = write_docs(Path("docs"), check=check)
    _say("\n".join(f"{name}: {'out of date' if check else 'written'}" for name in stale) or "the docs are up to date")
    sys.exit(EXIT_FAILED if check and stale else 0)


def main() -> None:
    """Runs the command line and turns errors into messages and exit codes."""
    from models.errors import ModelError

    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(EXIT_FAILED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BellwetherError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except ModelError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(EXIT_FAILED)
    except BrokenPipeError:
        # The reader has gone (a pager, head): nobody is left to tell.
        sys.stderr.close()
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        sys.exit(EXIT_FAILED)


if __name__ == "__main__":
    main()
