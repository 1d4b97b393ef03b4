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
    if not standby:
        run_worker(connected(settings), watchlist, partial(load_predictor, settings))
    predictor = load_predictor(settings)
    if sys.stdin.readline():  # else whoever would have needed the spare has gone
        run_worker(connected(settings), watchlist, lambda: predictor)


@click.command()
def board() -> None:
    """Runs the board: the pages, the JSON API and /metrics.

    \b
    BELLWETHER_BOARD_PORT=8080 bellwether board
    """
    from streams import topology
    from streams.board.app import run_board
    from streams.board.correcting import Correcting
    from streams.board.door import Door
    from streams.board.holding import EditionParts
    from streams.board.sessions import Sessions, session_key
    from streams.corrections.writing import CorrectionTopics, CorrectionWriter
    from streams.push.tokens import TokenCheck, TokenFile
    from streams.settings import LIVE
    from streams.watchlist import load_watchlist

    settings = started()
    watchlist = load_watchlist(settings.watchlist)
    settings = connected(settings)
    tokens = TokenCheck(TokenFile(settings.push_tokens_file))
    key = session_key(settings.data_dir / "state" / settings.group / "board" / "session.key")
    door = Door(tokens, Sessions(key), settings.board_readers)
    correcting = Correcting(
        tokens,
        CorrectionWriter(settings, CorrectionTopics(topology.ARTICLES.name, topology.CORRECTIONS.name)),
    )
    settings = settings.model_copy(update={"edition": LIVE})
    run_board(
        settings, watchlist, topics=_board_topics(settings), correcting=correcting, door=door, surveyed=[topic.name for topic in topology.TOPICS],
        group=topology.worker_group(settings), open_explainer=partial(_open_explainer, settings),
        parts=EditionParts(_board_topics, _surveyed, topology.worker_group, _open_explainer),
    )  # fmt: skip


def _board_topics(settings: Settings) -> dict[str, str]:
    """What the board reads, in the edition of the settings."""
    from streams import topology

    return {spec.name: topology.name_in(settings, spec) for spec in topology.READERS["board"]}


def _surveyed(settings: Settings) -> dict[str, str]:
    """Every topic of the edition: its name on the broker, and its name in every edition."""
    from streams import topology

    return {topology.name_in(settings, spec): spec.name for spec in topology.TOPICS}


def _open_explainer(settings: Settings) -> Explainer:
    """Loads the model for the board, which explains with it as the worker would have classified."""
    from streams.board.article.explaining import Explainer
    from streams.classify.facts import to_text
    from streams.classify.model import load_predictor

    predictor = load_predictor(settings)
    return Explainer(predictor.version, lambda article: predictor.explain(to_text(article)))
