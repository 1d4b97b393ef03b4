"""Explanations of articles by the model, made in one thread, bounded in number and in time; the newest ones are kept.

The model takes some hundred MB and seconds to load: that happens when the first article is looked at, not at the start of the board.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from models.explanation import Explanation
from streams.board.article.found import Without
from streams.log import get_logger
from streams.records import Article

log = get_logger("board")

#: How long a page waits for an explanation; it is made all the same, for whoever looks again.
WAIT_SECONDS = 4.0
#: Explanations in work at a time, and those that are kept: at most some 15 MB.
MOST_WAITING, MOST_KEPT = 8, 32


@dataclass(frozen=True, slots=True)
class Explainer:
    """A loaded model: its version, and what it says of an article."""

    version: str
    explain: Callable[[Article], Explanation]


class Explanations:
    """Makes and keeps explanations. For one event loop.

    Args:
        open_explainer: loads the model; called once, in the thread.
    """

    def __init__(
        self, open_explainer: Callable[[], Explainer], *, wait_seconds: float = WAIT_SECONDS, most_waiting: int = MOST_WAITING
    ) -> None:
        self._open = open_explainer
        self._wait_seconds = wait_seconds
        self._most_waiting = most_waiting
        self._explainer: Explainer | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="board-explaining")
        self._waiting: dict[str, asyncio.Task[Explanation | Without]] = {}
        self._kept: OrderedDict[str, Explanation] = OrderedDict()

    @property
    def version(self) -> str:
        """The version of the model that explains; empty until it is loaded."""
        return self._explainer.version if self._explainer else ""

    async def of(self, article: Article, model: str) -> Explanation | Without:
        """The explanation of an article that `model` has classified, or why there is none."""
        key = article.digest()
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        if self._explainer is not None and self._explainer.version != model:
            return "other-model"
        if key not in self._waiting:
            if len(self._waiting) >= self._most_waiting:
                return "busy"
            self._waiting[key] = asyncio.create_task(self._make(key, article, model))
        task = self._waiting[key]
        done, _ = await asyncio.wait({task}, timeout=self._wait_seconds)
        return task.result() if done else "slow"

    async def _make(self, key: str, article: Article, model: str) -> Explanation | Without:
        """Goes on to its end, whether a page still waits for it or not."""
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._thread, self._explain, article, model)
        except Exception as error:  # noqa: BLE001 - whatever the model raises, the page shows what was stored
            log.warning("explanation_failed", error=repr(error))
            return "failed"
        finally:
            del self._waiting[key]
        if found is None:
            return "other-model"
        self._kept[key] = found
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return found

    def _explain(self, article: Article, model: str) -> Explanation | None:
        if self._explainer is None:
            self._explainer = self._open()
            log.info("explainer_loaded", model=self._explainer.version)
        return self._explainer.explain(article) if self._explainer.version == model else None

    def close(self) -> None:
        """Ends the thread after what it is at."""
        self._thread.shutdown(wait=False, cancel_futures=True)
