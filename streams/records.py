"""The wire format: every record that stands on a topic, its version, its key, and how it is read and written.

Values are JSON (msgspec). A reader accepts every version up to its own and refuses a newer one with a reason; unknown
fields are ignored, so that a newer writer of the same version may add some.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Literal, TypeVar, get_args

import msgspec

from streams.errors import RecordError
from streams.marks import bounded_marks

#: Domain name under which every article counts, whatever else it touches.
ALL_DOMAINS = "all"

DeadLetterReason = Literal[
    "not-json", "not-an-article", "not-a-signal", "newer-version", "too-large", "not-utf8", "unreadable-line", "undeliverable",
    "classify-failed", "not-a-trend", "not-a-correction",
]  # fmt: skip
DEAD_LETTER_REASONS: tuple[str, ...] = DeadLetterReason.__args__  # type: ignore[attr-defined]

DateOrigin = Literal["published", "missing", "unreadable", "future", "absurd"]


class Article(msgspec.Struct, frozen=True, kw_only=True):
    """Topic `articles`, key: `id`. One revision of one article; a later record of the same id replaces it.

    `published` is event time. Where the sender's date could not be used, it is the arrival time, and `date_origin` says why.
    `origin` is whom the outlet has the text from (an agency, another paper), where it says so.
    """

    id: str
    title: str
    text: str
    published: str
    date_origin: DateOrigin = "published"
    outlet: str = ""
    url: str = ""
    language: str = ""
    author: str = ""
    origin: str = ""
    ingested: str = ""
    v: int = 1

    def digest(self) -> str:
        """32 hex digits of what a reader would see: equal for a repeated delivery, different for an edit.

        The arrival time is left out, so that an undated article sent twice is still the same article; author and origin are, since no
        fact depends on them.
        """
        published = self.published if self.date_origin == "published" else ""
        parts = (self.title, self.text, published, self.outlet, self.url)
        return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()


class Classification(msgspec.Struct, frozen=True, kw_only=True):
    """Topic `classifications`, key: article id. What the article was found to say, and which facts stand because of it.

    `pairs` and `offset` are what the classify stage needs to take facts back when an edit no longer supports them. `correction` says
    which corrections the facts reflect (`streams.corrections.overlay.mark_of`); labels, `decided` and domains are the model's all the same.
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
    correction: str = ""
    v: int = 1


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """Topic `corrections`, key: `source-partner|article id`, partitioned by the article id. What a person says an article means for a pair.

    The newest record of a key holds. One without a pair (key `|article id`) takes the place of all that was said of the article before.

    Attributes:
        pair: `BLR-RUS`, directed; empty for every pair of the article: then it carries no label.
        labels: those that the article carries for the pair; empty for none.
        domains: what the article is about as far as the pair goes; empty where the model's word holds.
        sentence: what shows it in the text; empty for the sentence that the model would cite.
        digest: `Article.digest` of the revision that was read.
        by, why, at: who says so, for what reason, when.
        withdrawn: whether nothing holds from here on: the model's word does again.
    """

    article_id: str
    pair: str
    labels: list[str]
    digest: str
    by: str
    why: str
    at: str
    domains: list[str] = []
    sentence: str = ""
    withdrawn: bool = False
    v: int = 1


class LabelFact(msgspec.Struct, frozen=True, kw_only=True):
    """One label of one fact: how sure, by which sentence, by which words."""

    probability: float
    evidence: str
    terms: list[str]


#: Most hashes in each part of a sketch, and in its title.
SKETCH_HASHES = 24
SKETCH_TITLE_HASHES = 8


class Sketch(msgspec.Struct, frozen=True, kw_only=True):
    """What copies of an article are known by (see `streams/classify/sketch.py`). Each part: rising 32-bit hashes, big-endian.

    Attributes:
        title: of the title's words.
        lead: of the runs of two words in the first 60 words of the text.
        whole: of the runs of three words in the text; empty for a text of fewer than 60 words.
        numbers: of the words with a digit in the text.
    """

    title: bytes
    lead: bytes
    whole: bytes
    numbers: bytes


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """Topic `signals`, key: `source-partner|article id`, partitioned by the unordered pair. THE fact.

    A record without a value (a tombstone) takes the fact back. `labels` is empty for an article that is about the pair but
    carries no signal: it counts in the exposure. `story_id` is the same for
    articles of the same text; `sketch` tells other copies, and is missing where the text is too short for it or an older version
    wrote the record. `corrected` says who corrected the labels; empty where they are the model's. `dated` is false where `published`
    is the time of arrival, since the article had no date that could be used.
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
    origin: str = ""
    sketch: Sketch | None = None
    corrected: str = ""
    dated: bool = True
    v: int = 1


class SealedText(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """The text of a sealed fact that is evidence; `told`: label -> (sentence, terms)."""

    title: str
    outlet: str
    url: str
    told: dict[str, tuple[str, list[str]]]
    origin: str = ""
    corrected: str = ""


class SealedFact(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Topic `sealed`, key: that of the fact on `signals`. A fact of a week of long ago, reduced to what counting needs.

    An array, not an object: there are millions of them. New fields go to the end.

    Attributes:
        labels: label -> probability.
        offset: where on `signals` the fact stood that this one reduces.
        text: None where no evidence needs it.
        sketch: the parts of the fact's `Sketch`, in their order: a late copy of the article must still be known as one.
    """

    v: int = 1
    source: str
    partner: str
    article_id: str
    published: str
    week: str
    story_id: str
    domains: list[str]
    labels: dict[str, float]
    offset: int
    text: SealedText | None = None
    sketch: tuple[bytes, bytes, bytes, bytes] | None = None
    dated: bool = True


