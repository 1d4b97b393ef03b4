"""Commands that run the stream: everything at once, a worker, the board."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

import click

from streams.commands.common import connected, started

if TYPE_CHECKING:
    from streams.board.article.explaining import Explainer
    from streams.settings import Settings


@click.command()
@click.option("--demo", is_flag=True, help="Stream the sample archive, into a data directory of its own.")
def up(demo: bool) -> None:
    """Kafka, a worker, the board and the feeds, under one supervisor. Ctrl-C ends all of it.

    \b
    bellwether up --demo                     the sample archive, to look around
    BELLWETHER_FEEDS=feeds.toml BELLWETHER_WATCHLIST=pairs.toml bellwether up
    """
    from streams.up import run_up

    sys.exit(run_up(started(), demo=demo))


@click.command()
@click.option(
    "--standby", is_flag=True, help="Get ready, then wait for a line on stdin before joining: a spare for a quick restart."
)
def worker(standby: bool) -> None:
    """Runs a worker: classifies articles and counts trends. Any number may run, each with its own BELLWETHER_WORKER_ID.

    \b
    BELLWETHER_WORKER_ID=worker-2 BELLWETHER_WORKER_METRICS_PORT=0 bellwether worker
    """
    from streams.classify.model import load_predictor
    from streams.watchlist import load_watchlist
    from streams.worker import run_worker

    settings = started()
    watchlist = load_watchlist(settings.watchlist)
    predictor = load_predictor(settings)
    if standby and not sys.stdin.readline():
        return  # whoever would have needed the spare has gone
    run_worker(connected(settings), watchlist, predictor)


@click.command()
def board() -> None:
    """Runs the board: the pages, the JSON API and /metrics.

    \b
    BELLWETHER_BOARD_PORT=8080 bellwether board
    """
    from streams import topology
    from streams.board.app import run_board
    from streams.board.correcting import Correcting
    from streams.corrections.writing import CorrectionTopics, CorrectionWriter
    from streams.push.tokens import TokenCheck, TokenFile
    from streams.watchlist import load_watchlist

    settings = started()
    watchlist = load_watchlist(settings.watchlist)
    topics = {
        "trends": topology.TRENDS.name,
        "breaks": topology.BREAKS.name,
        "progress": topology.PROGRESS.name,
        "feeds": topology.FEEDS.name,
        "articles": topology.ARTICLES.name,
        "classifications": topology.CLASSIFICATIONS.name,
    }
    settings = connected(settings)
    correcting = Correcting(
        TokenCheck(TokenFile(settings.push_tokens_file)),
        CorrectionWriter(settings, CorrectionTopics(topology.ARTICLES.name, topology.CORRECTIONS.name)),
    )
    run_board(
        settings, watchlist, topics=topics, correcting=correcting, surveyed=[topic.name for topic in topology.TOPICS],
        group=topology.worker_group(settings), open_explainer=partial(_open_explainer, settings),
    )  # fmt: skip


def _open_explainer(settings: Settings) -> Explainer:
    """Loads the model for the board, which explains with it as the worker would have classified."""
    from streams.board.article.explaining import Explainer
    from streams.classify.facts import to_text
    from streams.classify.model import load_predictor

    predictor = load_predictor(settings)
    return Explainer(predictor.version, lambda article: predictor.explain(to_text(article)))
