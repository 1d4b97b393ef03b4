"""Runs the model over many texts in batches, keeping their order and the errors between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from models.results import Classified
from streams.classify.texts import NamedText
from streams.errors import RecordError

if TYPE_CHECKING:
    from models.predict import Predictor

BATCH = 256


def classify_all(
    predictor: Predictor, items: Iterable[NamedText | RecordError]
) -> Iterator[tuple[NamedText, Classified] | RecordError]:
    """Each item with its classification, or its error, in order; at most `BATCH` texts are held."""
    pending: list[NamedText | RecordError] = []
    for item in items:
        pending.append(item)
        if len(pending) == BATCH:
            yield from _classified(predictor, pending)
            pending = []
    yield from _classified(predictor, pending)


def _classified(
    predictor: Predictor, pending: list[NamedText | RecordError]
) -> Iterator[tuple[NamedText, Classified] | RecordError]:
    texts = [item.text for item in pending if isinstance(item, NamedText)]
    results = iter(predictor.classify(texts) if texts else [])
    for item in pending:
        yield item if isinstance(item, RecordError) else (item, next(results))