class Count(msgspec.Struct, frozen=True):
    """How many stories (copies folded) and how many articles."""

    stories: int = 0
    articles: int = 0


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One article that stands behind a count.

    Attributes:
        origin: whom the outlet has the text from, where it says so.
        story_id: the earliest article of the story that it tells; empty where the writer did not say.
        articles: how many articles about the pair tell that story in the week, this one among them.
        corrected: who corrected its labels; empty where they are the model's.
    """

    article_id: str
    title: str
    outlet: str
    url: str
    published: str
    probability: float
    sentence: str
    terms: list[str]
    origin: str = ""
    story_id: str = ""
    articles: int = 1
    corrected: str = ""


#: `Trend.latest` of a week in which no article has a date of its own; less than any date.
UNDATED = "-"


class Trend(msgspec.Struct, frozen=True, kw_only=True):
    """Topic `trends`, key: `source-partner|week`. The absolute state of one pair's week; replaces the record before it.

    Numerators and denominators stand in one record, so that no reader ever sees a share of two different moments.

    Attributes:
        exposure: domain (and `all`) -> articles about the pair, with or without a signal.
        counts: label -> domain (and `all`) -> articles that carry the label; only cells that are not zero.
        evidence: label -> the most telling stories, best first, bounded.
        latest: the newest publication in it (event time), of articles that have a date; `UNDATED` where none has one; empty where the
            writer did not say.
    """

    source: str
    partner: str
    week: str
    exposure: dict[str, Count]
    counts: dict[str, dict[str, Count]]
    evidence: dict[str, list[Evidence]]
    latest: str = ""
    v: int = 1


class BreakEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """One article to look at for a break: of the weeks since it began, or (where the signal became rarer) of those before."""

    week: str
    side: Literal["before", "after"]
    article_id: str
    title: str
    url: str
    outlet: str
    probability: float


class TrendBreak(msgspec.Struct, frozen=True, kw_only=True):
    """One break of one series, as it was known when it was said.

    Attributes:
        start, alarm: the first week of the new level, estimated; the closed week whose counts raised the alarm.
        probability: that the level jumped, in the week of the alarm; `probability_now`: when it was about nine weeks old, or now.
        size, size_low, size_high: share after / share before, with a 90 % interval.
        weeks_for, weeks_against: weeks from `start` to `alarm` on the new side of the middle, and on the old one.
        evidence: articles to look at, bounded.
    """

    start: str
    alarm: str
    direction: Literal["up", "down"]
    probability: float
    probability_now: float
    size: float
    size_low: float
    size_high: float
    weeks_for: int
    weeks_against: int
    evidence: list[BreakEvidence]


class EarlyWord(msgspec.Struct, frozen=True, kw_only=True):
    """A running week that is out of the ordinary already: a jump or an event, the next weeks tell which. Never an alarm."""

    week: str
    probability: float
    direction: Literal["up", "down"]


class TrendStanding(msgspec.Struct, frozen=True, kw_only=True):
    """Topic `breaks`, key: `source-partner|signal|domain`. How one series stands after its last closed week; all of its breaks.

    Attributes:
        week: the last closed week.
        status: one of `streams.trends.status.STATUSES`; `age_weeks`: for how long it has been so, 12 meaning 12 or more.
        share, share_low, share_high: of the last 13 weeks with news, with a 90 % interval, 0 to 1.
        rate: stories with the signal a week, over the last 26 weeks with news.
        persistence_4, persistence_8: probability that the status still holds so many weeks on.
        shift_kept: how much of the last break's shift the last 4 weeks keep; None without a break in the last 8 weeks.
        breaks: every break, by alarm.
    """

    source: str
    partner: str
    signal: str
    domain: str
    week: str
    status: str
    age_weeks: int
    share: float
    share_low: float
    share_high: float
    rate: float
    persistence_4: float
    persistence_8: float
    shift_kept: float | None = None
    early: EarlyWord | None = None
    breaks: list[TrendBreak]
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
    """Topic `progress`, key: partition of `articles`. What became of every record up to `offset`; exact over crashes.

    `forgotten` are records without a value, each of which ended an article; `skipped` are articles of weeks that the edition leaves out.
    """

    partition: int
    offset: int
    classified: int
    duplicates: int
    dead_letters: int
    forgotten: int = 0
    skipped: int = 0
    v: int = 1


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """Topic `audit`, key: `by`. What somebody did that changes what others see; noted before it is done, and never changed.

    Attributes:
        by: the name of a token, what `--by` said, or the operator of a machine as `ann@host`.
        did: a verb, such as corrected, withdrew, forgot, switched to, dropped, made, revoked.
        subject: to what; an article by a digest of its id (`streams.deeds.article_mark`), so that nothing stays of what is erased.
        why: as it was given; empty for corrections, whose reason stands on `corrections` as long as they are in force.
    """

    at: str
    by: str
    did: str
    subject: str
    why: str = ""
    v: int = 1


class Edition(msgspec.Struct, frozen=True, kw_only=True):
    """Topic `editions`, key: `name`. One history of counts, all by one model. Which one is shown is a function of all records (`turn`).

    Attributes:
        model: version of the model whose word it holds; empty for `live`, which holds that of whatever model its workers run.
        folder: where that model lay when the edition was made; empty for the one that ships with Bellwether.
        encoder: whether the model reads with its encoder.
        since: the first ISO week that it counts; empty for all.
        made: when it was made, in UTC.
        turn: the edition with the highest turn is the one that is shown; 0 for one that never was.
        shown: when it was last switched to, in UTC; empty for never.
    """

    name: str
    model: str = ""
    folder: str = ""
    encoder: bool = True
    since: str = ""
    made: str
    turn: int = 0
    shown: str = ""
    v: int = 1


class FeedStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Topic `feeds`, key: the feed's URL. How one feed is, after its last fetch; replaces the record before it.

    Attributes:
        state: `waiting`: not asked yet; `good`; `failing`; `gone`: its server says so; `off`: no longer read.
        newest: the newest publication in it.
        silent_at: when it counts as silent unless something is published before; empty for never. Whoever reads this needs a clock
            only, no knowledge of the feed's weekends.
        lag_seconds: from publication to arrival of its new entries, smoothed; None before any came.
        read, new, revisions, duplicates, rejected: entries so far; the first is the sum of the others.
    """

    url: str
    name: str
    outlet: str
    state: Literal["waiting", "good", "failing", "gone", "off"]
    group: str = ""
    asked: str = ""
    last_success: str = ""
    next_due: str = ""
    interval_seconds: float = 0.0
    newest: str = ""
    silent_at: str = ""
    lag_seconds: float | None = None
    failures: int = 0
    error_kind: str = ""
    error: str = ""
    moved_to: str = ""
    read: int = 0
    new: int = 0
    revisions: int = 0
    duplicates: int = 0
    rejected: int = 0
    v: int = 1


