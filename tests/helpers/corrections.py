"""What corrections on the board need in tests, without Kafka: one known article, and a topic that is a list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from streams.board.article.found import FoundArticle
from streams.board.view import NotFoundError
from streams.errors import KafkaError
from streams.records import Article, Classification, Correction
from tests.helpers.builders import article

FOUND = Classification(
    article_id="article-1", digest="d" * 32, offset=3, pairs=["BLR-RUS", "RUS-BLR"], language="en",
    labels={"cooperation": 0.9, "symbolic-allegiance": 0.1, "hedging": 0.1}, decided=["cooperation"], domains={"security": 0.9}, model="1-test",
)  # fmt: skip


class OneArticle:
    """`article-1` is known, and no other."""

    async def look_up(self, article_id: str) -> tuple[Article, Classification]:
        if article_id != "article-1":
            raise NotFoundError("there is no such article", where="the articles that were read")
        return article(1), FOUND

    async def find(self, article_id: str) -> FoundArticle:
        found, stored = await self.look_up(article_id)
        return FoundArticle(found, stored, "failed", "")


@dataclass
class WrittenCorrections:
    """The topic; it may be out of reach."""

    written: list[Correction] = field(default_factory=list)
    is_out_of_reach: bool = False

    def write(self, corrections: Iterable[Correction]) -> None:
        if self.is_out_of_reach:
            raise KafkaError("nobody answers")
        self.written += corrections
