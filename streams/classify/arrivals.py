"""What a record of `articles` is: an article, the end of one, or bad data. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from streams.clock import parse_utc
from streams.errors import RecordError
from streams.records import Article, decode
from streams.stage import InputRecord


@dataclass(frozen=True, slots=True)
class Forgotten:
    """An article that is to be forgotten: its key stands without a value."""

    article_id: str


def read_arrival(record: InputRecord) -> Article | Forgotten | RecordError:
    """What a record says, or why it can't be used. Everything that makes a record bad by itself is found here."""
    if record.value is None and record.key:
        return Forgotten(record.key.decode("utf-8", "replace"))
    try:
        article = decode(Article, record.value or b"")
        parse_utc(article.published)
    except RecordError as error:
        return error
    except (ValueError, OverflowError) as error:
        return RecordError(f"its publication date can't be used: {error}", reason="not-an-article", expected="ISO 8601, in UTC")
    if not article.id or record.key != article.id.encode():
        # Revisions of an article under two keys would be classified in two partitions, in no order.
        return RecordError("its key is not its id", reason="not-an-article", expected="the article's id as the key, not empty")
    return article