def refused(error: RecordError, *, where: str, content: bytes, at: str) -> DeadLetter:
    """The dead letter of a record that a stage could not use, cut to its bounds.

    Args:
        error: why; its reason is one of `DEAD_LETTER_REASONS`.
        where: `topic/partition/offset`.
        content: the record's value.
        at: when it was found, as `format_utc` writes it.
    """
    reason: DeadLetterReason = error.reason  # type: ignore[assignment]
    text = content.decode("utf-8", "replace")[:DEAD_LETTER_CONTENT_CHARS]
    return DeadLetter(reason=reason, where=where, detail=error.what, content=text, at=at)


AnyRecord = (
    Article
    | Classification
    | Correction
    | Signal
    | SealedFact
    | Trend
    | TrendStanding
    | DeadLetter
    | Progress
    | FeedStatus
    | Edition
    | Act
)
Record = TypeVar("Record", bound=AnyRecord)

DEAD_LETTER_CONTENT_CHARS = 4096
_encoder = msgspec.json.Encoder()
_decoders: dict[type, msgspec.json.Decoder] = {  # type: ignore[type-arg]
    kind: msgspec.json.Decoder(kind) for kind in get_args(AnyRecord)
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


def split_pair(pair: str) -> tuple[str, str]:
    """(source, partner) of `pair_key`.

    >>> split_pair("BLR-RUS")
    ('BLR', 'RUS')
    """
    source, partner = pair.split("-", 1)
    return source, partner


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


def correction_key(pair: str, article_id: str) -> bytes:
    """Key of a correction; `pair` is empty for one of every pair."""
    return f"{pair}|{article_id}".encode()


def trend_key(pair: str, week: str) -> bytes:
    """Key of a pair's week on `trends`."""
    return f"{pair}|{week}".encode()


def standing_key(pair: str, signal: str, domain: str) -> bytes:
    """Key of a series on `breaks`."""
    return f"{pair}|{signal}|{domain}".encode()


_NOT_WORD = re.compile(r"[\W_]+")


def story_fingerprint(title: str, text: str) -> str:
    """Story id of an article: equal for copies that differ in case, punctuation and white space only. 16 hex digits."""
    body = _NOT_WORD.sub(" ", unicodedata.normalize("NFKC", bounded_marks(f"{title} {text}")).casefold()).strip()
    return hashlib.blake2b(body.encode(), digest_size=8).hexdigest()
