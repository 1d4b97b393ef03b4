"""Which articles there are to erase: by id, or of an outlet; also those whose text has had its time, of which facts tell.

What comes in: `articles`, and for what is no longer there `classifications`, `signals` and `sealed`. What goes out: ids, and the
addresses by which past bulletins link to them. It writes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from markupsafe import escape

from streams.errors import RecordError, StateError
from streams.kafka.reading import whole_topic
from streams.records import Article, SealedFact, Signal, decode, split_fact_key
from streams.settings import Settings
from streams.stage import InputRecord


@dataclass(frozen=True, slots=True)
class ErasableTopics:
    """Names on the broker."""

    articles: str
    classifications: str
    signals: str
    sealed: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which articles: of these ids, and those whose newest revision is of this outlet, by its name as the board shows it; None for none."""

    ids: Collection[str]
    outlet: str | None

    def takes(self, article_id: str, outlet: str) -> bool:
        """Whether an article is one of them."""
        return article_id in self.ids or (self.outlet is not None and outlet == self.outlet)


class _Told(msgspec.Struct):
    """What is needed of an article or a fact."""

    outlet: str
    url: str


def find_erasable(settings: Settings, topics: ErasableTopics, wanted: Wanted) -> dict[str, str]:
    """Id -> address (empty where it has none, or nobody knows it any more) of the articles that stand; blocks on the network.

    Facts of sealed weeks have kept their outlet only where they are evidence: others of an outlet whose text is gone are found by id alone.

    Raises:
        KafkaError: if the broker stops answering.
    """
    found: dict[str, str] = {}
    there: set[str] = set()
    for record in _records(settings, topics.articles):
        article_id = _id(record.key)
        there.add(article_id)
        found.pop(article_id, None)
        told = _article(record.value)
        if record.value is not None and wanted.takes(article_id, told.outlet):
            found[article_id] = told.url
    for topic in (topics.sealed, topics.signals):
        for record in _records(settings, topic):
            _take_fact(record, wanted, there, found)
    left = {article_id for article_id in wanted.ids if article_id not in found and article_id not in there}
    return found | dict.fromkeys(_classified(settings, topics.classifications, left), "")


def pages_linking_to(folder: Path, addresses: Collection[str]) -> list[Path]:
    """The pages of past bulletins that link to one of the addresses: they stay as they were delivered.

    Raises:
        StateError: if one can't be read.
    """
    links = [f'href="{escape(address)}"'.encode() for address in addresses if address]
    try:
        return (
            [page for page in sorted(folder.glob("*.html")) if any(link in page.read_bytes() for link in links)] if links else []
        )
    except OSError as error:
        raise StateError(
            f"a past bulletin can't be read: {error.strerror}", where=str(error.filename or folder), expected="a readable file",
            todo="look by hand whether it quotes what was erased: the articles are erased all the same",
        ) from error  # fmt: skip


def _take_fact(record: InputRecord, wanted: Wanted, there: Collection[str], found: dict[str, str]) -> None:
    try:
        _, article_id = split_fact_key(record.key or b"")
        told = _fact(record.value)
    except RecordError:
        return
    if article_id in there or told is None:
        return
    if wanted.takes(article_id, told.outlet):
        found[article_id] = told.url or found.get(article_id, "")


def _classified(settings: Settings, topic: str, ids: Collection[str]) -> set[str]:
    """Those of the ids that have a classification."""
    standing: set[str] = set()
    for record in _records(settings, topic) if ids else ():
        if (article_id := _id(record.key)) in ids:
            (standing.discard if record.value is None else standing.add)(article_id)
    return standing


def _records(settings: Settings, topic: str) -> Iterator[InputRecord]:
    return whole_topic(settings, f"{settings.group}-erasable", topic)


def _id(key: bytes | None) -> str:
    return (key or b"").decode("utf-8", "replace")


def _article(value: bytes | None) -> _Told:
    """What an article tells; nothing for what is none, which may be erased by its key."""
    try:
        article = decode(Article, value or b"")
    except RecordError:
        return _Told("", "")
    return _Told(article.outlet, article.url)


def _fact(value: bytes | None) -> _Told | None:
    if value is None:
        return None
    if value[:1] == b"[":
        text = decode(SealedFact, value).text
        return _Told(text.outlet, text.url) if text else _Told("", "")
    fact = decode(Signal, value)
    return _Told(fact.outlet, fact.url)
