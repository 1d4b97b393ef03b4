"""What a board needs to hold one more edition: the names of its topics, its model, and the parts that all editions of a board share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from streams.board.article.desk import ArticleDesk
from streams.board.article.explaining import Explainer
from streams.board.broker import BrokerWatch
from streams.board.context import Board
from streams.board.editions import EditionShelf, Held
from streams.board.exporter import BoardCollector
from streams.board.model import BoardModel
from streams.board.replay import Replay
from streams.board.rows import RowCache
from streams.editions.registry import in_edition
from streams.records import Edition
from streams.settings import LIVE, Settings


@dataclass(frozen=True, slots=True)
class EditionParts:
    """How the topics, the group and the model of an edition are called; each function takes the settings in that edition.

    Attributes:
        topics: as `run_board` takes them.
        surveyed: name on the broker -> what it is called in the figures.
        group: the consumer group of the workers.
        open_explainer: loads the edition's model.
    """

    topics: Callable[[Settings], Mapping[str, str]]
    surveyed: Callable[[Settings], Mapping[str, str]]
    group: Callable[[Settings], str]
    open_explainer: Callable[[Settings], Explainer]


def held_live(board: Board, replay: Replay, articles: ArticleDesk | None) -> Held:
    """The edition that every board has from the start."""
    return Held(Edition(name=LIVE, made=""), board, replay, articles, _figures(board.model, replay))


def make_shelf(
    settings: Settings, first: Held, parts: EditionParts | None, watch: BrokerWatch | None, on_death: Callable[[BaseException], None],
    observe: Callable[[bytes], None],
) -> EditionShelf:  # fmt: skip
    """The shelf, with `live` on it.

    Args:
        parts: None: no other edition comes onto it.
        watch: told whose topics to look at after a switch.
        on_death: told when the thread of an edition ends by a fault of its own.
        observe: told of the causes of what the shown edition shows; of no other's.
    """

    def hold(edition: Edition) -> Held:
        assert parts is not None
        own = in_edition(settings, edition)
        model = BoardModel(first.board.model.watchlist, false_break_share=settings.false_break_share)
        topics = parts.topics(own)

        def note(cause: bytes) -> None:
            if shelf.shown.replay is replay:
                observe(cause)

        replay = Replay(own, model, topics, on_death=on_death, on_shown=note)
        articles = ArticleDesk(own, topics, partial(parts.open_explainer, own)) if first.articles is not None else None
        folder = Path(edition.folder) if edition.folder else None
        board = _board_like(first.board, model, replay, articles, folder)
        return Held(edition, board, replay, articles, _figures(model, replay))

    def look(edition: Edition) -> None:
        if parts is not None and watch is not None:
            own = in_edition(settings, edition)
            watch.look_at(parts.surveyed(own), parts.group(own))

    shelf = EditionShelf(first, hold, look)
    return shelf


def _board_like(first: Board, model: BoardModel, replay: Replay, articles: ArticleDesk | None, trained: Path | None) -> Board:
    """The parts for another model, with what belongs to the process in common."""
    return Board(
        model, replay.status, first.registry, first.metrics, first.clock, first.templates, RowCache(model, first.templates), articles, trained
    )  # fmt: skip


def _figures(model: BoardModel, replay: Replay) -> BoardCollector:
    return BoardCollector(
        model, replay.status, records=lambda: _by_base(replay.records), unreadable=lambda: _by_base(replay.unreadable)
    )


def _by_base(counts: Mapping[str, int]) -> dict[str, int]:
    """Under the names that topics have in every edition: a metric's labels are a closed set. No name of a topic holds a dot."""
    return {topic.partition(".")[0]: count for topic, count in counts.items()}
