"""What is found of an article, who finds it, and how it can fail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from models.explanation import Explanation
from streams.errors import BellwetherError
from streams.records import Article, Classification

#: Why there is no explanation: another model made the labels; it takes longer than a page waits; too many are asked for; the model failed.
Without = Literal["other-model", "slow", "busy", "failed"]


class GoneError(BellwetherError):
    """The article was there and is no longer: status 410."""


class NotNowError(BellwetherError):
    """It can't be said at this moment: status 503."""


@dataclass(frozen=True, slots=True)
class FoundArticle:
    """An article, what was found in it when it came in, and the model's reasons where it can give them.

    Attributes:
        explanation: of the model that made the labels; else why there is none.
        explainer: version of the model that explains; empty where none is loaded.
    """

    article: Article
    classification: Classification
    explanation: Explanation | Without
    explainer: str


class ArticleFinder(Protocol):
    """Finds articles for the pages (`streams.board.article.desk.ArticleDesk`)."""

    async def find(self, article_id: str) -> FoundArticle:
        """The article with its labels and their reasons.

        Raises:
            NotFoundError: if no article of that id has been classified.
            GoneError: if it was erased.
            NotNowError: if it can't be said at this moment.
        """
