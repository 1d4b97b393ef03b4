"""The wire format: every record that stands on a topic, its version, its key, and how it is read and written.

Values are JSON (msgspec). A reader accepts every version up to its own and refuses a newer one with a reason; unknown
fields are ignored, so that a newer writer of the same version may add some.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Literal, TypeVar

import msgspec

from streams.errors import RecordError

#: Domain name under which every article counts, whatever else it touches.
ALL_DOMAINS = "all"

DeadLetterReason = Literal[
    "not-json", "not-an-article", "not-a-signal", "newer-version", "too-large", "not-utf8", "unreadable-line", "undeliverable",
    "classify-failed",
]  # fmt: skip
DEAD_LETTER_REASONS: tuple[str, ...] = DeadLetterReason.__args__  # type: ignore[attr-defined]

DateOrigin = Literal["published", "missing", "unreadable", "future", "absurd"]


class Article(msgspec.Struct, frozen=True, kw_only=True):
    """Topic `articles`, key: `id`. One revision of one article; a later record of the same id replaces it.

    `published` is event time. Where the sender's date could not be used, it is the arrival time, and `date_origin` says why.
    """

    id: str
    title: str
    text: str
    published: str
    date_origin: DateOrigin = "published"
    outlet: str = ""
    url: str = ""
    language: str = ""
    ingested: str = ""
    v: int = 1

    def digest(self) -> str:
        """32 hex digits of what a reader would see: equal for a repeated delivery, different for an edit.

        The arrival time is left out, so that an undated article sent twice is still the same article.
        """
        published = self.published if self.date_origin == "published" else ""
        parts = (self.title, self.text, published, self.outlet, self.url)
        return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()


class Classification(msgspec.Struct, frozen=True, kw_only=True):
    """Topic `classifications`, key: article id. What the article was found to say, and which facts stand because of it.

    `pairs` and `offset` are what the classify stage needs to take facts back when an edit no longer supports them.
    """

    article_id: str
    digest: str
    offset: int
    pairs: list[str]
    language: str
    labels: dict[str, float]
    decided: list[str]
    domains: dict[str, float]
    model: str
    v: int = 1


class LabelFact(msgspec.Struct, frozen=True, kw_only=True):
    """One label of one fact: how sure, by which sentence, by which words."""

    probability: float
    evidence: str
    terms: list[str]


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """Topic `signals`, key: `source-partner|article id`, partitioned by the unordered pair. THE fact.

    A record without a value (a tombstone) takes the fact back. `labels` is empty for an article that is about the pair but
    carries no signal: it counts in the exposure.
    """

    source: str
    partner: str
    article_id: str
    published: str
    week: str
    story_id: str
    domains: list[str]
    labels: dict[str, LabelFact]
    title: str
    outlet: str
    url: str
    model: str
    v: int = 1


class Count(msgspec.Struct, frozen=True):
    """How many stories (copies folded) and how many articles."""

    stories: int = 0
    articles: int = 0


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One article that stands behind a count."""

    article_id: str
    title: str
    outlet: str
    url: str
    published: str
    probability: float
    sentence: str
    terms: list[str]


class Trend(msgspec.Struct, frozen=True, kw_only=True):
    """Topic `trends`, key: `source-partner|week`. The absolute state of one pair's week; replaces the record before it.

    Numerators and denominators stand in one record, so that no reader ever sees a share of two different moments.

    Attributes:
        exposure: domain (and `all`) -> articles about the pair, with or without a signal.
        counts: label -> domain (and `all`) -> articles that carry the label; only cells that are not zero.
        evidence: label -> the most telling stories, best first, bounded.
    """

    source: str
    partner: str
    week: str
    exposure: dict[str, Count]
    counts: dict[str, dict[str, Count]]
    evidence: dict[str, list[Evidence]]
    v: int = 1


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """Topic `dead-letters`, key: `where`. An input that could not be used, why, and what it was (cut to 4,096 characters)."""

    reason: DeadLetterReason
    where: str
    detail: str
    content: str
    at: str
    v: int = 1


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Topic `progress`, key: partition of `articles`. What became of every article up to `offset`; exact over crashes."""

    partition: int
    offset: int
    classified: int
    duplicates: int
    dead_letters: int
    v: int = 1


AnyRecord = Article | Classification | Signal | Trend | DeadLetter | Progress
Record = TypeVar("Record", Article, Classification, Signal, Trend, DeadLetter, Progress)

DEAD_LETTER_CONTENT_CHARS = 4096
_encoder = msgspec.json.Encoder()
_decoders: dict[type, msgspec.json.Decoder] = {  # type: ignore[type-arg]
    kind: msgspec.json.Decoder(kind) for kind in (Article, Classification, Signal, Trend, DeadLetter, Progress)
}
CURRENT_VERSION = 1
_VERSION = msgspec.json.Decoder(msgspec.defstruct("_Versioned", [("v", int, CURRENT_VERSION)]))


def encode(record: AnyRecord) -> bytes:
    """The record as UTF-8 JSON; the same record gives the same bytes."""
    return _encoder.encode(record)


def decode(kind: type[Record], value: bytes, *, reason: DeadLetterReason = "not-json") -> Record:
    """The record that `value` holds.

    Raises:
        RecordError: if it is not JSON, lacks a field, has a field of a wrong type, or is of a newer version.
    """
    try:
        record: Record = _decoders[kind].decode(value)
    except msgspec.ValidationError as error:
        raise RecordError(
            f"not a {kind.__name__}: {error}", reason=reason if reason != "not-json" else "not-an-article"
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # RecursionError: thousands of brackets in a field that nobody reads are bad data, not a reason to end.
        raise RecordError(f"not JSON: {error}", reason="not-json") from error
    if record.v > CURRENT_VERSION:
        raise RecordError(
            f"record of version {record.v}", reason="newer-version", expected=f"a version up to {CURRENT_VERSION}",
            todo="upgrade this process before the writers",
        )  # fmt: skip
    return record


def pair_key(source: str, partner: str) -> str:
    """`BLR-RUS`: how a directed pair is written everywhere."""
    return f"{source}-{partner}"


def home_key(source: str, partner: str) -> bytes:
    """What picks the partition of a fact: both directions of a pair, and so all copies of a story about it, live in one."""
    return "-".join(sorted((source, partner))).encode()


def fact_key(pair: str, article_id: str) -> bytes:
    """Key of a fact on `signals`."""
    return f"{pair}|{article_id}".encode()


def split_fact_key(key: bytes) -> tuple[str, str]:
    """(pair, article id) of a fact's key.

    Raises:
        RecordError: if `key` is not a fact's key.
    """
    pair, bar, article_id = key.decode("utf-8", "replace").partition("|")
    if not bar or "-" not in pair or not article_id:
        raise RecordError(f"not the key of a fact: {key[:80]!r}", reason="not-a-signal", expected="source-partner|article id")
    return pair, article_id


def trend_key(pair: str, week: str) -> bytes:
    """Key of a pair's week on `trends`."""
    return f"{pair}|{week}".encode()


_NOT_WORD = re.compile(r"[\W_]+")


def story_fingerprint(title: str, text: str) -> str:
    """Story id of an article: equal for copies that differ in case, punctuation and white space only. 16 hex digits."""
    body = _NOT_WORD.sub(" ", unicodedata.normalize("NFKC", f"{title} {text}").casefold()).strip()
    return hashlib.blake2b(body.encode(), digest_size=8).hexdigest()
