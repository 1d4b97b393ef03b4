"""What must have become of every record of `articles`: a plain loop over the topic itself, without batches, stages or stores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from models.predict import Predictor
from models.results import Classified, Text
from streams.records import CURRENT_VERSION, Article
from streams.stage import InputRecord
from tests.helpers.plain_loop import Truth, recount


class RememberingPredictor:
    """The model, asked once for each text: many runs share their articles."""

    def __init__(self) -> None:
        self._model = Predictor.load(encoder=False)
        self._known: dict[Text, Classified] = {}

    def classify(self, texts: Sequence[Text]) -> list[Classified]:
        """Results in the order of the texts."""
        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        self._known.update(zip(new, self._model.classify(new), strict=True))
        return [self._known[text] for text in texts]


@dataclass
class Account:
    """What became of each record, and what the counts are.

    Attributes:
        dead: `topic/partition/offset` of each record that is no article.
    """

    truth: Truth
    classified: int = 0
    duplicates: int = 0
    forgotten: int = 0
    dead: set[str] = field(default_factory=set)

    @property
    def progress(self) -> dict[str, int]:
        """As `Stack.progress` has it."""
        return {
            "classified": self.classified,
            "duplicates": self.duplicates,
            "dead_letters": len(self.dead),
            "forgotten": self.forgotten,
        }

    def facts(self) -> set[tuple[str, str]]:
        """(week, key on `signals`) of every fact of every pair, shown or not."""
        cells = self.truth.articles.items()
        return {
            (week, f"{pair}|{article}")
            for (pair, week, domain, label), ids in cells
            if domain == "all" and not label
            for article in ids
        }


def account_for(records: Mapping[int, Sequence[InputRecord]], predictor: RememberingPredictor) -> Account:
    """The account of all records of `articles`, by partition."""
    last: dict[str, Article] = {}
    account = Account(Truth())
    for partition, found in records.items():
        for record in found:
            article = _article(record)
            if record.value is None and record.key:
                account.forgotten += 1
                last.pop(record.key.decode(), None)
            elif article is None:
                account.dead.add(f"articles/{partition}/{record.offset}")
            elif article.id in last and last[article.id].digest() == article.digest():
                account.duplicates += 1
            else:
                account.classified += 1
                last[article.id] = article
    account.truth = recount(last.values(), predictor)
    return account


def _article(record: InputRecord) -> Article | None:
    """The article, or None for what must become a dead letter."""
    try:
        article = msgspec.json.decode(record.value or b"", type=Article)
        published = datetime.fromisoformat(article.published)
        published.replace(tzinfo=published.tzinfo or UTC).astimezone(UTC)
    except (msgspec.DecodeError, ValueError, OverflowError, RecursionError):
        return None
    return article if article.v <= CURRENT_VERSION and article.id and record.key == article.id.encode() else None
