"""Finds an article by its id and says why it was labelled as it was: the index, the shelf and the explanations together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from streams.board.article.explaining import Explainer, Explanations
from streams.board.article.follower import IndexFollower
from streams.board.article.found import FoundArticle, GoneError, NotNowError
from streams.board.article.shelf import Shelf
from streams.board.view import NotFoundError
from streams.errors import BellwetherError
from streams.log import get_logger
from streams.records import Article, Classification
from streams.settings import Settings

log = get_logger("board")

#: Articles asked for at a time: beyond them a reader is asked to come again.
MOST_ASKED = 16
STOP_SECONDS = 2.0


class ArticleDesk:
    """One for each board.

    Args:
        topics: name on the broker of `articles` and `classifications`.
        open_explainer: loads the model; called when the first article is looked at.
    """

    def __init__(self, settings: Settings, topics: Mapping[str, str], open_explainer: Callable[[], Explainer]) -> None:
        path = settings.data_dir / "state" / settings.scope / "board" / "articles.sqlite"
        self._follower = IndexFollower(settings, topics["classifications"], path)
        self._shelf = Shelf(settings, topics["articles"], topics["classifications"])
        self._explanations = Explanations(open_explainer)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="board-shelf")
        self._asked = 0

    def start(self) -> None:
        """Starts following `classifications`."""
        self._follower.start()

    def stop(self) -> None:
        """Asks everything to end, and waits a moment for the follower, which may be waiting for a broker."""
        self._explanations.close()
        self._thread.shutdown(wait=False, cancel_futures=True)
        if not self._follower.stop(STOP_SECONDS):
            log.warning("article_index_still_busy")

    async def find(self, article_id: str) -> FoundArticle:
        """See `ArticleFinder.find`; not now: the index is not complete yet, Kafka does not answer, or too many ask."""
        if self._asked >= MOST_ASKED:
            raise NotNowError(f"{self._asked} articles are being looked up", where="this board", todo="come again in a moment")
        self._asked += 1
        try:
            article, found = await asyncio.get_running_loop().run_in_executor(self._thread, self._fetch, article_id)
            explanation = await self._explanations.of(article, found.model)
        finally:
            self._asked -= 1
        return FoundArticle(article, found, explanation, self._explanations.version)

    async def look_up(self, article_id: str) -> tuple[Article, Classification]:
        """The article and what was found in it, without an explanation. Raises like `find`."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._fetch, article_id)

    def _fetch(self, article_id: str) -> tuple[Article, Classification]:
        try:
            place = self._follower.find(article_id)
            fetched = self._shelf.fetch(article_id, place) if place else None
            has_ended = place is None and self._follower.has_ended(article_id)
        except BellwetherError as error:
            raise NotNowError(error.what, where=error.where, todo="come again when the broker answers") from error
        if fetched is not None:
            return fetched
        if place is None and not has_ended:
            raise self._unknown(article_id)
        raise _gone(has_ended)

    def _unknown(self, article_id: str) -> BellwetherError:
        missing = self._follower.missing
        if missing == 0:
            return NotFoundError(
                f"there is no article {article_id[:80]!r}", where="the articles that were read", expected="the id of an article that was not erased",
                todo="start at a pair: its evidence leads to its articles",
            )  # fmt: skip
        reason = self._follower.problem or f"{missing:,} classifications have still to be read"
        return NotNowError(
            f"the article {article_id[:80]!r} is not in the index of articles, which is not complete yet", where=reason,
            todo="come again in a moment",
        )  # fmt: skip


def _gone(has_ended: bool) -> GoneError:
    """What is said of an article that was known, by whether a record without a value has ended it."""
    if has_ended:
        return GoneError(
            "the article was forgotten: its text, its facts and what people said of it are erased",
            todo="what it counted for is taken back from the counts, trends and breaks; go on from its pair",
        )  # fmt: skip
    return GoneError(
        "the article's text is no longer kept", where="its place on Kafka is empty", expected="an article whose text has not had its time",
        todo="what it counted for stands, unless it is being erased at this moment",
    )  # fmt: skip
